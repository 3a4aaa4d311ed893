"""The panel below the table of runs: the curves of the picked runs, and what differs between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from storytime_tui.errors import StorytimeError
from storytime_tui.tui.braille import drawn
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.run_comparison import Pick, lines_of, remark, table_of

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.run_curve import RunCurve

KEPT = 100  # curves that are remembered; the oldest ones are read again
REDRAW = 0.5  # seconds between two drawings of a run that goes on
_STYLES = {
    "here": "bold $primary",
    "pinned": "$told",
    "marked": "$foreground",
    "training": "$quiet",
    "axis": "$quiet",
    "quiet": "$quiet",
}


class RunCompare(Horizontal):
    """Shows one run, or several side by side. Curves are read in a thread, and again when their run went on."""

    DEFAULT_CSS = """
    RunCompare { border: round $line; border-title-color: $quiet; border-subtitle-color: $quiet; }
    RunCompare Static { height: 1fr; text-wrap: nowrap; }
    RunCompare #compare-chart { width: 1fr; }
    RunCompare #compare-table { width: 1fr; min-width: 38; padding: 0 1; }
    """

    def __init__(
        self, read: Callable[[str], RunCurve], complain: Callable[[Exception], object], *, id: str
    ) -> None:
        """`read` reads a run's curve; it may block."""
        super().__init__(id=id)
        self._read = read
        self._picks: Sequence[Pick] = ()
        self._live: Mapping[str, RunCurve] = {}
        self._known: dict[
            str, tuple[object, RunCurve]
        ] = {}  # by the run's name: as which version it was read
        self._reads: Debounced[dict[str, tuple[object, RunCurve]]] = Debounced(self, self._keep, complain)
        self._asked: dict[
            str, object
        ] = {}  # what is being read: asked for again, it would be read from the start
        self._waiting: Timer | None = None  # while it runs, the panel was just drawn
        self._chart = Static(id="compare-chart", markup=False)
        self._table = Static(id="compare-table", markup=False)

    def compose(self) -> ComposeResult:
        """The chart and the table."""
        yield self._chart
        yield self._table

    def show(self, picks: Sequence[Pick], live: Mapping[str, RunCurve]) -> None:
        """Show these runs. `live`: the curves that need not be read, by the run's name."""
        same = [_place(pick) for pick in picks] == [_place(pick) for pick in self._picks]
        self._picks, self._live = picks, live
        self._ask()
        if not same:
            self._draw()
        elif self._waiting is None:
            self._waiting = self.set_timer(REDRAW, self._draw)

    def _ask(self) -> None:
        """Read the curves that are not known, or have gone on since they were read."""
        wanted = {pick.row.name: _version(pick) for pick in self._picks if pick.row.name not in self._live}
        missing = {
            name: version
            for name, version in wanted.items()
            if name not in self._known or self._known[name][0] != version
        }
        if missing and missing != self._asked and self.display:
            self._asked, read = missing, self._read
            self._reads.request(lambda: {name: (missing[name], _read(read, name)) for name in missing})

    def _keep(self, read: dict[str, tuple[object, RunCurve]]) -> None:
        self._asked = {}
        for name in read:
            self._known.pop(name, None)
        self._known |= read  # the last ones are the newest
        for name in list(self._known)[: max(0, len(self._known) - KEPT)]:
            del self._known[name]
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size. The first one comes when the panel is first in sight."""
        self.call_after_refresh(self._appear)

    def _appear(self) -> None:
        self._ask()
        self._draw()

    def _draw(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        if not self.display:
            return
        picks = self._picks
        several = len(picks) > 1
        self.border_title = "Validation loss" if several else "Loss: validation, and training faint"
        self.border_subtitle = remark(picks) if several else "space marks a run, p pins it"
        curves = {name: curve for name, (_, curve) in self._known.items()} | dict(self._live)
        size = self._chart.size
        lines = drawn(lines_of(picks, curves), size.width, size.height)
        waits = any(pick.row.name not in curves for pick in picks)
        words = " Reading the curve…" if waits else " No curve yet." if picks else ""
        self._chart.update(_content(lines) if lines else Content.styled(words, "$quiet"), layout=False)
        room = self._table.content_size
        self._table.update(_content(table_of(picks, room.width, room.height)), layout=False)


def _place(pick: Pick) -> tuple[str, str, bool]:
    return pick.row.name, pick.sign, bool(pick.row.plan)


def _read(read: Callable[[str], RunCurve], name: str) -> RunCurve:
    """A run's curve; none if it cannot be read: its state says so."""
    from storytime_tui.jobs.run_curve import RunCurve

    try:
        return read(name)
    except StorytimeError:
        return RunCurve()


def _version(pick: Pick) -> object:
    """What changes when a run goes on."""
    return (pick.row.step, pick.row.started, pick.row.state, pick.row.loss)


def _content(lines: Sequence[Sequence[tuple[str, str]]]) -> Content:
    styled = [
        Content.assemble(*((text, _STYLES.get(name, "")) for text, name in line if text)) for line in lines
    ]
    return Content("\n").join(styled)
