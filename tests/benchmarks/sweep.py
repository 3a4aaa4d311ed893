"""The effect of batch size, learning rate, epochs and patience on a small shelf; each trial is a whole run.

    python tests/benchmarks/sweep.py [--base starter] [--shelf NAME|FOLDER …] [--trial "learning_rate=5e-4 epochs=10" …]
                                     [--json]

A trial is a set of plan options; "" is the default plan, without samples. The default trials are the grid below, the
default shelves the three bundled ones. Prints a row per run: perplexity before and at its best, the best step and the
number of steps, the time, and how much higher the loss is than the best of all trials on that shelf. With --json,
prints one object last.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import Any

from storytime_tui import paths
from storytime_tui.jobs.train import learn
from storytime_tui.knobs import with_values
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan, with_preset

BUNDLED = ("hedgerow-tales", "nonsense-from-the-attic", "under-the-fir-trees")
GRID = (  # the default plan, and one option changed at a time
    "",
    "learning_rate=2.5e-4",
    "learning_rate=1e-3",
    "batch_size=2 accumulation=1",
    "batch_size=4 accumulation=1",
    "batch_size=8 accumulation=1",
    "epochs=2",
    "epochs=7",
    "dropout=0",
    "dropout=0.2",
    "block_size=256",
    "stride=256 epochs=2",
)


def tried(base: str, shelf: str, trial: str) -> dict[str, Any]:
    """Train one run with these options on the "balanced" plan, and return its results."""
    plan = with_preset(TrainingPlan(base=base, collections=(shelf,)), "balanced", from_scratch=False)
    wished = dict(knob.split("=", 1) for knob in trial.split())
    plan = with_values(plan, {"sample_every": "0", "listen": "false", **wished})
    began = time.monotonic()
    said = list(learn(plan, Control(), "trial"))
    seconds = time.monotonic() - began
    shutil.rmtree(paths.runs_folder() / "trial")
    finished = said[-1]
    if not isinstance(finished, ev.Finished):
        raise SystemExit(f"{shelf}, {trial}: {finished}")
    evaluated = [event for event in said if isinstance(event, ev.Evaluated)]
    best = min(evaluated, key=lambda event: event.validation_loss)
    return {
        "shelf": shelf.rstrip("/").rpartition("/")[2],
        "trial": trial or "the usual plan",
        "before": evaluated[0].validation_loss,
        "best": best.validation_loss,
        "perplexity_before": evaluated[0].perplexity,
        "perplexity": best.perplexity,
        "best_step": best.step,
        "steps": finished.step,
        "seconds": seconds,
    }


def sweep(base: str, shelves: Iterable[str], trials: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Run each trial on each shelf, one shelf after the other, and print each result."""
    for shelf in shelves:
        for trial in trials:
            row = tried(base, shelf, trial)
            print(
                f"| {row['shelf']} | {row['trial']} | {row['perplexity_before']:.2f} | {row['perplexity']:.2f} | "
                f"{row['best']:.4f} | {row['best_step']} of {row['steps']} | {row['seconds']:.0f} s |",
                flush=True,
            )
            yield row


def main() -> None:
    """Run all trials and print the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="starter")
    parser.add_argument("--shelf", action="append")
    parser.add_argument("--trial", action="append")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["STORYTIME_HOME"] = home
        print("| shelf | trial | perplexity before | at its best | loss | at step | time |")
        print("|---|---|---|---|---|---|---|", flush=True)
        rows = list(sweep(args.base, args.shelf or BUNDLED, GRID if args.trial is None else args.trial))
    least: dict[str, float] = {}
    for row in rows:
        least[row["shelf"]] = min(row["best"], least.get(row["shelf"], row["best"]))
    for row in rows:
        row["above_best"] = row["best"] / least[row["shelf"]] - 1
    print()
    for row in sorted(rows, key=lambda row: (row["shelf"], row["best"])):
        print(
            f"{row['shelf']}: {row['above_best']:.2%} above the best: {row['trial']}, {row['seconds']:.0f} s"
        )
    if args.json:
        print(json.dumps({"trials": rows}))


if __name__ == "__main__":
    main()
