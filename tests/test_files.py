"""Whole files and whole folders, or nothing."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storytime_tui import files
from storytime_tui.errors import RunError


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    files.write_atomically(path, b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomically(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "target"
    with pytest.raises(ValueError, match="half way"), files.folder_written_atomically(target) as part:
        (part / "one").write_text("1")
        raise ValueError("half way")
    assert list((tmp_path / "sub").iterdir()) == []
    with files.folder_written_atomically(target) as part:
        (part / "one").write_text("1")
        assert not target.exists()
    assert (target / "one").read_text() == "1"


def test_a_folder_whose_writer_is_killed_leaves_only_what_sweep_removes(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom storytime_tui import files\n"
        "with files.folder_written_atomically(Path(sys.argv[1]) / 'step-1') as part:\n"
        "    (part / 'half').write_text('x')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "step-1").exists()
    files.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_swapped(tmp_path: Path) -> None:
    for name in ("step-1", "step-2"):
        (tmp_path / name).mkdir()
        files.point_link(tmp_path / "last", name)
        assert os.readlink(tmp_path / "last") == name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last", "step-1", "step-2"]


def test_a_lock_is_refused_while_held_and_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom storytime_tui import files\n"
        "from storytime_tui.errors import RunError\n"
        "with files.locked(Path(sys.argv[1]), RunError('busy')):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert files.is_locked(lock)
    with pytest.raises(RunError, match="busy"), files.locked(lock, RunError("busy")):
        pass
    holder.kill()
    holder.wait(timeout=30)
    assert not files.is_locked(lock)
    with files.locked(lock, RunError("busy")):
        assert files.is_locked(lock)


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "The disk is full"), (errno.EACCES, "No permission"), (errno.EIO, "Saving the run a")],
)
def test_system_errors_are_sentences(number: int, says: str) -> None:
    text = files.explain(OSError(number, os.strerror(number)), "saving the run a")
    assert says in text
    assert text.endswith(".")
