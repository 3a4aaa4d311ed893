"""The loss by learning rate while rates are tested; the rate's axis is logarithmic."""

import math
from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.widgets import Static

from storytime_tui.training.rate_range import RateTried
from storytime_tui.tui import wording
from storytime_tui.tui.braille import line_through

_LEFT = 6  # cells for the losses
_MARGIN = 0.1  # nats above and below the curve
_EXPLOSION = 1.0  # nats above the first loss that are drawn; an exploding loss has no end


class RateChart(Static):
    """Draws the smoothed loss. `rates`: the first and the last learning rate of the test."""

    DEFAULT_CSS = "RateChart { height: 1fr; min-height: 5; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._tried: Sequence[RateTried] = ()
        self._rates = (1.0, 1.0)
        self._suggested: float | None = None

    def show(
        self, tried: Sequence[RateTried], rates: tuple[float, float], suggested: float | None = None
    ) -> None:
        """Draw these steps, and the suggested rate as an upright line."""
        self._tried, self._rates, self._suggested = tried, rates, suggested
        self.refresh()

    def render(self) -> RenderResult:
        """The curve, the losses to its left, the rates below."""
        width, height = self.content_size.width - _LEFT, self.content_size.height - 1
        points = [
            (math.log(each.rate), each.smoothed) for each in self._tried if math.isfinite(each.smoothed)
        ]
        if not points or width < 10 or height < 3:
            return ""
        across = (math.log(self._rates[0]), math.log(self._rates[1]))
        losses = [loss for _, loss in points]
        top = min(max(losses), losses[0] + _EXPLOSION) + _MARGIN
        bottom = min(losses) - _MARGIN
        rows = line_through(points, width, height, across=across, up=(bottom, top))
        mark = None
        if self._suggested is not None:
            mark = round((math.log(self._suggested) - across[0]) / (across[1] - across[0]) * (width - 1))
        lines: list[Content] = []
        for number, row in enumerate(rows):
            loss = top if number == 0 else bottom if number == height - 1 else None
            label = f"{loss:{_LEFT - 1}.2f} " if loss is not None else " " * _LEFT
            lines.append(Content.assemble((label, "$quiet"), *_parts(row, mark)))
        lines.append(Content.styled(" " * _LEFT + _axis(self._rates, width), "$quiet"))
        return Content("\n").join(lines)


def _parts(row: str, mark: int | None) -> list[tuple[str, str]]:
    if mark is None or not 0 <= mark < len(row):
        return [(row, "$primary")]
    return [(row[:mark], "$primary"), ("│", "$told"), (row[mark + 1 :], "$primary")]


def _axis(rates: tuple[float, float], width: int) -> str:
    """The first, the middle and the last rate."""
    first, last = (wording.rate(rate) for rate in rates)
    middle = wording.rate(math.sqrt(rates[0] * rates[1]))
    return first + middle.center(width - len(first) - len(last)) + last
