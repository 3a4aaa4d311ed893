"""The loss of a run, kept outside the widgets: it outlives a screen, and stays small for a long run."""

import threading

from storytime_tui.training.events import Event, Resumed, Started, StepDone

POINTS = 2_000  # beyond these the older half of the detail goes, never the shape

Point = tuple[int, float]  # step, loss


def thinned(points: list[Point], limit: int) -> list[Point]:
    """At most `limit` of the points, in order, with every peak and valley that still can be told apart.

    Of each stretch the lowest and the highest point stay, so a spike survives, which an average would hide.
    """
    if len(points) <= max(limit, 2):
        return list(points)
    stretches = max(1, limit // 2)
    kept: list[Point] = []
    for i in range(stretches):
        stretch = points[i * len(points) // stretches : (i + 1) * len(points) // stretches]
        low = min(stretch, key=lambda point: point[1])
        high = max(stretch, key=lambda point: point[1])
        kept += sorted({low, high})
    return kept


class LossCurve:
    """Steps and their losses. Written by the learning thread, read by the screen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: list[Point] = []
        self.said = 0  # how often it has changed, to know whether a drawing is still true

    def add(self, step: int, loss: float) -> None:
        """Add a step; what is not a finite number has no place on a chart."""
        if loss != loss or loss in (float("inf"), float("-inf")):
            return
        with self._lock:
            self.said += 1
            self._points.append((step, loss))
            if len(self._points) > POINTS:
                self._points = thinned(self._points, POINTS // 2)

    def hear(self, event: Event) -> None:
        """Take from an event of the run what it means for the curve."""
        match event:
            case StepDone():
                self.add(event.step, event.loss)
            case Resumed(from_checkpoint=True):
                self.forget_after(event.step)
            case Started():  # it begins, perhaps anew: there was no checkpoint to go on from
                self.forget_after(-1)

    def forget_after(self, step: int) -> None:
        """Drop what was said of later steps: the run goes on from an older checkpoint."""
        with self._lock:
            kept = [point for point in self._points if point[0] <= step]
            self.said += len(kept) < len(self._points)
            self._points = kept

    def points(self) -> list[Point]:
        """A copy, in order of the steps."""
        with self._lock:
            return list(self._points)
