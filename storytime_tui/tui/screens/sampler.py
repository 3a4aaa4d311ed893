"""How the next word is chosen: a small form over the Story screen."""

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Select, Static

from storytime_tui.errors import PlanError
from storytime_tui.generation.sampling.presets import PRESETS, preset_of, with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings, text_of, with_values
from storytime_tui.terminal import printable

KNOBS = {
    "temperature": "0 plays safe, above 1.2 is wild",
    "top_p": "choose among the likelier; 1 is all",
    "min_p": "drop words far less likely than the best",
    "repetition": "1 repeats freely, 2 hardly at all",
    "banned": "never these words, with commas",
    "finish_sentence": "true ends on a whole sentence",
    "max_tokens": "a token is about ¾ of a word",
    "seed": "0 tells differently each time",
}
_OF_PRESETS = ("temperature", "top_p", "min_p", "repetition")
OWN = "my own"


class SamplerScreen(ModalScreen[SamplerSettings | None]):
    """Gives back the settings as changed; None when it is left with Escape. A wrong value stays to be mended."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel", id="sampler.cancel", tooltip="Leave without changing"),
    ]

    def __init__(self, settings: SamplerSettings) -> None:
        super().__init__()
        self._settings = settings

    def compose(self) -> ComposeResult:
        """The presets, and a line for each value."""
        preset = preset_of(self._settings) or OWN
        with Vertical(classes="dialog"):
            yield Static(Content("How it tells"), classes="dialog--title")
            with Horizontal(classes="dialog--field"):
                yield Static(Content("preset"), classes="dialog--label")
                yield Select(
                    [(name, name) for name in (*PRESETS, OWN)],
                    value=preset,
                    allow_blank=False,
                    id="preset",
                    compact=True,
                )
                yield Static(_line(preset), id="preset-line", classes="dialog--hint", markup=False)
            # three columns, since a row with three widgets for each value would take five times as long to show
            with Horizontal(classes="dialog--field"):
                labels = "\n".join(name.replace("_", " ") for name in KNOBS)
                yield Static(Content(labels), classes="dialog--label")
                with Vertical(id="values"):
                    for name in KNOBS:
                        yield Input(text_of(self._settings, name), name=name, compact=True)
                yield Static(Content("\n".join(KNOBS.values())), id="hints", classes="dialog--hint")
            yield Static(classes="dialog--trouble", markup=False)
            yield Static(Content("enter keeps · tab next · escape leaves"), classes="dialog--keys")

    @on(Select.Changed, "#preset")
    def _preset_chosen(self, event: Select.Changed) -> None:
        """Write a preset's values into the lines; those of one's own stay as they are."""
        name = str(event.value)
        self.query_one("#preset-line", Static).update(_line(name))
        if name == OWN or preset_of(self._settings) == name:
            return
        self._settings = with_preset(self._settings, name)
        for field in self.query(Input):
            if field.name in _OF_PRESETS:
                field.value = text_of(self._settings, field.name)

    @on(Input.Submitted)
    def _keep(self) -> None:
        typed = {field.name or "": field.value.strip() for field in self.query(Input)}
        try:
            self.dismiss(with_values(self._settings, typed))
        except PlanError as error:
            self.query_one(".dialog--trouble", Static).update(Content(printable(str(error))))


def _line(preset: str) -> Content:
    return Content(PRESETS[preset][0] if preset in PRESETS else "the values below")
