"""Whether anything is lost when terminals close, readers go, disks fill, programs are killed and twins meet.

    python tests/benchmarks/faults.py [--times 20] [--seed 0] [--only NAME …] [--json]

Each kind of fault happens --times times at random moments, to the real program, with a home of its own:

    hangup    the pseudo-terminal of `train` is closed                  no step is lost, the exit is not 0
    reader    who reads `train`'s output goes                           no step is lost, the exit is not 0
    full      the output of any verb goes to a full device              no traceback, no step lost, not 0
    kills     `train` is killed with SIGKILL, and goes on               no step before its last checkpoint is lost
    twins     two `train`s of one name begin together                   each that says it is done is there, whole
    edits     eight changes of one collection at once, two killed       each that was acknowledged is kept
    settings  two programs change the settings                          both changes are kept
    writers   two programs write one story, one is killed               each acknowledged word is kept, in order
    typing    the app is killed while one types                         all but the last half second is kept
    ticks     the app is killed after a tick                            the tick is kept

After each: every collection and every run is listed, SQLite's own check of the stories is "ok", and a day later
(all times are set back) nothing unfinished is left after the program was used once. Prints a row a kind: how often
it was tried, and what went wrong; with --json one object. Exits with 1 where anything did.
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
    """The terminal goes: SIGHUP, and whatever is written to it fails."""
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
    os.close(program.child_fd)  # what the kernel does when a window is closed
    program.child_fd, program.closed = -1, True
    until = time.monotonic() + 60
    while program.isalive() and time.monotonic() < until:
        time.sleep(0.02)
    code = program.exitstatus if program.exitstatus is not None else program.signalstatus
    nothing_lost(place, run, code)


def reader(place: Place, number: int) -> None:
    """`| head -n`: whoever reads goes after some lines."""
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
    """The output goes to a full device, or to none at all."""
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
    """`kill -9`; what the last checkpoint holds is learned, and the run goes on to its end."""
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
    """Two runs of one name."""
    run = f"t{number}"
    first = place.start(*train(run, 6))
    time.sleep(place.draw.choice([0, 0, place.draw.uniform(0, 3)]))
    both = [first, place.start(*train(run, 6))]
    ends = [program.communicate(timeout=LIMIT) for program in both]
    done = [program.returncode == 0 for program in both]
    place.expect(any(done), f"neither of the twins {run} was done: {[end[1][-200:] for end in ends]}")
    place.expect(place.last_step(run) == 6 and place.saved_step(run) == 6, f"{run} is not whole")
    place.expect(not any("Traceback" in end[1] for end in ends), f"a traceback: {ends}")
    if all(done):  # the later one then began when the name was free again, or took another
        others = [path.name for path in (place.home / "runs").iterdir() if path.name.startswith(f"{run}-")]
        place.expect(others, f"both twins {run} were done, and one run is there")


# -- after each -----------------------------------------------------------------------------------------------


def check(place: Place) -> None:
    """All is listed, the stories are sound, and a day later nothing unfinished lies about."""
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
    """Print what was tried and what went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
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
