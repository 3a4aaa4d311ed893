"""How right the time left is that the Train screen shows, in a real run.

    python tests/benchmarks/time_left.py [--base NAME] [--epochs N] [--first-look] [--json]

Trains on the bundled tales in a new home and compares the time left after each step with what it then took, from the
first tenth of the steps to the last. It is the time until the last step with its evaluation, samples and checkpoint:
the voice is measured afterwards, and the screen says so. `worst`: the largest difference, as a share of the time that
was left; steps with less than five seconds left are not counted. `within_a_fifth`: the share of the steps whose
difference is at most 0.2. `--first-look` trains what "Watch one learn" does; `seconds` should be about a minute.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

_LEAST = 5.0  # seconds


def measure(base: str, epochs: float | None, *, look: bool) -> dict[str, float]:
    """Train, and compare."""
    from storytime_tui.jobs import train
    from storytime_tui.training import events as ev
    from storytime_tui.training.control import Control
    from storytime_tui.training.plan import TrainingPlan, first_look
    from storytime_tui.tui.run_view import RunView, view_after

    shelf = ("hedgerow-tales",)
    plan = TrainingPlan(base=base, collections=shelf, epochs=epochs, stay_awake=False)
    if look:
        plan = first_look(shelf, (), stay_awake=False)
    said = [(event, time.monotonic()) for event in train.learn(plan, Control())]
    kinds = (ev.StepDone, ev.Evaluated, ev.Sampled, ev.CheckpointSaved)
    end = max(at for event, at in said if isinstance(event, kinds))
    view, differences = RunView(), []
    for event, at in said:
        view = view_after(view, event)
        left = end - at
        if isinstance(event, ev.StepDone) and event.step * 10 > view.total and left >= _LEAST:
            differences.append(view.seconds_left / left - 1)
            print(
                f"step {event.step:>5} said {view.seconds_left:7.1f} s, took {left:7.1f} s {differences[-1]:+.0%}"
            )
    off = [abs(difference) for difference in differences]
    return {
        "steps": float(len(off)),
        "seconds": end - next(at for event, at in said if isinstance(event, ev.Started)),
        "worst": max(off),
        "within_a_fifth": sum(each <= 0.2 for each in off) / len(off),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="starter")
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--first-look", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(STORYTIME_HOME=home, HF_HUB_OFFLINE="1")
        figures = measure(chosen.base, chosen.epochs, look=chosen.first_look)
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<16}{value:>10.3f}")
    if chosen.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
