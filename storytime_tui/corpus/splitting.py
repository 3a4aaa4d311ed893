"""Splitting stories into training and validation: whole stories, so that no sentence is in both."""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.document import Chapter
from storytime_tui.corpus.duplicates import find_copies
from storytime_tui.corpus.lazy import mapped, picked
from storytime_tui.corpus.novels import novels_of
from storytime_tui.errors import CorpusError

_Reals = npt.NDArray[np.float64]

_LARGEST_SHARE = 2.0  # a story larger than this many times validation's share goes to training


@dataclass(frozen=True)
class Split:
    """The stories on each side, in the order given. No text is on both sides.

    `copies` are left out: each is a copy, exact or near, of a story that is kept.
    """

    training: Sequence[Story]
    validation: Sequence[Story]
    copies: Sequence[Story] = ()


def split_stories(stories: Sequence[Story], fraction: float, seed: int) -> Split:
    """Give about `fraction` (above 0, below 1) of the stories to validation.

    Each story's words and `seed` are hashed to a number in [0, 1); below `fraction` it goes to validation. So the
    choice depends on neither the order nor the other stories, except that validation gets its fair number of
    stories give or take a quarter, and each side at least one. Adding a story thus moves at most one other of its
    size. A story larger than twice validation's share goes to training if there are enough shorter ones. Of copies
    only one is kept. Stories that are chapters of one novel (see `novels`) count as one story. A single story is cut
    near its end, at a chapter or paragraph if possible. Raises CorpusError if there is nothing to split.
    """
    unique, copies = without_copies(stories)
    if not unique:
        raise CorpusError("There is no story to learn from: pick at least one.")
    if len(unique) == 1:
        return replace(_split_one(unique[0], fraction), copies=copies)
    novel_of = novels_of(unique)
    count = int(novel_of.max()) + 1
    if count == 1:
        return replace(_split_in_order(unique, fraction), copies=copies)
    bytes_, ranks = np.empty(len(unique), np.int64), np.empty(len(unique))
    for at, story in enumerate(unique):
        bytes_[at], ranks[at] = story.facts.bytes, _rank(story, seed)
    ranks = ranks[np.unique(novel_of, return_index=True)[1]]  # a novel has its first chapter's
    sizes = np.bincount(novel_of, bytes_).astype(np.float64)
    chosen = np.isin(novel_of, _for_validation(sizes, ranks, fraction))
    return Split(
        training=picked(unique, np.flatnonzero(~chosen)),
        validation=picked(unique, np.flatnonzero(chosen)),
        copies=copies,
    )


def _for_validation(sizes: _Reals, ranks: _Reals, fraction: float) -> npt.NDArray[np.int64]:
    """The novels that go to validation, given the bytes and the rank of each; see `split_stories`."""
    fair = fraction * len(sizes)
    fewest = max(1, math.floor(fair * 0.75))
    most = min(len(sizes) - 1, max(1, math.ceil(fair * 1.25)))
    short = np.flatnonzero(sizes <= _LARGEST_SHARE * fraction * sizes.sum())
    if len(short) < fewest:
        short = np.arange(len(sizes))
    count = min(max(int((ranks[short] < fraction).sum()), fewest), most)
    return short[np.argsort(ranks[short], kind="stable")[:count]]


def _split_in_order(stories: Sequence[Story], fraction: float) -> Split:
    """Give the last chapters of a single novel, about `fraction` of it, to validation."""
    target = fraction * sum(story.facts.bytes for story in stories)
    first, size = len(stories) - 1, stories[-1].facts.bytes
    while first > 1 and size + stories[first - 1].facts.bytes / 2 < target:
        first -= 1
        size += stories[first].facts.bytes
    return Split(tuple(stories[:first]), tuple(stories[first:]))


def without_copies(stories: Sequence[Story]) -> tuple[Sequence[Story], Sequence[Story]]:
    """The stories with any text, without copies (see `duplicates`); and the copies."""
    facts = mapped(stories, lambda story: story.facts)
    kept = np.fromiter((bool(each.fingerprint) for each in facts), bool, len(stories))
    copies = np.zeros(len(stories), bool)
    copies[[copy.story for copy in find_copies(facts)]] = True
    return picked(stories, np.flatnonzero(kept & ~copies)), picked(stories, np.flatnonzero(copies))


def _rank(story: Story, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}\n{story.facts.fingerprint}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


_BREAKS = (r"\n\n+", r"\n", r"(?<=[.!?])[\"')]* |(?<=[。！？])[」』”]*", r"\s+")  # where to cut, best first


def _split_one(story: Story, fraction: float) -> Split:
    """Give the story's end, about `fraction` of it, to validation, and the rest to training."""
    text = story.text.strip("\n").rstrip()
    first_word = len(text) - len(text.lstrip())
    target = len(text) * (1 - fraction)
    chapters = [chapter.start for chapter in story.chapters]
    for pattern in (None, *_BREAKS):
        found = chapters if pattern is None else [place.end() for place in re.finditer(pattern, text)]
        places = [place for place in found if first_word < place < len(text)]
        near = min(places, key=lambda place: abs(place - target), default=0)
        # a cut too far from the target would leave validation or training nearly empty
        if near and abs(near - target) <= len(text) * min(fraction, 1 - fraction) / 2:
            break
    else:
        if not near:
            raise CorpusError(
                f"“{story.title}” is too short to keep an end for validation: add more text, or more stories."
            )
    return Split((_part(story, text[:near].rstrip(), 0),), (_part(story, text[near:], near),))


def _part(story: Story, text: str, start: int) -> Story:
    """The part `text` of a story, which begins at character `start`, with the chapters in it."""
    chapters = tuple(
        Chapter(chapter.title, chapter.start - start)
        for chapter in story.chapters
        if start <= chapter.start < start + len(text)
    )
    return replace(story, content=text, chapters=chapters, known=None)
