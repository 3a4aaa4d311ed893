"""Two processes learn what one learns: DDP and FSDP2, on gloo."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist
from safetensors.torch import load_file

from storytime_tui.cli import main
from storytime_tui.training.distributed import is_lost_process
from tests.tiny import write_collection

KNOBS = [
    "max_steps=8", "block_size=64", "batch_size=4", "accumulation=2", "evaluate_every=4", "sample_every=0",
    "precision=fp32", "dropout=0", "learning_rate=0.003", "listen=false",
]  # fmt: skip


def words(home: Path, sharded: bool = False) -> list[str]:
    """The command line of a run."""
    settings = [word for knob in [*KNOBS, f"sharded={str(sharded).lower()}"] for word in ("--set", knob)]
    base = ["--base", "scratch-2x64", "--corpus", str(home / "tales")]
    return ["train", "--json", "--name", "r", *settings, *base]


def events(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


def train_by_two(home: Path, sharded: bool) -> list[dict[str, Any]]:
    """The events of a run by two processes."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0"]
    launcher += ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
    done = subprocess.run(
        [*launcher, "-m", "storytime_tui", *words(home, sharded)],
        env={**os.environ, "STORYTIME_HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return events(done.stdout)


def losses(said: list[dict[str, Any]]) -> list[float]:
    return [e["loss"] for e in said if e["event"] == "step_done"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The same run by this process alone."""
    home = tmp_path_factory.mktemp("alone")
    write_collection(home / "tales")
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patches, contextlib.redirect_stdout(said):
        patches.setenv("STORYTIME_HOME", str(home))
        assert main(words(home)) == 0
    return home, events(said.getvalue())


@pytest.mark.parametrize("sharded", [False, True], ids=["ddp", "fsdp2"])
def test_two_processes_learn_what_one_learns(
    alone: tuple[Path, list[dict[str, Any]]], tmp_path: Path, sharded: bool
) -> None:
    home, expected = alone
    write_collection(tmp_path / "tales")
    said = train_by_two(tmp_path, sharded)
    assert [e["event"] for e in said] == [e["event"] for e in expected]
    assert losses(said) == pytest.approx(losses(expected), abs=1e-4)
    scores, wanted = (
        [e["validation_loss"] for e in s if e["event"] == "evaluated"] for s in (said, expected)
    )
    assert scores == pytest.approx(wanted, abs=1e-4)
    ours, theirs = (load_file(h / "runs/r/checkpoints/last/model.safetensors") for h in (tmp_path, home))
    assert ours.keys() == theirs.keys()
    assert all(abs(ours[name] - theirs[name]).max() < 1e-3 for name in ours)


def test_the_end_of_another_process_is_told_from_other_faults() -> None:
    closed = (
        "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:544] Connection closed by peer [127.0.0.1]:1"
    )
    assert is_lost_process(RuntimeError(closed)) and is_lost_process(dist.DistNetworkError("gone"))
    assert not is_lost_process(RuntimeError("shapes differ")) and not is_lost_process(ValueError("gloo"))
