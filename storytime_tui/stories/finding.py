"""Finding words in a story, and the texts of its passages after they are replaced. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_SAME = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\xa0": " "}
)
_JOINER = "\u200d"
_WORD = re.compile(r"\w")
# characters that may belong to the sign before or after: all but Latin ones and the quotes and dashes of English
_UNEVEN = re.compile("[^\x00-\u02ff\u2010-\u2027\u2030-\u205e]")


class Place(NamedTuple):
    """Characters `start` to `end` of a story's text."""

    start: int
    end: int


@dataclass(frozen=True)
class Wanted:
    """What to look for. `exact`: with case and accents as typed. `whole`: not within longer words."""

    words: str
    exact: bool = False
    whole: bool = False


class FoldedText:
    """A text prepared for searching: folded once, for all searches."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.folded, self._origin = _fold(text)
        self._even = self._origin is None and not _UNEVEN.search(text)

    def find(self, wanted: Wanted) -> tuple[Place, ...]:
        """All places of the words, in order and apart. Curly and straight quotes are the same unless `exact`.

        No place begins or ends between a letter and its accent, or within an emoji of several characters.
        """
        words = wanted.words if wanted.exact else _fold(wanted.words)[0]
        text, origin = (self.text, None) if wanted.exact else (self.folded, self._origin)
        if not words:
            return ()
        if self._even:
            pattern = re.compile(_whole(words) if wanted.whole else re.escape(words))
            return tuple(Place(*match.span()) for match in pattern.finditer(text))
        return tuple(_apart(self.text, _all(text, words, origin), whole=wanted.whole))


def replaced(
    passages: Sequence[tuple[int, str]], places: Sequence[Place], replacement: str
) -> Mapping[int, str]:
    """The new texts of the passages (id, text) that change when the places of their joined text are replaced.

    The places are in order and apart. Where one spans several passages, the replacement goes into the first; the rest
    is cut from the others.
    """
    texts: dict[int, str] = {}
    start, number = 0, 0  # of the passage; of the first place that does not end before it
    for id, text in passages:
        end = start + len(text)
        kept, copied = [], start
        while number < len(places) and places[number].start < end:
            place = places[number]
            kept.append(text[copied - start : max(place.start, start) - start])
            if place.start >= start:
                kept.append(replacement)
            copied = min(place.end, end)
            if place.end > end:
                break  # the next passage has the rest
            number += 1
        if kept:
            texts[id] = "".join(kept) + text[copied - start :]
        start = end
    return texts


def _whole(words: str) -> str:
    """A pattern of the words where a letter at either end does not go on."""
    before, after = (r"(?<!\w)" * bool(_WORD.match(words[0])), r"(?!\w)" * bool(_WORD.match(words[-1])))
    return before + re.escape(words) + after


def _all(text: str, words: str, origin: Sequence[int] | None) -> Iterator[Place]:
    """All places of the words, which may overlap, as places of the text that `origin` leads to."""
    at = text.find(words)
    while at >= 0:
        end = at + len(words)
        if origin is None:
            yield Place(at, end)
        elif (at == 0 or origin[at - 1] != origin[at]) and origin[end - 1] != origin[end]:
            yield Place(origin[at], origin[end])
        at = text.find(words, at + 1)


def _apart(text: str, places: Iterator[Place], *, whole: bool) -> Iterator[Place]:
    end = 0
    for place in places:
        if place.start < end or _tears(text, place.start) or _tears(text, place.end):
            continue
        if whole and (_within_word(text, place.start) or _within_word(text, place.end)):
            continue
        end = place.end
        yield place


def _tears(text: str, at: int) -> bool:
    """Whether a cut before this character would separate what is shown as one sign."""
    if not 0 < at < len(text):
        return False
    return _is_mark(text[at]) or _JOINER in text[at - 1 : at + 1]


def _is_mark(sign: str) -> bool:
    return sign > "\u02ff" and (unicodedata.category(sign)[0] == "M" or "\U0001f3fb" <= sign <= "\U0001f3ff")


def _within_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and bool(_WORD.match(text[at - 1]) and _WORD.match(text[at]))


class _Folds(dict[int, str]):
    """Each character as it is compared: without case and accents; "" for an accent that is a character of its own."""

    def __missing__(self, code: int) -> str:
        sign = chr(code).translate(_SAME)
        if sign > "\x7f":
            decomposed = unicodedata.normalize("NFKD", sign.casefold()).casefold()
            sign = "".join(each for each in decomposed if not unicodedata.combining(each))
        else:
            sign = sign.lower()
        self[code] = sign
        return sign


_FOLDS = _Folds()


def _fold(text: str) -> tuple[str, list[int] | None]:
    """The text as it is compared, and for each of its characters the one it comes from; None: the same places."""
    if text.isascii():
        return text.lower(), None
    folded = text.translate(_FOLDS)
    if all(len(_FOLDS[ord(sign)]) == 1 for sign in set(text)):
        return folded, None
    origin = [at for at, sign in enumerate(text) for _ in _FOLDS[ord(sign)]]
    return folded, [*origin, len(text)]
