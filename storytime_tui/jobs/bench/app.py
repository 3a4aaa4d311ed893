"""Benchmarks: the app's time to first frame, and the dashboard's cost for a training run."""

import contextlib
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from storytime_tui.errors import StorytimeError
from storytime_tui.training import events as ev
from storytime_tui.training.journal import read_events
from storytime_tui.training.plan import TrainingPlan, write_plan

_BARE = """
from textual.app import App, ComposeResult
from textual.widgets import Static

class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("Library")

Bare().run()
"""
_OURS = "import sys; from storytime_tui.__main__ import start; sys.exit(start())"
_PAINTED = b"Library"  # in the first frame of both apps
_LIMIT = 300.0  # seconds for one program
_STEPS = 40
_WARM_UP = 8  # the first 1/8 of a run's steps is not counted
# a small run of training steps only, with the default scratch shape on the bundled tales
_PLAN = TrainingPlan(
    base="scratch-small",
    collections=("hedgerow-tales",),
    max_steps=_STEPS,
    batch_size=4,
    block_size=256,
    accumulation=1,
    evaluate_every=_STEPS,
    sample_every=0,
)


def measure_ui(rounds: int, say: Callable[[str], None]) -> dict[str, float]:
    """The figures of `measure_first_frame` and `measure_dashboard`."""
    if os.name == "nt":
        raise StorytimeError("bench ui needs a pseudo-terminal, which Windows does not offer to Python.")
    return {**measure_first_frame(rounds, say), **measure_dashboard(max(1, rounds // 2), say)}


def measure_first_frame(rounds: int, say: Callable[[str], None]) -> dict[str, float]:
    """Seconds from the program's start to its first frame in a pseudo-terminal of 80 x 24.

    Our app and a bare Textual app are started in turn, `rounds` times after one warm-up. The figures are medians; the
    ratio is the median over the pairs.
    """
    ours: list[float] = []
    bare: list[float] = []
    with new_home() as environment:
        for turn in range(rounds + 1):
            pair = [_first_frame(code, environment) for code in (_OURS, _BARE)]
            say(
                f"{'warm-up' if turn == 0 else f'start {turn}':<9} ours {pair[0]:.3f} s, bare {pair[1]:.3f} s"
            )
            if turn > 0:
                ours.append(pair[0])
                bare.append(pair[1])
    return {
        "first_frame_seconds": statistics.median(ours),
        "bare_first_frame_seconds": statistics.median(bare),
        "first_frame_ratio": statistics.median(a / b for a, b in zip(ours, bare, strict=True)),
    }


def measure_dashboard(
    rounds: int, say: Callable[[str], None], plan: TrainingPlan = _PLAN
) -> dict[str, float]:
    """Train the same run with the dashboard and headless, in turn.

    The ratio is tokens per second with the dashboard over headless (median). The tick figure is the delay of a 20 ms
    timer in the app (99th percentile, the worst round). `plan` is the run.
    """
    ratios, ticks = [], []
    for turn in range(1, rounds + 1):
        with new_home() as environment:
            home = Path(environment["STORYTIME_HOME"])
            written, result = home / "plan.toml", home / "result.json"
            write_plan(plan, written)
            watched = [sys.executable, "-m", "storytime_tui.tui.probe", str(written), str(result)]
            with in_terminal(watched, environment) as (program, terminal):
                drained(program, terminal)
            figures = json.loads(result.read_text(encoding="utf-8"))
            if figures["trouble"]:
                raise StorytimeError(f"The measured run failed: {figures['trouble']}")
            alone = [
                sys.executable,
                "-m",
                "storytime_tui",
                "train",
                "--plan",
                str(written),
                "--run",
                "alone",
                "--json",
            ]
            subprocess.run(alone, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=_LIMIT)
            open_rate, alone_rate = (
                _tokens_per_second(home / "runs" / name, plan) for name in ("probe", "alone")
            )
            say(f"run {turn}     dashboard {open_rate:,.0f} tokens/s, headless {alone_rate:,.0f}")
            ratios.append(open_rate / alone_rate)
            ticks.append(figures["tick_p99_seconds"])
    return {
        "dashboard_ratio": statistics.median(ratios),
        "tick_p99_seconds": max(ticks),
    }


@contextlib.contextmanager
def new_home() -> Iterator[dict[str, str]]:
    """Environment variables with a new, empty home."""
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as home:
        yield {**os.environ, "STORYTIME_HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def _first_frame(code: str, environment: dict[str, str]) -> float:
    """Start `code` in a pseudo-terminal. Returns the seconds until its first frame."""
    started = time.perf_counter()
    output = b""
    with in_terminal([sys.executable, "-c", code], environment) as (_, terminal):
        while _PAINTED not in output:
            data = _read(terminal, _LIMIT - (time.perf_counter() - started))
            if not data:
                raise StorytimeError(f"The app painted no first frame; it wrote {output[-300:]!r}.")
            output += data
        return time.perf_counter() - started


@contextlib.contextmanager
def in_terminal(
    argv: list[str], environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a program in a pseudo-terminal of 80 x 24 for the block. Yields it and our end of the terminal."""
    import fcntl
    import struct
    import termios

    terminal, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    program = subprocess.Popen(
        argv, stdin=inside, stdout=inside, stderr=inside, env=environment, start_new_session=True
    )
    os.close(inside)
    try:
        yield program, terminal
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)  # the app and its watcher
        program.wait()
        os.close(terminal)


def _read(terminal: int, seconds: float) -> bytes:
    """The program's next output; empty when it has ended or the time is up."""
    ready, _, _ = select.select([terminal], [], [], max(0.0, seconds))
    try:
        return os.read(terminal, 65536) if ready else b""
    except OSError:  # on Linux, when the program has ended
        return b""


def drained(program: subprocess.Popen[bytes], terminal: int) -> None:
    """Read the program's output until it ends by itself."""
    started = time.perf_counter()
    while _read(terminal, _LIMIT - (time.perf_counter() - started)):
        pass
    try:
        program.wait(timeout=10)
    except subprocess.TimeoutExpired:
        raise StorytimeError("The app did not end by itself while it was measured: try it by hand.") from None


def _tokens_per_second(run: Path, plan: TrainingPlan) -> float:
    """Training tokens per second of a run's steps after the warm-up, from its journal."""
    steps = [event for event in read_events(run) if isinstance(event, ev.StepDone)]
    assert plan.batch_size and plan.block_size and plan.accumulation
    first, last = steps[max(0, len(steps) // _WARM_UP - 1)], steps[-1]
    tokens = plan.batch_size * plan.accumulation * plan.block_size
    return (last.step - first.step) * tokens / (last.elapsed - first.elapsed)
