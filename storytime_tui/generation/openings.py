"""Openings for a blank page: first sentences that a model tells, no two alike, none of them copied. Knows no torch."""

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.sentences import first_sentence

SHORTEST, LONGEST = 4, 25  # words of an opening
_TOKENS = 60  # in which its sentence has to end
_TRIES = 6  # tellings for each opening that is wished for: some are too long, copied, or told already

Begin = Callable[[SamplerSettings, threading.Event], Iterator[Piece | Told]]


@dataclass(frozen=True)
class Opening:
    """One sentence, and the settings (with the seed) that tell it."""

    text: str
    settings: SamplerSettings


def tell_openings(
    begin: Begin,
    settings: SamplerSettings,
    wanted: int,
    stop: threading.Event,
    *,
    is_copied: Callable[[str], bool],
    known: Collection[str] = (),
) -> Iterator[Opening]:
    """At most `wanted` openings, each as soon as it is told, with the seeds from `settings.seed` on.

    `begin` tells a story from its start. What is `known`, or copied, is left out, and another is told in its place.
    Fewer come where the model tells too little else; none once `stop` is set.
    """
    taken = set(map(_plain, known))
    tries = 1 if settings.temperature == 0 else wanted * _TRIES  # the likeliest story is one story
    found = 0
    for number in range(tries):
        own = dataclasses.replace(
            settings, seed=(settings.seed + number) % 2**63, max_tokens=_TOKENS, finish_sentence=False
        )
        text = _sentence(begin, own, stop)
        if stop.is_set():
            return
        good = SHORTEST <= len(text.split()) <= LONGEST and "\n" not in text
        if good and _plain(text) not in taken and not is_copied(text):
            taken.add(_plain(text))
            found += 1
            yield Opening(text, own)
        if found == wanted:
            return


def _sentence(begin: Begin, settings: SamplerSettings, stop: threading.Event) -> str:
    """The first sentence of a story; "" where it has not ended in time, or `stop` was set."""
    text = ""
    for item in begin(settings, stop):
        text += item.text if isinstance(item, Piece) else ""
        if first_sentence(text, over=False):
            break  # a telling that nobody listens to any more is over
    return "" if stop.is_set() else first_sentence(text, over=True)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
