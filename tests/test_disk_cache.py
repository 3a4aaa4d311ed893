"""What is kept is found whole, built anew when it is damaged, and forgotten when nobody uses it."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storytime_tui import disk_cache, files
from storytime_tui.errors import CorpusError

DAY = 86_400


def read(place: Path) -> str | None:
    """The two halves of what `Builder` builds, where they are one."""
    try:
        left, right = (place / "left").read_text(), (place / "right").read_text()
    except OSError:
        return None
    return left if left == right else None


class Builder:
    """Counts how often it builds."""

    def __init__(self, text: str = "once") -> None:
        self.text = text
        self.times = 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        assert list(folder.iterdir()) == []
        (folder / "left").write_text(self.text)
        (folder / "right").write_text(self.text)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "kept"


def test_it_is_built_once_and_found_afterwards(place: Path) -> None:
    build = Builder()
    assert disk_cache.find(place, read) is None
    assert [disk_cache.find_or_build(place, read, build) for _ in range(3)] == ["once"] * 3
    assert disk_cache.find(place, read) == "once"
    assert build.times == 1 and list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize("damage", ["half", "empty", "file", "link"])
def test_what_is_damaged_is_built_anew(place: Path, damage: str) -> None:
    disk_cache.find_or_build(place, read, Builder("old"))
    (place / "left").unlink()
    if damage != "half":
        (place / "right").unlink()
    if damage in ("file", "link"):
        place.rmdir()
        place.symlink_to("nowhere") if damage == "link" else place.write_text("mine")
    assert disk_cache.find_or_build(place, read, Builder("new")) == "new"
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_what_fails_or_is_stopped_leaves_nothing_behind(place: Path) -> None:
    def stopped(folder: Path) -> None:
        (folder / "left").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        disk_cache.find_or_build(place, read, stopped)
    assert list(place.parent.iterdir()) == []
    with pytest.raises(OSError, match="cannot be read back"):
        disk_cache.find_or_build(place, read, lambda folder: (folder / "left").write_text("half") and None)


def test_a_kill_leaves_what_the_next_build_a_day_later_removes(place: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom storytime_tui import disk_cache\n"
        "def build(folder):\n    (folder / 'left').write_text('x')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "disk_cache.find_or_build(Path(sys.argv[1]), lambda place: None, build)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(place)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert disk_cache.find(place, read) is None
    (part,) = place.parent.iterdir()
    assert disk_cache.find_or_build(place, read, Builder()) == "once"
    assert part.exists()  # for all we know another program is writing it
    os.utime(part, (0, 0))
    disk_cache.find_or_build(place.with_name("other"), read, Builder())
    assert sorted(path.name for path in place.parent.iterdir()) == ["kept", "other"]


def test_what_was_not_used_for_ninety_days_is_forgotten(place: Path) -> None:
    ages = {"old": 91, "young": 89, "used": 91, "small": 1000}
    disk_cache.remember(place.with_name("small"), b"1")
    for name in ("old", "young", "used"):
        disk_cache.find_or_build(place.with_name(name), read, Builder())
    for name, days in ages.items():
        then = place.with_name(name).stat().st_mtime - days * DAY
        os.utime(place.with_name(name), (then, then))
    assert disk_cache.find(place.with_name("used"), read) == "once"
    disk_cache.find_or_build(place, read, Builder())
    assert sorted(path.name for path in place.parent.iterdir()) == ["kept", "used", "young"]


def test_of_many_who_build_at_once_all_read_one_whole_folder(place: Path) -> None:
    def work(number: int) -> str:
        return disk_cache.find_or_build(place, read, Builder(str(number)))

    for damaged in (False, True) * 5:
        if damaged:
            (place / "left").write_text("broken")
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(work, range(8)))
        assert disk_cache.find(place, read) in found
        assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_what_another_program_built_meanwhile_is_not_removed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both found it damaged; the other program was quicker, and reads from it by now."""
    disk_cache.find_or_build(place, read, Builder("old"))
    (place / "left").write_text("broken")
    original, theirs = disk_cache._make_room, Builder("theirs")

    def late(*args: object) -> None:
        monkeypatch.setattr(disk_cache, "_make_room", original)
        disk_cache.find_or_build(place, read, theirs)
        original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(disk_cache, "_make_room", late)
    assert disk_cache.find_or_build(place, read, Builder("ours")) == "theirs"
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_cache_that_stays_locked_is_an_error(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_cache, "_PATIENCE", 0.05)
    disk_cache.find_or_build(place, read, Builder())
    (place / "left").write_text("broken")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with files.locked(place.parent.with_suffix(".lock"), CorpusError("busy")):
            held.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    with pytest.raises(OSError, match="another program is changing the cache"):
        disk_cache.find_or_build(place, read, Builder())
    done.set()
    holder.join()
    assert disk_cache.find_or_build(place, read, Builder("new")) == "new"


def test_a_small_file_is_kept_where_it_can_be(place: Path) -> None:
    def text(file: Path) -> str | None:
        return file.read_text() if file.exists() else None

    disk_cache.remember(place, b"once")
    os.utime(place, (0, 0))
    assert disk_cache.find(place, text) == "once"
    assert place.stat().st_mtime > DAY
    disk_cache.remember(place / "inside a file", b"no room")
    assert disk_cache.find(place, text) == "once"
