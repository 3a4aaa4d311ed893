"""Words that were meant by a mistyped one: a letter or two away. Pure."""

import difflib
from collections.abc import Iterable

_SHORTEST = 4  # letters: of a shorter word, another one is always near
_LONG = 7  # letters from which on two of them may be wrong
_AS_NEAR = 0.1  # of difflib's measure: "potter" is so much nearer to "poter" than "peter" is


def near(word: str, vocabulary: Iterable[str]) -> frozenset[str]:
    """The words of a vocabulary that are one letter away from `word` (two, where it is long and none is nearer).

    A letter is wrong, missing, one too many, or has changed places with its neighbour. Of these words, the ones
    that look most like it.
    """
    if len(word) < _SHORTEST:
        return frozenset()
    most = 2 if len(word) >= _LONG else 1
    found: dict[int, set[str]] = {1: set(), 2: set()}
    for known in vocabulary:
        if known != word and abs(len(known) - len(word)) <= most:
            away = letters_off(word, known)
            if away <= most:
                found[away].add(known)
    nearest = found[1] or found[2]
    alike = {known: difflib.SequenceMatcher(None, known, word).ratio() for known in nearest}
    best = max(alike.values(), default=0.0)
    return frozenset(known for known, share in alike.items() if share >= best - _AS_NEAR)


def letters_off(one: str, other: str) -> int:
    """How many letters must be changed, put in, taken out or swapped with their neighbour to get the other word."""
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
