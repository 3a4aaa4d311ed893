"""What a collection's files leave out: read with the collection, shown with its text, and put back as a story."""

import json
import zipfile
from pathlib import Path

import pytest

from storytime_tui.corpus.library.cards import read_card
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.library.left_out import left_out_parts
from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.errors import CorpusError
from storytime_tui.jobs import left_out, shelves
from tests.corpus import invented_books


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STORYTIME_HOME", str(tmp_path / "home"))
    path = tmp_path / "goose.txt"
    path.write_text(invented_books.before_the_book().text, encoding="utf-8")
    return path


def test_a_collection_has_an_account_of_each_file_also_from_the_cache(book: Path) -> None:
    added = add_collection([book], "goose").collection
    again = find_collection("goose")
    (account,) = again.accounts
    assert again.accounts == added.accounts
    assert account.file == "goose.txt"
    assert {"licence"} <= {each.reason for each in account.omitted}
    assert 0 < account.kept < account.words
    assert account.kept >= sum(story.words for story in again.stories)


def test_the_texts_of_what_is_left_out_are_the_files_own_lines(book: Path) -> None:
    collection = add_collection([book], "goose").collection
    lines = book.read_text(encoding="utf-8").split("\n")
    parts = list(left_out_parts(collection))
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    for part in parts:
        first, last = part.omitted.lines
        assert part.text.strip() and part.text in "\n".join(lines[first:last])


def test_a_part_put_back_is_a_story_and_is_left_out_no_more(book: Path) -> None:
    collection = add_collection([book], "goose").collection
    part = max(left_out_parts(collection), key=lambda part: part.omitted.words)
    left_out.put_back(collection, part.file, part.omitted.place)
    with_it = find_collection("goose")
    assert len(with_it.stories) == len(collection.stories) + 1
    new = next(story for story in with_it.stories if story.lines == part.omitted.lines)
    assert new.words >= 0.9 * part.omitted.words - 20  # its first line may be its title
    assert part.omitted not in with_it.accounts[0].omitted
    assert with_it.accounts[0].kept == collection.accounts[0].kept + part.omitted.words
    assert read_card(Path(str(with_it.folder))).put_back == (f"goose.txt:{part.omitted.place}",)
    assert shelves.original_text(with_it, with_it.stories.index(new)) == part.text
    removed = shelves.remove(
        with_it, with_it.stories.index(new)
    )  # it can be removed like any story, and restored
    assert len(find_collection("goose").stories) == len(collection.stories)
    shelves.undo(removed)
    assert find_collection("goose").stories == with_it.stories


def test_the_files_of_an_archive_have_their_accounts_and_parts(book: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with zipfile.ZipFile(folder / "both.zip", "w") as archive:
        archive.write(book, "goose.txt")
        archive.writestr("plain.txt", "The goose sat down.")
    collection = find_collection(str(folder))
    assert [account.file for account in collection.accounts] == ["both.zip/goose.txt", "both.zip/plain.txt"]
    parts = list(left_out_parts(collection))
    assert parts and {part.file for part in parts} == {"both.zip/goose.txt"}
    assert all(part.text.strip() for part in parts)


def test_what_is_not_the_users_own_cannot_be_changed(book: Path) -> None:
    (bundled, *_) = shelves.shelf()
    with pytest.raises(CorpusError, match="came with Storytime"):
        left_out.put_back(bundled, "a.txt", "line 1")


def test_the_sentences_name_reasons_words_and_places(book: Path) -> None:
    collection = add_collection([book], "goose").collection
    sentence = left_out.sentence_of(collection.accounts[0])
    assert "licence" in sentence and "(lines 1 to " in sentence
    assert left_out.totals(collection.accounts).endswith("of them in the stories and titles")
    assert json.dumps(left_out.questions(collection)[:0]) == "[]"


def test_parts_with_the_same_place_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A saved page may have all its words on one line; each part keeps its own text, and goes back alone."""
    monkeypatch.setenv("STORYTIME_HOME", str(tmp_path / "home"))
    page = tmp_path / "goose.html"
    page.write_text(
        "<html><body><nav>Home and all the tales</nav><h1>The Goose</h1><p>A goose sat down by the pond.</p>"
        "<noscript>Please switch on the scripts.</noscript><p hidden>The goose was a king.</p>"
        "<p>She did not get up again.</p></body></html>",
        encoding="utf-8",
    )
    collection = add_collection([page], "goose").collection
    parts = list(left_out_parts(collection))
    texts = ["Home and all the tales", "Please switch on the scripts.", "The goose was a king."]
    assert [part.text for part in parts] == texts
    assert len({part.omitted.place for part in parts}) == len(parts)
    left_out.put_back(collection, parts[2].file, parts[2].omitted.place)
    with_it = find_collection("goose")
    assert [part.text for part in left_out_parts(with_it)] == texts[:2]
    assert "The goose was a king." in [story.text for story in with_it.stories]
    assert with_it.accounts[0].kept == collection.accounts[0].kept + parts[2].omitted.words
