"""How much the model tells at once: a sentence, a paragraph or a page. Pure functions."""

from __future__ import annotations

from dataclasses import replace

from storytime_tui.generation.sampling.settings import SamplerSettings

# each with the most tokens that it takes: it ends on a whole sentence then
SIZES = {"sentence": 60, "paragraph": 200, "page": 400}


def size_of(settings: SamplerSettings) -> str:
    """The size that the settings ask for; a length of one's own is the size that is nearest."""
    if settings.end_after != "length":
        return settings.end_after
    return next((size for size, tokens in SIZES.items() if settings.max_tokens <= tokens), "page")


def with_size(settings: SamplerSettings, size: str) -> SamplerSettings:
    """The settings that tell this much at once."""
    end_after = "length" if size == "page" else size
    return replace(settings, end_after=end_after, max_tokens=SIZES[size], finish_sentence=True)


def next_size(settings: SamplerSettings, by: int) -> str:
    """The next larger (1) or smaller (-1) size; the last one stays."""
    names = list(SIZES)
    return names[min(max(names.index(size_of(settings)) + by, 0), len(names) - 1)]
