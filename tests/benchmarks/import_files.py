"""An import of 1,000 files: how long it takes, how often it reports, and that it can be stopped at any file.

    python tests/benchmarks/import_files.py [--files N] [--stops N] [--json]

Makes N files of the bundled tales' words in 20 folders, in a temporary home. `seconds`: the whole import with its
account. `longest_gap_seconds`: the longest time between two reports, which is how long a wish to stop may wait.
`reports`: their number. Then it imports again, and stops at so many reports spread over the whole import: each time
nothing may be left of the collection, and no unfinished file. `stops_clean`: how many did.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from storytime_tui import paths
from storytime_tui.jobs import shelves
from storytime_tui.jobs.progress import Stopped

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = 20


def make_files(folder: Path, count: int) -> None:
    """Write so many texts of 300 to 1,500 words."""
    words = " ".join(
        file.read_text(encoding="utf-8") for file in sorted((ROOT / "textdata").rglob("*.txt"))
    ).split(" ")
    chance = random.Random(0)
    for number in range(count):
        place = folder / f"shelf {number % FOLDERS:02}"
        place.mkdir(exist_ok=True)
        at, size = chance.randrange(len(words) - 1_500), chance.randrange(300, 1_500)
        (place / f"Tale {number}.txt").write_text(f"Tale {number}\n\n" + " ".join(words[at : at + size]))


def imported(folder: Path, stop_at: int | None) -> list[float]:
    """Import; stop at this report, if any. Returns the times of the reports."""
    times: list[float] = []
    stop = threading.Event()

    def report(words: str, done: int, total: int) -> None:
        times.append(time.perf_counter())
        if stop_at is not None and len(times) >= stop_at:
            stop.set()

    shelves.add([folder], "many", report=report, stop=stop)
    return times


def left_behind() -> list[Path]:
    """What is in the folder of collections."""
    folder = paths.collections_folder()
    return [each for each in folder.rglob("*") if each.is_file()] if folder.exists() else []


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--stops", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["STORYTIME_HOME"] = str(Path(home) / "home")
        folder = Path(home) / "texts"
        folder.mkdir()
        make_files(folder, chosen.files)
        began = time.perf_counter()
        times = imported(folder, None)
        seconds = time.perf_counter() - began
        gaps = [after - before for before, after in pairwise([began, *times])]
        (collection,) = [each for each in shelves.shelf() if each.name == "many"]
        assert len(collection.accounts) == chosen.files
        shelves.remove(collection)
        clean, kept = 0, len(left_behind())
        for number in range(chosen.stops):
            (folder / "shelf 00" / "Tale 0.txt").write_text(f"Tale 0\n\nThe goose sat down {number} times.")
            try:
                imported(folder, 1 + number * len(times) // chosen.stops)
            except Stopped:
                clean += len(left_behind()) == kept
        figures = {
            "seconds": seconds,
            "reports": float(len(times)),
            "longest_gap_seconds": max(gaps),
            "stops": float(chosen.stops),
            "stops_clean": float(clean),
        }
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<22}{value:>12.3f}")
    if chosen.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
