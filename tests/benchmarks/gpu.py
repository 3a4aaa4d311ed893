"""All GPU benchmarks, in rows, with one command.

    python tests/benchmarks/gpu.py [--rows G1 G2 …] [--device cuda|cpu] [--smoke] [--limit SECONDS] [--json]

Each job runs in its own process with a time limit. If a job crashes, hangs or runs out of memory, its rows say so,
and the next job starts. Every row is printed as a JSON object as soon as it is measured; without --json a table
follows. `--smoke` uses tiny shapes and few steps, to check that everything runs. Weights are random, because neither
speed nor memory depends on their values. Needs transformers, accelerate (G2), peft (G6) and textual (G11). The jobs
are in `gpu_training.py`, `gpu_whole.py`, `gpu_telling.py` and `gpu_llama.py`.
"""

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One process: the rows that it measures, its function, and its time limit in seconds."""

    rows: tuple[str, ...]
    place: str  # module:function, a generator of (row, figures)
    limit: float


# the shortest first, so that an interrupted command has measured as many as possible
JOBS = {
    "telling": Job(("G9", "G10"), "gpu_telling:telling", 100),
    "memory": Job(("G7",), "gpu_training:memory", 60),
    "medium": Job(("G5",), "gpu_training:medium", 60),
    "large": Job(("G6",), "gpu_training:large", 75),
    "shortage": Job(("G8",), "gpu_training:shortage", 60),
    "llama": Job(("G15",), "gpu_llama:llama", 150),
    "against": Job(("G1", "G2", "G3"), "gpu_training:against", 240),
    "short run": Job(("G4",), "gpu_whole:short_run", 120),
    "dashboard": Job(("G11",), "gpu_whole:dashboard", 100),
    "kills": Job(("G12",), "gpu_whole:kills", 150),
    "snapshot": Job(("G14",), "gpu_telling:snapshot", 30),
}
ROWS = sorted((row for job in JOBS.values() for row in job.rows), key=lambda row: int(row[1:]))

# row -> (figure, "at least" or "at most", limit)
WANTED: dict[str, tuple[str, str, float]] = {
    "G1": ("ratio_nanogpt", "at least", 1.0),
    "G2": ("ratio_trainer", "at least", 2.0),
    "G3": ("mfu", "at least", 0.40),
    "G4": ("ratio", "at most", 0.2),
    "G5": ("largest_reserved", "at most", 7.5e9),
    "G6": ("largest_reserved", "at most", 7.5e9),
    "G7": ("furthest_off", "at most", 0.10),
    "G8": ("largest_difference", "at most", 1e-3),
    "G9": ("ratio_generate", "at least", 4.0),
    "G11": ("dashboard_ratio", "at least", 0.98),
    "G12": ("identical", "at least", 1),
    "G15": ("ratio_compiled", "at least", 1.0),
}


# -- in a job's process ------------------------------------------------------------------------------------


def work(name: str, device: str, smoke: bool) -> None:
    """Run one job and print its rows."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit("the time was up")
    )  # so that its child processes end too
    module, _, function = JOBS[name].place.partition(":")
    measure = getattr(importlib.import_module(f"tests.benchmarks.{module}"), function)
    about: Row = {}
    for row, figures in measure(device, smoke):
        about = about or facts(device)
        print(json.dumps({"row": row, **figures, **about}), flush=True)


def facts(device: str) -> Row:
    """The fields of every row: machine and versions."""
    import torch
    import transformers

    from tests.benchmarks.peers import machine_name

    return {
        "machine": machine_name(device),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


# -- in the parent -----------------------------------------------------------------------------------------


def rows_of(name: str, limit: float, options: list[str]) -> Iterator[Row]:
    """Yield the rows of one job as they are measured; missing rows have the reason."""
    argv = [sys.executable, str(Path(__file__).resolve()), "--job", name, *options]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    missing = list(JOBS[name].rows)
    late = threading.Event()
    with tempfile.TemporaryFile("w+") as stderr:
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )

        def end() -> None:
            late.set()
            process.terminate()
            try:
                process.wait(10)
            finally:
                _kill_group(process)

        watchdog = threading.Timer(limit, end)
        watchdog.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith('{"row"'):
                    row = json.loads(line)
                    if row["row"] in missing:
                        missing.remove(row["row"])
                    yield row
            process.wait()
        finally:
            watchdog.cancel()
            _kill_group(process)
        stderr.seek(0)
        said = stderr.read().strip()[-900:]
    trouble = f"not done in {limit:.0f} s; " if late.is_set() else f"ended with {process.returncode}; "
    for row in missing:
        yield {"row": row, "trouble": trouble + said}


def _kill_group(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def together(rows: list[Row]) -> Row | None:
    """G7: the ratio of estimated to measured memory for each shape, and the largest error."""
    ratios = {}
    for row in rows:
        for name in ("probe_over_peak", "before_over_peak"):
            if row["row"] in ("G5", "G6", "G7") and row.get(name):
                ratios[f"{row['shape']}_{name}"] = row[name]
    if not ratios:
        return None
    by_probe = [ratio for name, ratio in ratios.items() if "probe" in name]
    furthest = max((abs(ratio - 1) for ratio in by_probe), default=None)
    return {"row": "G7", "shape": "all", "furthest_off": furthest, **ratios}


def verdict(row: Row) -> str:
    """Whether a row reached its limit, in words."""
    if "trouble" in row:
        return row["trouble"].splitlines()[-1][-60:] if row["trouble"] else "failed"
    if row["row"] not in WANTED:
        return ""
    figure, way, bound = WANTED[row["row"]]
    value = row.get(figure)
    if value is None:
        return ""
    reached = value >= bound if way == "at least" else value <= bound
    return f"{'reached' if reached else 'NOT REACHED'}: {figure} {value:.4g}, {way} {bound:g}"


def show(rows: list[Row]) -> None:
    """Print the table."""
    for row in sorted(rows, key=lambda row: int(row["row"][1:])):
        print(f"\n{row['row']:<5}{verdict(row)}")
        for name, value in row.items():
            if name not in ("row", "machine", "torch", "transformers"):
                print(f"     {name:<34}{f'{value:,.4g}' if isinstance(value, float) else value}")


def main() -> None:
    """Measure the selected rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--limit", type=float, help="time limit of each job in seconds")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--job", choices=list(JOBS), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        work(args.job, args.device, args.smoke)
        return
    options = ["--device", args.device, *(["--smoke"] if args.smoke else [])]
    found: list[Row] = []
    for name, job in JOBS.items():
        if set(job.rows) & set(args.rows):
            for row in rows_of(name, args.limit or job.limit, options):
                found.append(row)
                print(json.dumps(row), flush=True)
    summary = together(found)
    if summary:
        found.append(summary)
        print(json.dumps(summary), flush=True)
    if not args.json:
        show(found)


if __name__ == "__main__":
    main()
