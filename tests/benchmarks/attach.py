"""How soon a second terminal shows the steps of a run that another process trains.

    python tests/benchmarks/attach.py [--seconds N] [--json]

Trains `scratch-tiny` on the bundled tales headless, opens the app in a second terminal of 80x24, and opens the run on
its Runs screen. `attach_seconds`: from Enter to the first step on the screen. `lag_seconds`: from the moment a step
stands in the journal to the moment the screen shows it or a later one; median, 99th percentile and the longest of N
seconds.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from storytime_tui.training.journal import JOURNAL
from storytime_tui.training.plan import TrainingPlan, write_plan
from tests.terminal import Terminal, open_app

_PLAN = TrainingPlan(
    base="scratch-tiny",
    collections=("hedgerow-tales",),
    max_steps=1_000_000,
    batch_size=2,
    block_size=128,
    accumulation=1,
    evaluate_every=1_000_000,
    sample_every=0,
)
_LOOK = 0.02  # seconds between two looks at the journal and the screen


class _Tail:
    """The newest step of a journal that grows."""

    def __init__(self, path: Path) -> None:
        self._file = path.open(encoding="utf-8")
        self.step = 0

    def read(self) -> int:
        for line in self._file.read().splitlines():
            found = re.search(r'"step": ?(\d+)', line) if '"step_done"' in line else None
            self.step = max(self.step, int(found[1])) if found else self.step
        return self.step


def _shown(app: Terminal) -> int:
    found = re.search(r"step ([\d,]+) of", app.text())
    return int(found[1].replace(",", "")) if found else 0


def measure(seconds: float) -> dict[str, float]:
    """Train, watch, and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_plan(_PLAN, home / "plan.toml")
        environment = {**os.environ, "STORYTIME_HOME": str(home), "HF_HUB_OFFLINE": "1"}
        argv = [
            sys.executable,
            "-m",
            "storytime_tui",
            "train",
            "--plan",
            str(home / "plan.toml"),
            "--run",
            "far",
        ]
        trainer = subprocess.Popen([*argv, "--json"], env=environment, stdout=subprocess.DEVNULL)
        try:
            journal = home / "runs" / "far" / JOURNAL
            until = time.monotonic() + 120
            while not (journal.exists() and '"step_done"' in journal.read_text()):
                if trainer.poll() is not None or time.monotonic() > until:
                    sys.exit("The run did not start.")
                time.sleep(0.1)
            with open_app(80, 24, home) as app:
                app.wait_for(r"ticked +\d+ stories")
                app.keys("4")
                app.wait_for(r"far .*training")
                app.keys("\r")
                began = time.monotonic()
                app.wait_for(r"step [\d,]+ of")
                attached = time.monotonic() - began
                lags = _lags(app, _Tail(journal), seconds)
        finally:
            trainer.kill()
            trainer.wait()
    return {
        "attach_seconds": attached,
        "lag_median_seconds": statistics.median(lags),
        "lag_p99_seconds": statistics.quantiles(lags, n=100)[98],
        "lag_longest_seconds": max(lags),
        "steps": float(len(lags)),
    }


def _lags(app: Terminal, tail: _Tail, seconds: float) -> list[float]:
    """The lag of each step that came within so many seconds."""
    first = tail.read()
    waiting: list[tuple[int, float]] = []
    lags: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or waiting:
        before, now = tail.step, time.monotonic()
        newest = tail.read()
        if now < end:
            waiting += [(step, now) for step in range(max(before, first) + 1, newest + 1)]
        app.read(_LOOK)
        shown, now = _shown(app), time.monotonic()
        lags += [now - since for step, since in waiting if step <= shown]
        waiting = [each for each in waiting if each[0] > shown]
        if now > end + 30:
            sys.exit("The screen stopped showing steps.")
    return lags


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures: dict[str, Any] = measure(chosen.seconds)
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<24}{value:>10.3f}")
    if chosen.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
