"""Markdown of MkDocs, Jekyll, Obsidian, Pandoc and others: their marks go and are named, the words stay."""

from pathlib import Path

import pytest

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.markdown import read_markdown
from storytime_tui.corpus.formats.read import read_document

TRIES = Path(__file__).parents[4] / "shared" / "tries" / "books"


def markdown(source: str) -> Document:
    return read_markdown(source, "tale.md")


def tried(name: str) -> Document | None:
    """A small file on which the program once failed, where these files are."""
    return read_document(TRIES / name) if (TRIES / name).exists() else None


def left_out(document: Document) -> list[tuple[str, str, str]]:
    return [(each.reason, each.place, each.text) for each in document.left_out]


# -- what is text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1986. It was a cold year.",
        "7) Seven geese.\n8) Eight geese.",
        "2.",
        "The sign said <whisper here> and nobody did.",
        "<Tom> I am late.",
        "<Mark> So am I. <Art> And I.",
        "3 < 5 and 7 > 2, said the goose. I <3 you.",
        "</Tom> he typed, <!-- and went on",
        "- Кто там?\n- Это я, лиса.",
        "- ¿Quién es?\n- Soy yo, la zorra.",
        "— Заходи, — сказала гусыня.",
        "– Who is it? –",
        "[Tom]: No.",
        "He said [no] and {yes}, and { perhaps }.",
        "#1 was the fox, AT&T the goose.",
        "He wrote ::: and !!! and ===, and left.",
    ],
)
def test_numbers_dashes_and_signs_of_a_text_stay(text: str) -> None:
    assert markdown(f"It rained.\n\n{text}\n\nIt stopped.\n").text == f"It rained.\n\n{text}\n\nIt stopped."


def test_html_stays_html_and_a_list_of_things_a_list() -> None:
    assert markdown(
        "It <b>rained</b>.<br>All day. <Q>Yes</Q>\n\n- a hat\n- Two shoes\n\n* Who? \n* I."
    ).text == ("It rained.\nAll day. “Yes”\n\na hat\nTwo shoes\n\nWho?\nI.")


def test_the_rows_of_text_that_was_taken_for_marks() -> None:
    for name, words in {
        "02_year_list.md": ("1986. It was a cold year", "1987. It was worse.", "2. And then"),
        "03_angle.md": ("<whisper here>", "<Tom> I am late.", "3 < 5 and 7 > 2"),
        "u7_dialogue_dash.md": ("- Кто там?\n- Это я", "— Заходи, — сказала", "1. Первый", "2. Второй ушёл."),
    }.items():
        document = tried(name)
        if document is not None:
            assert all(each in document.text for each in words)
            assert document.left_out == ()


def test_a_break_below_a_paragraph_is_no_heading() -> None:
    document = markdown("The fox ran.\n---\nThe goose sat.\n***\nThe End of It\n---\n\n~~~\n\nSo it was.")
    assert [document.text.split("\n")[heading.line] for heading in document.headings] == ["The End of It"]
    assert document.text == "The fox ran.\n\nThe goose sat.\n\nThe End of It\n\nSo it was."


def test_first_lines_that_are_set_in_are_no_code() -> None:
    source = "    Once there was a fox who\nhad a hat.\n\n\t“Where is it?” he said,\nand ran.\n"
    assert markdown(source).text == "Once there was a fox who had a hat.\n\n“Where is it?” he said, and ran."


# -- front matter -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("front", "title", "author"),
    [
        ("---\nlayout: post\ntitle:  The Hat\ntags:\n  - hat\n- fox\n# a remark\n---\n", "The Hat", ""),
        ('+++\ntitle = "The Hat"\n[extra]\nauthor = "A. Vole"\n+++\n', "The Hat", "A. Vole"),
        ("% The Hat\n% A. Vole; B. Rat\n% 1901\n", "The Hat", "A. Vole and B. Rat"),
        ("Title: The Hat\nAuthor: A. Vole\n\n", "The Hat", "A. Vole"),
    ],
)
def test_front_matter_of_every_kind_is_read_and_named(front: str, title: str, author: str) -> None:
    document = markdown(f"{front}\nIt rained.\n")
    assert (document.text, document.title, document.author) == ("It rained.", title, author)
    assert [each.reason for each in document.left_out] == ["front matter"]
    assert document.left_out[0].place == f"lines 1 to {front.strip().count(chr(10)) + 1}"


@pytest.mark.parametrize(
    "text",
    [
        "---\nOnce upon a time a fox lost his hat.\n\n---\n",
        "---\n\nTom: I am late.\n\n---\n\nSo he was.",
        "---\nTom: I am late.\nFox: So am I.\n---\n\nSo they were.",
        "---\n---\n\nIt rained.",
        "Fox: I am late.\nTom: No.\n\nSo he was.",
        "% of the geese flew away.",
    ],
)
def test_lines_of_a_tale_are_no_front_matter(text: str) -> None:
    said = markdown(text).text
    assert all(word in said for word in text.replace("-", " ").split())


def test_a_rule_on_the_first_line_parts_tales_as_those_after_it() -> None:
    document = markdown("---\n\nA fox lost his hat.\n\n---\n\nA goose could count.\n\nTo ten.\n")
    assert [tale.text for tale in read_book(document).tales] == [
        "A fox lost his hat.",
        "A goose could count.\n\nTo ten.",
    ]
    assert len(read_book(markdown("A fox.\n\n---\n\nA goose.\n")).tales) == 1
    row = tried("01_frontmatter_break.md")
    if row is not None:
        starts = [tale.text[:23] for tale in read_book(row).tales]
        assert starts == ["Once upon a time a fox ", "There was a goose who c", "A third tale begins her"]
        assert row.left_out == ()


# -- marks ------------------------------------------------------------------------------------------------


TIP = {"formatting mark": "tip\ndanger"}


@pytest.mark.parametrize(
    ("source", "text", "gone"),
    [
        ('!!! note ""\n    A hat for sale.\n\n    Two.', "A hat for sale.\n\nTwo.", {"formatting mark": "note"}),
        ('??? tip "Why?"\n\n    So.\n\n    !!! danger\n        Deep.', "Why?\n\nSo.\n\nDeep.", TIP),
        ("::: {.verse #v}\nHush.\n:::", "Hush.", {"formatting mark": "{.verse #v}"}),
        (":::tip[A hat]\nHush.\n:::\n::: danger Two\nNo.\n:::", "A hat\n\nHush.\n\nTwo\n\nNo.", TIP),
        ("> [!quote] A song\n> Hush.", "A song\n\nHush.", {"formatting mark": "quote"}),
        ("5 minutes\n{ .time-to-read }\nago", "5 minutes ago", {"formatting mark": "{ .time-to-read }"}),
        ("# One {#one .x}\n\nHush.\n{: .lead}", "One\n\nHush.", {"formatting mark": "{#one .x}\n{: .lead}"}),
        ("[Listen](a.mp3){ .button } [small]{.sc}", "Listen small", {"formatting mark": "{ .button }\n{.sc}"}),
        ("Hush. [^1]\n\n[^1]: a note\n    on", "Hush.", {"note mark": "[^1]", "note": "[^1]: a note\non"}),
        ("Hush^[a note].", "Hush.", {"note": "a note"}),
        ("<!-- more -->\n\nHush. <!-- no -->", "Hush.", {"formatting mark": "<!-- more -->"}),
        ("![Fox](fox.png)\n\nHush.", "Hush.", {"picture": "Fox"}),
        ("[[River|the river]], [[Tom]] ![[a.png]] %%no%% ==so==", "the river, Tom so", {"picture": "![[a.png]]"}),
        ("#river #bell\n\nHush. ^p1", "Hush.", {"tags": "#river #bell", "formatting mark": "^p1"}),
        ("{% include a.html %}\nHush. {{< fig >}}", "Hush.", {"template mark": "{% include a.html %}\n{{< fig >}}"}),
        ("[TOC]\n\n\\newpage\n\nHush.", "Hush.", {"formatting mark": "[TOC]\n\\newpage"}),
        ("[a hat][h]\n\n[h]: http://x.y/z", "a hat", {"link target": "[h]: http://x.y/z"}),
        ("| Hush, said\n|   the vole.", "Hush, said\n  the vole.", {}),
        ("- [ ] a hat\n- [x] shoes", "a hat\nshoes", {}),
        ("~~no~~ `{.x}` yes", "no {.x} yes", {}),
    ],
)  # fmt: skip
def test_marks_of_a_dialect_go_and_its_words_stay(source: str, text: str, gone: dict[str, str]) -> None:
    document = markdown(source)
    assert document.text.replace("\xa0", " ") == text
    assert {reason: said for reason, _, said in left_out(document)} == gone


def test_what_is_left_out_is_found_by_its_lines() -> None:
    source = "---\ntitle: Hat\n---\n\nHush.[^1]\n\n<p class='caption'>A\nhat</p>\n\n[^1]: One\n[^2]: Two\n"
    assert left_out(markdown(source)) == [
        ("front matter", "lines 1 to 3", "---\ntitle: Hat\n---"),
        ("note mark", "line 5", "[^1]"),
        ("note", "lines 10 to 11", "[^1]: One\n[^2]: Two"),
        ("caption", "line 7", "A\nhat"),
    ]


def test_the_row_of_marks() -> None:
    document = tried("u6_mkdocs.md")
    if document is not None:
        lines = ["Tale", "5 minutes", "A hat for sale.", "The fox read the sign.", "Listen"]
        assert document.text == "\n\n".join([*lines, "- Who is there?\n- It is I.", "The end."])


@pytest.mark.parametrize(
    "piece",
    [
        "<Tom ",
        "<!-- ",
        "[^",
        "^[a",
        "{.a ",
        "{{",
        "!!! a\n    ",
        "[[",
        "| a\n",
        "> [!a] ",
        "==",
        "[a]: <",
        "%%",
        "- ",
        ":::\n",
    ],
)
@pytest.mark.timeout(60)
def test_many_marks_that_never_end_take_no_time(piece: str) -> None:
    assert markdown(piece * 3_000).text is not None
