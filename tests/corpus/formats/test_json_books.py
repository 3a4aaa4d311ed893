"""A book in JSON is one story with its chapters, and a list of stories stays a list of tales."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Book, Document
from storytime_tui.corpus.formats import json_sets
from storytime_tui.corpus.formats.read import read_document
from tests.examples import many

OWL = ["The owl sat on the old gate and looked at the moon.", "Then a mouse came by with a lamp."]
SNOW = ["Snow fell all night upon the mill.", "In the morning the miller sang to his cat."]
TEXT_1, TEXT_2 = "\n\n".join(OWL), "\n\n".join(SNOW)
CHAPTERS = [{"title": "The Owl", "text": TEXT_1}, {"title": "The Snow", "text": TEXT_2}]

SECTIONS = [
    {"heading": "The Owl", "body": TEXT_1},
    {"name": "The Snow", "paragraphs": [{"text": SNOW[0]}, {"text": SNOW[1]}]},
]


def read(value: Any) -> Document:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return json_sets.read_json(data, "a.json")


def shape(book: Book) -> list[tuple[str, list[str]]]:
    return [(tale.title, [chapter.title for chapter in tale.chapters]) for tale in book.tales]


@pytest.mark.parametrize(
    "value",
    [
        {"title": "The Mill", "author": "A. Reed", "chapters": CHAPTERS},
        {"name": "The Mill", "creator": "A. Reed", "Chapters": {"The Owl": OWL, "The Snow": TEXT_2}},
        {"book": {"title": "The Mill", "author": "A. Reed", "chapters": CHAPTERS}},
        [{"title": "The Mill", "author": "A. Reed", "sections": SECTIONS}],
        {
            "title": "The Mill",
            "author": "A. Reed",
            "chapters": ["The Owl\n\n" + TEXT_1, "The Snow\n\n" + TEXT_2],
        },
    ],
)
def test_a_book_with_chapters_is_one_story(value: Any) -> None:
    book = read_book(read(value))
    assert (book.title, book.author) == ("The Mill", "A. Reed")
    assert shape(book) == [("The Mill", ["The Owl", "The Snow"])]
    (tale,) = book.tales
    assert tale.text == f"{TEXT_1}\n\n{TEXT_2}"
    assert tale.text[tale.chapters[1].start :].startswith("Snow fell")


def test_parts_stand_before_their_first_chapter_and_an_opening_before_all() -> None:
    last = {"chapter": 3, "text": "It rained."}
    parts = [{"title": "Part I", "chapters": CHAPTERS}, {"title": "Part II", "chapters": [last]}]
    book = read_book(read({"title": "The Mill", "text": "A word to the reader.", "parts": parts}))
    assert shape(book) == [("The Mill", ["Part I: The Owl", "The Snow", "Part II: 3"])]
    assert book.tales[0].text.startswith("A word to the reader.\n\nThe owl")


@pytest.mark.parametrize(
    "value",
    [
        CHAPTERS,
        {"title": "Two Tales", "stories": CHAPTERS},
        {"title": "Two Tales", "tales": {"data": CHAPTERS}},
        {"parts": CHAPTERS},  # without a title around them
        {"a": CHAPTERS[0], "b": CHAPTERS[1]},
    ],
)
def test_a_list_of_stories_stays_a_list_of_tales(value: Any) -> None:
    document = read(value)
    assert shape(read_book(document)) == [("The Owl", []), ("The Snow", [])]
    assert not document.left_out


def test_several_books_and_a_tale_in_one_file() -> None:
    rows = [
        {"title": "The Mill", "chapters": CHAPTERS},
        {"title": "The Hat", "text": "A hat.\n\nIt was blue."},
    ]
    lines = "\n".join(map(json.dumps, rows)).encode()
    expected = [("The Mill", ["The Owl", "The Snow"]), ("The Hat", [])]
    assert shape(read_book(read(rows))) == expected
    assert shape(read_book(json_sets.read_json_lines(lines, "a.jsonl"))) == expected
    assert not read(rows).remarks  # every column of it is read


def test_what_a_book_has_beside_its_chapters_is_named() -> None:
    chapters = [{**CHAPTERS[0], "summary": "An owl sits."}, CHAPTERS[1]]
    document = read({"title": "The Mill", "blurb": "A cold tale.", "chapters": chapters})
    assert {each.text for each in document.left_out} == {"An owl sits.", "A cold tale."}
    assert {each.reason for each in document.left_out} == {"beside the texts"}
    assert "chapters 1, field summary" in [each.place for each in document.left_out]


@pytest.mark.parametrize("deep", [3, 60])
def test_chapters_within_chapters_are_read_to_a_depth_and_deeper_ones_are_named(deep: int) -> None:
    value: Any = {"title": "Last", "text": TEXT_2}
    for _ in range(deep):
        value = {"title": "Part", "text": "It rained here.", "chapters": [value]}
    document = read(value)
    (tale,) = read_book(document).tales
    assert tale.title == "Part"
    left_out = " ".join(each.text for each in document.left_out)
    assert (SNOW[1] in tale.text, SNOW[1] in left_out) == (deep == 3, deep == 60)


@settings(max_examples=many(60), deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["Owls", "sat", "there", "Snow", "fell", "on", "it"]), min_size=2),
        min_size=1,
    )
)
def test_every_word_of_every_chapter_is_kept(texts: list[list[str]]) -> None:
    chapters = [{"title": f"Number {at}", "text": " ".join(words) + "."} for at, words in enumerate(texts)]
    (tale,) = read_book(read({"title": "The Mill", "chapters": chapters})).tales
    assert tale.text.split() == " ".join(" ".join(words) + "." for words in texts).split()
    assert [each.title for each in tale.chapters] == [each["title"] for each in chapters]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"title": "Mühle", "chapters": [{"text": "Über der Mühle saß sie."}]}'),
        ("a.json", '{"text": "Über der Mühle saß sie."}\n{"text": "Das Käuzchen hörte zu."}\n'),
        ("a.jsonl", '{"text": "Über der Mühle saß sie."}\n{"text": "Das Käuzchen hörte zu."}\n'),
        ("a.csv", "text,title\nÜber der Mühle saß sie.,Mühle\n"),
    ],
)
def test_a_guessed_encoding_of_a_data_set_is_said(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))
    document = read_document(path)
    assert "Über der Mühle saß sie." in document.text
    assert any("encoding" in remark for remark in document.remarks)
    path.write_bytes(content.encode())
    assert not any("encoding" in remark for remark in read_document(path).remarks)


def test_a_folder_with_a_book_in_json_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "mill.json"
    path.write_text(json.dumps({"title": "The Mill", "chapters": [{"title": "The Owl", "body": TEXT_1}]}))
    assert json_sets.why_no_json_set(path, "") == ""
