"""Whether anything is lost when terminals and pipes close, disks fill, programs are killed or run at the same time.

    python tests/benchmarks/faults.py [--times 20] [--seed 0] [--only NAME …] [--json]

Each kind of fault happens --times times at random moments, to the real program in a new home:

    hangup    the pseudo-terminal of `train` is closed                  no step is lost, the exit code is not 0
    reader    the reader of `train`'s output closes the pipe            no step is lost, the exit code is not 0
    full      the output of any verb goes to a full device              no traceback, no step lost, exit code not 0
    kills     `train` is killed with SIGKILL and resumed                no step before its last checkpoint is lost
    twins     two `train` commands with one name start together         each that reports success is there, whole
    edits     eight changes of one collection at once, two killed       each acknowledged change is kept
    settings  two programs change the settings                          both changes are kept
    writers   two programs write one story, one is killed               each acknowledged word is kept, in order
    typing    the app is killed during typing                           all but the last half second is kept
    ticks     the app is killed after a tick                            the tick is kept

After each fault, every collection and every run must be listed, and SQLite's integrity check of the stories must be
"ok". All file times are then set back by a day: after the next use of the program, no unfinished file may be left.
Prints one row per kind with its count and its errors; with --json one object. Exits with 1 after an error.
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pexpect

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.faults_of_words import edits, settings, ticks, typing, writers
from tests.benchmarks.faults_place import LIMIT, PROGRAM, STEPS, Place, nothing_lost, train, wait_for_step
from tests.terminal import open_app

DAY = 86_400 + 3_600  # seconds

# -- the faults ---------------------------------------------------------------------------------------------


def hangup(place: Place, number: int) -> None:
    """Close the terminal: SIGHUP, and every write to it fails."""
    run, step = f"h{number}", place.draw.randint(1, STEPS // 2)
    program = pexpect.spawn(
        PROGRAM[0], [*PROGRAM[1:], *train(run, 2_000)], env=place.environment, timeout=LIMIT
    )

    def alive() -> bool:
        with suppress(pexpect.TIMEOUT, pexpect.EOF):
            program.read_nonblocking(65_536, timeout=0)
        return bool(program.isalive())

    wait_for_step(place, run, step, alive)
    time.sleep(place.draw.uniform(0, 0.2))
    os.close(program.child_fd)  # as the kernel does when a window is closed
    program.child_fd, program.closed = -1, True
    until = time.monotonic() + 60
    while program.isalive() and time.monotonic() < until:
        time.sleep(0.02)
    code = program.exitstatus if program.exitstatus is not None else program.signalstatus
    nothing_lost(place, run, code)


def reader(place: Place, number: int) -> None:
    """Close the pipe after some lines, like `| head -n`."""
    run, lines = f"r{number}", place.draw.randint(1, 40)
    program = place.start(*train(run, 2_000), *(["--json"] if place.draw.random() < 0.5 else []))
    assert program.stdout is not None and program.stderr is not None
    for _ in range(lines):
        program.stdout.readline()
    wait_for_step(place, run, 1, lambda: program.poll() is None)
    program.stdout.close()
    trouble = program.stderr.read()
    nothing_lost(place, run, program.wait(LIMIT))
    place.expect("Traceback" not in trouble, f"{run}: a traceback: {trouble[-300:]}")


def full(place: Place, number: int) -> None:
    """Send the output to a full device, or close it."""
    verb = place.draw.choice(["train", "tell", "corpus list", "corpus list --json", "doctor", "--help"])
    words = train(f"f{number}", 500) if verb == "train" else verb.split()
    if verb == "tell":
        words = ["tell", "--prompt", "Once", "--max-tokens", "3"]
    closed = place.draw.random() < 0.5
    redirect = ">&-" if closed else ">/dev/full"
    line = " ".join(f"'{word}'" for word in [*PROGRAM, *words]) + " " + redirect
    done = subprocess.run(
        ["sh", "-c", line],
        env=place.environment,
        stderr=subprocess.PIPE,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    place.expect("Traceback" not in done.stderr, f"{verb} {redirect}: a traceback: {done.stderr[-300:]}")
    place.expect(done.returncode != 0, f"{verb} {redirect} ended with 0")
    run = f"f{number}"
    if verb == "train" and place.last_step(run):
        nothing_lost(place, run, done.returncode)


def kills(place: Place, number: int) -> None:
    """`kill -9`: the run resumes from its last checkpoint and finishes."""
    run, step = f"k{number}", place.draw.randint(1, STEPS - 5)
    program = place.start(*train(run), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_step(place, run, step, lambda: program.poll() is None)
    time.sleep(place.draw.uniform(0, 0.1))
    program.kill()
    program.wait()
    saved = [event["step"] for event in place.journal(run) if event["event"] == "checkpoint_saved"]
    done = place.run("train", "--resume", run)
    place.expect(done.returncode == 0, f"{run} does not go on: {done.stderr[-300:]}")
    place.expect(place.last_step(run) == STEPS, f"{run} ends at step {place.last_step(run)}")
    again = [event for event in place.journal(run) if event["event"] == "resumed"]
    begun = again[-1].get("step", 0) if again else 0
    place.expect(begun >= max(saved, default=0), f"{run} went on from {begun}, though {saved} were saved")


def twins(place: Place, number: int) -> None:
    """Start two runs with one name."""
    run = f"t{number}"
    first = place.start(*train(run, 6))
    time.sleep(place.draw.choice([0, 0, place.draw.uniform(0, 3)]))
    both = [first, place.start(*train(run, 6))]
    ends = [program.communicate(timeout=LIMIT) for program in both]
    done = [program.returncode == 0 for program in both]
    place.expect(any(done), f"neither of the twins {run} was done: {[end[1][-200:] for end in ends]}")
    place.expect(place.last_step(run) == 6 and place.saved_step(run) == 6, f"{run} is not whole")
    place.expect(not any("Traceback" in end[1] for end in ends), f"a traceback: {ends}")
    if all(done):  # then the second one started after the name was free again, or took another name
        others = [path.name for path in (place.home / "runs").iterdir() if path.name.startswith(f"{run}-")]
        place.expect(others, f"both twins {run} were done, and one run is there")


# -- checks after each fault ----------------------------------------------------------------------------------


def check(place: Place) -> None:
    """Check that everything is listed, the stories are intact, and a day later no unfinished file is left."""
    runs = [path.name for path in (place.home / "runs").glob("[!.]*") if path.is_dir()]
    listed = place.run("runs", "list").stdout
    place.expect(all(run in listed for run in runs), f"of the runs {runs} only these are listed: {listed}")
    collections = [path.name for path in (place.home / "collections").glob("[!.]*") if path.is_dir()]
    listed = place.run("corpus", "list").stdout
    place.expect(all(name in listed for name in collections), f"of {collections} these are listed: {listed}")
    stories = place.home / "stories.sqlite3"
    if stories.exists():
        with closing(sqlite3.connect(stories)) as database:
            found = database.execute("pragma integrity_check").fetchone()[0]
        place.expect(found == "ok", f"the stories: {found}")
    for path in sorted(place.home.rglob("*"), reverse=True):
        with suppress(OSError):
            os.utime(path, (time.time() - DAY, time.time() - DAY), follow_symlinks=False)
    place.run(*train("afterwards", 1))
    shutil.rmtree(place.home / "runs" / "afterwards", ignore_errors=True)
    with open_app(100, 30, place.home) as app:
        app.wait_for(r"Hedgerow Tales")
        app.keys("\x11")
        app.wait_for_end()
    left = [str(path.relative_to(place.home)) for path in place.home.rglob(".part-*")]
    place.expect(not left, f"a day later there are still {left}")


FAULTS: dict[str, Callable[[Place, int], None]] = {
    "hangup": hangup,
    "reader": reader,
    "full": full,
    "kills": kills,
    "twins": twins,
    "edits": edits,
    "settings": settings,
    "writers": writers,
    "typing": typing,
    "ticks": ticks,
}


def main() -> None:
    """Run the faults and print the counts and errors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    parser.add_argument("--only", nargs="*", choices=list(FAULTS), default=list(FAULTS))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    for name in args.only:
        with tempfile.TemporaryDirectory(prefix="storytime-faults-") as folder:
            place, began = Place(Path(folder) / "home", random.Random(args.seed)), time.monotonic()
            for number in range(args.times):
                FAULTS[name](place, number)
            check(place)
        figures[name] = {
            "times": args.times,
            "seconds": round(time.monotonic() - began),
            "troubles": place.troubles,
        }
        if not args.json:
            print(f"{name:<10}{args.times} times  {len(place.troubles)} troubles", flush=True)
            for trouble in place.troubles:
                print(f"    {trouble}", flush=True)
    lost = sum(len(each["troubles"]) for each in figures.values())
    if args.json:
        print(json.dumps({"troubles": lost, **figures}))
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
