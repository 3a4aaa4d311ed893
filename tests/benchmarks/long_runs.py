"""The time to open a run of a million steps and to list three hundred runs.

    python tests/benchmarks/long_runs.py [--steps N] [--runs N] [--json]

Writes a journal of N steps as the trainer does, with a thousand evaluations and samples, in a temporary home.
`open_seconds`: from the call to the view of the Train screen, in a new process, without imports. `rebuild_seconds`: the
same without the index. `redraw_seconds`: one drawing of its panel at 120x40, in the app. `memory_megabytes`: the
largest resident memory of the process that opened it, less that of one that opened a run of 10 steps.
`first_list_seconds`: the first list of the other runs (60 steps each) ever; `list_seconds`: the first one in a later
process; `list_again_seconds`: the next one there. Medians of 5 but for `redraw_seconds` (30) and the first list.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from storytime_tui.training import events as ev
from storytime_tui.training.journal import JOURNAL, Journal
from storytime_tui.training.plan import TrainingPlan, write_plan

ROUNDS = 5


def make_run(folder: Path, steps: int, every: int) -> None:
    """Write a finished run's plan and journal, as the trainer does."""
    folder.mkdir(parents=True)
    (folder / "checkpoints" / f"step-{steps}").mkdir(parents=True)
    write_plan(TrainingPlan(base="starter", collections=("hedgerow-tales",)), folder / "plan.toml")
    journal = Journal(folder / JOURNAL)
    journal.append(
        ev.Started(
            folder.name, "starter", ("hedgerow-tales",), "cpu", "bf16", 14_000_000, 14, 2, 25_000, 2_500, steps,
            steps / 6, 256, 6.5, 1.7e9,
        )
    )  # fmt: skip
    journal.append(ev.Evaluated(0, 5.0, math.exp(5), 1.6, False))
    for step in range(1, steps + 1):
        loss = 2 + 3 / (1 + 10 * step / steps) + (step * 7919 % 101) / 500
        journal.append(
            ev.StepDone(step, loss, 1e-4, 1234.5, step * 6 / steps, 0.9, step * 0.5, 1_800_000_000)
        )
        if step % every == 0:
            journal.append(ev.Evaluated(step, loss + 0.1, math.exp(loss), 1.5, True))
            journal.append(ev.Sampled(step, "Once upon a time", " there was a mouse who kept a shop. " * 12))
    journal.append(ev.CheckpointSaved(steps, f"checkpoints/step-{steps}", True))
    journal.append(ev.Finished(folder.name, steps, 2.3, steps, "done", steps * 0.5))
    journal.close()


_OPEN = """
import sys, time
from storytime_tui.jobs import records
from storytime_tui.tui.run_view import view_of
began = time.perf_counter()
view = view_of(records.journal_of(sys.argv[1]), {})
took = time.perf_counter() - began
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, int(peak.split()[1]) / 1000, view.done)
"""
_LIST = """
import time
from storytime_tui.jobs import records
for _ in range(2):
    began = time.perf_counter()
    count = len(records.run_records())
    print(time.perf_counter() - began, count)
"""
_REDRAW = """
import asyncio, statistics, sys, time
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.real_services import real_services
async def main():
    app = StorytimeApp(real_services())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await app.desk.training.show_run(sys.argv[1])
        await pilot.pause()
        from storytime_tui.tui.widgets.run_panel import RunPanel
        panel, times = app.screen.query_one(RunPanel), []
        for _ in range(30):
            panel._drawn = None  # as after a step
            began = time.perf_counter()
            panel._turn()
            times.append(time.perf_counter() - began)
            await pilot.pause()
        print(statistics.median(times))
asyncio.run(main())
"""


def _python(code: str, home: Path, *arguments: str) -> list[list[float]]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "STORYTIME_HOME": str(home), "HF_HUB_OFFLINE": "1"},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        long, many = Path(folder) / "long", Path(folder) / "many"
        began = time.perf_counter()
        make_run(long / "runs" / "long", chosen.steps, max(1, chosen.steps // 1000))
        figures["write_microseconds_per_step"] = (time.perf_counter() - began) / chosen.steps * 1e6
        figures["journal_megabytes"] = (long / "runs" / "long" / JOURNAL).stat().st_size / 1e6
        make_run(long / "runs" / "short", 10, 5)
        opened = [_python(_OPEN, long, "long")[0] for _ in range(ROUNDS)]
        short = _python(_OPEN, long, "short")[0]
        figures["open_seconds"] = statistics.median(each[0] for each in opened)
        figures["memory_megabytes"] = opened[0][1] - short[1]
        figures["redraw_seconds"] = _python(_REDRAW, long, "long")[-1][0]
        (long / "runs" / "long" / "events.index.json").unlink(missing_ok=True)
        figures["rebuild_seconds"] = _python(_OPEN, long, "long")[0][0]
        for number in range(chosen.runs):
            make_run(many / "runs" / f"run-{number}", 60, 10)
        first = [_python(_LIST, many) for _ in range(ROUNDS)]
        figures["first_list_seconds"] = first[0][0][0]  # nothing is remembered from an earlier program
        figures["list_seconds"] = statistics.median(each[0][0] for each in first[1:])
        figures["list_again_seconds"] = statistics.median(each[1][0] for each in first)
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<32}{value:>12.4f}")
    if chosen.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
