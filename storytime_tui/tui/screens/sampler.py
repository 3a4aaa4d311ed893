"""The sampler settings over the Story screen: all of them in groups, each checked while it is typed."""

from textual.app import ComposeResult
from textual.screen import ModalScreen

from storytime_tui.generation.sampling.presets import PRESETS
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.tui.knob_lines import choices_of, problem_of
from storytime_tui.tui.sampler_draft import (
    KNOBS,
    SamplerDraft,
    draft_of,
    preset_in_words,
    settings_of,
    usual_of,
    value_in_words,
)
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.knob_editor import Edited, KnobEditor


class SamplerScreen(StyledOnce, ModalScreen[SamplerSettings]):
    """Returns the changed settings."""

    CSS_PATH = "knobs.tcss"
    AUTO_FOCUS = "#knobs"

    def __init__(self, settings: SamplerSettings) -> None:
        super().__init__()
        self._draft = draft_of(settings)
        self._editor = KnobEditor(
            Edited(
                noun="setting",
                knobs=KNOBS,
                typed=lambda name: self._draft.typed.get(name, ""),
                value=lambda name: value_in_words(name, self._draft),
                usual=lambda name: value_in_words(name, self._draft.with_value(name, "")),
                choices=lambda name: choices_of(KNOBS[name], getattr(usual_of(self._draft.preset), name)),
                problem=lambda name, text: problem_of(SamplerSettings, name, text),
                change=lambda name, text: self._show(self._draft.with_value(name, text)),
                reset_all=lambda: self._show(SamplerDraft(self._draft.preset)),
                next_preset=self._next_preset,
                close=self._close,
            )
        )

    def compose(self) -> ComposeResult:
        """The editor of all settings."""
        yield self._editor

    def on_mount(self) -> None:
        """Show the settings."""
        self._show(self._draft)

    def _show(self, draft: SamplerDraft) -> None:
        self._draft = draft
        changed = len(draft.typed)
        title = f"How it tells: sampler settings · {preset_in_words(draft)}"
        self._editor.show(f"{title} · {changed} changed" if changed else title)

    def _next_preset(self) -> str:
        names = list(PRESETS)
        name = names[(names.index(self._draft.preset) + 1) % len(names)]
        self._show(self._draft.with_preset(name))
        return f"{name}: {PRESETS[name][0]}"

    def _close(self) -> None:
        self.dismiss(settings_of(self._draft))
