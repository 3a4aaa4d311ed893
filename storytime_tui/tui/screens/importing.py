"""An import or a download while it goes on: how far it has come, and escape to stop it."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.errand import Errand

_OFTEN = 0.1  # seconds between two looks at how far it has come
_PATIENCE = 0.15  # seconds: what is quicker needs no window of its own


class ImportingScreen(ModalScreen[None]):
    """Watches an errand, and closes when it is over. It may be left before: the errand goes on without it."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("escape", "stop", "Stop", id="importing.stop", tooltip="Stop; nothing is half-imported"),
        Binding(
            "enter", "dismiss(None)", "Meanwhile", id="importing.leave", tooltip="Let it go on by itself"
        ),
    ]

    def __init__(self, errand: Errand) -> None:
        super().__init__(classes="-quick")
        self._errand = errand

    def compose(self) -> ComposeResult:
        """What it is, how far it has come."""
        with Vertical(classes="dialog"):
            yield Static(Content(printable_line(self._errand.title)), classes="dialog--title")
            yield Static(id="progress", markup=False)
            yield Static(id="bar", markup=False)
            yield Static(Content("escape stops it · enter lets it go on by itself"), classes="dialog--keys")

    def on_mount(self) -> None:
        """Look now and then."""
        self.set_interval(_OFTEN, self._look)
        self.set_timer(_PATIENCE, lambda: self.remove_class("-quick"))
        self._look()

    def _look(self) -> None:
        if self._errand.over:
            self.dismiss(None)
            return
        done, left = self._errand.bar(60)
        self.query_one("#progress", Static).update(Content(self._errand.progress()))
        self.query_one("#bar", Static).update(Content.assemble((done, "$primary"), (left, "$line")))

    def action_stop(self) -> None:
        """Stop the errand, and leave: a large file is not put down in the middle, but nobody has to wait for that."""
        self._errand.stop.set()
        self.dismiss(None)
