"""Whether a run learns its own collection: two runs of one base, each evaluated on both collections.

    python tests/benchmarks/diagonal.py [--collections A B] [--base-steps N] [--steps N] [--seed N] [--json]

The base is `scratch-tiny`, trained briefly on all bundled collections, so that all three models share one tokenizer.
Each run is then trained on one collection. All models are evaluated in bits per byte of the validation stories,
through the command line only. Each run should be better on its own collection than the other run and the base, and
should gain more on it than on the other collection. Prints a table; with --json one object. Exits with 1 if this is
not so.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

# With this seed, the validation stories of each collection are also validation stories of all collections together, so
# the base was not trained on the stories of its evaluation.
SEED = 2
BASE = "common"


def storytime(*words: str) -> list[dict[str, Any]]:
    """Run one command with --json and return its objects."""
    argv = [sys.executable, "-m", "storytime_tui", *words, "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def train(run: str, base: str, collections: list[str], steps: int, seed: int, rate: float) -> None:
    """Train one run, without samples."""
    knobs = {"seed": seed, "learning_rate": rate, "sample_every": 0}
    values = [word for key, value in knobs.items() for word in ("--set", f"{key}={value}")]
    start = ["train", "--base", base, "--run", run, "--max-steps", str(steps)]
    storytime(*start, "--corpus", *collections, *values)


def bits_per_byte(model: str, collection: str, seed: int) -> float:
    """Bits per byte of the collection's validation stories."""
    said = storytime("evaluate", "--model", model, "--corpus", collection, "--seed", str(seed))
    return float(said[-1]["bits_per_byte"])


def measure(pair: list[str], base_steps: int, steps: int, seed: int) -> dict[str, Any]:
    """Train the base and both runs, and evaluate all three on both collections."""
    began = time.monotonic()
    bundled = [collection["name"] for collection in storytime("corpus", "list")]
    train(BASE, "scratch-tiny", bundled, base_steps, seed, 1e-3)
    before = {name: bits_per_byte(BASE, name, seed) for name in pair}
    after: dict[str, dict[str, float]] = {}
    for own in pair:
        train(f"on-{own}", BASE, [own], steps, seed, 5e-4)
        after[own] = {name: bits_per_byte(f"on-{own}", name, seed) for name in pair}
    gained = {own: {name: before[name] - after[own][name] for name in pair} for own in pair}
    first, second = pair
    both = ((first, second), (second, first))
    return {
        "base": before,
        "bits_per_byte": after,
        "gained": gained,
        # the raw comparison, and one corrected for the easier collection
        "rows_win": all(after[own][own] < after[own][other] for own, other in both),
        "gains_win": all(gained[own][own] > gained[own][other] for own, other in both),
        "columns_win": all(after[own][own] < after[other][own] for own, other in both),
        "beats_base": all(after[own][own] < before[own] for own in pair),
        "seconds": time.monotonic() - began,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the table."""
    names = list(figures["base"])
    wide = max(map(len, names)) + 2
    rows = {
        "base": figures["base"],
        **{f"on {own}": found for own, found in figures["bits_per_byte"].items()},
    }
    print(" " * (wide + 3) + "".join(f"{name:>{wide}}" for name in names))
    for label, row in rows.items():
        print(f"{label:<{wide + 3}}" + "".join(f"{row[name]:>{wide}.4f}" for name in names))
    for name in ("rows_win", "gains_win", "columns_win", "beats_base", "seconds"):
        print(f"{name:<{wide + 3}}{figures[name]}")


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--collections", nargs=2, default=["hedgerow-tales", "nonsense-from-the-attic"])
    parser.add_argument("--base-steps", type=int, default=100)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the split and of the training")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as home:
        os.environ["STORYTIME_HOME"] = home
        figures = measure(args.collections, args.base_steps, args.steps, args.seed)
    if args.json:
        print(json.dumps(figures))
    else:
        show(figures)
    sys.exit(0 if figures["gains_win"] and figures["columns_win"] and figures["beats_base"] else 1)


if __name__ == "__main__":
    main()
