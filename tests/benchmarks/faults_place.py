"""A home for the faults of `faults.py`, with its checks."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-m", "storytime_tui"]
LIMIT = 300  # seconds for one command
KNOBS = {
    "batch_size": "2",
    "accumulation": "1",
    "block_size": "64",
    "evaluate_every": "5",
    "sample_every": "0",
}
STEPS = 60


@dataclass
class Place:
    """One home, and the errors found in it."""

    home: Path
    draw: random.Random
    troubles: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "STORYTIME_HOME": str(self.home), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        return subprocess.Popen([*PROGRAM, *words], env=self.environment, **options)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def expect(self, holds: object, otherwise: str) -> None:
        if not holds:
            self.troubles.append(otherwise)

    def journal(self, run: str) -> list[dict[str, Any]]:
        path = self.home / "runs" / run / "events.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines]

    def last_step(self, run: str) -> int:
        """The last step in the journal; 0 without one."""
        return max((event["step"] for event in self.journal(run) if event["event"] == "step_done"), default=0)

    def saved_step(self, run: str) -> int:
        """The step of the checkpoint `last`; 0 without one."""
        last = self.home / "runs" / run / "checkpoints" / "last"
        return int(last.resolve().name.removeprefix("step-")) if last.exists() else 0


def train(run: str, steps: int = STEPS) -> list[str]:
    """The command line of a small run."""
    knobs = [word for key, value in KNOBS.items() for word in ("--set", f"{key}={value}")]
    base = ["--corpus", "hedgerow-tales", "--base", "scratch-tiny", "--max-steps", str(steps)]
    return ["train", *base, "--name", run, *knobs]


def wait_for_step(place: Place, run: str, step: int, alive: Callable[[], bool]) -> None:
    """Wait until the journal has the step, or the program has ended."""
    until = time.monotonic() + LIMIT
    while time.monotonic() < until and alive():
        with suppress(OSError, ValueError):
            if place.last_step(run) >= step:
                return
        time.sleep(0.01)


def nothing_lost(place: Place, run: str, code: int | None) -> None:
    """Check a run that ended with its terminal: it saved its last step, and its exit code is not 0."""
    place.expect(code not in (0, None), f"{run} ended with {code}")
    learned, saved = place.last_step(run), place.saved_step(run)
    place.expect(saved >= learned > 0, f"{run} had learned {learned} steps and kept {saved}")
