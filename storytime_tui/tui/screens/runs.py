"""Runs: every run on the disk, to sort, query, compare, open, write with, resume, rename, export and remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input, Static

from storytime_tui.jobs.run_query import matches, parse
from storytime_tui.terminal import printable
from storytime_tui.tui import breakpoints, wording
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.run_comparison import MARKS, Pick, comparison_lines, how_to_pick, live_curve, picks_of
from storytime_tui.tui.run_rows import Order, RunRow, about, facts_of, in_order, row_of, with_live_run
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.runs_room import divide_room
from storytime_tui.tui.screens.run_edits import RunEdits
from storytime_tui.tui.screens.run_opening import RunOpening
from storytime_tui.tui.screens.runs_keys import KEYS, SELDOM, shown
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.filter_field import FilterField
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.run_compare import RunCompare
from storytime_tui.tui.widgets.run_list import RunList, RunTitles

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.run_details import RunDetails
    from storytime_tui.training.runs import RunSummary

EVERY = 2.0  # seconds between two looks at the runs while another process trains one


class RunsScreen(StyledOnce, Screen[None]):
    """The table of runs, with a filter above it, and below it the curves of some and a few words about one."""

    CSS_PATH = "runs.tcss"
    VERTICAL_BREAKPOINTS = breakpoints.HEIGHTS
    AUTO_FOCUS = "#run-list"
    BINDINGS = KEYS

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._training = desk, desk.training
        self._filter_field = FilterField("runs.filter", "words, or base:starter rate>1e-4 loss<3.2")
        self._titles = RunTitles()
        self._list = RunList(id="run-list")
        self._nothing = Static(id="no-runs", markup=False)
        self._box = Vertical(id="runs")
        self._compare = RunCompare(desk.services.run_curve, self._complain, id="compare")
        self._message = MessageLine()
        self._about = Static(id="about", markup=False)
        self._edits = RunEdits(self, desk, self._message, self._read)
        self._opening = RunOpening(self, desk, self._message)
        self._reads: Debounced[Sequence[RunSummary]] = Debounced(self, self._show_runs, self._complain)
        self._detail_reads: Debounced[Mapping[str, RunDetails]] = Debounced(
            self, self._show_details, self._complain
        )
        self._summaries: Sequence[RunSummary] | None = None  # None until they were read
        self._rows: Sequence[RunRow] = ()  # all runs, in the order in which they were read
        self._details: dict[str, RunDetails] = {}  # by the run's name
        self._detailed: Sequence[RunSummary] = ()  # those whose details are as they are now
        self._order = Order()
        self._pinned = ""
        self._marked: dict[str, str] = {}  # the sign of each marked run, by its name
        self._active = False  # whether a run trained when the screen last looked
        self._go_to = ""  # the run that gets the cursor when the runs are read
        self._keys: object = None  # the state that the offered keys depend on

    def compose(self) -> ComposeResult:
        """The filter and the table, curves, messages, words about a run, and keys."""
        yield Header(self._desk, "runs")
        self._box.border_title = "Runs"
        with self._box:
            yield self._filter_field
            yield self._titles
            yield self._nothing
            yield self._list
        yield self._compare
        yield self._message
        yield self._about
        yield KeyLine(SELDOM, self._is_of_use)

    def on_mount(self) -> None:
        """Follow the run in training, the titles of the shelf, and runs of other processes."""
        self._desk.run_changed.subscribe(self, self._run_changed)
        self._desk.run_lost.subscribe(self, self._run_lost)
        self._desk.shelf_changed.subscribe(self, lambda _: self._show_rows())
        self.set_interval(EVERY, self._look)
        self._show_rows()

    def on_screen_resume(self) -> None:
        """Read the runs again: another screen or another program may have changed them."""
        if not self.is_current:
            return  # the screen is made before it is visited
        self._opening.visits += 1
        self._active = self._training.control is not None
        self._read()

    # -- the table ------------------------------------------------------------------------------------

    def _read(self, at: str = "") -> None:
        """Read everything again, and put the cursor on the run `at`, if there is one."""
        self._go_to = at or self._go_to
        self._detailed = ()
        self._reads.request(self._desk.services.runs, at_once=True)

    def go_to(self, run: str) -> None:
        """Put the cursor on a run."""
        self._filter_field.value = ""
        self._list.focus()
        self._read(run)

    def _look(self) -> None:
        """Follow the runs that another process trains."""
        if self.is_current and not self._reads.is_working and any(row.elsewhere for row in self._rows):
            self._reads.request(self._desk.services.runs, at_once=True)

    def _complain(self, error: Exception) -> None:
        self._message.complain(sentence_of(error))

    def _show_runs(self, summaries: Sequence[RunSummary]) -> None:
        before, self._summaries = self._summaries, summaries
        at, self._go_to = self._go_to, ""
        if before is None or at or summaries != before:
            self._show_rows(at)
        self._forget_removed(summaries)
        known = set(self._detailed)
        new = [summary for summary in summaries if summary not in known]
        if new:
            self._detailed = summaries
            self._detail_reads.request(lambda: self._desk.services.run_details(new), at_once=True)

    def _show_details(self, details: Mapping[str, RunDetails]) -> None:
        self._details |= details
        self._show_rows()

    def _forget_removed(self, summaries: Sequence[RunSummary]) -> None:
        """Return Train to the plan if another program removed the run that it displays."""
        run = self._training.view.run
        if run and self._training.control is None and all(each.name != run for each in summaries):
            self._training.forget(run)
            self._message.say(f"The run “{run}” was removed by another program.")

    def _run_changed(self, _: RunView) -> None:
        """Show the step of the run in training; when it starts or ends, read all runs again."""
        active = self._training.control is not None
        if active == self._active:
            if active:
                self._show_rows()
        elif self.is_current:
            self._active = active
            self._read()

    def _run_lost(self, sentence: str) -> None:
        """Say why the watched run is gone, in the list."""
        self._message.complain(sentence)
        if self.app.current_mode == "train":
            self.post_message(GoTo("runs"))
        elif self.is_current:
            self._read()

    def _all_rows(self) -> tuple[RunRow, ...]:
        titles = {collection.name: collection.title for collection in self._desk.collections}
        own = self._training.view.run if self._training.control is not None else ""
        rows = tuple(
            row_of(each, titles, self._details.get(each.name), elsewhere=each.name != own)
            for each in self._summaries or ()
        )
        if self._training.control is not None and self._summaries is not None:
            rows = with_live_run(rows, self._training.view, titles)
        return rows

    def _show_rows(self, at: str = "") -> None:
        """Show the runs that the filter leaves, with the cursor on the run `at`, or on the same run as before."""
        if not self.is_current:
            return  # they are read again when the screen is shown
        self._rows = rows = self._all_rows()
        query = parse(self._filter_field.value)
        rows_shown = in_order([row for row in rows if matches(query, facts_of(row))], self._order)
        before = self._list.run
        self._list.show(rows_shown, at or (before.name if before else ""))
        self._titles.show(self._order)
        divide_room(self, self._box, len(rows_shown))
        runs = wording.count(len(rows), "run")
        self._box.border_subtitle = f"{len(rows_shown):,} of {runs}" if self._query else runs if rows else ""
        nothing = wording.no_runs(hidden=bool(rows))
        self._nothing.update(Content("Reading the runs…" if self._summaries is None else nothing))
        self._nothing.display = not rows_shown
        self._show_about()

    def on_resize(self) -> None:
        """Divide the other room."""
        self.call_after_refresh(lambda: divide_room(self, self._box, self._list.count()))

    @on(LineList.Moved)
    def _show_about(self) -> None:
        run = self._list.run
        self._about.update(Content(printable(about(run)) if run else ""))
        picks = self._picks()
        self._list.mark(self._signs())
        self.set_class(self._picked, "-picks")
        view = self._training.view
        live = {view.run: live_curve(view)} if self._training.control is not None and view.run else {}
        self._compare.show(picks, live)
        state = (run.can_resume, run.state) if run else None
        keys = (state, bool(self._query), self._edits.can_undo, self._picked)
        if keys != self._keys:  # not at every step of a run
            self._keys = keys
            self.refresh_bindings()

    # -- sorting and filtering ------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._sort(self._order.following)

    def action_turn(self) -> None:
        """Sort the other way round."""
        self._sort(self._order.turned)

    @on(RunTitles.Chosen)
    def _sort_by(self, event: RunTitles.Chosen) -> None:
        self._sort(self._order.by(event.field))

    def _sort(self, order: Order) -> None:
        self._order = order
        self._show_rows()

    @property
    def _query(self) -> str:
        return self._filter_field.value.strip()

    def action_filter(self) -> None:
        """Type words or a query that the runs must match."""
        self._filter_field.focus()

    @on(Input.Changed, "#filter")
    def _narrow(self) -> None:
        self._message.say(parse(self._filter_field.value).mistake)
        self._show_rows()

    @on(Input.Submitted, "#filter")
    def _leave_filter(self) -> None:
        self._list.focus()

    def action_tree(self, by: int) -> None:
        """Move in the list while the filter is being typed."""
        self._list.action_move(by)

    def action_all(self) -> None:
        """Drop the filter, else the picked runs; the cursor stays on its run."""
        if not self._query:
            self._pinned, self._marked = "", {}
        self._filter_field.value = ""
        self._list.focus()
        self._show_about()

    # -- comparing ------------------------------------------------------------------------------------

    @property
    def _picked(self) -> bool:
        return bool(self._pinned or self._marked)

    def _picks(self) -> tuple[Pick, ...]:
        here = self._list.run
        return picks_of(self._rows, here.name if here else "", self._pinned, self._marked)

    def _signs(self) -> dict[str, str]:
        """The signs of the pinned and the marked runs, the one under the cursor included."""
        return {pick.row.name: pick.sign for pick in picks_of(self._rows, "", self._pinned, self._marked)}

    def action_mark(self) -> None:
        """Mark the run, or take its mark away; the cursor moves on."""
        run = self._list.run
        if run is None:
            return
        free = [sign for sign in MARKS if sign not in self._marked.values()]
        if run.name in self._marked:
            del self._marked[run.name]
        elif not free:
            self._message.complain(f"{len(MARKS)} runs are marked: take a mark away first, with space.")
            return
        else:
            self._marked[run.name] = free[0]
        self._list.action_move(1)
        self._show_about()

    def action_pin(self) -> None:
        """Pin the run, so that the others are compared with it; or unpin it."""
        run = self._list.run
        if run is not None:
            self._pinned = "" if run.name == self._pinned else run.name
            self._show_about()

    def action_compare(self) -> None:
        """Show in full what differs between the picked runs."""
        from storytime_tui.tui.screens.dialogs import ListScreen

        picks = self._picks()
        if len(picks) > 1:
            self.app.push_screen(ListScreen("What differs", comparison_lines(picks)))
        else:
            self._message.say(how_to_pick())

    # -- opening, training and writing (see RunOpening) -----------------------------------------------

    def action_open(self) -> None:
        """Show the run on the Train screen: as it looked when it trained, or live."""
        if run := self._list.run:
            self._opening.open(run)

    def action_resume(self) -> None:
        """Resume the run from its last checkpoint, on the Train screen."""
        if run := self._list.run:
            self._opening.train_on(run, "resume")

    def action_more(self) -> None:
        """Ask on the Train screen for more epochs of the finished run."""
        if run := self._list.run:
            self._opening.train_on(run, "more")

    def action_how_it_learns(self) -> None:
        """Show what the run learned, word by word."""
        if run := self._list.run:
            self._opening.how_it_learns(run)

    def action_write(self) -> None:
        """Write with the run; during training, with its weights of now."""
        if run := self._list.run:
            self._opening.write(run)

    # -- changes (see RunEdits) -----------------------------------------------------------------------

    def _ended(self, what: str) -> RunRow | None:
        """The run under the cursor, unless it trains: then a sentence says so."""
        run = self._list.run
        if run is not None and (run.elsewhere or self._opening.trains_here(run)):
            self._message.complain(f"“{run.name}” is training: stop it before you {what} it.")
            return None
        return run

    def action_rename(self) -> None:
        """Ask for another name of the run."""
        if run := self._ended("rename"):
            self._edits.rename(run)

    def action_remove(self) -> None:
        """Remove the run; `undo` brings it back."""
        if run := self._ended("remove"):
            self._edits.remove(run)

    def action_note(self) -> None:
        """Ask for the run's note."""
        if run := self._list.run:
            self._edits.note(run)

    def action_export(self) -> None:
        """Ask for a folder, and write the run's model to it."""
        run = self._list.run
        if run is not None and run.saved:
            self._edits.export(run)
        elif run is not None:
            self._message.complain(f"“{run.name}” has no checkpoint to export.")

    def action_undo(self) -> None:
        """Bring back the run that was removed last; if none was, ask which earlier one."""
        self._edits.undo()

    # -- messages and keys ----------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """A message goes with the next key. This runs before the key's action."""
        self._message.clear()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys work now."""
        return not isinstance(self.focused, Input) if action == "filter" else True

    def _is_of_use(self, action: str) -> bool:
        """Whether the footer shows a key now. Other keys work, too, and say why they can do nothing."""
        if isinstance(self.focused, FilterField):  # a letter is a letter there
            known = ("submit", "screen.tree(1)", "screen.all", "help")
            return action in known or action.startswith("mode(")
        return shown(
            action, self._list.run, query=bool(self._query), picked=self._picked, undo=self._edits.can_undo
        )
