"""What the story's panel and its bar say, in words: what the model sees, what did not fit, what was banned. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.formatting import count
from storytime_tui.generation.pieces import Seen
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.models.voices import MOST_STRENGTH
from storytime_tui.terminal import printable_line

BAR = 10  # cells of the strength's bar


@dataclass(frozen=True)
class Share:
    """A part of the model's window: its name and its tokens."""

    name: str
    tokens: int


def shares_of(seen: Seen) -> list[Share]:
    """The parts of the window in the order in which the model reads them; empty parts are left out, but the story."""
    story = seen.tokens - seen.voice - seen.memory - seen.note
    parts = [
        Share("voice", seen.voice),
        Share("memory", seen.memory),
        Share("note", seen.note),
        Share("story", story),
    ]
    return [part for part in parts if part.tokens or part.name == "story"]


def cells_of(shares: Sequence[Share], window: int, width: int) -> list[int]:
    """The cells of each part in a bar of `width` cells: at least one each, together at most `width`."""
    cells = [max(1, round(share.tokens * width / max(1, window))) for share in shares]
    while sum(cells) > width and max(cells) > 1:
        cells[cells.index(max(cells))] -= 1
    return cells


def left_out_words(seen: Seen | None) -> tuple[str, str]:
    """What is said below the memory and below the note if they do not fit; "" if they do."""
    if seen is None:
        return "", ""
    memory = note = ""
    if seen.memory_left_out:
        left = count(seen.memory_left_out, "token")
        memory = f"Too long by {left}: its end is left out. It may take half of the window."
    if seen.note_left_out:
        left = count(seen.note_left_out, "token")
        note = f"Too long by {left}: its end is left out. It may take a quarter of the window."
    return memory, note


def stopped_words(banned: Sequence[tuple[str, int]]) -> str:
    """What the banned words did in the last telling: "stopped “very” 3 times"; "" if nothing."""
    times = {1: "once", 2: "twice"}
    parts = [
        f"“{printable_line(phrase)}” {times.get(number, f'{number} times')}" for phrase, number in banned
    ]
    return f"stopped {', '.join(parts)}" if parts else ""


def strength_bar(strength: float) -> str:
    """A strength as a bar of ten cells from 0 to 2, and as a number."""
    full = min(BAR, max(0, round(strength / MOST_STRENGTH * BAR)))
    return f"{'━' * full}{'─' * (BAR - full)} {strength:g}"


def sampler_words(settings: SamplerSettings, width: int) -> str:
    """The main sampler settings, as many as fit."""
    if settings.temperature == 0:
        return "always the likeliest word"
    parts = [f"temperature {settings.temperature:g}"]
    parts += [f"top-p {settings.top_p:g}"] if settings.top_p < 1 else []
    parts += [f"min-p {settings.min_p:g}"] if settings.min_p else []
    while len(parts) > 1 and len(" · ".join(parts)) > width:
        parts.pop()
    return " · ".join(parts)
