"""The speed of writing with the starter while it trains, as the app does it: both in threads of one process.

    python tests/benchmarks/writing_beside_training.py [--base NAME] [--stories N] [--json]

Trains on the bundled tales in a new home, opens copies of the weights and tells N stories with them. `open_seconds`:
the median from asking for a copy to having it. `tokens_per_second`: the median of the stories, with the first token.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="starter")
    parser.add_argument("--stories", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(STORYTIME_HOME=home, HF_HUB_OFFLINE="1")
        figures = measure(chosen.base, chosen.stories)
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<24}{value:>10.3f}")
    if chosen.json:
        print(json.dumps(figures))


def measure(base: str, stories: int) -> dict[str, float]:
    """Train, and write meanwhile."""
    from storytime_tui.generation.pieces import Told
    from storytime_tui.generation.sampling.settings import SamplerSettings
    from storytime_tui.jobs.snapshot import open_snapshot
    from storytime_tui.jobs.train import learn
    from storytime_tui.training import events as ev
    from storytime_tui.training.control import Control
    from storytime_tui.training.plan import TrainingPlan
    from storytime_tui.tui.low_priority import low_priority

    control, going = Control(), threading.Event()

    def train() -> None:
        plan = TrainingPlan(
            base=base, collections=("hedgerow-tales",), epochs=100.0, listen=False, patience=0
        )
        with low_priority():
            for event in learn(plan, control):
                if isinstance(event, ev.StepDone) and event.step >= 2:
                    going.set()

    training = threading.Thread(target=train)
    training.start()
    going.wait()
    opened, rates = [], []
    for seed in range(1, stories + 1):
        began = time.perf_counter()
        teller = open_snapshot("run", control)
        assert teller is not None, "the run ended"
        opened.append(time.perf_counter() - began)
        settings = SamplerSettings(max_tokens=150, seed=seed, finish_sentence=False)
        told = list(teller.tell("Once upon a time", settings))[-1]
        assert isinstance(told, Told)
        rates.append(told.tokens_per_second)
    control.stop()
    training.join()
    return {"open_seconds": statistics.median(opened), "tokens_per_second": statistics.median(rates)}


if __name__ == "__main__":
    main()
