"""Benchmark: how fast the screens, with long lists, answer keys in a terminal while a run trains."""

import json
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from storytime_tui.errors import StorytimeError
from storytime_tui.jobs.bench.app import drained, in_terminal, new_home
from storytime_tui.stories.store import StoryStore
from storytime_tui.training import events as ev
from storytime_tui.training.plan import TrainingPlan, write_plan

STORIES, RUNS = 500, 100  # lengths of the two lists
_STEPS = 100  # of each of those runs
_SLOWEST = 5  # number of slow keys to print
# trains until the measurement ends
_PLAN = TrainingPlan(
    base="scratch-tiny",
    collections=("hedgerow-tales",),
    max_steps=1_000_000,
    batch_size=8,
    block_size=256,
    accumulation=1,
    evaluate_every=1_000_000,
    sample_every=0,
)


def measure_keys(rounds: int, say: Callable[[str], None]) -> dict[str, float]:
    """Seconds from a key to the painted answer (p50, p99, worst), while `scratch-tiny` trains.

    `rounds` walks of about thirty keys each, over help, tabs, lists and the input line. First visits to a screen count.
    """
    with new_home() as environment:
        home = Path(environment["STORYTIME_HOME"])
        fill_home(home)
        plan, result = home / "plan.toml", home / "result.json"
        write_plan(_PLAN, plan)
        program = [sys.executable, "-m", "storytime_tui.tui.probe", str(plan), str(result), str(rounds)]
        with in_terminal(program, environment) as (child, terminal):
            drained(child, terminal)
        try:
            figures: Mapping[str, object] = json.loads(result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise StorytimeError("The app ended before its keys were measured: try it by hand.") from None
    if figures["trouble"]:
        raise StorytimeError(f"The keys could not be measured: {figures['trouble']}")
    took = figures["took"]
    assert isinstance(took, list)
    seconds = [second for _, second in took]
    for key, second in sorted(took, key=lambda each: -each[1])[:_SLOWEST]:
        say(f"slow      {key} {second:.3f} s")
    return {
        "key_p50_seconds": statistics.median(seconds),
        "key_p99_seconds": statistics.quantiles(seconds, n=100)[98],
        "key_worst_seconds": max(seconds),
    }


def fill_home(home: Path, stories: int = STORIES, runs: int = RUNS) -> None:
    """Write stories and finished runs into an empty home."""
    store = StoryStore(home / "stories.sqlite3")
    for number in range(stories):
        story = store.new_story(f"Story {number} of a long list")
        store.add_passage(story.id, "you", "Once upon a time there was a mouse. " * 20)
    store.close()
    for number in range(runs):
        folder = home / "runs" / f"hedgerow-{number}"
        (folder / "checkpoints" / f"step-{_STEPS}").mkdir(parents=True)
        write_plan(TrainingPlan(base="scratch-tiny", collections=("hedgerow-tales",)), folder / "plan.toml")
        lines = [json.dumps(ev.to_json(event)) for event in _journal(folder.name)]
        (folder / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _journal(run: str) -> list[ev.Event]:
    """The events of a finished run."""
    started = ev.Started(
        run=run,
        base="scratch-tiny",
        collections=("hedgerow-tales",),
        device="cpu",
        precision="fp32",
        parameters=1_000_000,
        stories=9,
        validation_stories=1,
        training_tokens=12_000,
        validation_tokens=1_300,
        total_steps=_STEPS,
        steps_per_epoch=29.5,
        block_size=256,
        token_frequency_loss=5.9,
        time=0.0,
    )
    steps = [
        ev.StepDone(
            step=number,
            loss=3.0,
            learning_rate=1e-3,
            tokens_per_second=2600.0,
            epoch=number / 29.5,
            gradient_norm=1.0,
            elapsed=number * 1.5,
            memory=900_000_000,
        )
        for number in range(1, _STEPS + 1)
    ]
    ended = ev.Finished(run, _STEPS, 3.1, _STEPS, "done", 150.0)
    return [started, *steps, ev.Evaluated(_STEPS, 3.1, 22.2, 1.2, best=True), ended]
