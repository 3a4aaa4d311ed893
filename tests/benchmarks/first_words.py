"""The time to the first story: from the app's first frame to the model's first words, in a pseudo-terminal.

    python tests/benchmarks/first_words.py [--starter FOLDER] [--rounds N] [--json]

Each round has a new, empty home. The simulated user opens the Story screen at once, types a line and sends it. Prints
the median seconds from the program's start to the first frame, and from there to the first words. Other starts
without any key measure the delay of a 20 ms timer of the event loop while the starter loads: the time a key would
have to wait. FOLDER replaces the package's starter.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TICK = 0.02  # seconds
LINE = "Once upon a time there was a little mouse"
_LIMIT = 60.0  # seconds for one start


async def _ticks(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(TICK)
        late.append(time.perf_counter() - began - TICK)


async def _waking(pilot: Any) -> dict[str, Any]:
    app, late = pilot.app, []
    ticks = asyncio.create_task(_ticks(late))
    while not app.desk.writing.now.device:
        await asyncio.sleep(0.005)
    ticks.cancel()
    return {"tick_worst_seconds": max(late), "tick_p95_seconds": statistics.quantiles(late, n=20)[18]}


async def _first_words(pilot: Any, started: float) -> dict[str, Any]:
    from textual import events

    from storytime_tui.tui.widgets.prompt import Prompt
    from storytime_tui.tui.widgets.writing_status import WritingStatus

    app = pilot.app
    painted = asyncio.Event()
    app.screen.call_after_refresh(painted.set)
    await painted.wait()
    first_frame = time.perf_counter()
    app.post_message(events.Key("3", "3"))
    while not isinstance(app.focused, Prompt):
        await asyncio.sleep(0.005)
    app.post_message(events.Paste(LINE))
    app.post_message(events.Key("enter", None))
    status = app.screen.query_one(WritingStatus)
    while status.words <= len(LINE.split()):
        await asyncio.sleep(0.005)
    return {
        "first_frame_seconds": time.time() - started - (time.perf_counter() - first_frame),
        "first_words_seconds": time.perf_counter() - first_frame,
    }


def inside(what: str, started: float, result: Path, starter: Path | None) -> None:
    """The part that runs in the pseudo-terminal: one start."""
    from storytime_tui.models import catalogue
    from storytime_tui.tui.app import StorytimeApp
    from storytime_tui.tui.real_services import real_services

    if starter is not None:
        catalogue.STARTER_FOLDER = starter

    async def drive(pilot: Any) -> None:
        figures = await (_first_words(pilot, started) if what == "words" else _waking(pilot))
        result.write_text(json.dumps(figures), encoding="utf-8")
        pilot.app.exit()

    StorytimeApp(real_services()).run(auto_pilot=drive)


def measure(what: str, starter: Path | None) -> dict[str, Any]:
    """Measure one start."""
    import pexpect

    with tempfile.TemporaryDirectory(prefix="storytime-first-") as place:
        result = Path(place) / "result.json"
        argv = [__file__, "--inside", what, str(time.time()), str(result)]
        argv += ["--starter", str(starter)] if starter else []
        environment = {**os.environ, "STORYTIME_HOME": f"{place}/home", "TERM": "xterm-256color"}
        child = pexpect.spawn(sys.executable, argv, dimensions=(24, 80), env=environment, timeout=_LIMIT)
        child.expect(pexpect.EOF)
        return dict(json.loads(result.read_text(encoding="utf-8")))


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starter", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inside", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        what, started, result = args.inside
        inside(what, float(started), Path(result), args.starter)
        return
    measure("words", args.starter)  # a warm-up: files are in the disk cache afterwards
    rounds = [
        {**measure("words", args.starter), **measure("waking", args.starter)} for _ in range(args.rounds)
    ]
    figures = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
    if args.json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        print(f"{key.replace('_', ' '):<24}{value:>8.3f}")


if __name__ == "__main__":
    main()
