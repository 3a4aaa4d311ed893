"""How long a backup of a large home takes, and whether `kill -9` at any moment of it costs anything.

    python tests/benchmarks/backup.py [--megabytes 1000] [--kills 20] [--seed 0] [--json]

A home is made in a temporary folder: runs with checkpoints of random bytes, a collection, and stories. It is saved and
brought back into an empty home, and everything is compared. Then `backup create` and `backup restore` are killed at
random moments, in turn. After each kill it is checked that

- the home that was saved is as it was, and no file of the name that was asked for is there;
- what is in the home that is restored into is whole: each run, each collection, the stories;
- the same command, given again, completes it, and everything is equal.

Exits with 1 if anything was lost. Prints a line a kill and a summary; with --json one object as the last line.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from storytime_tui.formatting import size
from tests.jobs.housekeeping.homes import fingerprint, make_home, make_run, told

RUNS, CHECKPOINTS = 5, 4


def storytime(home: Path, *words: str, kill_after: float | None = None) -> float:
    """Run a command in a home, or kill it; returns its seconds."""
    environment = {**os.environ, "STORYTIME_HOME": str(home)}
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "storytime_tui", *words],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    else:
        if process.returncode:
            raise SystemExit(said.decode())
    return time.monotonic() - started


def made(folder: Path, megabytes: int) -> Path:
    """A home of about this size."""
    home = folder / "home"
    os.environ["STORYTIME_HOME"] = str(home)
    make_home(folder)
    steps = tuple(range(10, 10 * CHECKPOINTS + 1, 10))
    for number in range(RUNS):
        make_run(f"large-{number}", steps, best=10, size=megabytes * 1_000_000 // RUNS // CHECKPOINTS // 2)
    return home


def faults_after_kill(home: Path, other: Path, wanted: dict[str, str]) -> list[str]:
    """What is wrong with the home that was restored into when the restore was killed."""
    here = {name: what for name, what in fingerprint(other).items() if not name.startswith(".part-")}
    faults = [f"{name} is not as it was saved" for name, what in here.items() if wanted.get(name) != what]
    for folder in ("runs", "collections"):
        for each in {name.split("/")[1] for name in here if name.startswith(f"{folder}/")}:
            missing = [name for name in wanted if name.startswith(f"{folder}/{each}/") and name not in here]
            faults += [f"{folder}/{each} lacks {len(missing)} files"] if missing else []
    if (other / "stories.sqlite3").exists() and told(other) != told(home):
        faults.append("the stories are not as they were saved")
    return faults


def main() -> int:
    """Make, save, restore, kill; print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    draw = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="storytime-backup-") as name:
        folder = Path(name)
        home = made(folder, args.megabytes)
        wanted, stories = fingerprint(home), told(home)
        saved, other = folder / "saved.zip", folder / "other"
        create = storytime(home, "backup", "create", str(saved))
        restore = storytime(other, "backup", "restore", str(saved))
        again = storytime(other, "backup", "restore", str(saved))
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        faults = (
            [] if fingerprint(other) == wanted and told(other) == stories else ["the restored home differs"]
        )
        bytes_of = saved.stat().st_size
        print(
            f"{size(bytes_of)}: create {create:.1f} s, restore {restore:.1f} s, again {again:.1f} s, {size(memory)}"
        )
        for number in range(args.kills):
            if number % 2:
                shutil.rmtree(other)
                moment = draw.uniform(0.3, restore)
                storytime(other, "backup", "restore", str(saved), kill_after=moment)
                wrong = faults_after_kill(home, other, wanted)
                storytime(other, "backup", "restore", str(saved))
                if fingerprint(other) != wanted or told(other) != stories:
                    wrong.append("restoring again did not complete it")
            else:
                target, moment = folder / f"killed-{number}.zip", draw.uniform(0.3, create)
                storytime(home, "backup", "create", str(target), kill_after=moment)
                wrong = (
                    [] if fingerprint(home) == wanted and told(home) == stories else ["the home has changed"]
                )
                if target.exists() and target.stat().st_size not in (0, bytes_of):
                    wrong.append("a part of a backup has its name")
                for left in folder.glob(".part-*"):
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            faults += wrong
            what = "restore" if number % 2 else "create"
            print(
                f"kill {number + 1}: {what} after {moment:.2f} s: {'; '.join(wrong) or 'nothing lost'}",
                flush=True,
            )
    figures = {"bytes": bytes_of, "create_seconds": create, "restore_seconds": restore, "again_seconds": again,
               "peak_bytes": memory, "kills": args.kills, "faults": len(faults)}  # fmt: skip
    print(f"{args.kills} kills: {len(faults)} faults")
    if args.json:
        print(json.dumps(figures))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
