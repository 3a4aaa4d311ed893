"""How much of what was told stands word for word in some stories: the share of its runs of eight words."""

from collections.abc import Iterable, Sequence

import numpy as np

from storytime_tui.corpus.words import Hashes, word_hashes

RUN = 8  # words
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd; the sums are modulo 2**64


def recited(passages: Sequence[str], stories: Iterable[str], words: int = RUN) -> float:
    """The share, 0 to 1, of the passages' runs of `words` words that stand in one of the stories too.

    Capitals and punctuation don't count. The stories are read one at a time; 0 where no passage is so long.
    """
    told = np.concatenate([np.empty(0, np.uint64), *(runs_of_words(passage, words) for passage in passages)])
    known = np.unique(told)
    found = np.zeros(len(known), np.bool_)
    for story in stories if len(known) else ():
        found |= np.isin(known, runs_of_words(story, words))
    return float(found[np.searchsorted(known, told)].mean()) if len(told) else 0.0


def runs_of_words(text: str, words: int = RUN) -> Hashes:
    """A hash of each run of so many words, in their order; capitals and punctuation don't count."""
    hashes = word_hashes(text)
    count = max(0, len(hashes) - words + 1)
    runs = np.zeros(count, np.uint64)
    for place in range(words):
        runs = runs * _FACTOR + hashes[place : place + count]
    return runs
