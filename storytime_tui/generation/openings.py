"""Openings for a blank page: generated first sentences, unlike each other, not copied from training. Knows no torch."""

import dataclasses
import difflib
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.sentences import first_sentence

SHORTEST, LONGEST = 4, 25  # words of an opening
_TOKENS = 60  # the first sentence must end within these
_TRIES_PER_OPENING = 6  # some attempts are too long, copied or duplicates
_SAME_START = 4  # words
_ALIKE = 0.6  # of the words of two openings that resemble each other

Begin = Callable[[SamplerSettings, threading.Event], Iterator[Piece | Told]]


@dataclass(frozen=True)
class Opening:
    """One sentence, the settings (with the seed) that generate it, and the ids of its tokens."""

    text: str
    settings: SamplerSettings
    ids: tuple[int, ...] = ()


def tell_openings(
    begin: Begin,
    settings: SamplerSettings,
    count: int,
    stop: threading.Event,
    *,
    is_copied: Callable[[str], bool],
    known: Collection[str] = (),
) -> Iterator[Opening]:
    """At most `count` openings, each yielded once it is generated, with seeds from `settings.seed` on.

    `begin` generates a new story. Openings in `known`, or copied ones, are skipped, and another is tried. One that
    resembles an earlier one comes last, if the model finds too few others. Yields fewer if it finds too few different
    ones, and none once `stop` is set.
    """
    seen = set(map(_normalised, known))
    alike: list[Opening] = []
    # greedy decoding gives only one story
    tries = 1 if settings.temperature == 0 else count * _TRIES_PER_OPENING
    yielded = 0
    for number in range(tries):
        attempt = dataclasses.replace(
            settings, seed=(settings.seed + number) % 2**63, max_tokens=_TOKENS, finish_sentence=False
        )
        text, ids = tell_sentence(begin, attempt, stop)
        if stop.is_set():
            return
        good = SHORTEST <= len(text.split()) <= LONGEST and "\n" not in text
        if good and _normalised(text) not in seen and not is_copied(text):
            opening = Opening(text, attempt, ids)
            if any(_resembles(_normalised(text), other) for other in seen):
                alike.append(opening)
            else:
                yielded += 1
                yield opening
            seen.add(_normalised(text))
        if yielded == count:
            return
    yield from alike[: count - yielded]


def tell_sentence(
    begin: Begin, settings: SamplerSettings, stop: threading.Event
) -> tuple[str, tuple[int, ...]]:
    """The first sentence told, and the ids of its tokens; "" if it has not ended in time, or `stop` was set."""
    text, pieces = "", []
    for item in begin(settings, stop):
        if isinstance(item, Piece):
            text += item.text
            pieces.append((len(text), item.token))
        if first_sentence(text, over=False):
            break  # closing the iterator ends the generation
    sentence = "" if stop.is_set() else first_sentence(text, over=True)
    last = text.find(sentence) + len(sentence)
    return sentence, tuple(token for end, token in pieces if end <= last)


def _resembles(text: str, other: str) -> bool:
    """Whether two normalised openings begin with the same words, or share most of their words in order."""
    words, others = text.split(), other.split()
    if words[:_SAME_START] == others[:_SAME_START]:
        return True
    return difflib.SequenceMatcher(None, words, others, autojunk=False).ratio() > _ALIKE


def _normalised(text: str) -> str:
    return " ".join(text.lower().split())
