"""The app measured from the inside while it trains: `python -m storytime_tui.tui.probe PLAN.toml RESULT.json`.

Opens the app on the terminal it is given, begins the plan as the run `probe` with the dashboard in view, and
until the run ends measures how late a 20 ms tick of the event loop comes and how long a key takes from the
terminal's side of the queue to the repainted screen. `storytime-tui bench ui` starts it.
"""

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

from textual import events
from textual.pilot import Pilot

from storytime_tui import paths
from storytime_tui.training.plan import TrainingPlan, read_plan
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.guard import native_output_to
from storytime_tui.tui.services import real_services

TICK = 0.02  # seconds
BETWEEN_KEYS = 0.2  # seconds
SETTLED = 3  # steps after which the dashboard is all there


async def _ticks(app: StorytimeApp, late: list[float]) -> None:
    while app.desk.view.busy:
        began = time.perf_counter()
        await asyncio.sleep(TICK)
        late.append(time.perf_counter() - began - TICK)


async def _keys(app: StorytimeApp, took: list[float]) -> None:
    while app.desk.view.busy:
        painted = asyncio.Event()
        began = time.perf_counter()
        app.post_message(events.Key("left", None))
        # the key is ahead of this in the app's queue, and the refresh that it asks for ahead of the callback
        app.call_later(lambda done=painted: app.screen.call_after_refresh(done.set))
        await painted.wait()
        took.append(time.perf_counter() - began)
        await asyncio.sleep(BETWEEN_KEYS)


async def _measure(app: StorytimeApp, plan: TrainingPlan, result: Path) -> None:
    await app.action_mode("train")
    app.desk.start_run(plan, "probe", "a probe")
    while not (app.desk.view.done >= SETTLED or app.desk.view.phase == "failed"):
        await asyncio.sleep(TICK)
    late: list[float] = []
    took: list[float] = []
    await asyncio.gather(_ticks(app, late), _keys(app, took))
    figures = {
        "tick_p99_seconds": statistics.quantiles(late, n=100)[98],
        "key_p99_seconds": statistics.quantiles(took, n=100)[98],
        "ticks": len(late),
        "keys": len(took),
        "trouble": app.desk.view.error,
    }
    result.write_text(json.dumps(figures), encoding="utf-8")
    app.exit()


def main() -> None:
    """Measure once."""
    plan, result = read_plan(Path(sys.argv[1])), Path(sys.argv[2])
    app = StorytimeApp(real_services())

    async def drive(pilot: Pilot[object]) -> None:
        await _measure(app, plan, result)

    with native_output_to(paths.log_file()):
        app.run(auto_pilot=drive)


if __name__ == "__main__":
    main()
