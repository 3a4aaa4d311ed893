"""A title for a story, suggested by a model. Knows no torch.

Models have seen "Title: …" beside stories: in training with headers (see `corpus.headers`), or on the web. Behind the
story's beginning such a line gets them to name it. A small model often names another story, or nothing at all. So a
suggestion counts only if each of its words is a name or a thing of this beginning.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from storytime_tui.corpus.headers import HEADERS, characters_in
from storytime_tui.formatting import folded
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


READ = 1_200  # characters of the beginning that the model reads
LONGEST = 8  # words of a title
_TOKENS = 16
_TRIES = 6
_ENOUGH = 2  # telling words: a title with as many is taken at once
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PLAIN = _set_of(
    "a an and at by for from her his how in into its my of on or our so that the their to under was who why with your"
)
_BEFORE_THINGS = r"\b(?:[Tt]he|[Aa]n?|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts|[Mm]y|[Oo]ur)"
_NAMED = re.compile(
    rf"{_BEFORE_THINGS} ([a-z]+)(?:[- ]([a-z]+))?"
)  # the thing, or what it is like and the thing
_CAPITAL = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+(?:'[A-Z][a-z]+)?(?: [A-Z][a-z]+)*")
_THING = re.compile(
    rf"{_BEFORE_THINGS} (?:[a-z]+ )??([a-z]{{3,}})(?=[.,;:!?\"]| (?:was|is|and|had|in|on|to|with|of|that|who|for|at)\b)"
)
_NO_THINGS = _set_of(
    "air best bit bottom corner day days door edge end evening first floor front good ground house kind last left lot "
    "middle minute moment morning next night one ones other others outside pair part people piece place rest right "
    "room same second side sort there thing things time times top two water way week whole world year years hand hands "
    "head eyes face feet name long little old great small big very most same only new own"
)

Continue = Callable[[str, SamplerSettings, threading.Event], Iterator[Piece | Told]]


@dataclass(frozen=True)
class SuggestedTitle:
    """A title, and whether the model told it; else it was made of the story's own words. "" if there is none."""

    title: str
    told: bool


def suggest_title(continued: Continue, text: str, seed: int, stop: threading.Event) -> SuggestedTitle:
    """A title for the story that begins with this text.

    `continued` continues a text. Of several attempts, with seeds from `seed` on, the first good one counts. If none
    fits the story, the title is made of its own most characteristic words. Nothing once `stop` is set.
    """
    beginning = text[:READ].rstrip()
    known = _known_words(beginning)
    for number in range(_TRIES if known else 0):
        settings = SamplerSettings(
            seed=(seed + number) % 2**63, max_tokens=_TOKENS, temperature=0.6, finish_sentence=False
        )
        title = _told(continued, f"{beginning}\n\n{HEADERS[0]}:", settings, stop)
        if stop.is_set():
            return SuggestedTitle("", False)
        if _fits(title, known):
            return SuggestedTitle(title, True)
    return SuggestedTitle(made_title(beginning), False)


def made_title(text: str) -> str:
    """A title of the story's own most characteristic words, such as "Lily and the Lantern"; "" if it has none."""
    who = [_titled(name) for name in characters_in(text)[:2]] or _names_in(text)[:1]
    spoken_of = {word.lower() for name in who for word in name.split()}
    found = Counter(word for word in _THING.findall(text) if word not in _NO_THINGS and word not in spoken_of)
    things = [f"the {word.capitalize()}" for word, _ in found.most_common(2)]
    if not (who or things):
        return ""
    title = " and ".join([*who[:1], *things, *who[1:]][:2])
    return title[0].upper() + title[1:]


def _names_in(text: str) -> list[str]:
    """Names that are written more than once, though perhaps at the beginning of a sentence."""
    words = Counter(_WORD.findall(text))
    return [name for name in _CAPITAL.findall(text) if words[name] > 1]


def _titled(name: str) -> str:
    return f"the {name[4:].capitalize()}" if name.startswith("the ") else name


def _told(continued: Continue, text: str, settings: SamplerSettings, stop: threading.Event) -> str:
    """One line, as a title; "" if it does not end in time: then it is a sentence of the story."""
    line = ""
    for piece in continued(text, settings, stop):
        if isinstance(piece, Piece):
            line = (line + piece.text).lstrip()
            if "\n" in line:
                return " ".join(line.partition("\n")[0].split()).strip("\"'“”‘’*_#:,;. ")
    return ""


def _known_words(text: str) -> frozenset[str]:
    """The words that a title of this story may have: names, things, and what these are like."""
    named = [word for pair in _NAMED.findall(text) for word in pair if len(word) > 2]
    capital = _WORD.findall(" ".join(_CAPITAL.findall(text)))
    who = _WORD.findall(" ".join(characters_in(text)))
    return frozenset(map(folded, [*named, *capital, *who])) - _PLAIN


def _fits(title: str, known: frozenset[str]) -> bool:
    """Whether each word that says something is the story's own, and there are enough, none of them twice."""
    words = [folded(word) for word in _WORD.findall(title)]
    telling = [word for word in words if word not in _PLAIN]
    return (
        len(words) <= LONGEST
        and len(telling) >= _ENOUGH
        and len(set(telling)) == len(telling)
        and set(telling) <= known
    )
