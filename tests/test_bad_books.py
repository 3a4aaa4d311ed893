"""Every bad input of the library: one clear line, exit 1, nothing half-imported."""

import functools
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.corpus.library import prepared
from storytime_tui.corpus.web import polite
from tests.loopback_library import LoopbackLibrary, Waits, manners_without_waiting

TALE = "The Snail\n\nA snail set out on a Monday to see the sea.\n"
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="{opf}" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def write(path: Path, data: bytes = TALE.encode()) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def huge(folder: Path) -> Path:
    path = folder / "huge.txt"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)  # takes no room on the disk
    return path


def unreadable(folder: Path) -> Path:
    path = write(folder / "locked.txt")
    path.chmod(0)
    return path


def symlink_loop(folder: Path) -> Path:
    (folder / "loop" / "inner").mkdir(parents=True)
    (folder / "loop" / "inner" / "again").symlink_to(folder / "loop", target_is_directory=True)
    (folder / "loop" / "self.txt").symlink_to(folder / "loop" / "self.txt")
    return folder / "loop"


@functools.cache
def packed_bomb() -> bytes:
    """Packing takes a second or more: it is done once."""
    with tempfile.TemporaryDirectory() as folder:
        return zipped(Path(folder, "bomb.zip"), {"bomb.txt": bytes(300_000_000)}).read_bytes()


def bomb(folder: Path) -> Path:
    return write(folder / "bomb.zip", packed_bomb())


def climbing_zip(folder: Path) -> Path:
    return zipped(
        folder / "climb.zip", {"../../climbed.txt": TALE.encode(), "/etc/climbed.txt": TALE.encode()}
    )


def climbing_epub(folder: Path) -> Path:
    write(folder.parent / "climbed.xhtml", b"<html><body><p>Not yours.</p></body></html>")
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/><manifest>'
        '<item id="a" href="../../climbed.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    members = {"META-INF/container.xml": CONTAINER.format(opf="book.opf").encode(), "book.opf": opf.encode()}
    return zipped(folder / "climb.epub", members)


def broken_epub(folder: Path) -> Path:
    members = {
        "META-INF/container.xml": CONTAINER.format(opf="book.opf").encode(),
        "book.opf": b"<pack\xff<<",
    }
    return zipped(folder / "broken.epub", members)


def locked_epub(folder: Path) -> Path:
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="2.0"><metadata/><manifest>'
        '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    encryption = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
        'xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>'
        '<enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/><enc:CipherData>'
        '<enc:CipherReference URI="a.xhtml"/></enc:CipherData></enc:EncryptedData></encryption>'
    )
    members = {
        "META-INF/container.xml": CONTAINER.format(opf="book.opf").encode(),
        "META-INF/encryption.xml": encryption.encode(),
        "book.opf": opf.encode(),
        "a.xhtml": os.urandom(500),
    }
    return zipped(folder / "locked.epub", members)


def crowd(folder: Path) -> Path:
    place = folder / "crowd"
    place.mkdir()
    for number in range(100_000):
        os.close(os.open(place / f"{number}.txt", os.O_CREAT | os.O_WRONLY))
    return place


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "binary": (lambda folder: write(folder / "binary.txt", bytes(range(256)) * 9), "binary"),
    "empty": (lambda folder: write(folder / "empty.txt", b""), "empty"),
    "blank": (lambda folder: write(folder / "blank.html", b"<html><body> </body></html>"), "blank.html"),
    "huge": (huge, "larger than"),
    "unreadable": (unreadable, "permi"),
    "not there": (lambda folder: folder / "gone.txt", "does not exist"),
    "symlink loop": (symlink_loop, "loop"),
    "control characters": (
        lambda folder: write(folder / "\x1b[2J\nx.txt", b"\0\1\2\3" * 9),
        "␛[2J␊x.txt is a binary",
    ),
    "zip bomb": (bomb, "bomb.zip"),
    "../ in a zip": (climbing_zip, "climb.zip"),
    "../ in an epub": (climbing_epub, "climb.epub"),
    "broken epub": (broken_epub, "broken.epub"),
    "drm": (locked_epub, "locked.epub"),
    "truncated zip": (
        lambda folder: write(folder / "cut.zip", bomb(folder).read_bytes()[:-40]),
        "cut.zip",
    ),
    "picture": (lambda folder: write(folder / "cat.png", b"\x89PNG\r\n"), "cat.png"),
    "100,000 files": (crowd, "crowd"),
}


def imported() -> list[str]:
    folder = paths.collections_folder()
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def one_line(captured: str, said: str) -> None:
    assert len(captured.strip().splitlines()) == 1, captured
    assert said in captured
    assert "\x1b" not in captured and "Traceback" not in captured


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_one_clear_line_and_nothing_is_imported(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, said = BAD[kind]
    if kind == "unreadable" and os.geteuid() == 0:
        pytest.skip("root may read everything")
    folder = tmp_path / "given"
    folder.mkdir()
    assert main(["corpus", "add", str(make(folder)), "--name", "bad"]) == 1
    one_line(capsys.readouterr().err, said)
    assert imported() == []
    assert sorted(path.name for path in tmp_path.rglob("*climbed*")) in ([], ["climbed.xhtml"])
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind not in ("not there", "100,000 files")])
def test_beside_a_good_story_it_is_left_out_and_said(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind == "unreadable" and os.geteuid() == 0:
        pytest.skip("root may read everything")
    folder = tmp_path / "given"
    folder.mkdir()
    BAD[kind][0](folder)
    write(folder / "good.txt")
    assert main(["corpus", "add", str(folder), "--name", "mixed"]) == 0
    printed = capsys.readouterr()
    assert "Added mixed: 1 story, 11 words." in printed.out
    *lines, account = printed.err.splitlines()
    assert account == "good.txt: 13 words, 13 in its stories and titles."
    for line in lines:
        assert line.startswith("Left out: ") or line.endswith("it is not followed."), printed.err
    assert main(["corpus", "list"]) == 0
    assert capsys.readouterr().err == ""  # what could not be read is not on the shelf to complain every day
    shutil.rmtree(folder, ignore_errors=True)


def test_a_file_that_vanishes_while_it_is_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "given" / "tale.txt")
    read = prepared.read_document

    def vanishing(each: Path, *how: str) -> object:
        each.unlink()
        return read(each, *how)

    monkeypatch.setattr(prepared, "read_document", vanishing)
    assert main(["corpus", "add", str(path), "--name", "bad"]) == 1
    one_line(capsys.readouterr().err, "does not exist")
    assert imported() == []


@pytest.fixture(name="library")
def open_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackLibrary]:
    monkeypatch.setattr(polite, "manners", manners_without_waiting(Waits()))
    with LoopbackLibrary() as library:
        monkeypatch.setenv("STORYTIME_GUTENDEX", library.url)
        monkeypatch.setenv("STORYTIME_GUTENBERG", library.url)
        library.put("/tale.txt", TALE.encode() * 50, "text/plain")
        yield library


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("to-login", "log"),
        ("half-sent", "broke off"),
        ("503", "error 503"),
        ("429-long", "try again"),
        ("dropped", ""),
        ("circle", ""),
        ("to-file", ""),
        ("huge", ""),
        ("empty", "empty"),
        ("forbidden", "403"),
        ("bad-digest", ""),
    ],
)
def test_a_bad_address_is_one_clear_line_and_nothing_is_imported(
    library: LoopbackLibrary, capsys: pytest.CaptureFixture[str], fault: str, said: str
) -> None:
    library.faults["/tale.txt"] = fault
    assert main(["corpus", "add", f"{library.url}/tale.txt", "--name", "bad"]) == 1
    one_line(capsys.readouterr().err, said)
    assert imported() == []
