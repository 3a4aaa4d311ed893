"""Presets of the sampler settings, each with a description in one sentence. Knows no torch."""

from typing import Any

from storytime_tui.errors import PlanError
from storytime_tui.generation.sampling.settings import SamplerSettings

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "steady": (
        "Likely words: calm, clear, a bit plain.",
        {"temperature": 0.4, "min_p": 0.2},
    ),
    "lively": ("The default: varied, keeps the thread.", {}),
    "wild": (
        "Unlikely words too: may lose the thread.",
        # the temperature favours unlikely words, but only those that min-p kept before
        {"temperature": 1.25, "top_p": 1.0, "min_p": 0.03, "presence": 0.3},
    ),
    "exact": (
        "Always the most likely word: no chance.",
        {"temperature": 0.0, "top_p": 1.0, "min_p": 0.0, "repetition": 1.0, "dry": 0.0, "line_ends": 0},
    ),
}

# requests of the user that no preset changes
REQUESTS = {
    "avoid_copying",
    "bias",
    "banned",
    "stop",
    "min_tokens",
    "max_tokens",
    "end_after",
    "finish_sentence",
    "seed",
}


def with_preset(settings: SamplerSettings, name: str) -> SamplerSettings:
    """The settings with a preset's values; values that the preset does not name get their defaults.

    Biases, banned words, stops, lengths, the seed and `avoid_copying` stay. Raises PlanError for an unknown preset.
    """
    name = name.casefold()
    if name not in PRESETS:
        raise PlanError(f"There is no preset {name!r}; there are {', '.join(map(repr, PRESETS))}.")
    kept = {knob: getattr(settings, knob) for knob in REQUESTS}
    return SamplerSettings(**kept, **PRESETS[name][1])


def preset_of(settings: SamplerSettings) -> str | None:
    """The preset that these settings match; None for custom settings."""
    return next((name for name in PRESETS if with_preset(settings, name) == settings), None)
