"""Changes to the runs on the disk: rename, note, export, remove, bring back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from textual.screen import Screen

from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.import_task import ImportTask
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.run_rows import RunRow
from storytime_tui.tui.widgets.message_line import MessageLine

Result = TypeVar("Result")
_SHOWN = 0.3  # seconds between two looks at an export's progress


class RunEdits:
    """Makes each change in a thread, reads the runs again, and says what was done."""

    def __init__(
        self, screen: Screen[None], desk: Desk, message: MessageLine, read: Callable[[str], object]
    ) -> None:
        """Change runs for a screen. `read` reads them again, with the cursor on the run of this name, if any."""
        self._screen, self._desk, self._message, self._read = screen, desk, message, read
        self._removed: list[str] = []  # since the app was opened, the last one at the end
        self._export: ImportTask | None = None  # the export in progress

    # -- names and notes ------------------------------------------------------------------------------

    def rename(self, run: RunRow) -> None:
        """Ask for another name of the run."""
        from storytime_tui.tui.screens.dialogs import AskScreen

        old = run.name

        def attempt(typed: str) -> None:
            new = typed.strip()
            if new and new != old:
                self._desk.services.rename_run(old, new)

        def answered(typed: str | None) -> None:
            new = (typed or "").strip()
            if new and new != old:
                self._desk.training.renamed(old, new)
                self._message.say(f"Now called “{new}”.")
                self._read(new)

        question = AskScreen(
            "Rename this run",
            "Its new name, of letters, digits, '.', '_' and '-':",
            enter="Rename",
            value=old,
            attempt=attempt,
        )
        self._screen.app.push_screen(question, answered)

    def note(self, run: RunRow) -> None:
        """Ask for the run's note."""
        from storytime_tui.tui.screens.dialogs import AskScreen

        def answered(typed: str | None) -> None:
            if typed is not None and typed.strip() != run.note:
                self._change(
                    lambda: self._desk.services.set_note(run.name, typed),
                    lambda note: f"The note is {'kept with' if note else 'removed from'} “{run.name}”.",
                )

        question = AskScreen(
            f"Note about {printable_line(run.name)}",
            "A few words for yourself. They are kept in the run's folder; an empty note is removed.",
            enter="Keep",
            value=run.note,
        )
        self._screen.app.push_screen(question, answered)

    # -- exporting ------------------------------------------------------------------------------------

    def export(self, run: RunRow) -> None:
        """Ask for a folder, and write the run's model to it."""
        from storytime_tui.tui.screens.ask_path import AskPathScreen

        if self._export is not None:
            self._message.complain("Another export is running: wait until it has ended.")
            return

        def answered(typed: str | None) -> None:
            if typed and typed.strip():
                self._screen.run_worker(self._write(run.name, typed.strip()), group="export")

        question = AskPathScreen(
            f"Export {printable_line(run.name)}",
            "The folder to write: its best checkpoint as safetensors, which other programs open. A LoRA run is merged "
            "into its base.",
            self._desk.services.list_folder,
            enter="Export",
            placeholder=f"~/models/{printable_line(run.name)}",
        )
        self._screen.app.push_screen(question, answered)

    async def _write(self, run: str, to: str) -> None:
        self._export = task = ImportTask(f"Exporting “{run}”")
        shown = self._screen.set_interval(
            _SHOWN, lambda: self._message.say(f"{task.title}: {task.progress()}")
        )
        self._message.say(f"{task.title}…")
        try:
            path = await in_thread(lambda: self._desk.services.export_run(run, to, task.report))
        except Exception as error:
            self._message.complain(sentence_of(error))
        else:
            self._message.say(f"“{run}” is in {path}.")
        finally:
            shown.stop()
            self._export = None

    # -- removing and bringing back -------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        """Whether a run was removed since the app was opened."""
        return bool(self._removed)

    def remove(self, run: RunRow) -> None:
        """Remove the run; `undo` brings it back."""
        name = run.name

        def done(dependents: Sequence[str]) -> str:
            self._removed.append(name)
            self._desk.training.forget(name)
            need = "needs" if len(dependents) == 1 else "need"
            others = f" {', '.join(dependents)} {need} it as LoRA base." if dependents else ""
            return f"Removed “{name}”.{others} {own_key('runs.undo', 'u')} brings it back."

        self._change(lambda: self._desk.services.remove_run(name), done)

    def undo(self) -> None:
        """Bring back the run that was removed last; if none was, ask which earlier one."""
        if self._removed:
            self._bring_back(self._removed.pop())
        else:
            self._screen.run_worker(self._offer_earlier(), group="changes")

    async def _offer_earlier(self) -> None:
        from storytime_tui.tui.screens.dialogs import ChooseScreen, Row

        try:
            names = await in_thread(self._desk.services.removed_runs)
        except Exception as error:
            self._message.complain(sentence_of(error))
            return
        if not names:
            self._message.say("There is nothing to bring back.")
        elif self._screen.is_current:
            self._screen.app.push_screen(
                ChooseScreen(
                    "Bring back a run that was removed earlier?", [Row(name, name) for name in names]
                ),
                lambda chosen: self._bring_back(chosen) if chosen is not None else None,
            )

    def _bring_back(self, name: str) -> None:
        self._change(lambda: self._desk.services.restore_run(name), lambda _: f"“{name}” is back.", at=name)

    def _change(self, change: Callable[[], Result], said: Callable[[Result], str], at: str = "") -> None:
        """Change the runs in a thread, say what was done, and read them again."""

        async def work() -> None:
            try:
                result = await in_thread(change)
            except Exception as error:
                self._message.complain(sentence_of(error))
                self._read("")  # another program may have changed the runs
            else:
                self._message.say(said(result))
                self._read(at)

        self._screen.run_worker(work(), group="changes")
