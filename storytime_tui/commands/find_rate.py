"""`storytime-tui train --find-rate`: tests learning rates, and prints the losses and a suggestion."""

import dataclasses

from storytime_tui.commands.output import StatusLine, print_json
from storytime_tui.formatting import progress
from storytime_tui.jobs.find_rate import find_rate
from storytime_tui.training.control import Control
from storytime_tui.training.events import Preparing
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.rate_range import RateFound, RateTried


def print_rates(plan: TrainingPlan, control: Control, *, as_json: bool) -> None:
    """Print a table, or one JSON object a line: `rate_tried` for each step, `rate_found` at the end."""
    status = StatusLine()
    try:
        for item in find_rate(plan, control):
            if isinstance(item, Preparing):
                status.show(progress(item.what, item.done, item.total))
            elif as_json:
                name = "rate_tried" if isinstance(item, RateTried) else "rate_found"
                print_json({"event": name} | dataclasses.asdict(item))
            else:
                status.clear()
                _print_line(item)
    finally:
        status.clear()


def _print_line(item: RateTried | RateFound) -> None:
    if isinstance(item, RateFound):
        use = f"\nuse it with: --set learning_rate={item.rate:g}" if item.rate is not None else ""
        print(f"{item.sentence}{use}", flush=True)
        return
    if item.step == 1:
        print("step  learning rate   loss  smoothed")
    print(f"{item.step:>4}  {item.rate:>13.2e}  {item.loss:>5.3f}  {item.smoothed:>8.3f}", flush=True)
