"""What a killed import leaves behind goes; what is being written stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.library.leftovers import alive, remove_leftovers
from storytime_tui.jobs import shelves

_WRITES = """
import sys, time
from pathlib import Path
from storytime_tui.corpus.library.leftovers import alive
with alive(Path(sys.argv[1])):
    print("writing", flush=True)
    time.sleep(600)
"""


def unfinished(name: str = ".part-abc-tales") -> Path:
    part = paths.collections_folder() / name
    part.mkdir(parents=True)
    (part / "a.txt").write_text("Once.")
    os.utime(part, (1e9, 1e9))
    return part


@pytest.mark.skipif(sys.platform == "win32", reason="there they go after a day")
def test_what_another_program_writes_stays_until_it_is_dead() -> None:
    part = unfinished()
    writer = subprocess.Popen([sys.executable, "-c", _WRITES, str(part)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout:
        writer.stdout.readline()
        for age in (60, 100_000):  # it may take more than a day: the machine slept
            os.utime(part, None)
            os.utime(part, (part.stat().st_mtime - age,) * 2)
            remove_leftovers(part.parent)
            assert part.exists()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    remove_leftovers(part.parent)
    assert not part.exists()


def test_what_was_only_just_begun_stays() -> None:
    part = unfinished()
    os.utime(part)
    remove_leftovers(part.parent)
    assert part.exists()
    with alive(part):
        pass


def test_leftovers_go_with_the_next_import_and_when_the_app_opens(tmp_path: Path) -> None:
    (tmp_path / "fox.txt").write_text("The Fox\n\nOnce.")
    part = unfinished()
    add_collection([tmp_path / "fox.txt"])
    assert not part.exists()
    part = unfinished()
    collections, problems = shelves.opened()
    assert not part.exists()
    assert "fox" in [collection.name for collection in collections]
    assert problems == ()


def test_no_folder_is_no_trouble(tmp_path: Path) -> None:
    remove_leftovers(tmp_path / "none")


def test_what_a_change_that_was_killed_left_goes_after_a_day(home: Path) -> None:
    places = [home, paths.collections_folder() / "tales", paths.runs_folder() / "a" / "checkpoints"]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        for name in (".part-0123456789ab-card.toml", ".part-new", ".part-0123456789ac-new"):
            (place / name).write_text("x")
        for name in (".part-0123456789ab-card.toml", ".part-new"):
            os.utime(place / name, (1e9, 1e9))
    shelves.opened()
    left = {path.name for place in places for path in place.iterdir() if path.is_file()}
    assert left == {
        ".part-new",
        ".part-0123456789ac-new",
    }  # the one is not called as ours are, the other is young
