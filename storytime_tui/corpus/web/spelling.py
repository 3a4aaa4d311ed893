"""Spelling correction: the known words one or two letters away from a mistyped one."""

import difflib
from collections.abc import Iterable

_SHORTEST = 4  # letters; a shorter word is near too many others
_LONG = 7  # letters; from this length on two may be wrong
_AS_NEAR = 0.1  # of difflib's ratio: for "poter", "potter" beats "peter" by this much


def near(word: str, vocabulary: Iterable[str]) -> frozenset[str]:
    """The words of a vocabulary one letter away from `word`; if there are none and it is long, two letters away.

    A letter may be wrong, missing, added, or swapped with its neighbour. Of several words only the most similar ones
    are returned.
    """
    if len(word) < _SHORTEST:
        return frozenset()
    most = 2 if len(word) >= _LONG else 1
    by_distance: dict[int, set[str]] = {1: set(), 2: set()}
    for known in vocabulary:
        if known != word and abs(len(known) - len(word)) <= most:
            distance = letters_off(word, known)
            if distance <= most:
                by_distance[distance].add(known)
    nearest = by_distance[1] or by_distance[2]
    ratios = {known: difflib.SequenceMatcher(None, known, word).ratio() for known in nearest}
    best = max(ratios.values(), default=0.0)
    return frozenset(known for known, ratio in ratios.items() if ratio >= best - _AS_NEAR)


def letters_off(one: str, other: str) -> int:
    """The edit distance of two words, with swaps of neighbours (Damerau-Levenshtein, optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        earlier, before, row = before, row, [i]
        for j, theirs in enumerate(other, start=1):
            steps = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != theirs))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                steps = min(steps, earlier[j - 2] + 1)
            row.append(steps)
    return row[-1]
