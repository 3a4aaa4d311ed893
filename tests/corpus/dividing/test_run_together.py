"""Tales in one file, parted by rows of signs, THE END or their authors' names, and stories in scenes, which are one."""

import re
import textwrap
from html import escape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.account import account_of
from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.dividing.pieces import row_in
from storytime_tui.corpus.document import Book
from storytime_tui.corpus.formats.plain import plain_document
from storytime_tui.corpus.formats.read import read_document
from tests.corpus.invented_tales import BUTTONS, ECHOES, HERON
from tests.examples import many


def _told(text: str) -> str:
    """A tale's paragraphs, wrapped; its verse is left out."""
    paragraphs = [" ".join(each.split()) for each in textwrap.dedent(text).strip().split("\n\n")]
    return "\n\n".join(textwrap.fill(each, 70) for each in paragraphs if not each.startswith("|"))


PROSE = (_told(ECHOES), _told(HERON), _told(BUTTONS))
TITLES = ("The Baker's Echo", "Why the heron stands alone", "Three Buttons")
TALES = tuple(f"{title}\n\n{prose}" for title, prose in zip(TITLES, PROSE, strict=True))


def read(text: str) -> Book:
    return read_book(plain_document(text))


def titles(text: str) -> list[str]:
    return [tale.title for tale in read(text).tales]


def words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"\w+", text)}


# -- rows of signs ----------------------------------------------------------------------------------------

ROWS = ["***", "* * *", "---", "# # #", "~", "=====", "\u2042", "* * * * * * * * * *", "-----------------"]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("gap", ["\n\n", "\n", "\n\n\n"])
def test_titled_tales_between_rows_come_apart(row: str, gap: str) -> None:
    book = read(f"\n{gap}{row}{gap}".join(TALES))
    assert [tale.title for tale in book.tales] == list(TITLES)
    for tale, prose in zip(book.tales, PROSE, strict=True):
        assert tale.text.split() == prose.split()


def _page(text: str) -> str:
    """A web page of paragraphs and rules."""
    blocks = [" ".join(block.split()) for block in text.split("\n\n")]
    return "".join("<hr>" if block == "***" else f"<p>{escape(block)}</p>" for block in blocks)


@pytest.mark.parametrize("kind", ["md", "html"])
def test_rules_of_pages_and_markdown_part_titled_tales_too(kind: str, tmp_path: Path) -> None:
    text = "\n\n***\n\n".join(TALES)
    path = tmp_path / f"tales.{kind}"
    path.write_text(text if kind == "md" else _page(text))
    book = read_book(read_document(path))
    assert [tale.title for tale in book.tales] == list(TITLES)
    for tale, prose in zip(book.tales, PROSE, strict=True):
        assert tale.text.split() == prose.split()


@pytest.mark.parametrize("kind", ["md", "html"])
def test_rules_between_scenes_part_nothing_and_one_at_the_end_goes(kind: str, tmp_path: Path) -> None:
    text = "\n\n***\n\n".join([*PROSE, ""]).strip()
    path = tmp_path / f"tale.{kind}"
    path.write_text(text if kind == "md" else _page(text))
    (tale,) = read_book(read_document(path)).tales
    assert tale.text.count("* * *") == 2 and not tale.text.endswith("*")
    assert words(tale.text) == words(text)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{}", "{}"),
        ("**{}**", "{}"),
        ("_{}_", "{}"),
        ("~ {} ~", "{}"),
        ('"{}"', "{}"),
        ("\u201c{}\u201d", "{}"),
        ("          {}", "{}"),
    ],
)
def test_titles_may_be_written_in_many_ways(written: str, shown: str) -> None:
    names = ("The Lamp", "What the Goose Counted", "Three Buttons")
    parts = [f"{written.format(name)}\n\n{prose}" for name, prose in zip(names, PROSE, strict=True)]
    assert titles("\n\n* * *\n\n".join(parts)) == [shown.format(name) for name in names]


def test_tales_with_numbers_come_apart_unless_one_hero_is_in_all() -> None:
    tales = [f"{n}. {tale}" for n, tale in enumerate(TALES, 1)]
    assert titles("\n\n***\n\n".join(tales)) == list(TITLES)
    chapters = [tale.replace("\n\n", "\n\nThen old Osric woke. ", 1) for tale in tales]
    (novel,) = read("\n\n***\n\n".join(chapters)).tales
    assert [chapter.title for chapter in novel.chapters] == list(TITLES)


@pytest.mark.parametrize(
    "above", ["===========\n{}\n===========", "===========\n\n{}\n\n===========", "{}\n--------"]
)
def test_titles_between_rows_or_above_one(above: str) -> None:
    parts = [f"{above.format(title)}\n\n{prose}" for title, prose in zip(TITLES, PROSE, strict=True)]
    assert titles("\n\n".join(parts)) == list(TITLES)


@pytest.mark.parametrize(
    ("head", "title", "author"),
    [
        ("Winter Tales\n\n\n", "Winter Tales", ""),
        ("WINTER TALES\nby Ann Other\n\n", "Winter Tales", "Ann Other"),
        ("Winter Tales\n\nby Ann Other\n\n***\n\n", "Winter Tales", "Ann Other"),
        ("The Long Road\n\n***\n\n", "The Long Road", ""),
    ],
)
def test_a_title_above_all_tales_is_the_books(head: str, title: str, author: str) -> None:
    book = read(head + "\n\n***\n\n".join(TALES))
    assert (book.title, book.author) == (title, author)
    assert [tale.title for tale in book.tales] == list(TITLES)


def test_an_introduction_is_kept_apart_from_the_tales() -> None:
    intro = "I wrote these in a barn, and they are all true as far as I can tell."
    book = read(f"Winter Tales\n\n{intro}\n\n" + "\n\n***\n\n".join(TALES))
    assert [tale.title for tale in book.tales] == ["Winter Tales", *TITLES]
    assert book.tales[0].text == intro


def test_scenes_and_chapters_within_a_tale_stay_in_it() -> None:
    scenes = [f"{tale}\n\n* * *\n\n{prose}" for tale, prose in zip(TALES, PROSE[::-1], strict=True)]
    book = read("\n\n==========\n\n".join(scenes))
    assert [tale.title for tale in book.tales] == list(TITLES)
    assert all("\n\n* * *\n\n" in tale.text for tale in book.tales)
    chapters = [
        f"{title}\n\nI\n\n{prose}\n\nII\n\n{prose}" for title, prose in zip(TITLES, PROSE, strict=True)
    ]
    book = read("\n\n***\n\n".join(chapters))
    assert [(tale.title, len(tale.chapters)) for tale in book.tales] == [(title, 2) for title in TITLES]


def test_a_scene_without_a_title_belongs_to_the_tale_before_it() -> None:
    names = [
        f"{noun} of the {place}" for noun in ("The Lamp", "The Goose") for place in ("Hill", "Sea", "Fair")
    ]
    parts = [f"{name}\n\n{PROSE[n % 3]}" for n, name in enumerate(names)]
    book = read("\n\n***\n\n".join([*parts[:4], PROSE[0], *parts[4:]]))
    assert [tale.title for tale in book.tales] == names
    assert book.tales[3].text.count("* * *") == 1


@pytest.mark.parametrize(
    "firsts",
    [
        ("", "", ""),
        ("It rained.\n\n", "Nobody came.\n\n", "The bell rang.\n\n"),
        ('"Hush," said the cat.\n\n', '"Why?"\n\n', '"No reason," he said.\n\n'),
        ("Dear Mole,\n\n", "Dear Rat,\n\n", "My dear Mole,\n\n"),
        ("", "Silence\n\n", ""),
        ("London, 1889\n\n", "Paris, 1890\n\n", "London, 1891\n\n"),
        ("Monday\n\n", "Tuesday\n\n", "The next morning\n\n"),
        ("Three days later\n\n", "Meanwhile\n\n", "An hour before\n\n"),
        ("Anna\n\n", "Ben\n\n", "Anna\n\n"),
        ("Chapter 1\n\n", "Chapter 2\n\n", "Chapter 3\n\n"),
        ("CHAPTER I. The Oven\n\n", "CHAPTER II. The River\n\n", "CHAPTER III. The Fair\n\n"),
        ("Prologue\n\n", "", "Epilogue\n\n"),
    ],
)
@pytest.mark.parametrize("row", ["***", "* * *", "---", "#"])
def test_a_story_in_scenes_is_one(firsts: tuple[str, ...], row: str) -> None:
    scenes = [first + prose for first, prose in zip(firsts, PROSE, strict=True)]
    (tale,) = read("The Long Winter\n\n" + f"\n\n{row}\n\n".join(scenes)).tales
    assert tale.title == "The Long Winter"
    assert all(" ".join(prose.split()) in " ".join(tale.text.split()) for prose in PROSE)


def test_named_chapters_with_one_hero_under_one_title_are_one_story() -> None:
    chapters = [
        f"{title}\n\nThen old Osric woke. {prose}" for title, prose in zip(TITLES, PROSE, strict=True)
    ]
    (tale,) = read("The Long Winter\nby Ann Other\n\n" + "\n\n***\n\n".join(chapters)).tales
    assert tale.title == "The Long Winter"


@pytest.mark.parametrize(
    "last",
    ["About the Author\n\nAnn lives in a barn.", "A Note from Ann\n\nI live in a barn.", "P.S.\n\nIt rang."],
)
def test_a_note_after_a_row_is_no_tale(last: str) -> None:
    (tale,) = read(f"{TALES[0]}\n\n***\n\n{last}").tales
    assert tale.title == TITLES[0]
    assert tale.text.endswith(last.partition("\n\n")[2])


@pytest.mark.parametrize(
    ("line", "signs"),
    [
        ("* * *", "***"),
        (" -- ", "--"),
        ("...", ""),
        ("?!", ""),
        ('"', ""),
        ("", ""),
        ("* 3 *", ""),
        ("[*]", ""),
    ],
)
def test_rows_are_signs_that_nobody_says(line: str, signs: str) -> None:
    assert row_in(line) == signs


# -- THE END and authors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end", ["THE END", "The End.", "Fin", "END", "*** THE END ***", "~ Fin ~", "Ende", "Finis"]
)
@pytest.mark.parametrize("by", ["\nby {}\n\n", "\n\nBy {}\n\n", "\n\n\nby\n\n{}\n\n"])
def test_signed_tales_run_together_come_apart(end: str, by: str) -> None:
    authors = ["Ann Other", "J. R. Mole", "Ben de Vries"]
    parts = [
        f"{title}{by.format(author)}{prose}\n\n{end}"
        for title, author, prose in zip(TITLES, authors, PROSE, strict=True)
    ]
    document = plain_document("\n\n".join(parts))
    book = read_book(document)
    assert [tale.title for tale in book.tales] == list(TITLES)
    assert book.author == ""
    for tale, prose in zip(book.tales, PROSE, strict=True):
        assert tale.text.split() == prose.split()
    account, _ = account_of("tales.txt", document, book)
    assert {each.reason for each in account.omitted} <= {"author", "end of the text"}


def test_one_author_of_all_tales_is_the_books() -> None:
    parts = [
        f"{title}\nby Ann Other\n\n{prose}\n\nTHE END" for title, prose in zip(TITLES, PROSE, strict=True)
    ]
    book = read("\n\n\n".join(parts))
    assert (len(book.tales), book.author) == (3, "Ann Other")


@pytest.mark.parametrize(
    ("names", "by", "end"),
    [
        (("Der M\u00fcller", "Die Gans am Tor", "Drei Kn\u00f6pfe"), "von Anna M\u00fcller", "ENDE"),
        (("Le Loup", "La reine des neiges", "Trois boutons"), "par Jeanne Dupont", "FIN"),
        (
            ("\u041b\u0430\u043c\u043f\u0430", "\u0413\u0443\u0441\u044c", "\u0422\u0440\u0438"),
            "",
            "\u041a\u043e\u043d\u0435\u0446",
        ),
        (("\ub4f1\ub300\uc9c0\uae30", "\uac70\uc704", "\ub2e8\ucd94 \uc138 \uac1c"), "", "\ub05d"),
    ],
)
def test_the_end_in_other_languages(names: tuple[str, ...], by: str, end: str) -> None:
    parts = [f"{name}\n{by}\n\n{prose}\n\n{end}" for name, prose in zip(names, PROSE, strict=True)]
    book = read("\n\n".join(parts))
    assert [tale.title for tale in book.tales] == list(names)
    assert book.author == by.partition(" ")[2]
    assert not any(end in tale.text for tale in book.tales)


@pytest.mark.parametrize("gap", ["\n\n", "\n\n\n\n"])
def test_names_of_authors_alone_tell_where_tales_begin(gap: str) -> None:
    names = ("Who goes there?", "The Bell!", "...And Then")
    parts = [f"{name}\nby Ann Other\n\n{prose}" for name, prose in zip(names, PROSE, strict=True)]
    assert titles(gap.join(parts)) == list(names)


def test_words_after_the_last_end_stay_with_the_last_tale() -> None:
    last = "Thank you for reading these tales to the very last word."
    book = read("\n\n".join(f"{tale}\n\nThe End" for tale in TALES) + f"\n\n{last}")
    assert [tale.title for tale in book.tales] == list(TITLES)
    assert book.tales[-1].text.endswith(last)


@pytest.mark.parametrize(
    "text",
    [
        f"{TALES[0]}\n\nThis was not\nthe end\nof it, for {PROSE[1]}",
        f"{TALES[0]}\n\nTHE END\n\nP.S. It rang.",
        f"{TALES[0]}\n\nTHE END\n\n{PROSE[1]}\n\nTHE END",
        f"The Long Winter\nby Ann Other\n\n{PROSE[0]}\n\nThe Long Winter\nby Ann Other\n\n{PROSE[1]}",
    ],
)
def test_one_story_is_not_divided_at_its_end(text: str) -> None:
    assert len(titles(text)) == 1


@settings(max_examples=many(60), deadline=None)
@given(
    st.lists(
        st.sampled_from([*TALES, *PROSE, "THE END", "***", "by Ann Other", "The Bell", "---\nThe Lamp"]),
        max_size=12,
    )
)
def test_every_word_of_a_text_is_in_its_tales_or_accounted_for(parts: list[str]) -> None:
    document = plain_document("\n\n".join(parts))
    book = read_book(document)
    account, _ = account_of("tales.txt", document, book)
    assert {each.reason for each in account.omitted} <= {"author", "end of the text", "front matter"}
    for prose in PROSE:
        many = parts.count(prose) + sum(part.endswith(f"\n\n{prose}") for part in parts)
        first = " ".join(prose.split()[:6])
        told = " ".join(" ".join(tale.text.split()) for tale in book.tales)
        assert told.count(first) == many
    assert all(words(f"{tale.title} {tale.text}") <= words(document.text) for tale in book.tales)
