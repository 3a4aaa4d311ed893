"""Texts that nobody published: their titles, authors, tales and chapters, and nothing of them thrown away."""

import pytest

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Book, Document
from storytime_tui.corpus.formats.markdown import read_markdown
from storytime_tui.corpus.formats.markup import read_html
from storytime_tui.corpus.formats.plain import plain_document

LONG = (
    "There was once a miller who had nothing left in the world but a mill, a cat, and a very good opinion of "
    "himself; and of these the cat was the only one that earned its keep, as it often told him.\n\n"
    "One morning the wind stopped. The miller looked at the sails, and the cat looked at the miller."
)


def plain(text: str) -> Book:
    return read_book(plain_document(text))


def markdown(text: str) -> Book:
    return read_book(read_markdown(text, "tale.md"))


def html(body: str, title: str = "Tales | My Site") -> Book:
    page = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
    return read_book(read_html(page, "tale.html").document)


def shown(book: Book) -> list[tuple[str, list[str]]]:
    return [(tale.title, [chapter.title for chapter in tale.chapters]) for tale in book.tales]


@pytest.mark.parametrize("chapter", ["CHAPTER {}", "Chapter {}", "{}", "{}.", "CHAPTER {}\n\nThe Mill"])
@pytest.mark.parametrize(
    "opening",
    ["It rained.", "In which nobody wins.", '"Hush," said the cat.\n\nNobody came.', LONG, "For Molly"],
)
def test_what_stands_under_the_title_begins_the_story(chapter: str, opening: str) -> None:
    chapters = "".join(f"\n\n{chapter.format(number)}\n\n{LONG}" for number in ("I", "II"))
    book = plain(f"The Miller's Winter\n\n{opening}{chapters}\n")
    (tale,) = book.tales
    assert (book.title, tale.title, len(tale.chapters)) == ("The Miller's Winter", "The Miller's Winter", 2)
    assert tale.text.startswith(f"{opening}\n\nThere was once")
    assert tale.chapters[0].start == len(opening) + 2


@pytest.mark.parametrize("name", ["Prologue", "PROLOGUE", "The Prologue"])
def test_a_prologue_of_a_line_is_a_chapter(name: str) -> None:
    text = f"The Bell\n\n{name}\n\nIt hung.\n\nChapter One\n\n{LONG}\n\nChapter Two\n\n{LONG}\n\nEpilogue\n\nIt rang."
    (tale,) = plain(text).tales
    assert [chapter.title for chapter in tale.chapters] == [
        "The Prologue" if name.startswith("The") else "Prologue", "Chapter One", "Chapter Two", "Epilogue"
    ]  # fmt: skip
    assert tale.text.startswith("It hung.") and tale.text.endswith("It rang.")


@pytest.mark.parametrize(
    ("head", "title", "author"),
    [
        ("The Bell\nby Ann Other", "The Bell", "Ann Other"),
        ("THE BELL\n\nby Ann Other", "The Bell", "Ann Other"),
        ("THE BELL\n\nBy\n\nA. N. OTHER", "The Bell", "A. N. Other"),
        ("Title: The Bell\nAuthor: Ann Other", "The Bell", "Ann Other"),
        ("Title: The Bell", "The Bell", ""),
        ("# The Bell", "The Bell", ""),
        ("THE BELL\n\nA Play in One Act\n\nby Ann Other", "The Bell: A Play in One Act", "Ann Other"),
        ("The Bell", "The Bell", ""),
    ],
)
@pytest.mark.parametrize("rest", [LONG, f"I\n\n{LONG}\n\nII\n\n{LONG}"])
def test_title_and_author_leave_the_text(head: str, title: str, author: str, rest: str) -> None:
    book = plain(f"{head}\n\n{rest}\n")
    (tale,) = book.tales
    assert (tale.title, book.author) == (title, author)
    assert tale.text.startswith("There was once")


@pytest.mark.parametrize(
    "line",
    ["By the sea it rained", "by and by it rained", "Bye", "By his own hand", "BY THE SEA", "By Moonlight"],
)
def test_not_every_line_with_by_is_an_author(line: str) -> None:
    book = plain(f"The Bell\n\n{line}\n\n{LONG}")
    assert book.author == ""
    assert book.tales[0].text.startswith(line)


def test_a_short_tale_among_others_is_one() -> None:
    tales = [("The Bell", LONG), ("The Joke", "Why did the hen?"), ("The Wood", LONG)]
    expected = [(title, []) for title, _ in tales]
    capitals = "".join(f"\n\n{title.upper()}\n\n{text}" for title, text in tales)
    marked = "".join(f"\n\n## {title}\n\n{text}" for title, text in tales)
    listed = "".join(f"\n{title}" for title, _ in tales)
    under = "".join(f"\n\n{title}\n\n{text}" for title, text in tales)
    for book in (
        plain(f"WINTER TALES{capitals}"),
        plain(f"WINTER TALES\n\n\n\n{capitals}".replace("\n\nTHE", "\n\n\n\n\nTHE")),
        plain(f"Winter Tales\n\nContents\n{listed}{under}"),
        markdown(f"# Winter Tales{marked}"),
        html("<h1>Winter Tales</h1>" + "".join(f"<h2>{title}</h2><p>{text}</p>" for title, text in tales)),
    ):
        assert shown(book) == expected
        assert book.title == "Winter Tales"
        assert book.tales[1].text == "Why did the hen?"
    assert shown(markdown(marked)) == shown(markdown(marked.replace("##", "#"))) == expected


def test_a_notice_in_capitals_is_no_tale() -> None:
    text = f"THE SIGN\n\n{LONG}\n\nOn the gate was written:\n\nBEWARE OF THE DOG\n\n{LONG}"
    assert shown(plain(text)) == [("The Sign", [])]
    letter = f"Letters\n\nDear Mole,\n\n{LONG}\n\nBADGER.\n\nP.S. Bring a bucket."
    assert shown(plain(letter)) == [("Letters", [])]


def test_numbers_in_a_list_and_over_chapters_are_told_apart() -> None:
    listed = "Contents\n\n1. The Rope\n2. The Fall"
    book = plain(f"The Bell\n\nFor Sam.\n\n{listed}\n\n1. The Rope\n\n{LONG}\n\n2. The Fall\n\n{LONG}")
    assert shown(book) == [("The Bell", ["The Rope", "The Fall"])]
    assert book.tales[0].text.startswith("For Sam.\n\nThere was")


def test_a_list_of_what_does_not_follow_stays() -> None:
    (tale,) = plain(f"The Box\n\nContents\n\nA hen\nA hat\n\n{LONG}").tales
    assert "A hen\nA hat" in tale.text


def test_a_play_keeps_what_is_to_be_seen() -> None:
    play = (
        "THE KING'S BREAKFAST\n\nPERSONS\n\nTHE KING\nA CAT\n\nACT I\n\nSCENE I. A kitchen.\n\nKING. Gone!\n\n"
        "[Exit KING.]\n\nSCENE II. The garden.\n\nCAT. [Aside] It was.\n\n[Exit CAT.]\n"
    )
    (tale,) = plain(play).tales
    assert tale.title == "The King's Breakfast"
    assert [chapter.title for chapter in tale.chapters] == [
        "Act I: Scene I: A kitchen",
        "Scene II: The garden",
    ]
    assert (
        tale.text
        == "PERSONS\n\nTHE KING\nA CAT\n\nKING. Gone!\n\n[Exit KING.]\n\nCAT. [Aside] It was.\n\n[Exit CAT.]"
    )


def test_text_after_the_end_stays_and_a_printer_goes() -> None:
    (tale,) = plain(f"The Bell\n\n{LONG}\n\nTHE END\n\nP.S. It rang.").tales
    assert tale.text.endswith("THE END\n\nP.S. It rang.")
    (tale,) = plain(f"The Bell\n\n{LONG}\n\nTHE END\n\nPRINTED BY N. O. BODY & CO.").tales
    assert tale.text.endswith("looked at the miller.")


# -- marked headings --------------------------------------------------------------------------------------


def test_levels_tell_tales_from_chapters() -> None:
    two = markdown(
        "# The Door\n\nIt stood.\n\n## One\n\nKnock.\n\n## Two\n\nIt opened.\n\n# The Sea\n\nIt saw."
    )
    assert shown(two) == [("The Door", ["One", "Two"]), ("The Sea", [])]
    one = markdown("# The Pot\n\nA pot sang.\n\n## Morning\n\nIt boiled.\n\n## Night\n\nIt slept.")
    assert shown(one) == [("The Pot", ["Morning", "Night"])]
    novel = markdown(
        f"# The Road\n\n*For Ann*\n\n## Chapter 1\n\n{LONG}\n\n## Chapter 2: The Bell\n\nIt rang."
    )
    assert shown(novel) == [("The Road", ["Chapter 1", "The Bell"])]
    assert novel.tales[0].text.startswith("For Ann")
    parts = markdown(
        f"# Hob\n\n## Part One\n\n### Chapter 1\n\n{LONG}\n\n## Part Two\n\n### Chapter 2\n\n{LONG}"
    )
    assert shown(parts) == [("Hob", ["Part One: Chapter 1", "Part Two: Chapter 2"])]


def test_a_dedication_is_kept_apart_from_the_tales() -> None:
    book = markdown(
        f"# Tales of the Marsh\n\n*by Jo Reed*\n\nTo my mother.\n\n## Heron\n\n{LONG}\n\n## Eel\n\n{LONG}"
    )
    assert [tale.title for tale in book.tales] == ["Tales of the Marsh", "Heron", "Eel"]
    assert (book.title, book.author, book.tales[0].text) == ("Tales of the Marsh", "Jo Reed", "To my mother.")


def test_the_only_first_heading_is_the_title_of_all() -> None:
    assert (
        read_book(read_markdown("---\ntitle: Mine\n---\n\n# One\n\nA.\n\n# Two\n\nB.", "a.md")).title
        == "Mine"
    )
    assert markdown("---\ntitle: Mine\n---\n\n# Yours\n\n## One\n\nA.\n\n## Two\n\nB.").title == "Yours"
    assert markdown("# Yours\n\n## One\n\nA.\n\n## Two\n\nB.").title == "Yours"


def test_a_heading_at_the_end_keeps_its_words() -> None:
    (tale,) = markdown("# The Bell\n\nIt rang.\n\n## The Rope\n\n").tales
    assert tale.text == "It rang.\n\nThe Rope"


# -- pages ------------------------------------------------------------------------------------------------


def test_a_page_is_called_by_its_heading() -> None:
    menu = '<div id="menu"><ul><li><a href="/">Home</a></li><li><a href="/a">About</a></li></ul></div>'
    page = f'{menu}<article><h1>The Three Bears</h1><p class="byline">by Robert Southey</p><p>{LONG}</p></article>'
    book = html(f"{page}<footer>Copyright 2020</footer>")
    assert shown(book) == [("The Three Bears", [])]
    assert (book.title, book.author) == ("The Three Bears", "Robert Southey")
    assert book.tales[0].text.startswith("There was once") and "2020" not in book.tales[0].text
    assert html(f"<p>{LONG}</p>").tales[0].title == "Tales | My Site"
    two = html(f"<header><h1>My Site</h1></header><main><h1>The Bears</h1><p>{LONG}</p></main>")
    assert two.title == "The Bears"


def test_a_book_of_project_gutenberg_is_called_as_its_page_says() -> None:
    book = html(f"<h1>ALICE</h1><p>{LONG}</p>", "The Project Gutenberg eBook of Alice, by Lewis Carroll")
    assert book.title == "Alice"


@pytest.mark.parametrize(
    "text", ["# one\ntwo", "It rained.\n\n# no", "#hash\n\nso", "# A\n\nb\n\n#tag c", "####### 7"]
)
def test_a_sign_that_marks_no_heading_stays(text: str) -> None:
    assert plain_document(text) == Document(text)
