"""Measures the app from inside while a run trains: `python -m storytime_tui.tui.probe PLAN.toml RESULT.json [WALKS]`.

Opens the app on the current terminal and starts the plan as the run `probe`. Without WALKS the dashboard is shown
until the run ends, and the delays of a 20 ms tick of the event loop are measured. With WALKS, a walk over all
screens (see `walk`) is repeated, and each key is timed until its answer is painted. `storytime-tui bench ui` runs it.
"""

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

from textual.pilot import Pilot

from storytime_tui import paths
from storytime_tui.training.plan import TrainingPlan, read_plan
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.guard import native_output_to
from storytime_tui.tui.real_services import real_services
from storytime_tui.tui.walk import keys_of_walk, take_walk

TICK = 0.02  # seconds
SETTLED = 3  # steps after which the dashboard is complete


async def _ticks(app: StorytimeApp) -> dict[str, object]:
    late: list[float] = []
    while app.desk.training.view.busy:
        began = time.perf_counter()
        await asyncio.sleep(TICK)
        late.append(time.perf_counter() - began - TICK)
    return {
        "tick_p99_seconds": statistics.quantiles(late, n=100)[98],
        "trouble": app.desk.training.view.error,
    }


async def _keys(app: StorytimeApp, walks: int) -> dict[str, object]:
    try:
        took = await take_walk(app, keys_of_walk(), walks)
    except TimeoutError as error:
        return {"took": [], "trouble": str(error)}
    return {"took": took, "trouble": app.desk.training.view.error}


async def _measure(app: StorytimeApp, plan: TrainingPlan, walks: int) -> dict[str, object]:
    await app.action_mode("train")
    app.desk.training.start(plan, "probe", "a probe")
    while not (app.desk.training.view.done >= SETTLED or app.desk.training.view.phase == "failed"):
        await asyncio.sleep(TICK)
    return await (_keys(app, walks) if walks else _ticks(app))


def main() -> None:
    """Run one measurement."""
    plan, result = read_plan(Path(sys.argv[1])), Path(sys.argv[2])
    walks = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    app = StorytimeApp(real_services())

    async def drive(pilot: Pilot[object]) -> None:
        result.write_text(json.dumps(await _measure(app, plan, walks)), encoding="utf-8")
        app.exit()

    with native_output_to(paths.log_file()):
        app.run(auto_pilot=drive)


if __name__ == "__main__":
    main()
