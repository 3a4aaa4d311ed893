"""How much of a generated text is copied from some stories: the share of its runs of eight words."""

from collections.abc import Iterable, Sequence

import numpy as np

from storytime_tui.corpus.words import Hashes, word_hashes

RUN = 8  # words
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd; sums are modulo 2**64


def recited(passages: Sequence[str], stories: Iterable[str], words: int = RUN) -> float:
    """The share, 0 to 1, of the passages' runs of `words` words that occur in one of the stories.

    Case and punctuation are ignored. Stories are read one at a time. 0 if every passage is shorter than a run.
    """
    runs = np.concatenate([np.empty(0, np.uint64), *(runs_of_words(passage, words) for passage in passages)])
    distinct = np.unique(runs)
    copied = np.zeros(len(distinct), np.bool_)
    for story in stories if len(distinct) else ():
        copied |= np.isin(distinct, runs_of_words(story, words))
    return float(copied[np.searchsorted(distinct, runs)].mean()) if len(runs) else 0.0


def runs_of_words(text: str, words: int = RUN) -> Hashes:
    """A hash of each run of `words` words, in order; case and punctuation are ignored."""
    hashes = word_hashes(text)
    count = max(0, len(hashes) - words + 1)
    runs = np.zeros(count, np.uint64)
    for place in range(words):
        runs = runs * _FACTOR + hashes[place : place + count]
    return runs
