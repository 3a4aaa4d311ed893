"""A run's curves for a small chart: few points of its journal, in bounded memory. Loads no torch."""

from dataclasses import dataclass

from storytime_tui.jobs.report.facts import figures_of
from storytime_tui.training import runs
from storytime_tui.training.curve import thinned
from storytime_tui.training.journal import iter_events

_POINTS = 400  # of each curve; a chart of a wide terminal shows no more

Points = tuple[tuple[int, float], ...]  # step, loss in nats per token


@dataclass(frozen=True)
class RunCurve:
    """`training`: smoothed; `validation`: one point per evaluation."""

    training: Points = ()
    validation: Points = ()


def run_curve(run: str) -> RunCurve:
    """The curves of a run, open or ended. Raises RunError if there is no such run, UnreadableFile."""
    figures = figures_of(iter_events(runs.run_folder(run)))
    training = [(point.step, point.smoothed) for point in figures.training]
    validation = [(each.step, each.validation_loss) for each in figures.evaluations]
    return RunCurve(_fewer(training), _fewer(validation))


def _fewer(points: list[tuple[int, float]]) -> Points:
    return tuple(thinned(points, _POINTS, lambda point: point[0], lambda point: point[1]))
