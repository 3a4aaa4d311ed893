"""The loss by step: training as a thin line, validation as points, word frequency as a baseline.

Imports textual-plot (a quarter of a second), so this module is imported when a run is first shown.
"""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Static
from textual_hires_canvas import Canvas
from textual_plot import HiResMode, PlotWidget
from textual_plot.plot_widget import FloatScalar, Legend

from storytime_tui.training.events import Evaluated
from storytime_tui.tui.pace import Point, thinned

BEYOND = 1e6  # nats; only a damaged journal has higher losses (or NaN)
ROOMY = 62  # cells; a narrower chart has a shorter legend


class _Canvas(Canvas):
    """A canvas with a style for every segment.

    textual-hires-canvas gives none to the lines outside the drawing, and Textual's NO_COLOR filter fails on them.
    """

    def render_line(self, y: int) -> Strip:
        """The line, with empty styles in place of missing ones."""
        strip = super().render_line(y)
        if all(segment.style is not None for segment in strip):
            return strip
        styled = [Segment(text, style or Style.null(), control) for text, style, control in strip]
        return Strip(styled, strip.cell_length)


class _Plot(PlotWidget, can_focus=False):
    """The plot without keys and mouse: the arrows belong to the samples, the wheel to the screen."""

    BINDINGS = []

    COMPONENT_CLASSES = {"chart--training", "chart--validation", "chart--baseline"}

    def compose(self) -> ComposeResult:
        """Like textual-plot, with `_Canvas`."""
        with Grid():
            for name in ("margin-top", "margin-left", "plot", "margin-bottom"):
                yield _Canvas(1, 1, id=name)
        yield Legend(id="legend")

    def _update_legend(self) -> None:
        """Do nothing: the legend below the plot costs no layout at each drawing."""

    def _render_plot(self) -> None:
        """Draw, then replace the heavy box by two thin axes (textual-plot has no setting for it)."""
        super()._render_plot()
        canvas = self.query_one("#plot", Canvas)
        width, height = canvas.size
        if width < 3 or height < 3:
            return
        style = str(self.get_component_rich_style("plot--axis"))
        for x in range(width):
            canvas.set_pixel(x, 0, " ")
            tick = canvas.get_pixel(x, height - 1)[0] in "┳┻╋"
            canvas.set_pixel(x, height - 1, "┬" if tick else "─", style)
        for y in range(height - 1):
            canvas.set_pixel(width - 1, y, " ")
            tick = canvas.get_pixel(0, y)[0] in "┫┣╋"
            canvas.set_pixel(0, y, "┤" if tick else "│", style)
        canvas.set_pixel(0, height - 1, "└", style)
        canvas.set_pixel(width - 1, height - 1, " ")

    def get_pixel_from_coordinate(self, x: FloatScalar, y: FloatScalar) -> tuple[int, int]:
        """Like textual-plot, but within the box: a point at the axis' end would be in the frame."""
        column, row = super().get_pixel_from_coordinate(x, y)
        box = self._scale_rectangle
        return min(max(column, box.x), box.right - 1), min(max(row, box.y), box.bottom - 1)

    def get_hires_pixel_from_coordinate(
        self, x: FloatScalar, y: FloatScalar
    ) -> tuple[FloatScalar, FloatScalar]:
        """Like `get_pixel_from_coordinate`, for points smaller than a cell: half a dot or more from the frame."""
        column, row = super().get_hires_pixel_from_coordinate(x, y)
        box = self._scale_rectangle
        return min(max(column, box.x), box.right - 0.25), min(max(row, box.y), box.bottom - 0.125)

    def colour(self, name: str) -> str:
        """A component class's colour, by Rich's name."""
        colour = self.get_component_rich_style(f"chart--{name}").color
        return colour.name if colour is not None else "default"


class LossChart(Vertical):
    """Redraws the whole curve at each `show`. The chart's width limits the work, not the run's length."""

    DEFAULT_CSS = """
    LossChart { border: round $line; border-title-color: $quiet; padding: 0 0 0 0; }
    LossChart _Plot { height: 1fr; }
    LossChart _Plot > .plot--axis { color: $line; }
    LossChart _Plot > .plot--tick { color: $quiet; text-style: none; }
    LossChart _Plot > .chart--training { color: $primary; }
    LossChart _Plot > .chart--validation { color: $foreground; }
    LossChart _Plot > .chart--baseline { color: $line; }
    LossChart #no-curve { height: 1fr; padding: 0 1; color: $quiet; }
    LossChart #legend { height: 1; padding: 0 1; color: $quiet; text-wrap: nowrap; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._baseline_label: str | None = None  # in the legend; "" without a baseline

    def compose(self) -> ComposeResult:
        """The plot and its legend."""
        self.border_title = "Loss"
        yield Static("The curve starts with the first step.", id="no-curve", markup=False)
        yield _Plot(allow_pan_and_zoom=False)
        yield Static(id="legend", markup=False)

    def on_mount(self) -> None:
        """Set small margins."""
        plot = self.query_one(_Plot)
        plot.display = False
        plot.margin_left, plot.margin_top, plot.margin_bottom = 6, 0, 1
        self._legend("")

    def _legend(self, baseline_label: str) -> None:
        if baseline_label == self._baseline_label:
            return
        self._baseline_label = baseline_label
        parts: list[str | tuple[str, str]] = [
            ("⠒⠒ ", "$primary"),
            "training   ",
            ("● ", "$foreground"),
            "validation",
        ]
        if baseline_label:
            parts += ["   ", ("┄┄ ", "$quiet"), baseline_label]
        self.query_one("#legend", Static).update(Content.assemble(*parts))

    def show(
        self, points: Sequence[Point], evaluations: Sequence[Evaluated], baseline: float | None, total: int
    ) -> None:
        """Draw the curve. `baseline`: the loss of word frequencies alone."""
        plot = self.query_one(_Plot)
        plot.clear()
        # not the plot's own width: it has none before the first layout
        drawn = thinned([p for p in points if abs(p[1]) < BEYOND], 2 * self.app.size.width)
        marks = [e for e in evaluations if abs(e.validation_loss) < BEYOND]
        values = [loss for _, loss in drawn] + [e.validation_loss for e in marks]
        self.query_one("#no-curve").display = not values
        plot.display = bool(values)
        if not values:
            return
        low, high = min(values), max(values)
        shows_baseline = baseline is not None and baseline == baseline and low - 0.5 <= baseline <= high + 0.5
        if shows_baseline and baseline is not None:
            low, high = min(low, baseline), max(high, baseline)
        room = max(0.05, (high - low) * 0.06)
        last = max([step for step, _ in drawn] + [e.step for e in marks])
        # the axis grows in a few jumps, so that the curve does not move at every drawing
        edge = total if total and last > total * 0.25 else min(total or last, max(10, 2 * last))
        plot.set_xlimits(0, max(edge, last, 1))
        plot.set_ylimits(low - room, high + room)
        if shows_baseline and baseline is not None:
            plot.plot(
                [0, max(edge, last, 1)],
                [baseline] * 2,
                line_style=plot.colour("baseline"),
                hires_mode=HiResMode.BRAILLE,
            )
        if drawn:
            plot.plot(
                [s for s, _ in drawn],
                [loss for _, loss in drawn],
                line_style=plot.colour("training"),
                hires_mode=HiResMode.BRAILLE,
            )
        if marks:
            plot.scatter(
                [e.step for e in marks],
                [e.validation_loss for e in marks],
                marker="●",
                marker_style=plot.colour("validation"),
            )
        label = "baseline: word frequency" if self.size.width >= ROOMY else "word frequency"
        self._legend(label if shows_baseline else "")
