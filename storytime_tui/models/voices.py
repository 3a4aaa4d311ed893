"""The voices that a model knows and its default strength, in a small file beside its weights. Loads no torch."""

import dataclasses
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files, small_files
from storytime_tui.corpus.headers import voice_of
from storytime_tui.errors import Misused

VOICES = "voices.json"
LEAST_STRENGTH, MOST_STRENGTH = 0.0, 2.0
MOST_CONTRAST = 2.0
_LARGEST = 1_000_000  # bytes
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Voices:
    """`titles`: the shelves that the model was trained on, as in their header lines; the first is the default voice.

    `strength`: how far from its base towards the run it generates by default.
    `contrast`: how far a voice leans away from the others (see `generation.voice.leaning`) by default.
    """

    titles: tuple[str, ...] = ()
    strength: float = 1.0
    contrast: float = 0.0


def read_voices(folder: Path) -> Voices | None:
    """The voices of a model folder; None if there is no such file or it cannot be read."""
    try:
        record = small_files.read_json(folder / VOICES, _LARGEST)
        titles, strength = record["titles"], float(record["strength"])
        contrast = float(record.get("contrast", 0.0))  # older files have none
        if not all(isinstance(title, str) for title in titles):
            raise ValueError
    except FileNotFoundError:
        return None
    except (small_files.UnreadableFile, ValueError, KeyError, TypeError, AttributeError):
        _log.warning("the voices in %s cannot be read", folder)
        return None
    in_range = LEAST_STRENGTH <= strength <= MOST_STRENGTH
    titles = tuple(filter(None, map(voice_of, titles)))
    return Voices(titles, strength if in_range else 1.0, contrast if 0 <= contrast <= MOST_CONTRAST else 0.0)


def write_voices(folder: Path, voices: Voices) -> None:
    """Write the file atomically. Raises OSError."""
    text = json.dumps(dataclasses.asdict(voices), indent=1, ensure_ascii=False) + "\n"
    files.write_atomically(folder / VOICES, text.encode())


def check_strength(strength: float) -> None:
    """Raise Misused for a strength out of range."""
    if not LEAST_STRENGTH <= strength <= MOST_STRENGTH:  # also true for NaN
        raise Misused(
            f"The strength is {strength:g}, but must be from 0 (the base alone) to 2; 1 is the run as it was trained."
        )


def check_contrast(contrast: float) -> None:
    """Raise Misused for a contrast out of range."""
    if not 0 <= contrast <= MOST_CONTRAST:  # NaN fails too
        raise Misused(f"The contrast is {contrast:g}, but must be from 0 (off) to {MOST_CONTRAST:g}.")


def check_shares(shares: Sequence[tuple[str, float]]) -> None:
    """Raise Misused if the other runs' shares in a blend are out of range."""
    for name, share in shares:
        if not 0 <= share <= 1:
            raise Misused(
                f"The share of {name} in the blend is {share:g}, but must be from 0 (none of it) to 1 (only it)."
            )
    total = math.fsum(share for _, share in shares)
    if total > 1:
        raise Misused(
            f"The other runs' shares in the blend sum to {total:g}, but may be 1 at most: the run itself gets the rest."
        )
