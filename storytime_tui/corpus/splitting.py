"""Whole stories to training or to validation, so that no sentence is learned and then used as a test."""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storytime_tui.corpus.collection import Story
from storytime_tui.errors import CorpusError


@dataclass(frozen=True)
class Split:
    """The stories on each side, in the order in which they were given; no text stands on both."""

    training: tuple[Story, ...]
    validation: tuple[Story, ...]


def split_stories(stories: Sequence[Story], fraction: float, seed: int) -> Split:
    """Give about `fraction` (above 0, below 1) of the stories to validation, by their text and `seed` alone.

    Each story's text is hashed to a number in [0, 1): below `fraction` it goes to validation. So neither the
    order nor other stories matter, except that luck is bounded: validation gets its fair number of stories,
    give or take a quarter, and each side at least one. Adding a story thus moves at most one other. Of
    stories with the same words only the first is kept. A single story is cut near its end, between two
    paragraphs if it has several. Raises CorpusError where there is nothing to split.
    """
    by_words = _without_copies(stories)
    unique = list(by_words.values())
    if not unique:
        raise CorpusError("There is no story to learn from: pick at least one.")
    if len(unique) == 1:
        return _split_one(unique[0], fraction)
    ranks = [_rank(words, seed) for words in by_words]
    fair = fraction * len(unique)
    fewest = max(1, math.floor(fair * 0.75))
    most = min(len(unique) - 1, max(1, math.ceil(fair * 1.25)))
    count = min(max(sum(rank < fraction for rank in ranks), fewest), most)
    chosen = set(sorted(range(len(unique)), key=ranks.__getitem__)[:count])
    return Split(
        training=tuple(story for i, story in enumerate(unique) if i not in chosen),
        validation=tuple(story for i, story in enumerate(unique) if i in chosen),
    )


def _without_copies(stories: Sequence[Story]) -> dict[str, Story]:
    """The stories that have any text by their words, in order; of copies, the first."""
    first: dict[str, Story] = {}
    for story in stories:
        if words := _words(story.text):
            first.setdefault(words, story)
    return first


def _words(text: str) -> str:
    """A text's words alone: copies may differ in titles, capitals, punctuation and line ends."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


def _rank(words: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}\n{words}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


_BREAKS = (r"\n\n+", r"\n", r"(?<=[.!?])[\"')]* ", r"\s+")  # where to cut, the best first


def _split_one(story: Story, fraction: float) -> Split:
    """The story's beginning for training and its end, about `fraction` of it, for validation."""
    text = story.text.strip("\n").rstrip()
    first_word = len(text) - len(text.lstrip())
    wanted = len(text) * (1 - fraction)
    for pattern in _BREAKS:
        places = [place.end() for place in re.finditer(pattern, text) if place.end() > first_word]
        near = min(places, key=lambda place: abs(place - wanted), default=0)
        # a far-off paragraph end would give validation next to nothing, or nearly everything
        if near and abs(near - wanted) <= len(text) * min(fraction, 1 - fraction) / 2:
            break
    else:
        if not near:
            raise CorpusError(
                f"“{story.title}” is too short to keep an end for validation: add more text, or more stories."
            )
    head, tail = text[:near].rstrip(), text[near:]
    return Split((replace(story, text=head),), (replace(story, text=tail),))
