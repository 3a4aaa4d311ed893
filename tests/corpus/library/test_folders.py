"""A folder of texts becomes a collection: every layout, titles, the card."""

from pathlib import Path

import pytest

from storytime_tui.corpus.library.folders import read_folder
from storytime_tui.corpus.names import collection_name
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
        tmp_path / "only-a-licence.txt",
        "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n*** END OF THE PROJECT GUTENBERG EBOOK",
    )
    collection, problems = read_folder(tmp_path)
    assert [story.title for story in collection.stories] == ["Good"]
    assert [problem.split(" ")[0].rsplit("/")[-1] for problem in problems] == [
        "bad.txt",
        "only-a-licence.txt",
    ]


def test_a_folder_without_texts_says_so(tmp_path: Path) -> None:
    tmp_path = tmp_path / "books"
    tmp_path.mkdir()
    with pytest.raises(CorpusError, match=r"holds no \.txt, \.md"):
        read_folder(tmp_path)
    (tmp_path / "bad.txt").write_bytes(b"\0\1\2\3" * 9)
    with pytest.raises(CorpusError, match=r"bad\.txt is a binary file"):
        read_folder(tmp_path)
    (tmp_path / "worse.txt").write_bytes(b"\0\1\2\3" * 9)
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


def test_real_tales_take_their_titles_from_their_files(shared: Path) -> None:
    collection, problems = read_folder(shared / "corpora" / "grimm")
    assert collection.name == "grimm"
    assert not problems
    assert len(collection.stories) == 64
    assert "Cat And Mouse In Partnership" in {story.title for story in collection.stories}
    assert 100_000 < collection.words < 101_500
