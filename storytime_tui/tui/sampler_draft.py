"""Sampler settings while they are changed: a preset, and the values set on top of it, with their values in words.

Pure functions. Every value of a draft is valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from storytime_tui.generation.sampling.presets import PRESETS, REQUESTS, preset_of, with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.knobs import Knob, parse, table, with_values
from storytime_tui.settings import Settings
from storytime_tui.tui.knob_lines import typed_text, words_of

USUAL = "lively"  # the default preset
# what the app begins with
_APP = SamplerSettings(**{name: table(Settings)[name].default for name in ("end_after", "finish_sentence")})
# the settings as they work in the app: here 0 draws a seed; on the command line 0 is a seed
KNOBS: dict[str, Knob] = {
    **table(SamplerSettings),
    "seed": replace(
        table(SamplerSettings)["seed"], line="same seed, same story; 0: new each time", least="new"
    ),
}


@dataclass(frozen=True)
class SamplerDraft:
    """`typed`: the settings that differ from the preset's, as text."""

    preset: str = USUAL
    typed: Mapping[str, str] = field(default_factory=dict)

    def with_value(self, name: str, text: str) -> SamplerDraft:
        """The draft with one setting changed; an empty text, or the preset's value, resets it."""
        others = {key: value for key, value in self.typed.items() if key != name}
        usual = getattr(usual_of(self.preset), name)
        changed = text and parse(SamplerSettings, name, text) != usual
        return replace(self, typed={**others, name: text} if changed else others)

    def with_preset(self, preset: str) -> SamplerDraft:
        """The draft with another preset's values; what no preset changes stays: words, stops, lengths and the seed."""
        return SamplerDraft(preset, {name: text for name, text in self.typed.items() if name in REQUESTS})


def usual_of(preset: str) -> SamplerSettings:
    """The settings of a preset in the app where nothing else is set."""
    return with_preset(_APP, preset)


def settings_of(draft: SamplerDraft) -> SamplerSettings:
    """The settings of a draft."""
    return with_values(usual_of(draft.preset), draft.typed)


def draft_of(settings: SamplerSettings) -> SamplerDraft:
    """The draft that gives these settings: with the preset that leaves the fewest of them set."""

    def with_rest(preset: str) -> SamplerDraft:
        usual = usual_of(preset)
        different = [
            name for name in table(SamplerSettings) if getattr(settings, name) != getattr(usual, name)
        ]
        return SamplerDraft(preset, {name: typed_text(settings, name) for name in different})

    presets = sorted(PRESETS, key=lambda name: name != USUAL)  # the usual one wins a tie
    return min(map(with_rest, presets), key=lambda draft: len(draft.typed))


def preset_in_words(draft: SamplerDraft) -> str:
    """The preset's name; `custom` if values that it sets are changed."""
    return preset_of(settings_of(draft)) or "custom"


def value_in_words(name: str, draft: SamplerDraft) -> str:
    """The value of a setting; a list as it was typed."""
    knob, text = KNOBS[name], draft.typed.get(name)
    if knob.kind is tuple:
        return text or "none"
    value = getattr(usual_of(draft.preset), name) if text is None else parse(SamplerSettings, name, text)
    return words_of(knob, value)
