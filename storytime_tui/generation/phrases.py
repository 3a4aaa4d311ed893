"""Where banned phrases and stop texts stand in a text that is still growing. Knows no torch, and no tokens.

A phrase may be spread over several tokens, so it can be seen only when its last one has come. Until then the
teller holds back the end of the text that may become one (`held_banned`, `held_stop`); when one stands there
(`find_banned`) it takes the text back to the token in which it begins (`token_of`) and chooses another.

What is found does not depend on how the text was cut into pieces: nothing is found while an earlier place may
still become a phrase.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class FoundPhrase:
    """text[start:end] is the phrase, perhaps in other letters: capitals, curly quotes."""

    start: int
    end: int
    phrase: str


def find_banned(
    text: str, banned: Sequence[str], start: int = 0, *, final: bool = False, beyond: int = 0
) -> FoundPhrase | None:
    """The earliest banned phrase that begins at `start` or behind it; the shortest of several there.

    Upper and lower case are the same, and so are curly and straight quotes, and any run of spaces and line
    ends. A phrase that begins or ends with a letter or a digit does so at a word's border: "cat" is not in
    "category". So one at the very end of the text is found only when that is `final`, or more has come. One
    that ends at `beyond` or before it (in the prompt, which is the writer's own) does not count.
    """
    return _find(_Tail(text, start, words=True), banned, final, beyond)


def held_banned(text: str, banned: Sequence[str], start: int = 0, *, beyond: int = 0) -> int:
    """From where on the text may still become a banned phrase that ends behind `beyond`; len(text) where it may not."""
    return _held(_Tail(text, start, words=True), banned, beyond)


def find_stop(text: str, stops: Sequence[str], start: int = 0, *, final: bool = False) -> FoundPhrase | None:
    """The earliest stop text, letter by letter, from `start` on; the shortest of several there."""
    return _find(_Tail(text, start, words=False), stops, final, 0)


def held_stop(text: str, stops: Sequence[str], start: int = 0) -> int:
    """From where on the text may still become a stop; len(text) where it may not."""
    return _held(_Tail(text, start, words=False), stops, 0)


def token_of(begun: Sequence[int], place: int) -> int:
    """The index of the token in which the character at `place` of a text begins.

    `begun[i]` is how many characters of the text have begun by the end of token i: those that are whole, and
    one more if bytes of the next are held back. Raises IndexError for a place that no token reaches.
    """
    index = bisect_right(begun, place)
    if place < 0 or index == len(begun):
        raise IndexError(f"No token begins character {place}.")
    return index


Forms = Mapping[str, Sequence[tuple[str, Sequence[str]]]]
_OPEN, _NOT = -1, -2  # the text ends before the phrase does, and agrees with it so far; it is another
_QUOTES = str.maketrans("‘’“”", "''\"\"")


class _Tail:
    """The end of a text, from one character before where phrases may begin, as it is compared."""

    def __init__(self, text: str, start: int, words: bool) -> None:
        self.words = words
        self.first = min(1, start)  # where phrases may begin, in what follows
        self.offset = start - self.first
        self.characters = _folded(text[self.offset :]) if words else list(text[self.offset :])

    def reach(self, place: int, form: Sequence[str], final: bool) -> int:
        """Where the phrase ends that begins at `place`, or that it is open, or not there."""
        characters, end = self.characters, place
        borders = self.words and form[0].isalnum() and place > 0
        if borders and characters[place - 1].isalnum():
            return _NOT
        for wanted in form:
            if end == len(characters):
                return _NOT if final else _OPEN
            if self.words and wanted == " " and characters[end].isspace():
                while end < len(characters) and characters[end].isspace():
                    end += 1
            elif characters[end] == wanted:
                end += 1
            else:
                return _NOT
        if self.words and form[-1].isalnum():
            if end == len(characters):
                return end if final else _OPEN
            if characters[end].isalnum():
                return _NOT
        return end

    def beginning_with(self, forms: Forms, place: int) -> Sequence[tuple[str, Sequence[str]]]:
        """The phrases that begin with the character at `place`, with how they are compared."""
        first = self.characters[place]
        return forms.get(" " if self.words and first.isspace() else first, ())


@lru_cache(maxsize=8)
def _forms(phrases: tuple[str, ...], words: bool) -> Forms:
    """Phrases as they are compared, by their first character: of thousands few begin alike."""
    found: dict[str, list[tuple[str, Sequence[str]]]] = {}
    for phrase in phrases:
        form = _folded(" ".join(phrase.split()) or phrase) if words else list(phrase)
        found.setdefault(" " if words and form[0].isspace() else form[0], []).append((phrase, form))
    return found


def _folded(text: str) -> list[str]:
    return [character.casefold() for character in text.translate(_QUOTES)]


def _find(tail: _Tail, phrases: Sequence[str], final: bool, beyond: int) -> FoundPhrase | None:
    forms = _forms(tuple(phrases), tail.words)
    for place in range(tail.first, len(tail.characters)) if forms else ():
        reached = [
            (tail.reach(place, form, final), phrase) for phrase, form in tail.beginning_with(forms, place)
        ]
        whole = [each for each in reached if each[0] >= max(0, beyond + 1 - tail.offset)]
        if whole:
            end, phrase = min(whole)
            return FoundPhrase(place + tail.offset, end + tail.offset, phrase)
        if any(end == _OPEN for end, _ in reached):
            return None
    return None


def _held(tail: _Tail, phrases: Sequence[str], beyond: int) -> int:
    forms = _forms(tuple(phrases), tail.words)
    for place in range(tail.first, len(tail.characters)) if forms else ():
        reached = [tail.reach(place, form, final=False) for _, form in tail.beginning_with(forms, place)]
        if any(end == _OPEN or end > max(-1, beyond - tail.offset) for end in reached):
            return place + tail.offset
    return len(tail.characters) + tail.offset
