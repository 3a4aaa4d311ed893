"""Whether a run that is killed again and again ends byte-identical to an uninterrupted one.

    python tests/benchmarks/kills.py [--kills 20] [--pauses 0] [--seed 0] [--set key=value …]
                                     [--deterministic] [--json]

A short run of `scratch-tiny` is trained once without interruption. The same plan is then trained in another home and
killed with SIGKILL at moments spread over its length: during the start, right after a step or a checkpoint, within a
step, while a checkpoint is written, and after the last step. Each time it is continued with `--resume`. With --pauses
it is trained once more in this process, and paused and resumed that often through its Control. At the end the weights
and the optimiser states of the last checkpoints are compared. Exits with 1 if they differ. `--deterministic` turns on
torch's deterministic algorithms, for a GPU (`--set device=cuda`); the program itself has no option for it. Prints a
table; with --json one object.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

THREADS = "2"  # another number of threads adds in another order and gives other bytes
RUN = "k"
BASE, CORPUS = "scratch-tiny", "hedgerow-tales"
# about forty seconds on two cores; nearly every evaluation is a new best and saves a checkpoint
KNOBS = {
    "precision": "fp32",
    "batch_size": "4",
    "accumulation": "2",
    "block_size": "128",
    "max_steps": "240",
    "learning_rate": "0.0005",
    "evaluate_every": "4",
    "sample_every": "40",
    "sample_tokens": "8",
}
PLAIN = ["-m", "storytime_tui"]
DETERMINISTIC = [
    "-c",
    "import runpy, torch; torch.use_deterministic_algorithms(True); "
    "runpy.run_module('storytime_tui', run_name='__main__', alter_sys=True)",
]
COMPARED = ("model.safetensors", "trainer.safetensors")
LIMIT = 900.0  # seconds for one command
STARTING = 8.0  # about the seconds from a command to its first step
WRITING = 0.05  # about the seconds to write a checkpoint


@dataclass(frozen=True)
class Moment:
    """When to kill: `delay` seconds after `what` at `step` or later."""

    what: str  # start, step_done, checkpoint_saved or writing
    step: int
    delay: float


def moments(kills: int, steps: int, draw: random.Random) -> list[Moment]:
    """One moment per kill, spread evenly over the run, with the kinds in turn; the last one is after the last step."""
    kinds = (
        lambda step: Moment("start", step, draw.uniform(0, STARTING)),
        lambda step: Moment("step_done", step, 0.0),
        lambda step: Moment("writing", step, draw.uniform(0, WRITING)),
        lambda step: Moment("step_done", step, draw.uniform(0, 0.5)),
        lambda step: Moment("checkpoint_saved", step, 0.0),
        lambda step: Moment("writing", step, 0.0),
    )
    chosen = [kinds[number % len(kinds)](number * steps // kills) for number in range(kills - 1)]
    return [*chosen, Moment("step_done", steps, 0.0)] if kills else []


# -- killed ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sitting:
    """The result of one command: its events, whether we killed it, and the end of its stderr."""

    said: list[dict[str, Any]]
    killed: bool
    code: int
    trouble: str


def sit(home: Path, words: list[str], moment: Moment | None, program_of: list[str] = PLAIN) -> Sitting:
    """Run one command in `home`, and kill it at the moment if it gets there."""
    environment = {**os.environ, "STORYTIME_HOME": str(home), "OMP_NUM_THREADS": THREADS}
    if program_of is DETERMINISTIC:
        environment["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    argv = [sys.executable, *program_of, "train", *words, "--json"]
    with tempfile.TemporaryFile("w+") as stderr:
        program = subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True, bufsize=1
        )
        watchdog = threading.Timer(LIMIT, program.kill)
        watchdog.start()
        said: list[dict[str, Any]] = []
        killed = False
        try:
            if moment is not None and wait_for(moment, program, home, said):
                program.kill()
                killed = True
            said += lines_of(program)
            code = program.wait()
        finally:
            watchdog.cancel()
            program.kill()
        stderr.seek(0)
        # it may have ended by itself just before the kill
        return Sitting(said, killed and code < 0, code, stderr.read().strip()[-500:])


def wait_for(moment: Moment, program: subprocess.Popen[str], home: Path, said: list[dict[str, Any]]) -> bool:
    """Wait for the moment; False if the program ended before it."""
    if moment.what != "start":
        wanted = "step_done" if moment.what == "writing" else moment.what
        for event in lines_of(program):
            said.append(event)
            if event["event"] == wanted and event["step"] >= moment.step:
                break
        else:
            return False
    if moment.what == "writing":
        while program.poll() is None and not unfinished(home):
            time.sleep(0.0005)
    time.sleep(moment.delay)
    return program.poll() is None


def lines_of(program: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """The program's JSON objects; a line cut by the kill is skipped."""
    assert program.stdout is not None
    for line in program.stdout:
        if line.endswith("\n"):
            yield json.loads(line)


def unfinished(home: Path) -> list[str]:
    """The unfinished entries among the checkpoints: being written, or left by a kill."""
    folder = home / "runs" / RUN / "checkpoints"
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [name for name in names if not re.fullmatch(r"step-\d+|last|best", name)]


def first_words(knobs: dict[str, str]) -> list[str]:
    """The command that starts the run."""
    values = [word for key, value in knobs.items() for word in ("--set", f"{key}={value}")]
    return ["--base", BASE, "--corpus", CORPUS, "--run", RUN, *values]


def next_words(home: Path, knobs: dict[str, str]) -> list[str]:
    """The command that resumes the run, or starts it again if it was killed before it had a folder."""
    begun = (home / "runs" / RUN / "plan.toml").is_file()
    return ["--resume", RUN] if begun else first_words(knobs)


def run_killed(
    home: Path, knobs: dict[str, str], planned: list[Moment], program_of: list[str] = PLAIN
) -> dict[str, Any]:
    """Start the run, kill and resume it, until it finishes."""
    kills = torn = 0
    trouble = ""
    for moment in [*planned, None]:
        sitting = sit(home, next_words(home, knobs), moment, program_of)
        kills += sitting.killed
        torn += bool(sitting.killed and unfinished(home))
        if sitting.code > 0:
            trouble = f"at {moment}: {sitting.trouble}"
            break
        if not sitting.killed:
            break
    return {"kills": kills, "torn_checkpoints": torn, "trouble": trouble}


# -- paused ----------------------------------------------------------------------------------------------


def run_paused(home: Path, knobs: dict[str, str], wanted: int, seconds: float, seed: int) -> dict[str, Any]:
    """Train the same plan in this process, paused and resumed at random moments by another thread."""
    os.environ.update(STORYTIME_HOME=str(home), OMP_NUM_THREADS=THREADS)  # before torch is imported

    from storytime_tui.jobs.train import learn
    from storytime_tui.knobs import with_values
    from storytime_tui.training.control import Control
    from storytime_tui.training.events import Failed, Paused, StepDone
    from storytime_tui.training.plan import TrainingPlan

    control = Control()
    learning, paused, over = threading.Event(), threading.Event(), threading.Event()

    def steer() -> None:
        draw = random.Random(seed)
        learning.wait()
        for _ in range(wanted):
            if over.wait(draw.uniform(0, seconds / wanted)):
                break
            control.pause()
            paused.wait()  # otherwise a short pause may be over before the trainer notices it
            paused.clear()
            over.wait(draw.uniform(0, 0.2))
            control.resume()

    steering = threading.Thread(target=steer, daemon=True)
    steering.start()
    pauses, trouble = 0, ""
    for event in learn(with_values(TrainingPlan(base=BASE, collections=(CORPUS,)), knobs), control, RUN):
        if isinstance(event, StepDone):
            learning.set()
        if isinstance(event, Paused):
            pauses += 1
            paused.set()
        if isinstance(event, Failed):
            trouble = event.message
    for waited_for in (over, learning, paused):
        waited_for.set()
    steering.join()
    return {"pauses": pauses, "trouble": trouble}


# -- comparing -------------------------------------------------------------------------------------------


def differing(home: Path, other: Path) -> list[str]:
    """The files of the last checkpoints that differ or are missing."""
    folders = [place / "runs" / RUN / "checkpoints" / "last" for place in (home, other)]
    return [name for name in COMPARED if len({content(folder / name) for folder in folders}) != 1]


def content(path: Path) -> bytes | str:
    """A file's bytes, or its unique path if it is missing."""
    return path.read_bytes() if path.is_file() else str(path)


def measure(
    kills: int, pauses: int, seed: int, knobs: dict[str, str], program_of: list[str] = PLAIN
) -> dict[str, Any]:
    """Train uninterrupted, killed and paused, and compare."""
    with homes() as (alone, killed, paused):
        whole = sit(alone, first_words(knobs), None, program_of)
        if whole.code != 0:
            raise SystemExit(whole.trouble)
        steps = [event for event in whole.said if event["event"] == "step_done"]
        figures: dict[str, Any] = {
            "steps": steps[-1]["step"],
            "seconds": steps[-1]["elapsed"],
            "checkpoints": sum(event["event"] == "checkpoint_saved" for event in whole.said),
        }
        troubles, different = [], []
        if kills:
            planned = moments(kills, figures["steps"], random.Random(seed))
            found = run_killed(killed, knobs, planned, program_of)
            troubles.append(found.pop("trouble"))
            figures |= found
            different += [f"killed: {name}" for name in differing(alone, killed)]
        if pauses:
            found = run_paused(paused, knobs, pauses, figures["seconds"], seed)
            troubles.append(found.pop("trouble"))
            figures |= found
            different += [f"paused: {name}" for name in differing(alone, paused)]
    trouble = "; ".join(filter(None, troubles))
    return {**figures, "identical": not different, "different": different, "trouble": trouble}


@contextmanager
def homes() -> Iterator[tuple[Path, Path, Path]]:
    """Three empty homes."""
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as place:
        yield Path(place) / "alone", Path(place) / "killed", Path(place) / "paused"


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pauses", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="values")
    parser.add_argument("--deterministic", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.deterministic and args.pauses:
        parser.error("--pauses runs in this process, as it is")
    knobs = KNOBS | dict(value.split("=", 1) for value in args.values)
    figures = measure(
        args.kills, args.pauses, args.seed, knobs, DETERMINISTIC if args.deterministic else PLAIN
    )
    if args.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:<18}{value}")
    sys.exit(0 if figures["identical"] else 1)


if __name__ == "__main__":
    main()
