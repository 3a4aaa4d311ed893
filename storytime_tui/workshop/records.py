"""What is known of runs, for the command line and the app. Loads no torch."""

from collections.abc import Iterator

from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.runs import RunSummary


def run_records() -> tuple[RunSummary, ...]:
    """Every run, newest first."""
    return runs.list_runs()


def unfinished_run() -> RunSummary | None:
    """The newest run, where it has steps left and can go on; None otherwise."""
    newest = next(iter(runs.run_names()), None)
    summary = runs.summary_of(newest) if newest else None
    if (
        summary
        and summary.state in ("interrupted", "stopped", "failed")
        and summary.step < summary.total_steps
    ):
        return summary
    return None


def run_record(name: str) -> RunSummary:
    """One run. Raises RunError where there is none of that name."""
    return runs.summary_of(name)


def history_of(name: str) -> Iterator[ev.Event]:
    """What a run said in earlier sittings, as far as it still holds: to show the run as if one had been there."""
    told = (ev.Started, ev.StepDone, ev.Evaluated, ev.Sampled, ev.CheckpointSaved)
    for event in runs.read_events(runs.run_folder(name)):
        if isinstance(event, told):
            yield event


def evaluations_of(name: str) -> tuple[ev.Evaluated, ...]:
    """The run's evaluations, in order, without those that a resume made void."""
    said = runs.read_events(runs.run_folder(name))
    return tuple(event for event in said if isinstance(event, ev.Evaluated))
