"""The dialog that shows how far an import or a download is, and can stop it."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.import_task import ImportTask
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.key_line import KeyLine

_OFTEN = 0.1  # seconds between two updates
_PATIENCE = 0.15  # seconds: a quicker import shows no dialog
_BAR = 60  # cells


class ImportingScreen(StyledOnce, ModalScreen[None]):
    """Shows an import, and closes when it is over. It can be closed earlier: the import then continues."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding(
            "enter",
            "dismiss(None)",
            "Run in background",
            id="importing.leave",
            tooltip="Close this window; the import continues",
        ),
        Binding("escape", "stop", "Stop", id="importing.stop", tooltip="Stop; nothing is imported"),
    ]

    def __init__(self, task: ImportTask) -> None:
        super().__init__(classes="-quick")
        self._import = task

    def compose(self) -> ComposeResult:
        """A title, how far it is, a bar."""
        with Vertical(classes="dialog"):
            yield Static(Content(printable_line(self._import.title)), classes="dialog--title")
            yield Static(id="progress", markup=False)
            yield Static(id="bar", markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        """Update regularly."""
        self.set_interval(_OFTEN, self._update)
        self.set_timer(_PATIENCE, lambda: self.remove_class("-quick"))
        self._update()

    def _update(self) -> None:
        if self._import.over:
            if self.is_current:  # the timer may tick once more after the window has closed
                self.dismiss(None)
            return
        done, left = self._import.bar(_BAR)
        self.query_one("#progress", Static).update(Content(self._import.progress()))
        self.query_one("#bar", Static).update(Content.assemble((done, "$primary"), (left, "$line")))

    def action_stop(self) -> None:
        """Ask the import to stop, and close. It stops after its current file, and nobody has to wait for that."""
        self._import.stop.set()
        self.dismiss(None)
