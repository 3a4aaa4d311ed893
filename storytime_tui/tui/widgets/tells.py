"""How the story is told, as a section of the story's panel: model, strength, voice, preset, length, seed, banned."""

from __future__ import annotations

import dataclasses
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from storytime_tui.generation.sampling.presets import PRESETS, preset_of, with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import parse
from storytime_tui.models.catalogue import is_base_name
from storytime_tui.tui.knob_lines import problem_of, typed_text
from storytime_tui.tui.sizes import SIZES, next_size, size_of, with_size
from storytime_tui.tui.steering_words import sampler_words, stopped_words, strength_bar
from storytime_tui.tui.widgets.panel_row import PanelField, PanelRow, say
from storytime_tui.tui.widgets.panel_state import PanelState

_KEYS = {
    "row-model": "story.model",
    "row-strength": "story.strength",
    "row-voice": "story.voice",
    "row-sampler": "story.settings",
}


class Tells(Vertical):
    """The rows, and two fields that are checked while one types."""

    def __init__(self, state: PanelState) -> None:
        super().__init__(id="tells", classes="section")
        self.border_title = " Tells "
        self._state = state
        self._problem = ""  # of the text in a field

    def compose(self) -> ComposeResult:
        """The rows, and what the last telling did."""
        yield PanelRow("model", id="row-model", key="m")
        yield PanelRow("strength", id="row-strength", key="s")
        yield PanelRow("voice", id="row-voice", key="v")
        yield PanelRow("preset", id="row-preset", turns=True)
        yield Static(id="preset-line", classes="note", markup=False)
        yield PanelRow("settings", id="row-sampler", key=",")
        yield PanelRow("length", id="row-length", turns=True)
        with Horizontal(classes="field"):
            yield Static("seed", classes="label", markup=False)
            yield PanelField(
                placeholder="new each time", id="panel-seed", compact=True, restrict="[0-9]*", max_length=19
            )
        with Horizontal(classes="field"):
            yield Static("banned", classes="label", markup=False)
            yield PanelField(placeholder="words, with commas", id="panel-banned", compact=True)
        yield Static(id="banned-line", classes="note", markup=False)
        yield Static(id="told-line", classes="note", markup=False)

    def show(self) -> None:
        """Show what holds now; nothing while the panel closes."""
        if not self.query("#row-model"):
            return
        writer, settings = self._state.writer(), self._state.settings()
        step = writer.opened.step if writer.opened else None
        training = f", step {step:,}" if step is not None else ""
        self._row("model").show(f"{writer.model}{training}" if writer.model else "none yet")
        strength = writer.effective_strength
        if is_base_name(writer.model):
            self._row("strength").show("a base has none")
        else:
            self._row("strength").show(
                strength_bar(strength) if strength is not None else "the run's usual one"
            )
        unknown = "" if writer.opened else "known when the model is open"
        self._row("voice").show(writer.voice_label or unknown or "this model has none")
        preset = preset_of(settings)
        self._row("preset").show(Content.assemble("‹ ", (preset or "custom", "bold"), " ›"))
        self._say("preset-line", PRESETS[preset][0] if preset else "Settings of your own.")
        self._row("sampler").show(sampler_words(settings, self._row("sampler").room))
        self._row("length").show(_sizes(size_of(settings)))
        self._put("panel-seed", typed_text(settings, "seed") if settings.seed else "")
        self._put("panel-banned", typed_text(settings, "banned"))
        self._show_notes()

    def _show_notes(self) -> None:
        words = self._problem or stopped_words(self._state.stopped())
        self._say("banned-line", words)
        self.query_one("#banned-line").set_class(bool(self._problem), "-wrong")
        self._say("told-line", self._state.told())

    def _row(self, name: str) -> PanelRow:
        return self.query_one(f"#row-{name}", PanelRow)

    def _say(self, name: str, words: str) -> None:
        say(self.query_one(f"#{name}", Static), words)

    def _put(self, name: str, text: str) -> None:
        """Show a field's value, unless one types there."""
        field = self.query_one(f"#{name}", Input)
        if not field.has_focus and field.value != text:
            with self.prevent(Input.Changed):
                field.value = text

    # -- changing -------------------------------------------------------------------------------------

    @on(PanelRow.Acted)
    def _act(self, event: PanelRow.Acted) -> None:
        event.stop()
        self._state.act(_KEYS[event.row.id or ""])

    @on(PanelRow.Turned)
    def _turn(self, event: PanelRow.Turned) -> None:
        event.stop()
        settings = self._state.settings()
        if event.row.id == "row-length":
            self._state.set_settings(with_size(settings, next_size(settings, event.by)))
            return
        names = list(PRESETS)
        preset = preset_of(settings)
        place = names.index(preset) + event.by if preset else (0 if event.by > 0 else -1)
        self._state.set_settings(with_preset(settings, names[place % len(names)]))

    @on(Input.Changed, "#panel-seed")
    def _seed_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._take(event.input, "seed", event.value.strip() or "0")

    @on(Input.Changed, "#panel-banned")
    def _banned_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._take(event.input, "banned", event.value.strip().strip(","))

    def _take(self, field: Input, name: str, text: str) -> None:
        """Use a value once it is right; say what is wrong until then."""
        self._problem = problem_of(SamplerSettings, name, text) if text else ""
        field.set_class(bool(self._problem), "-wrong")
        if not self._problem:
            value: Any = parse(SamplerSettings, name, text) if text else ()
            self._state.set_settings(dataclasses.replace(self._state.settings(), **{name: value}))
        self._show_notes()

    @on(Input.Blurred)
    def _left(self, event: Input.Blurred) -> None:
        """Show the value that holds instead of a wrong one."""
        event.stop()
        self._problem = ""
        event.input.remove_class("-wrong")
        self.call_after_refresh(self.show)


def _sizes(now: str) -> Content:
    parts: list[str | tuple[str, str]] = []
    for size in SIZES:
        parts += [" · " if parts else "", (size, "bold" if size == now else "$quiet")]
    return Content.assemble(*parts)
