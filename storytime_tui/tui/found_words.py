"""Where the words that are looked for stand in lines of text. Pure functions."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice

from storytime_tui.formatting import folded

MOST = 10_000  # places that are marked in one text
Span = tuple[int, int]  # the first character of a line's part, and the one after it


@dataclass(frozen=True)
class FoundWords:
    """The places of the words in some lines, in order; a place that a line's end divides has several spans."""

    rows: tuple[int, ...] = ()  # the line in which each place begins
    spans: Mapping[int, Sequence[tuple[int, int, int]]] = field(
        default_factory=dict
    )  # by line: place, begin, end


def find_words(lines: Sequence[str], phrases: Sequence[str], first: int = 0) -> FoundWords:
    """Find the phrases in the lines from `first` on, in any case and with or without accents and apostrophes.

    A phrase may go on in the next line.
    """
    patterns = [_pattern(term) for phrase in phrases if (term := " ".join(folded(phrase).split()))]
    if not patterns:
        return FoundWords()
    text = "\n".join(lines[first:])
    even, origin = _even(text)
    places = _apart(
        sorted({place for pattern in patterns for place in islice(_places(pattern, even, origin), MOST)})
    )
    starts = [0, *accumulate(len(line) + 1 for line in lines[first:])]
    rows: list[int] = []
    spans: dict[int, list[tuple[int, int, int]]] = {}
    for number, (begin, end) in enumerate(places):
        row = bisect_right(starts, begin) - 1
        rows.append(first + row)
        while begin < end:
            stop = min(end, starts[row + 1] - 1)
            spans.setdefault(first + row, []).append((number, begin - starts[row], stop - starts[row]))
            row += 1
            begin = starts[row]
    return FoundWords(tuple(rows), spans)


def _pattern(term: str) -> re.Pattern[str]:
    """A folded phrase; what folding drops may stand between its letters, and a line's end in scripts without spaces."""
    between = "'*" if term.isascii() else "['\n]*"
    return re.compile(between.join(map(_literally, term)))


def _literally(sign: str) -> str:
    """A pattern of this character, or of any white space for a space."""
    return r"\s+" if sign == " " else sign if sign.isalnum() else "\\" + sign


def _places(pattern: re.Pattern[str], even: str, origin: Sequence[int] | None) -> Iterator[Span]:
    for match in pattern.finditer(even):
        begin, end = match.span()
        yield (begin, end) if origin is None else (origin[begin], origin[end - 1] + 1)


def _apart(places: Iterable[Span]) -> list[Span]:
    """The first places that do not overlap one before."""
    apart: list[Span] = []
    for place in places:
        if not apart or place[0] >= apart[-1][1]:
            apart.append(place)
    return apart[:MOST]


class _Letters(dict[int, str]):
    """Each character as it is compared. An apostrophe stands for one that folding drops, so that the length stays."""

    def __missing__(self, code: int) -> str:
        self[code] = letters = folded(chr(code)) or "'"
        return letters


_LETTERS = _Letters()


def _even(text: str) -> tuple[str, Sequence[int] | None]:
    """The text as it is compared, and for each of its characters the one it comes from; None: the same places."""
    if text.isascii():
        return text.lower(), None
    even = text.translate(_LETTERS)
    if len(even) == len(text):
        return even, None
    return even, [at for at, sign in enumerate(text) for _ in _LETTERS[ord(sign)]]
