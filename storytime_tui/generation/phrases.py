"""Finding banned phrases and stop texts in a growing text. Knows no torch, and no tokens.

A phrase may span several tokens, so it is recognised only with its last one. Until then the caller holds back the
end of the text that may become one (`held_banned`, `held_stop`). When one is complete (`find_banned`), the caller
rolls back to the token in which it begins (`token_of`) and chooses another.

The result does not depend on how the text was split into pieces: nothing is reported while an earlier position
may still become a phrase.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Match:
    """text[start:end] matches the phrase, perhaps with other capitals or curly quotes."""

    start: int
    end: int
    phrase: str


def find_banned(
    text: str, banned: Sequence[str], start: int = 0, *, final: bool = False, beyond: int = 0
) -> Match | None:
    """The earliest banned phrase that begins at `start` or later; of several there, the shortest.

    Ignores case, the kind of quotes, and how long a run of white space is. A phrase that begins or ends with a
    letter or digit must do so at a word boundary: "cat" is not in "category". A phrase at the very end of the
    text is therefore found only if the text is `final`, or once more text follows. Phrases that end at or before
    `beyond` (within the user's own prompt) do not count.
    """
    return _find(_Tail(text, start, words=True), banned, final, beyond)


def held_banned(text: str, banned: Sequence[str], start: int = 0, *, beyond: int = 0) -> int:
    """The index from which on the text may still become a banned phrase that ends after `beyond`; else len(text)."""
    return _held(_Tail(text, start, words=True), banned, beyond)


def find_stop(text: str, stops: Sequence[str], start: int = 0, *, final: bool = False) -> Match | None:
    """The earliest stop text at `start` or later, compared exactly; of several there, the shortest."""
    return _find(_Tail(text, start, words=False), stops, final, 0)


def held_stop(text: str, stops: Sequence[str], start: int = 0) -> int:
    """The index from which on the text may still become a stop text; else len(text)."""
    return _held(_Tail(text, start, words=False), stops, 0)


def token_of(begun: Sequence[int], place: int) -> int:
    """The index of the token in which the character at `place` begins.

    `begun[i]` is how many characters have begun by the end of token i: the complete ones, plus one if bytes of
    the next are held back. Raises IndexError for a place after the last token.
    """
    index = bisect_right(begun, place)
    if place < 0 or index == len(begun):
        raise IndexError(f"No token begins character {place}.")
    return index


Forms = Mapping[str, Sequence[tuple[str, Sequence[str]]]]
_UNDECIDED, _NO_MATCH = -1, -2  # the text ends within the phrase; the text differs
_QUOTES = str.maketrans("‘’“”", "''\"\"")


class _Tail:
    """The end of a text in normalised form, from one character before the first possible phrase."""

    def __init__(self, text: str, start: int, words: bool) -> None:
        self.words = words
        self.first = min(1, start)  # index in `characters` from which on phrases may begin
        self.offset = start - self.first
        self.characters = _normalised(text[self.offset :]) if words else list(text[self.offset :])

    def reach(self, place: int, form: Sequence[str], final: bool) -> int:
        """The end of the phrase that begins at `place`, or _UNDECIDED, or _NO_MATCH."""
        characters, end = self.characters, place
        needs_boundary = self.words and form[0].isalnum() and place > 0
        if needs_boundary and characters[place - 1].isalnum():
            return _NO_MATCH
        for expected in form:
            if end == len(characters):
                return _NO_MATCH if final else _UNDECIDED
            if self.words and expected == " " and characters[end].isspace():
                while end < len(characters) and characters[end].isspace():
                    end += 1
            elif characters[end] == expected:
                end += 1
            else:
                return _NO_MATCH
        if self.words and form[-1].isalnum():
            if end == len(characters):
                return end if final else _UNDECIDED
            if characters[end].isalnum():
                return _NO_MATCH
        return end

    def beginning_with(self, forms: Forms, place: int) -> Sequence[tuple[str, Sequence[str]]]:
        """The phrases that begin with the character at `place`, with their normalised forms."""
        first = self.characters[place]
        return forms.get(" " if self.words and first.isspace() else first, ())


@lru_cache(maxsize=8)
def _forms(phrases: tuple[str, ...], words: bool) -> Forms:
    """Phrases and their normalised forms by first character; of thousands, few begin alike."""
    forms: dict[str, list[tuple[str, Sequence[str]]]] = {}
    for phrase in phrases:
        form = _normalised(" ".join(phrase.split()) or phrase) if words else list(phrase)
        forms.setdefault(" " if words and form[0].isspace() else form[0], []).append((phrase, form))
    return forms


def _normalised(text: str) -> list[str]:
    return [character.casefold() for character in text.translate(_QUOTES)]


def _find(tail: _Tail, phrases: Sequence[str], final: bool, beyond: int) -> Match | None:
    forms = _forms(tuple(phrases), tail.words)
    for place in range(tail.first, len(tail.characters)) if forms else ():
        results = [
            (tail.reach(place, form, final), phrase) for phrase, form in tail.beginning_with(forms, place)
        ]
        complete = [result for result in results if result[0] >= max(0, beyond + 1 - tail.offset)]
        if complete:
            end, phrase = min(complete)
            return Match(place + tail.offset, end + tail.offset, phrase)
        if any(end == _UNDECIDED for end, _ in results):
            return None
    return None


def _held(tail: _Tail, phrases: Sequence[str], beyond: int) -> int:
    forms = _forms(tuple(phrases), tail.words)
    for place in range(tail.first, len(tail.characters)) if forms else ():
        results = [tail.reach(place, form, final=False) for _, form in tail.beginning_with(forms, place)]
        if any(end == _UNDECIDED or end > max(-1, beyond - tail.offset) for end in results):
            return place + tail.offset
    return len(tail.characters) + tail.offset
