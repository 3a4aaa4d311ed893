"""Small bar charts of a run's learning rate, gradient norm and speed."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from storytime_tui.training.events import StepDone
from storytime_tui.tui import wording
from storytime_tui.tui.pace import bars, binned
from storytime_tui.tui.run_view import RunView


class _Chart(Static):
    """The bars of one number over the run, and its latest value."""

    DEFAULT_CSS = (
        "_Chart { width: 1fr; height: 1fr; border: round $line; border-title-color: $quiet; padding: 0 1; }"
    )

    def __init__(
        self, title: str, short: str, value: Callable[[StepDone], float], in_words: Callable[[float], str]
    ) -> None:
        """`short`: the title where there is little room."""
        super().__init__(markup=False)
        self._title, self._short = title, short
        self._value, self._in_words = value, in_words

    def on_resize(self) -> None:
        """Choose the title."""
        fits = len(self._title) + 6 <= self.outer_size.width  # beside its frame
        self.border_title = self._title if fits else self._short

    def show(self, view: RunView) -> None:
        """Draw the bars of the steps so far."""
        width, height = self.content_size
        points = [(step.step, self._value(step)) for step in view.pace]
        rows = bars(binned(points, width), max(1, height - 1))
        latest = self._in_words(self._value(view.step)) if view.step else "–"
        self.update(Content.assemble(("\n".join(rows), "$quiet"), "\n", latest.rjust(width)), layout=False)


class PaceCharts(Horizontal):
    """The three charts side by side."""

    def compose(self) -> ComposeResult:
        """A chart for each number."""
        yield _Chart("Learning rate", "Rate", lambda step: step.learning_rate, wording.rate)
        yield _Chart(
            "Gradient norm",
            "Gradient",
            lambda step: step.gradient_norm,
            lambda norm: wording.number(norm, ",.2f"),
        )
        yield _Chart(
            "Tokens/s",
            "Tokens/s",
            lambda step: step.tokens_per_second,
            lambda speed: wording.number(speed, ",.0f"),
        )

    def show(self, view: RunView) -> None:
        """Draw them, if they are shown."""
        for chart in self.query(_Chart):
            if chart.content_size.width:
                chart.show(view)
