"""Two processes learn what one learns: DDP and FSDP2, on gloo."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.tiny import write_collection

KNOBS = [
    "max_steps=8", "block_size=64", "batch_size=4", "accumulation=2", "evaluate_every=4", "sample_every=0",
    "precision=fp32", "dropout=0", "learning_rate=0.003", "listen=false",
]  # fmt: skip


def train(home: Path, *more: str, processes: int = 1, sharded: bool = False) -> list[dict[str, Any]]:
    """The events of a run on the command line."""
    settings = [word for knob in [*KNOBS, f"sharded={str(sharded).lower()}"] for word in ("--set", knob)]
    launcher = [sys.executable]
    if processes > 1:
        launcher += ["-m", "torch.distributed.run", f"--nproc-per-node={processes}", "--master-port=0"]
        launcher += ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
    words = ["-m", "storytime_tui", "train", "--json", *(more or ["--name", "r", *settings])]
    if not more:
        words += ["--base", "scratch-2x64", "--corpus", str(home / "tales")]
    done = subprocess.run(
        [*launcher, *words],
        env={**os.environ, "STORYTIME_HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def losses(said: list[dict[str, Any]]) -> list[float]:
    return [e["loss"] for e in said if e["event"] == "step_done"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The same run by one process."""
    home = tmp_path_factory.mktemp("alone")
    write_collection(home / "tales")
    return home, train(home)


@pytest.mark.parametrize("sharded", [False, True], ids=["ddp", "fsdp2"])
def test_two_processes_learn_what_one_learns(
    alone: tuple[Path, list[dict[str, Any]]], tmp_path: Path, sharded: bool
) -> None:
    home, expected = alone
    write_collection(tmp_path / "tales")
    said = train(tmp_path, processes=2, sharded=sharded)
    assert [e["event"] for e in said] == [e["event"] for e in expected]
    assert losses(said) == pytest.approx(losses(expected), abs=1e-4)
    scores, wanted = (
        [e["validation_loss"] for e in s if e["event"] == "evaluated"] for s in (said, expected)
    )
    assert scores == pytest.approx(wanted, abs=1e-4)
    ours, theirs = (load_file(h / "runs/r/checkpoints/last/model.safetensors") for h in (tmp_path, home))
    assert ours.keys() == theirs.keys()
    assert all(abs(ours[name] - theirs[name]).max() < 1e-3 for name in ours)
