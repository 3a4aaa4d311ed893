"""The loss chart: training and validation by step, tokens or time, to be zoomed, moved and read by keys and mouse."""

from itertools import groupby

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from storytime_tui.tui import wording
from storytime_tui.tui.chart_axis import UNITS, Scale, Unit, Window, nearest
from storytime_tui.tui.loss_picture import BOTTOM, Curves, Picture, picture, whole_window
from storytime_tui.tui.run_curves import curves_of, reading_at, scale_of, steps_of
from storytime_tui.tui.run_view import RunView

ZOOM = 0.5  # how much of the window one key press leaves; the wheel half as fast
_FEWEST = 4  # steps that are shown at the closest
_ROOMY = 60  # cells; a narrower chart says less of its signs
# of what is under the cursor, while there is no room for it
_SHORTER = (
    (" at step ", " at "),
    (" this step ", " step "),
    (" training ", " train "),
    (" validation ", " valid. "),
    (" train ", " "),
    (" step ", " "),
    (" valid. ", " "),
)
_Part = tuple[str, str]  # text, style


class _Plot(Widget):
    """The drawn chart, and the mouse on it."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {
        "chart--axis", "chart--tick", "chart--baseline", "chart--raw", "chart--training", "chart--validation",
        "chart--best", "chart--cursor",
    }  # fmt: skip

    def __init__(self, chart: "LossChart") -> None:
        super().__init__()
        self._chart = chart
        self._picture: Picture | None = None
        self._cursor: int | None = None  # its column
        self._dragged_from: int | None = None

    def show(self, drawn: Picture, cursor: int | None) -> None:
        """Show a picture, with the cursor in a column of it."""
        self._picture, self._cursor = drawn, cursor
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the picture."""
        base = self.rich_style
        rows = self._picture.rows if self._picture is not None else ()
        if y >= len(rows):
            return Strip.blank(self.size.width, base)
        cells = list(rows[y])
        at = self._cursor
        if at is not None and y < len(rows) - BOTTOM and cells[at][1] in ("", "raw", "baseline"):
            cells[at] = ("│", "cursor")
        segments = []
        for name, run in groupby(cells, lambda cell: cell[1]):
            style = base + self.get_component_rich_style(f"chart--{name}") if name else base
            segments.append(Segment("".join(sign for sign, _ in run), style))
        return Strip(segments, len(cells))

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._chart.redraw()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the chart."""
        self._dragged_from = event.x
        self.capture_mouse()

    def on_mouse_up(self) -> None:
        """Let it go."""
        self._dragged_from = None
        self.release_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the chart that is held, or read it under the pointer."""
        if self._picture is None:
            return
        if self._dragged_from is not None and event.x != self._dragged_from:
            self._chart.action_pan((self._dragged_from - event.x) / max(1, self._picture.columns))
            self._dragged_from = event.x
        elif self._dragged_from is None:
            self._chart.read_at(self._picture.place_of(event.x))

    def on_leave(self) -> None:
        """Read no longer, unless the keys do."""
        self._chart.stop_reading()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in, if the chart has the focus; else the wheel scrolls the screen."""
        self._wheel(event, ZOOM**0.5)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out."""
        self._wheel(event, ZOOM**-0.5)

    def _wheel(self, event: events.MouseEvent, factor: float) -> None:
        if self._chart.has_focus and self._picture is not None:
            event.stop()
            self._chart.zoom(factor, self._picture.place_of(event.x))


class LossChart(Vertical, can_focus=True):
    """Redraws the curves at each `show`. The chart's size limits the work, not the run's length.

    While it has the focus, a cursor reads it.
    """

    DEFAULT_CSS = """
    LossChart { border: round $line; border-title-color: $quiet; }
    LossChart:focus { border: round $primary; }
    LossChart _Plot { height: 1fr; }
    LossChart _Plot > .chart--axis { color: $line; }
    LossChart _Plot > .chart--tick { color: $quiet; }
    LossChart _Plot > .chart--baseline { color: $line; }
    LossChart _Plot > .chart--raw { color: $primary 45%; }
    LossChart _Plot:ansi > .chart--raw { color: $quiet; }
    LossChart _Plot:nocolor > .chart--raw { text-style: dim; }
    LossChart _Plot > .chart--training { color: $primary; }
    LossChart _Plot > .chart--validation { color: $told; }
    LossChart _Plot > .chart--best { color: $foreground; text-style: bold; }
    LossChart _Plot > .chart--cursor { color: $quiet; }
    LossChart #no-curve { height: 1fr; padding: 0 1; color: $quiet; }
    LossChart #legend { height: 1; padding: 0 1; color: $quiet; text-wrap: nowrap; }
    """

    BINDINGS = [
        Binding(
            "left", "read(-1)", "Read", key_display="← →", id="chart.left", tooltip="Read the point before"
        ),
        Binding("right", "read(1)", "Read", show=False, id="chart.right", tooltip="Read the next point"),
        Binding("home", "read_end(0)", "First", show=False, id="chart.first", tooltip="Read the first point"),
        Binding("end", "read_end(-1)", "Last", show=False, id="chart.last", tooltip="Read the last point"),
        Binding(
            "plus,equals_sign",
            "zoom_in",
            "Zoom",
            key_display="+ -",
            id="chart.in",
            tooltip="Zoom in at the cursor; - zooms out",
        ),
        Binding("minus", "zoom_out", "Zoom out", show=False, id="chart.out", tooltip="Zoom out"),
        Binding("0", "whole", "All", id="chart.whole", tooltip="Show the whole run"),
        Binding(
            "shift+left", "pan(-0.25)", "Back", show=False, id="chart.back", tooltip="Move to earlier steps"
        ),
        Binding("shift+right", "pan(0.25)", "On", show=False, id="chart.on", tooltip="Move to later steps"),
        Binding("l", "log", "Log", id="chart.log", tooltip="A logarithmic or linear loss axis"),
        Binding("t", "unit", "Axis", id="chart.unit", tooltip="By step, by tokens or by time"),
        Binding(
            "escape,z",
            "leave",
            "Back",
            key_display="esc",
            id="chart.leave",
            tooltip="Return to the run's keys",
        ),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._view: RunView | None = None
        self._curves = Curves()
        self._unit: Unit = "step"
        self._log = False
        self._window: Window | None = None  # None: the whole run
        self._cursor: int | None = None  # a step
        self._picture: Picture | None = None

    def compose(self) -> ComposeResult:
        """The plot and the line below it."""
        self.border_title = "Loss"
        yield Static("The curve starts with the first step.", id="no-curve", markup=False)
        yield _Plot(self)
        yield Static(id="legend", markup=False)

    def on_mount(self) -> None:
        """Begin empty."""
        self.query_one(_Plot).display = False
        self._say()

    def show(self, view: RunView) -> None:
        """Draw a run's curves. Another run is shown as a whole."""
        if self._view is not None and view.run != self._view.run:
            self._window = self._cursor = None
            self._unit, self._log = "step", False
        self._view, self._curves = view, curves_of(view)
        empty = self._curves.empty
        self.query_one("#no-curve").display = empty
        self.query_one(_Plot).display = not empty
        if self.has_focus and self._cursor is None:
            self._cursor = max(steps_of(self._curves), default=None)
        self.redraw()

    def redraw(self) -> None:
        """Draw the curves again: for a new size, window or axis."""
        plot = self.query_one(_Plot)
        if self._view is None or self._curves.empty or not plot.size:
            self._picture = None
            self._say()
            return
        scale, whole = self._scale, self._whole
        window = whole if self._window is None else self._window.within(whole)
        self._picture = picture(self._curves, scale, window, plot.size, log=self._log)
        column = None if self._cursor is None else self._picture.column_of(scale.at(self._cursor))
        plot.show(self._picture, column)
        self._say()

    @property
    def _scale(self) -> Scale:
        return Scale() if self._view is None else scale_of(self._view, self._unit)

    @property
    def _whole(self) -> Window:
        return whole_window(self._curves, self._scale)

    # -- what is said ---------------------------------------------------------------------------------

    def _say(self) -> None:
        """The title names the axes and the cursor's place; the line below explains the signs, or reads the cursor."""
        title = f"Loss by {self._unit}" + (", log" if self._log else "")
        if self._cursor is not None:
            title += f" · step {self._cursor:,}"
            place = self._scale.at(self._cursor)
            if self._unit == "tokens":
                title += f" · {place:,.0f} tokens"
            elif self._unit == "time":
                title += f" · {wording.duration(place)}"
        self.border_title = Content(title)
        room = self.size.width - 2  # its padding
        parts = self._key(room) if self._cursor is None else self._read_out(room)
        self.query_one("#legend", Static).update(Content.assemble(*parts), layout=False)

    def _key(self, room: int) -> list[_Part]:
        """What each sign means, as far as there is room."""
        entries = [
            ("⠒⠒", "$primary", "training"),
            ("●─", "$told", "validation"),
            ("★", "bold $foreground", "best"),
        ]
        if self._picture is not None and self._picture.has_baseline:
            name = "baseline: word frequency" if room >= _ROOMY else "baseline"
            entries.append(("┄┄", "$quiet", name))
        entries.append(("⠂", "$primary 45%", "each step"))
        parts: list[_Part] = []
        for sign, style, word in entries:
            room -= len(sign) + len(word) + 3
            if room < -2:
                break
            parts += [(sign, style), (f" {word}  ", "")]
        return parts

    def _read_out(self, room: int) -> list[_Part]:
        """The losses under the cursor."""
        assert self._cursor is not None
        reading = reading_at(self._curves, self._cursor)
        at = reading.checked_at
        when = f" at step {at:,}" if at is not None and at != reading.step else ""
        parts: list[_Part] = [
            ("⠒⠒", "$primary"),
            (f" training {wording.number(reading.smoothed):>6}  ", "$foreground"),
            ("⠂", "$primary 45%"),
            (f" this step {wording.number(reading.raw):>6}  ", "$foreground"),
            ("●─", "$told"),
            (f" validation {wording.number(reading.validation):>6}{when}", "$foreground"),
        ]
        for long, short in (("", ""), *_SHORTER):
            parts = [(text.replace(long, short), style) for text, style in parts]
            if sum(len(text) for text, _ in parts) <= room:
                break
        return parts

    # -- the cursor -----------------------------------------------------------------------------------

    def on_focus(self) -> None:
        """Read the newest point."""
        steps = steps_of(self._curves)
        if self._cursor is None and steps:
            self._read(steps[-1])

    def on_blur(self) -> None:
        """Read no longer."""
        self._cursor = None  # `has_focus` is still true here
        self.redraw()

    def stop_reading(self) -> None:
        """Take the cursor away, unless the chart has the focus."""
        if self._cursor is not None and not self.has_focus:
            self._cursor = None
            self.redraw()

    def read_at(self, place: float) -> None:
        """Read the point nearest to a place of the x axis."""
        steps = steps_of(self._curves)
        if steps:
            scale = self._scale
            self._read(steps[nearest([scale.at(step) for step in steps], place)])

    def _read(self, step: int) -> None:
        if step == self._cursor:
            return
        self._cursor = step
        if self._window is not None:
            self._window = self._window.showing(self._scale.at(step), self._whole)
        self.redraw()

    def action_read(self, by: int) -> None:
        """Read the next point before or after this one that stands in another column."""
        steps, drawn, scale = steps_of(self._curves), self._picture, self._scale
        if not steps or drawn is None:
            return
        if self._cursor is None:
            self._read(steps[-1])
            return
        here = drawn.column_of(scale.at(self._cursor))
        onward = [step for step in steps if (step - self._cursor) * by > 0][::by]
        apart = (step for step in onward if here is None or drawn.column_of(scale.at(step)) != here)
        self._read(next(apart, onward[-1] if onward else self._cursor))

    def action_read_end(self, at: int) -> None:
        """Read the first or the last point."""
        steps = steps_of(self._curves)
        if steps:
            self._read(steps[at])

    # -- the window -----------------------------------------------------------------------------------

    def action_zoom_in(self) -> None:
        """Show half as much, around the cursor."""
        self._zoom_at_cursor(ZOOM)

    def action_zoom_out(self) -> None:
        """Show twice as much."""
        self._zoom_at_cursor(1 / ZOOM)

    def _zoom_at_cursor(self, factor: float) -> None:
        around = self._whole.last if self._cursor is None else self._scale.at(self._cursor)
        self.zoom(factor, around)

    def zoom(self, factor: float, around: float) -> None:
        """Show `factor` times as much of the axis; the place `around` stays where it is."""
        whole = self._whole
        window = (self._window or whole).within(whole)
        least = whole.width * min(1.0, _FEWEST / self._curves.last)
        self._set_window(window.zoomed(factor, min(max(around, window.first), window.last), whole, least))

    def action_pan(self, by: float) -> None:
        """Move the window by a share of its width."""
        if self._window is not None:
            self._set_window(self._window.moved(by, self._whole))

    def action_whole(self) -> None:
        """Show the whole run."""
        self._set_window(None)

    def _set_window(self, window: Window | None) -> None:
        self._window = None if window == self._whole else window
        self.redraw()

    # -- the axes -------------------------------------------------------------------------------------

    def action_log(self) -> None:
        """Turn between a linear and a logarithmic loss axis."""
        self._log = not self._log
        self.redraw()

    def action_unit(self) -> None:
        """Go on to the next unit of the x axis; the same steps stay in sight."""
        before, window = self._scale, self._window
        self._unit = UNITS[(UNITS.index(self._unit) + 1) % len(UNITS)]
        if window is not None:
            first, last = (self._scale.at(before.step_at(place)) for place in (window.first, window.last))
            self._window = Window(first, last) if first < last else None
        self.redraw()

    def action_leave(self) -> None:
        """Give the focus to what is around the chart."""
        around = next((each for each in self.ancestors if isinstance(each, Widget) and each.focusable), None)
        if around is not None:
            around.focus()
