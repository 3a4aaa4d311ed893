"""What takes room on the disk: a list to look at and to clear parts of, and backups: made and restored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from storytime_tui.formatting import count, size
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.import_task import ImportTask
from storytime_tui.tui.screens.ask_path import AskPathScreen
from storytime_tui.tui.screens.dialogs import AskScreen, ListScreen
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.disk_list import DiskList, titles
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.message_line import MessageLine

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.housekeeping.disk import DiskUse

_SHOWN = 0.3  # seconds between two looks at the progress of a backup


class DiskScreen(StyledOnce, ModalScreen[None]):
    """The parts, largest runs and models first, and below them what the one under the cursor is."""

    CSS_PATH = "disk.tcss"
    AUTO_FOCUS = "#disk-list"
    help_topic = "disk"  # see `StorytimeApp.action_help`
    BINDINGS = [
        Binding("c", "clear", "Clear", id="disk.clear", tooltip="Clear this part, after a question"),
        Binding("delete", "clear", "Clear", show=False, id="disk.delete", tooltip="Clear this part"),
        Binding(
            "b", "backup", "Back up", id="disk.backup", tooltip="Save everything that matters in one file"
        ),
        Binding("r", "restore", "Restore", id="disk.restore", tooltip="Bring back what a backup holds"),
        Binding(
            "question_mark,f1", "app.help", "Help", key_display="?", id="disk.help", tooltip="About this list"
        ),
        Binding("escape,q", "dismiss(None)", "Close", id="disk.close", tooltip="Back to the screen"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._services = desk, desk.services.housekeeping
        self._list = DiskList(id="disk-list")
        self._message = MessageLine()
        self._working = False

    def compose(self) -> ComposeResult:
        """A title, the list, what the part under the cursor is, messages and keys."""
        with Vertical(id="disk"):
            yield Static(Content("Disk"), id="disk-title")
            yield Static(Content(titles(80)), id="disk-heads")
            yield self._list
            yield Static(id="disk-note", markup=False)
            yield self._message
            yield KeyLine()

    def on_mount(self) -> None:
        """Measure everything."""
        self._message.say("Measuring…")
        self._read(0, "")

    @work(exclusive=True)
    async def _read(self, cursor: int, say: str) -> None:
        with self._message.saying():
            use = await in_thread(self._services.disk_use)
            self._show(use, cursor)
            self._message.say(say)

    def _show(self, use: DiskUse, cursor: int) -> None:
        title = f"Disk · {size(use.bytes)}, {size(use.can_go)} of it can go · {size(use.free)} free"
        self.query_one("#disk-title", Static).update(Content(title))
        self._list.show(use.parts, cursor)
        self.refresh_bindings()

    @on(LineList.Moved)
    def _show_note(self) -> None:
        part = self._list.row
        note = f"{part.note[:1].upper()}{part.note[1:]}." if part is not None else ""
        self.query_one("#disk-note", Static).update(Content(printable_line(note)))
        self.query_one("#disk-note").display = not self._list.shows_notes
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Show the note below a narrow list."""
        self.call_after_refresh(self._show_note)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to clear only what can go."""
        if action == "clear":
            return not self._working and self._list.row is not None and self._list.row.can_go > 0
        return action not in ("backup", "restore") or not self._working

    # -- clearing -------------------------------------------------------------------------------------

    def action_clear(self) -> None:
        """Ask, and clear the part under the cursor."""
        part = self._list.row
        if part is None or not part.can_go:
            return
        lines = [f"{part.note[:1].upper()}{part.note[1:]}.", part.after]
        question = ListScreen(f"Clear {size(part.can_go)} of {part.what}?", lines, enter="Clear")
        what = part.what

        def answered(agreed: bool | None) -> None:
            if agreed:
                self._clear(what)

        self.app.push_screen(question, answered)

    @work(group="clear")
    async def _clear(self, what: str) -> None:
        self._begin(f"Clearing {what}…")
        said = ""
        with self._message.saying():
            cleared = await in_thread(lambda: self._services.clear(what))
            said = " ".join([f"Freed {size(cleared.bytes)}.", *cleared.stayed])
        self._working = False
        if said:
            self._read(self._list.cursor, said)

    def _begin(self, doing: str) -> None:
        self._working = True
        self._message.say(doing)
        self.refresh_bindings()

    # -- backup ---------------------------------------------------------------------------------------

    def action_backup(self) -> None:
        """Ask for a file or a folder, and write a backup."""
        ask = AskScreen(
            "Back up stories, collections, runs and settings",
            "A folder, or the zip file to write. r on this screen brings back what it holds.",
            enter="Back up",
            value=str(Path.home()),
        )

        def answered(to: str | None) -> None:
            if to and to.strip():
                self._back_up(to.strip())

        self.app.push_screen(ask, answered)

    @work(group="backup")
    async def _back_up(self, to: str) -> None:
        task = ImportTask("Backing up")
        self._begin(f"{task.title}…")
        shown = self.set_interval(_SHOWN, lambda: self._message.say(f"{task.title}: {task.progress()}"))
        try:
            with self._message.saying():
                made = await in_thread(lambda: self._services.create_backup(to, task.report))
                held = f"{count(made.stories, 'story', 'stories')}, {count(made.collections, 'collection')}"
                saved = f"Saved {held} and {count(made.runs, 'run')}, {size(made.bytes)}, in {made.path}."
                self._message.say(" ".join([saved, *made.left_out]))
        finally:
            shown.stop()
            self._working = False
            self.refresh_bindings()

    def action_restore(self) -> None:
        """Ask for the file of a backup, say what happens, and bring back what it holds."""
        ask = AskPathScreen(
            "Restore a backup",
            "The zip file. What is here stays as it is: stories are added to yours, and a collection or a run that "
            "differs from one here comes back under another name.",
            self._desk.services.list_folder,
            enter="Restore",
            placeholder="~/storytime.zip",
            check=lambda typed: "" if typed.strip() else "Type the path of a backup.",
        )

        def answered(file: str | None) -> None:
            if file:
                # of the app, not of this screen: the work and its outcome outlast the list
                self.app.run_worker(self._restore(file.strip()))

        self.app.push_screen(ask, answered)

    async def _restore(self, file: str) -> None:
        """Bring a backup back beside what is open: only what is not here yet is written, as the command does it."""
        task = ImportTask("Restoring")
        self._begin(f"{task.title}…")
        shown = self.set_interval(_SHOWN, lambda: self._message.say(f"{task.title}: {task.progress()}"))
        try:
            said = await in_thread(lambda: self._services.restore_backup(file, task.report))
        except Exception as error:
            self._tell(sentence_of(error), wrong=True)
        else:
            self._desk.collections_changed.publish(None)
            self._tell(said[0])
            if said[1:]:
                self.app.push_screen(ListScreen(said[0], said[1:]))
        finally:
            shown.stop()
            self._working = False
            if self.is_attached:
                self.refresh_bindings()

    def _tell(self, sentence: str, *, wrong: bool = False) -> None:
        """Say how it went, also where the list is closed by now."""
        if not self.is_attached:
            severity: Literal["error", "information"] = "error" if wrong else "information"
            self.app.notify(printable_line(sentence), severity=severity, timeout=12, markup=False)
        elif wrong:
            self._message.complain(sentence)
        else:
            self._read(self._list.cursor, sentence)
