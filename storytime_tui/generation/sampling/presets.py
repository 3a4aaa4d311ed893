"""Ready-made ways of choosing the next word, each told in one line of plain words. Knows no torch."""

from typing import Any

from storytime_tui.errors import PlanError
from storytime_tui.generation.sampling.settings import SamplerSettings

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "steady": (
        "keeps to the likelier words: calm and clear, a little plain",
        {"temperature": 0.4, "min_p": 0.2},
    ),
    "lively": ("varied, and seldom loses the thread; the usual way", {}),
    "wild": (
        "reaches for unlikely words: surprising, and may lose the thread",
        # Unlikely words gain, but only among those that made sense before: the cut is measured first.
        {"temperature": 1.25, "top_p": 1.0, "min_p": 0.03, "presence": 0.3},
    ),
    "exact": (
        "always the likeliest word and no chance at all: the same story every time",
        {"temperature": 0.0, "top_p": 1.0, "min_p": 0.0, "repetition": 1.0, "dry": 0.0, "line_ends": 0},
    ),
}

# What a person asks for outright is none of a preset's business.
_ASKED_FOR = {"bias", "banned", "stop", "min_tokens", "max_tokens", "finish_sentence", "seed"}


def with_preset(settings: SamplerSettings, name: str) -> SamplerSettings:
    """The settings with a preset's way of choosing: what it doesn't name is as usual, however it was before.

    Biases, banned words, stops, lengths and the seed stay. Raises PlanError for an unknown preset.
    """
    name = name.casefold()
    if name not in PRESETS:
        raise PlanError(f"There is no preset {name!r}; there are {', '.join(map(repr, PRESETS))}.")
    kept = {knob: getattr(settings, knob) for knob in _ASKED_FOR}
    return SamplerSettings(**kept, **PRESETS[name][1])


def preset_of(settings: SamplerSettings) -> str | None:
    """The preset whose way of choosing this is; None for a way of one's own."""
    return next((name for name in PRESETS if with_preset(settings, name) == settings), None)
