"""The sampler settings: a small form over the Story screen."""

import dataclasses

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Select, Static

from storytime_tui.errors import PlanError
from storytime_tui.generation.sampling.presets import PRESETS, preset_of, with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import table, text_of, with_values
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.switch import Switch

SHOWN = ("temperature", "top_p", "min_p", "repetition", "banned", "finish_sentence", "max_tokens", "seed")
_OF_PRESETS = ("temperature", "top_p", "min_p", "repetition")
OWN = "custom"
_SEED_HINT = "same seed, same story; 0: new each time"  # here 0 draws a seed; on the command line 0 is a seed


class SamplerScreen(ModalScreen[SamplerSettings | None]):
    """Returns the changed settings; None after Escape. An invalid value stays for correction."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel", id="sampler.cancel", tooltip="Close without changes"),
        Binding("enter", "save", "Save", show=False, id="sampler.save", tooltip="Close with these settings"),
    ]

    def __init__(self, settings: SamplerSettings) -> None:
        super().__init__()
        self._settings = settings

    def compose(self) -> ComposeResult:
        """The presets, and a field for each value."""
        preset = preset_of(self._settings) or OWN
        with Vertical(classes="dialog"):
            yield Static(Content("How it tells: sampler settings"), classes="dialog--title")
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
            # three columns, because a row of three widgets per value would take five times as long to show
            with Horizontal(classes="dialog--field"):
                knobs = [table(SamplerSettings)[name] for name in SHOWN]
                yield Static(Content("\n".join(knob.label for knob in knobs)), classes="dialog--label")
                with Vertical(id="values"):
                    for name in SHOWN:
                        if table(SamplerSettings)[name].kind is bool:
                            yield Switch(getattr(self._settings, name), name=name)
                        else:
                            yield Input(text_of(self._settings, name), name=name, compact=True)
                hints = [_SEED_HINT if knob.name == "seed" else knob.line for knob in knobs]
                yield Static(Content("\n".join(hints)), id="hints", classes="dialog--hint")
            yield MessageLine()
            words = {"submit": "Save", "save": "Save", "switch": "Toggle", "app.focus_next": "Next field"}
            yield KeyLine(words=words.get)

    @on(Select.Changed, "#preset")
    def _preset_chosen(self, event: Select.Changed) -> None:
        """Fill in a preset's values; the other values stay."""
        name = str(event.value)
        self.query_one("#preset-line", Static).update(_line(name))
        if name == OWN or preset_of(self._settings) == name:
            return
        self._settings = with_preset(self._settings, name)
        for field in self.query(Input):
            if field.name in _OF_PRESETS:
                field.value = text_of(self._settings, field.name)

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Close with the settings, if they are valid."""
        typed = {field.name or "": field.value.strip() for field in self.query(Input)}
        switched = {switch.name or "": switch.value for switch in self.query(Switch)}
        try:
            self.dismiss(dataclasses.replace(with_values(self._settings, typed), **switched))  # type: ignore[arg-type]
        except PlanError as error:
            self.query_one(MessageLine).complain(str(error))


def _line(preset: str) -> Content:
    return Content(PRESETS[preset][0] if preset in PRESETS else "the values below are your own")
