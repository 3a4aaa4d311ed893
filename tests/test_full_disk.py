"""A disk that is really full, where this machine lets us make one: a small memory disk."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storytime_tui.cli import main
from tests.tiny import write_collection


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """24 MB: room for one checkpoint of scratch-tiny with its optimiser, not for many."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if shutil.which("mount") and hasattr(os, "geteuid") and os.geteuid() == 0
        else None
    )
    if made is None or made.returncode != 0:
        pytest.skip("a disk cannot be mounted here; the same with injected errors: test_trainer, test_shelf")
    yield folder
    # lazily: this process has its log and the prepared tokens there still open
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.needs_torch
def test_a_run_on_a_full_disk_fails_in_one_line_and_goes_on_once_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tales = write_collection(small_disk / "tales")
    monkeypatch.setenv("STORYTIME_HOME", str(small_disk / "home"))

    def storytime(*words: str) -> tuple[int, str]:
        code = main(list(words))
        return code, capsys.readouterr().err

    knobs = "evaluate_every=2 sample_every=0 block_size=64 batch_size=2 accumulation=1 listen=false"
    knobs = "--max-steps 8 " + " ".join(f"--set {knob}" for knob in knobs.split())
    base = ["--base", "scratch-tiny", "--run", "r"]
    code, said = storytime("train", "--corpus", str(tales), *base, *knobs.split())
    assert code == 1
    assert "The disk is full" in said
    assert len(said.strip().splitlines()) == 1
    checkpoints = small_disk / "home" / "runs" / "r" / "checkpoints"
    kept = sorted(p.name for p in checkpoints.iterdir() if not p.is_symlink())
    assert kept
    assert all(name.startswith("step-") for name in kept)  # nothing half written lies about
    assert (checkpoints / "last" / "trainer.json").is_file()

    code, said = storytime("train", "--resume", "r")
    assert code == 1
    assert "The disk is full" in said
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    assert storytime("train", "--resume", "r")[0] == 0
    assert (checkpoints / "last").resolve().name == "step-8"
