"""Private texts, of titles, chapters and short paragraphs in every format: no word of one is in none of its stories."""

import re
from dataclasses import dataclass
from html import escape

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Book, Document
from storytime_tui.corpus.formats.markdown import read_markdown
from storytime_tui.corpus.formats.markup import read_html

NOUNS = (
    "goose",
    "lamp",
    "moth",
    "miller",
    "pike",
    "heron",
    "almanac",
    "thread",
    "button",
    "snow",
    "bell",
    "gate",
)
VERBS = ("kept", "asked", "found", "lost", "minded", "drew", "called", "passed")
nouns = st.sampled_from(NOUNS)
sentences = st.builds(
    lambda a, verb, b, end: f"{a.capitalize()} {verb} the {b}{end}",
    nouns, st.sampled_from(VERBS), nouns, st.sampled_from([".", "!", "?", ":", " again.", ""]),
)  # fmt: skip
long = st.lists(sentences.map(lambda one: one.rstrip(".!?:") + "."), min_size=3, max_size=9).map(" ".join)
verse = st.lists(sentences, min_size=2, max_size=4).map("\n".join)
paragraphs = st.one_of(sentences, sentences.map(lambda one: f'"{one}"'), long, long, verse)
titles = st.one_of(
    st.builds(lambda a: f"The {a.capitalize()}", nouns),
    st.builds(lambda a, b: f"The {a.capitalize()} and the {b.capitalize()}", nouns, nouns),
    st.builds(lambda a: f"THE {a.upper()}", nouns),
)
numbers = st.sampled_from(
    ["Chapter {}", "CHAPTER {}", "{}", "{}.", "Chapter {}: {title}", "{}. {title}", "{title}"]
)
bylines = st.sampled_from(["", "", "by Ann Other", "By A. N. Other"])
fronts = st.sampled_from(["", "For Molly, who asked.", "In which nobody wins.", "Preface", "A Tale of Snow"])
frames = st.sampled_from(["Prologue", "EPILOGUE", "Preface", "Notes"])


@dataclass(frozen=True)
class Piece:
    """A heading (level 1 to 3) or (level 0) a paragraph."""

    text: str
    level: int = 0


@st.composite
def texts(draw: st.DrawFn) -> list[Piece]:
    """A title, whatever may stand under it, and chapters or tales of a few paragraphs, some without any."""
    names = draw(st.lists(titles, min_size=10, max_size=10, unique_by=str.casefold))  # a half-title may go
    pieces = [Piece(names.pop(), 1)] if draw(st.booleans()) else []
    pieces += [Piece(draw(bylines)), Piece(draw(fronts))] if pieces else []
    pieces += [Piece(one) for one in draw(st.lists(paragraphs, max_size=2))]
    pattern = draw(numbers)
    level = draw(st.integers(1, 2))
    for number in range(1, draw(st.integers(0, 4)) + 1):
        heading = pattern.format(number, title=names.pop())
        pieces.append(Piece(draw(st.one_of(st.just(heading), frames)) if number == 1 else heading, level))
        pieces += [Piece(one) for one in draw(st.lists(paragraphs, max_size=3))]
        if draw(st.booleans()):
            pieces.append(Piece(names.pop(), 3))
            pieces += [Piece(one) for one in draw(st.lists(paragraphs, max_size=2))]
    return [piece for piece in pieces if piece.text]


def plain(pieces: list[Piece], wide: int) -> Document:
    return Document(
        "".join(("\n" * (wide if piece.level else 2)) + piece.text for piece in pieces).lstrip() + "\n"
    )


def markdown(pieces: list[Piece]) -> Document:
    shown = [
        f"{'#' * piece.level} {piece.text}" if piece.level else piece.text.replace("\n", "  \n")
        for piece in pieces
    ]
    return read_markdown("\n\n".join(shown), "tale.md")


def html(pieces: list[Piece]) -> Document:
    body = ""
    for piece in pieces:
        tag = f"h{piece.level}" if piece.level else "p"
        body += f"<{tag}>{escape(piece.text).replace(chr(10), '<br>')}</{tag}>"
    return read_html(
        f"<html><head><title>My Page | My Site</title></head><body>{body}</body></html>", "t.html"
    ).document


def words(text: str) -> list[str]:
    """The words of a text, without the numbers of chapters (nor "Chapter" itself)."""
    return [
        word
        for word in re.findall(r"\w+", text.casefold())
        if word not in ("chapter", "by") and not word.isdigit()
    ]


def told(book: Book) -> list[str]:
    """Every word of the texts, of the titles, of the chapters' titles, and of the author; each where it is once."""
    said = words(book.author)
    if book.title not in [tale.title for tale in book.tales]:
        said += words(book.title)
    for tale in book.tales:
        said += words(tale.title) + words(tale.text)
        for chapter in tale.chapters:
            said += words(chapter.title)
    return said


def missing(document: Document) -> dict[str, int]:
    """The words of a document that its stories have less often than it has, and how many are wanting."""
    found = told(read_book(document))
    wanted = words(document.text)
    return {
        word: wanted.count(word) - found.count(word)
        for word in set(wanted)
        if wanted.count(word) > found.count(word)
    }


@given(texts(), st.integers(2, 5))
def test_no_word_of_a_plain_text_is_lost(pieces: list[Piece], wide: int) -> None:
    assert missing(plain(pieces, wide)) == {}


@given(texts())
def test_no_word_of_a_markdown_text_is_lost(pieces: list[Piece]) -> None:
    assert missing(markdown(pieces)) == {}


@given(texts())
def test_no_word_of_a_page_is_lost(pieces: list[Piece]) -> None:
    assert missing(html(pieces)) == {}
