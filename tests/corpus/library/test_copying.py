"""What is copied into a new collection: ordinary files alone, counted as they come."""

import io
import os
import socket
from pathlib import Path

import pytest

from storytime_tui.corpus.formats import ordinary
from storytime_tui.corpus.formats.ordinary import open_ordinary, pieces_of
from storytime_tui.corpus.library import copying
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.errors import CorpusError

TALE = "Once a fox slept under the hill and ate apples.\n"
ENDLESS = Path("/proc/self/pagemap")  # says that it is an ordinary file of 0 bytes, and has 2**48 of them


def collections(home: Path) -> list[str]:
    folder = home / "collections"
    return sorted(each.name for each in folder.iterdir()) if folder.exists() else []


def test_a_file_is_counted_as_it_is_copied(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "LARGEST", 100_000)
    given = tmp_path / "given"
    given.mkdir()
    (given / "good.txt").write_text(TALE)
    (given / "grows.txt").write_text(TALE)
    opened = copying.open_ordinary

    def growing(path: Path, origin: str) -> object:
        return io.BytesIO(b"a" * 3_000_000) if path.name == "grows.txt" else opened(path, origin)

    monkeypatch.setattr(copying, "open_ordinary", growing)
    added = add_collection([given])
    assert [story.text.strip() for story in added.collection.stories] == [TALE.strip()]
    assert [problem for problem in added.problems if "grows.txt is larger than" in problem]
    assert added.collection.folder is not None
    assert not (added.collection.folder / "grows.txt").exists()
    with pytest.raises(CorpusError, match="is larger than"):
        add_collection([given / "grows.txt"], "grown")
    assert collections(home) == ["given"]


@pytest.mark.skipif(not os.access(ENDLESS, os.R_OK), reason="this system has no such file")
def test_a_link_to_a_file_that_never_ends_does_not_fill_the_disk(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "LARGEST", 2_000_000)
    (tmp_path / "tale.txt").symlink_to(ENDLESS)
    with pytest.raises(CorpusError, match=r"tale\.txt is larger than"):
        add_collection([tmp_path / "tale.txt"])
    assert collections(home) == []


def test_all_copies_together_are_counted(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "LARGEST_IMPORT", 3 * len(TALE))
    given = tmp_path / "given"
    given.mkdir()
    for number in range(4):
        (given / f"{number}.txt").write_text(TALE)
    with pytest.raises(CorpusError, match="in all: add them in several parts"):
        add_collection([given])
    assert collections(home) == []
    (given / "3.txt").unlink()
    assert add_collection([given]).collection.stories


def test_what_is_no_ordinary_file_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"folder.txt": Path.mkdir}
    if hasattr(os, "mkfifo"):
        made["pipe.txt"] = lambda path: os.mkfifo(path)
        made["device.txt"] = lambda path: path.symlink_to("/dev/zero")
    for name, make in made.items():
        make(tmp_path / name)
    held = []
    if hasattr(socket, "AF_UNIX"):
        held.append(socket.socket(socket.AF_UNIX))
        monkeypatch.chdir(tmp_path)  # a socket's path must be short
        held[0].bind("socket.txt")
        made["socket.txt"] = lambda path: None
    monkeypatch.setattr(ordinary.os, "open", None)
    for name in made:
        with pytest.raises(CorpusError, match=r"not an ordinary file|is a folder"):
            open_ordinary(tmp_path / name, name)
    for each in held:
        each.close()


def test_a_file_that_is_another_one_by_the_time_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes in folders")
    path = tmp_path / "tale.txt"
    path.write_text(TALE)
    opened = os.open

    def swapped(name: Path, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        return opened(name, flags)  # would wait for a writer, were it not told not to

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(CorpusError, match="not an ordinary file"):
        open_ordinary(path, "tale.txt")


def test_pieces_end_at_the_limit_whatever_a_file_says() -> None:
    class Endless(io.RawIOBase):
        read_so_far = 0

        def read(self, size: int = -1) -> bytes:
            self.read_so_far += size
            return b"a" * size

    file = Endless()
    with pytest.raises(CorpusError, match="enough"):
        list(pieces_of(file, 3_000_000, CorpusError("enough")))  # type: ignore[arg-type]
    assert file.read_so_far < 6_000_000


def test_folders_in_circles_and_many_links(tmp_path: Path, home: Path) -> None:
    given = tmp_path / "given"
    (given / "a").mkdir(parents=True)
    (given / "tale.txt").write_text(TALE)
    (given / "a" / "up").symlink_to("..")
    (given / "self.txt").symlink_to("self.txt")
    for number in range(500):
        (given / f"link{number}.txt").symlink_to("tale.txt")
    added = add_collection([given])
    assert len(added.collection.stories) == 1
