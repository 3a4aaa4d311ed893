"""A folder of texts becomes a collection: every layout, titles, the card."""

from pathlib import Path

import pytest

from storytime_tui.corpus.folders import (
    collection_name,
    read_card,
    read_folder,
    slug,
    title_and_body,
    title_from_name,
)
from storytime_tui.errors import CorpusError


def write(path: Path, text: str = "Once upon a time.\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("layout", "name"),
    [("a.txt", "my-books"), ("raw_text/a.txt", "my-books"), ("Grimm/raw_text/a.txt", "my-books")],
)
def test_every_layout_is_read(tmp_path: Path, layout: str, name: str) -> None:
    folder = tmp_path / "My books"
    write(folder / layout)
    write(folder / ".hidden.txt")
    write(folder / "notes.doc")
    collection, problems = read_folder(folder)
    assert (collection.name, collection.title) == (name, "My books")
    assert [story.title for story in collection.stories] == ["A"]
    assert problems == ()


def test_several_authors_in_one_folder_are_read_in_order(tmp_path: Path) -> None:
    for author in ("Potter", "Carroll"):
        write(tmp_path / author / "raw_text" / f"{author}_tale.txt", author)
    collection, _ = read_folder(tmp_path)
    assert [story.text for story in collection.stories] == ["Carroll", "Potter"]


def test_a_raw_text_folder_is_called_after_its_author(tmp_path: Path) -> None:
    write(tmp_path / "Lewis Carroll" / "raw_text" / "a.txt")
    assert collection_name(tmp_path / "Lewis Carroll" / "raw_text") == "lewis-carroll"
    assert read_folder(tmp_path / "Lewis Carroll" / "raw_text")[0].title == "Lewis Carroll"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("The Clever Fox\n\nOnce upon a time.", "The Clever Fox"),
        ("THE END OF IT\n\nOnce.", "THE END OF IT"),
        ("Who Stole the Moon?\n\nOnce.", "Who Stole the Moon?"),
        ("3 Foxes\n\nOnce.", "3 Foxes"),
        ("   The Clever Fox\n\nOnce.", "The Clever Fox"),
        ("It was a dark night.\n\nThe fox ran.", ""),
        ("He said,\n\n'Come in.'", ""),
        ("Who is there?\n\nThe fox ran.", ""),
        ("'Come in'\n\nThe fox ran.", ""),
        ("and so it went\n\nThe fox ran.", ""),
        ("The Clever Fox\nOnce upon a time.", ""),
        ("The Clever Fox\nby A. Hare\n\nOnce.", ""),
        ("The Clever Fox", ""),
        ("There was once a king who had a daughter and she had a golden ball to play with\n\nOnce.", ""),
        ("Fox\x1b[2J\n\nOnce.", "Fox␛[2J"),
    ],
)
def test_a_heading_is_the_title_and_an_ordinary_line_is_not(text: str, title: str) -> None:
    assert title_and_body(text) == (title, text.split("\n\n", 1)[1] if title else text)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Cat_And_Mouse_In_Partnership", "Cat And Mouse In Partnership"),
        ("the-fox's_tail", "The Fox's Tail"),
        ("Fox", "Fox"),
        ("a\x1b[2J\nb", "a␛[2J b"),
        ("\udcff", "�"),
        ("___", "Untitled"),
    ],
)
def test_a_file_name_gives_a_title(name: str, title: str) -> None:
    assert title_from_name(name) == title


def test_titles_are_made_different(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        write(tmp_path / name, f"The Fox\n\nTale {name}")
    write(tmp_path / "d.txt", "The Fox (2)\n\nTale d")
    collection, _ = read_folder(tmp_path)
    assert [story.title for story in collection.stories] == [
        "The Fox",
        "The Fox (2)",
        "The Fox (3)",
        "The Fox (2) (2)",
    ]


def test_bad_texts_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path / "good.txt")
    (tmp_path / "bad.txt").write_bytes(b"\0\1\2")
    write(
        tmp_path / "licence.txt",
        "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n*** END OF THE PROJECT GUTENBERG EBOOK",
    )
    collection, problems = read_folder(tmp_path)
    assert [story.title for story in collection.stories] == ["Good"]
    assert [problem.split(" ")[0].rsplit("/")[-1] for problem in problems] == ["bad.txt", "licence.txt"]


def test_a_folder_without_texts_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"holds no \.txt files"):
        read_folder(tmp_path)
    (tmp_path / "bad.txt").write_bytes(b"\0")
    with pytest.raises(CorpusError, match=r"bad\.txt is a binary file"):
        read_folder(tmp_path)
    (tmp_path / "worse.txt").write_bytes(b"\0")
    with pytest.raises(CorpusError, match="None of the 2 texts"):
        read_folder(tmp_path)


def test_the_card_says_where_a_collection_is_from(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    write(
        tmp_path / "collection.toml",
        'title = "Tales\\u001b[2J"\nauthor = "A"\nsource = "S"\nlicence = "MIT"\ndescription = "D"\n',
    )
    collection, _ = read_folder(tmp_path)
    assert (collection.title, collection.author, collection.source, collection.licence) == (
        "Tales␛[2J",
        "A",
        "S",
        "MIT",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('colour = "red"', "unknown key 'colour'"),
        ("title = 3", "title must be a text"),
        ("[title]\na = 1", "title must be a text"),
        ("title =", "not valid TOML"),
    ],
)
def test_a_wrong_card_is_one_sentence_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path / "collection.toml", text)
    with pytest.raises(CorpusError) as caught:
        read_card(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My Tales!", "my-tales"),
        ("Märchen", "marchen"),
        ("../../etc", "etc"),
        ("日本", ""),
        ("a" * 99, "a" * 60),
    ],
)
def test_slugs_are_safe_names(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_real_tales_take_their_titles_from_their_files(shared: Path) -> None:
    collection, problems = read_folder(shared / "corpora" / "grimm")
    assert collection.name == "grimm"
    assert not problems
    assert len(collection.stories) == 64
    assert "Cat And Mouse In Partnership" in {story.title for story in collection.stories}
    assert 100_000 < collection.words < 101_500
