"""Files are read and cleaned once; what lies in the cache is opened as it was, and made anew when it is damaged."""

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from storytime_tui import disk_cache, files
from storytime_tui.corpus.collection import Extract, facts_of
from storytime_tui.corpus.library import prepared
from storytime_tui.corpus.library.prepared import Source, prepare_sources
from storytime_tui.errors import CorpusError

TALES = {
    "fox.txt": "The Fox\n\nOnce a fox ran home.\n\nHe slept — deeply.",
    "häre.txt": "Die Häsin schlief.\n\n“Ja.”",
    "bad.txt": "",
}


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    folder = tmp_path / "books"
    folder.mkdir()
    for name, text in TALES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [Source(path, path.name) for path in sorted(folder.iterdir())]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read, in order."""
    read: list[Path] = []
    original = prepared.read_document

    def counted(path: Path, *how: str) -> object:
        read.append(path)
        return original(path, *how)

    monkeypatch.setattr(prepared, "read_document", counted)
    return read


def test_stories_come_from_the_disk_and_know_their_facts(sources: list[Source], cache: Path) -> None:
    found = prepare_sources(sources, cache)
    assert [(story.title, story.file) for story in found.stories] == [
        ("The Fox", "fox.txt"),
        ("Häre", "häre.txt"),
    ]
    assert [story.text for story in found.stories] == [
        "Once a fox ran home.\n\nHe slept -- deeply.",
        'Die Häsin schlief.\n\n"Ja."',
    ]
    assert len(found.problems) == 1 and "bad.txt is empty" in found.problems[0]
    for story in found.stories:
        assert isinstance(story.content, Extract)
        known, fresh = story.facts, facts_of(story.text)
        assert (known.words, known.bytes, known.digest, known.fingerprint) == (
            fresh.words,
            fresh.bytes,
            fresh.digest,
            fresh.fingerprint,
        )
        assert np.array_equal(known.sketch, fresh.sketch)


def test_the_second_time_nothing_is_read(sources: list[Source], cache: Path, readings: list[Path]) -> None:
    first = prepare_sources(sources, cache)
    assert len(readings) == 3
    assert prepare_sources(sources, cache) == first
    assert len(readings) == 3


def test_punctuation_may_stay_as_it_is_written(sources: list[Source], cache: Path) -> None:
    assert [story.text for story in prepare_sources(sources, cache, plain=False).stories] == [
        "Once a fox ran home.\n\nHe slept — deeply.",
        "Die Häsin schlief.\n\n“Ja.”",
    ]
    assert prepare_sources(sources, cache).stories[1].text.endswith('"Ja."')


def test_a_changed_file_is_read_anew(sources: list[Source], cache: Path, readings: list[Path]) -> None:
    prepare_sources(sources, cache)
    sources[1].path.write_text("The Fox\n\nOnce a hen ran home.", encoding="utf-8")
    assert prepare_sources(sources, cache).stories[0].text == "Once a hen ran home."
    assert len(readings) == 6


def test_a_moved_folder_is_not_read_again(
    sources: list[Source], cache: Path, readings: list[Path], tmp_path: Path
) -> None:
    prepare_sources(sources, cache)
    (tmp_path / "books").rename(tmp_path / "moved")
    moved = [Source(tmp_path / "moved" / source.name, source.name) for source in sources]
    assert prepare_sources(moved, cache).stories[0].text.startswith("Once a fox")
    assert len(readings) == 3


@pytest.mark.parametrize("name", ["index.json", "stories.npz", "stories.txt", "sketches.npy"])
@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "other"])
def test_a_damaged_cache_is_made_anew(sources: list[Source], cache: Path, name: str, damage: str) -> None:
    wanted = [story.text for story in prepare_sources(sources, cache).stories]
    (folder,) = cache.iterdir()
    path = folder / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": path.read_bytes()[:-1], "empty": b"", "other": b"[1]"}[damage])
    assert [story.text for story in prepare_sources(sources, cache).stories] == wanted
    (folder,) = cache.iterdir()
    names = ["index.json", "sketches.npy", "stories.npz", "stories.txt"]
    assert sorted(child.name for child in folder.iterdir()) == names


@pytest.mark.parametrize("damage", [b"\xff", b"Z"])
def test_a_damaged_text_in_the_cache_is_told_and_made_anew(
    sources: list[Source], cache: Path, damage: bytes
) -> None:
    before = prepare_sources(sources, cache).stories[0]
    wanted = before.text
    (folder,) = cache.iterdir()
    data = bytearray((folder / "stories.txt").read_bytes())
    data[5:6] = damage
    (folder / "stories.txt").write_bytes(data)
    with pytest.raises(CorpusError, match="is damaged there: try again"):
        before.text  # noqa: B018
    assert prepare_sources(sources, cache).stories[0].text == wanted == before.text


def test_without_room_for_the_cache_the_stories_are_there_all_the_same(
    sources: list[Source], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_sync_file", full)
    found = prepare_sources(sources, cache)
    assert [story.title for story in found.stories] == ["The Fox", "Häre"]
    assert found.stories[0].text.startswith("Once a fox")
    assert list(cache.iterdir()) == []


def test_stopping_leaves_nothing_behind(sources: list[Source], cache: Path) -> None:
    def stop(done: int, total: int) -> None:
        assert 0 <= done <= total
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_sources(sources, cache, on_progress=stop)
    assert list(cache.iterdir()) == []


def test_a_text_that_has_gone_from_the_cache_is_one_sentence(sources: list[Source], cache: Path) -> None:
    story = prepare_sources(sources, cache).stories[0]
    (folder,) = cache.iterdir()
    (folder / "stories.txt").write_bytes(b"x")
    with pytest.raises(CorpusError, match="has gone from the cache"):
        story.text  # noqa: B018
    files.remove_folder(folder)
    with pytest.raises(CorpusError, match="has gone from the cache"):
        story.text  # noqa: B018


def test_what_was_not_opened_for_long_is_forgotten(sources: list[Source], cache: Path) -> None:
    prepare_sources(sources, cache)
    (old,) = cache.iterdir()
    os.utime(old, (0, 0))
    prepare_sources(sources[:1], cache)
    assert not old.exists()
    assert len(list(cache.iterdir())) == 1


def test_an_archive_is_read_as_the_texts_in_it(tmp_path: Path, cache: Path) -> None:
    import zipfile

    path = tmp_path / "tales.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one/fox.txt", TALES["fox.txt"])
        archive.writestr("hen.md", "# The Hen\n\nShe *sang*.")
    found = prepare_sources([Source(path, path.name)], cache)
    assert {(story.title, story.text) for story in found.stories} == {
        ("The Fox", "Once a fox ran home.\n\nHe slept -- deeply."),
        ("The Hen", "She sang."),
    }


def test_a_text_says_who_wrote_it_and_a_book_of_tales_what_it_is_called(tmp_path: Path, cache: Path) -> None:
    texts = {
        "bell.txt": "The Bell\nby Ann Other\n\nIt rang, and nobody came.",
        "hill.md": "# Hill Tales\n\n*by Jo Reed*\n\n## The Stone\n\nIt lay.\n\n## The Stream\n\nIt ran.",
    }
    sources = []
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        sources.append(Source(tmp_path / name, name))
    for _ in ("made", "opened"):
        found = prepare_sources(sources, cache)
        assert [story.title for story in found.stories] == ["The Bell", "The Stone", "The Stream"]
        assert (found.titles, found.authors) == (("The Bell", "Hill Tales"), ("Ann Other", "Jo Reed"))


def test_while_the_cache_is_locked_the_stories_are_there_all_the_same(
    sources: list[Source], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_cache, "_PATIENCE", 0.05)
    wanted = [story.text for story in prepare_sources(sources, cache).stories]
    (folder,) = cache.iterdir()
    (folder / "index.json").write_text("broken")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with files.locked(cache.with_suffix(".lock"), CorpusError("busy")):
            held.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    assert [story.text for story in prepare_sources(sources, cache).stories] == wanted
    done.set()
    holder.join()
    assert [story.text for story in prepare_sources(sources, cache).stories] == wanted
