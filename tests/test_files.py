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


def test_a_folder_that_is_removed_is_never_seen_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "step-1").mkdir()
    (tmp_path / "step-1" / "weights").write_text("1")
    seen = []

    def stopped(folder: Path) -> None:
        seen.append((tmp_path / "step-1").exists())
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patches, pytest.raises(OSError, match="Input"):
        patches.setattr(files.shutil, "rmtree", stopped)
        files.remove_whole(tmp_path / "step-1")
    assert seen == [False] and len(list(tmp_path.iterdir())) == 1
    files.sweep(tmp_path)  # as after a crash
    assert list(tmp_path.iterdir()) == []
    files.remove_whole(tmp_path / "step-1")  # nothing is there


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


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_what_is_ours_is_its_owners_and_what_is_shared_obeys_the_umask(tmp_path: Path) -> None:
    def mode(path: Path) -> int:
        return path.stat().st_mode & 0o777

    before = os.umask(0o022)
    try:
        files.write_atomically(tmp_path / "home" / "runs" / "plan.toml", b"x")
        assert mode(tmp_path / "home") == mode(tmp_path / "home" / "runs") == 0o700
        assert mode(tmp_path / "home" / "runs" / "plan.toml") == 0o600
        with files.folder_written_atomically(tmp_path / "tales") as part:
            (part / "inside").mkdir()
            (part / "inside" / "story.txt").write_text("Once")
        assert mode(tmp_path / "tales") == mode(tmp_path / "tales" / "inside") == 0o700
        assert mode(tmp_path / "tales" / "inside" / "story.txt") == 0o600
        for umask, of_file, of_folder in ((0o022, 0o644, 0o755), (0o077, 0o600, 0o700)):
            os.umask(umask)
            with files.folder_written_atomically(tmp_path / f"export-{umask}", shared=True) as part:
                (part / "config.json").write_text("{}")
            with files.file_written_atomically(tmp_path / f"{umask}.gguf", shared=True) as part:
                part.write_bytes(b"GGUF")
            assert mode(tmp_path / f"export-{umask}") == of_folder
            assert mode(tmp_path / f"export-{umask}" / "config.json") == of_file
            assert mode(tmp_path / f"{umask}.gguf") == of_file
    finally:
        os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_an_older_file_is_narrowed_and_what_is_no_file_left_alone(tmp_path: Path) -> None:
    old, new, pipe = tmp_path / "old", tmp_path / "new", tmp_path / "pipe"
    old.write_text("kept")
    old.chmod(0o664)
    os.mkfifo(pipe, 0o644)
    for path in (old, new, pipe):
        files.make_private(path)  # and does not wait for the pipe's reader
    assert old.read_text() == "kept" and old.stat().st_mode & 0o777 == 0o600
    assert new.read_bytes() == b"" and new.stat().st_mode & 0o777 == 0o600
    assert pipe.stat().st_mode & 0o777 == 0o644 & ~_umask()


def _umask() -> int:
    now = os.umask(0o077)
    os.umask(now)
    return now
