"""How the next word is chosen: a small form over the Story screen."""

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from storytime_tui.errors import PlanError
from storytime_tui.generation.settings import SamplerSettings, with_values
from storytime_tui.terminal import printable

KNOBS = {
    "temperature": "0 plays safe, 0.8 is lively, above 1.2 wild",
    "top_p": "choose among the likelier words; 1 is all",
    "max_tokens": "how far it goes; a token is about ¾ word",
    "seed": "0 tells differently each time",
}


class SamplerScreen(ModalScreen[SamplerSettings | None]):
    """Gives back the settings as changed; None when it is left with Escape. A wrong value stays to be mended."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel", id="sampler.cancel", tooltip="Leave without changing"),
    ]

    def __init__(self, settings: SamplerSettings) -> None:
        super().__init__()
        self._settings = settings

    def compose(self) -> ComposeResult:
        """A line for each value."""
        with Vertical(classes="dialog"):
            yield Static(Content("How it tells"), classes="dialog--title")
            for name, note in KNOBS.items():
                with Horizontal(classes="dialog--field"):
                    yield Static(Content(name.replace("_", " ")), classes="dialog--label")
                    yield Input(str(getattr(self._settings, name)), name=name, compact=True)
                    yield Static(Content(note), classes="dialog--hint")
            yield Static(classes="dialog--trouble", markup=False)
            yield Static(Content("enter keeps · tab next · escape leaves"), classes="dialog--keys")

    @on(Input.Submitted)
    def _keep(self) -> None:
        typed = {field.name or "": field.value.strip() for field in self.query(Input)}
        try:
            self.dismiss(with_values(self._settings, typed))
        except PlanError as error:
            self.query_one(".dialog--trouble", Static).update(Content(printable(str(error))))
