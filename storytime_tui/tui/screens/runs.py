"""Runs: every run on the disk. Opens a run on the Train screen, writes with it, removes it and brings it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input, Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.run_rows import about, narrowed, row_of, with_live_run
from storytime_tui.tui.training_session import RunView
from storytime_tui.tui.widgets.filter_field import FilterField
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.run_list import RunList, RunTitles

if TYPE_CHECKING:  # see services
    from storytime_tui.training.runs import RunSummary

Result = TypeVar("Result")


class RunsScreen(Screen[None]):
    """The table of runs, with a filter above it and a line about one run below."""

    CSS_PATH = "runs.tcss"
    AUTO_FOCUS = "#run-list"
    BINDINGS = [
        Binding("enter", "open", "Open", id="runs.open", tooltip="Show this run on the Train screen"),
        Binding(
            "h",
            "how_it_learns",
            "How it learns",
            id="runs.how_it_learns",
            tooltip="See what this run learned, word by word",
        ),
        Binding("w", "write", "Write", id="runs.write", tooltip="Write a story with this run's model"),
        Binding(
            "slash", "filter", "Find", id="runs.filter", tooltip="Show only runs that have the typed letters"
        ),
        Binding("d", "remove", "Remove", id="runs.remove", tooltip="Remove this run; u brings it back"),
        Binding("delete", "remove", "Remove", show=False, id="runs.delete", tooltip="Remove this run"),
        Binding("u", "undo", "Undo", id="runs.undo", tooltip="Bring back a removed run"),
        Binding("escape", "all", "Show all", id="runs.all", tooltip="Show all runs"),
        # while the filter is typed, these move in the list
        Binding("up", "tree(-1)", "Up", show=False, id="runs.up", tooltip="The line above"),
        Binding("down", "tree(1)", "Down", show=False, id="runs.down", tooltip="The line below"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._training = desk, desk.training
        self._filter_field = FilterField(placeholder="/ filter…", id="filter", compact=True)
        self._list = RunList(id="run-list")
        self._nothing = Static(id="no-runs", markup=False)
        self._box = Vertical(id="runs")
        self._message = MessageLine()
        self._about = Static(id="about", markup=False)
        self._reads: Debounced[Sequence[RunSummary]] = Debounced(self, self._show_runs, self._complain)
        self._summaries: Sequence[RunSummary] | None = None  # None until they were read
        self._visits = 0  # how often the screen was shown
        self._active = False  # whether a run trained when the screen last looked
        self._go_to = ""  # the run that gets the cursor when the runs are read
        self._removed: list[str] = []  # since the app was opened, the last one at the end
        self._keys: object = None  # the state that the offered keys depend on

    def compose(self) -> ComposeResult:
        """The filter and the table, messages, a line about a run, and keys."""
        yield Header(self._desk, "runs")
        self._box.border_title = "Runs"
        with self._box:
            yield self._filter_field
            yield RunTitles()
            yield self._nothing
            yield self._list
        yield self._message
        yield self._about
        yield KeyLine(("remove", "undo", "how_it_learns", "filter", "write"), self._is_of_use)

    def on_mount(self) -> None:
        """Follow the run in training and the titles of the shelf."""
        self._desk.run_changed.subscribe(self, self._run_changed)
        self._desk.shelf_changed.subscribe(self, lambda _: self._show_rows())
        self._show_rows()

    def on_screen_resume(self) -> None:
        """Read the runs again: another screen or another program may have changed them."""
        self._visits += 1
        self._active = self._training.control is not None
        self._read()

    # -- the table ------------------------------------------------------------------------------------

    def _read(self) -> None:
        self._reads.request(self._desk.services.runs, at_once=True)

    def _complain(self, error: Exception) -> None:
        self._message.complain(sentence_of(error))

    def _show_runs(self, summaries: Sequence[RunSummary]) -> None:
        self._summaries = summaries
        at, self._go_to = self._go_to, ""
        self._show_rows(at)

    def _run_changed(self, _: RunView) -> None:
        """Show the step of the run in training; when it starts or ends, read all runs again."""
        active = self._training.control is not None
        if active == self._active:
            self._show_rows()
        elif self.is_current:
            self._active = active
            self._read()

    def _show_rows(self, at: str = "") -> None:
        """Show the runs that the filter leaves, with the cursor on the run `at`, or on the same run as before."""
        if not self.is_current:
            return  # they are read again when the screen is shown
        titles = {collection.name: collection.title for collection in self._desk.collections}
        rows = tuple(row_of(summary, titles) for summary in self._summaries or ())
        if self._training.control is not None and self._summaries is not None:
            rows = with_live_run(rows, self._training.view, titles)
        shown = narrowed(rows, self._filter_field.value)
        before = self._list.run
        self._list.show(shown, at or (before.name if before else ""))
        runs = wording.count(len(rows), "run")
        self._box.border_subtitle = f"{len(shown):,} of {runs}" if self._query else runs if rows else ""
        nothing = "No run has these letters." if rows else "No runs yet. Press 2 to plan one."
        self._nothing.update(Content("Reading the runs…" if self._summaries is None else nothing))
        self._nothing.display = not shown
        self._show_about()
        keys = (bool(shown), bool(self._query), bool(self._removed))
        if keys != self._keys:  # not at every step of a run
            self._keys = keys
            self.refresh_bindings()

    @on(LineList.Moved)
    def _show_about(self) -> None:
        run = self._list.run
        self._about.update(Content(printable_line(about(run)) if run else ""))

    # -- filtering ------------------------------------------------------------------------------------

    @property
    def _query(self) -> str:
        return self._filter_field.value.strip()

    def action_filter(self) -> None:
        """Type letters that the runs must have."""
        self._filter_field.focus()

    @on(Input.Changed, "#filter")
    def _narrow(self) -> None:
        self._message.clear()  # a typed letter does not reach `on_key`
        self._show_rows()

    @on(Input.Submitted, "#filter")
    def _leave_filter(self) -> None:
        self._list.focus()

    def action_tree(self, by: int) -> None:
        """Move in the list while the filter is being typed."""
        self._list.action_move(by)

    def action_all(self) -> None:
        """Drop the filter and show every run; the cursor stays on its run."""
        self._filter_field.value = ""
        self._list.focus()

    # -- opening and writing --------------------------------------------------------------------------

    def _trains_here(self, name: str) -> bool:
        """Whether this app trains the run."""
        return self._training.control is not None and self._training.view.run == name

    def action_open(self) -> None:
        """Show the run on the Train screen as it looked when it trained."""
        run = self._list.run
        if run is None:
            return
        if self._trains_here(run.name):
            self.post_message(GoTo("train"))
        elif self._training.control is not None:
            self._message.complain("A run is training: you can open other runs when it has ended.")
        else:
            self.run_worker(self._open(run.name), group="open", exclusive=True)

    async def _open(self, name: str) -> None:
        visit = self._visits
        with self._message.saying():
            await self._training.show_run(name)
            if self.is_current and self._visits == visit:  # nobody has gone elsewhere meanwhile
                self.post_message(GoTo("train"))

    def action_how_it_learns(self) -> None:
        """Show what the run learned, word by word."""
        run = self._list.run
        if run is not None:
            from storytime_tui.tui.screens.how_it_learns import HowItLearnsScreen

            self.app.push_screen(HowItLearnsScreen(self._desk, run.name))

    def action_write(self) -> None:
        """Write with the run; during training, after its next checkpoint."""
        run = self._list.run
        if run is None:
            return
        if self._trains_here(run.name):
            self._desk.writing.write_with_current_run()
        elif run.saved:
            self._desk.writing.write_with(run.name)
        else:
            self._message.complain(f"“{run.name}” has no checkpoint to write with.")
            return
        self.post_message(GoTo("story"))

    # -- removing and bringing back ------------------------------------------------------------------

    def action_remove(self) -> None:
        """Remove the run; `undo` brings it back."""
        run = self._list.run
        if run is None:
            return
        name = run.name
        if self._trains_here(name):
            self._message.complain(f"“{name}” is training: stop it before you remove it.")
            return

        def done(dependents: Sequence[str]) -> str:
            self._removed.append(name)
            need = "needs" if len(dependents) == 1 else "need"
            others = f" {', '.join(dependents)} {need} it as LoRA base." if dependents else ""
            return f"Removed “{name}”.{others} u brings it back."

        self._change(lambda: self._desk.services.remove_run(name), done)

    def action_undo(self) -> None:
        """Bring back the run that was removed last; if none was, ask which earlier one."""
        if self._removed:
            self._bring_back(self._removed.pop())
        else:
            self.run_worker(self._offer_earlier(), group="changes")

    async def _offer_earlier(self) -> None:
        from storytime_tui.tui.screens.dialogs import ChooseScreen, Row

        try:
            names = await in_thread(self._desk.services.removed_runs)
        except Exception as error:
            self._complain(error)
            return
        if not names:
            self._message.say("There is nothing to bring back.")
        elif self.is_current:
            self.app.push_screen(
                ChooseScreen(
                    "Bring back a run that was removed earlier?", [Row(name, name) for name in names]
                ),
                lambda chosen: self._bring_back(chosen) if chosen is not None else None,
            )

    def _bring_back(self, name: str) -> None:
        self._go_to = name
        self._change(lambda: self._desk.services.restore_run(name), lambda _: f"“{name}” is back.")

    def _change(self, change: Callable[[], Result], said: Callable[[Result], str]) -> None:
        """Make a change in a thread, say what was done, and read the runs again."""

        async def work() -> None:
            try:
                result = await in_thread(change)
            except Exception as error:
                self._complain(error)
            else:
                self._message.say(said(result))
            self._read()  # after a failure, too: another program may have changed the runs

        self.run_worker(work(), group="changes")

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
        match action:
            case "all":
                return bool(self._query)
            case "undo":
                return bool(self._removed)
            case "open" | "write" | "remove" | "how_it_learns":
                return self._list.run is not None
        return True
