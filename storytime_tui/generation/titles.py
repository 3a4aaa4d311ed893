"""A title for a story, suggested by a model. Knows no torch.

Models have seen "Title: …" before stories: in training with headers (see `corpus.headers`), or on the web. Behind the
story's beginning such a line gets them to name it. A small model often names another story, so a suggestion counts
only if all its words stand in the beginning.
"""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from storytime_tui.corpus.headers import HEADERS, header_of
from storytime_tui.formatting import folded
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


READ = 1_500  # characters of the beginning that the model reads
LONGEST = 8  # words of a title
_TOKENS = 18
_TRIES = 8
_ENOUGH = 2  # telling words: a title with as many is taken at once
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PLAIN = _set_of(
    "a an and are as at be but by for from had has he her his i in into is it its me my no not of on or "
    "our out she so that the their them then there they this to up was we were what when where which who "
    "why with you your"
)

Continue = Callable[[str, SamplerSettings, threading.Event], Iterator[Piece | Told]]


@dataclass(frozen=True)
class SuggestedTitle:
    """A title, and whether the model told it; else it was made of the story's own words. "" if there is none."""

    title: str
    told: bool


def suggest_title(continued: Continue, text: str, seed: int, stop: threading.Event) -> SuggestedTitle:
    """A title for the story that begins with this text.

    `continued` continues a text. Of several attempts, with seeds from `seed` on, the first good one counts, else the
    best one; if none fits the story, the title is made of its own most characteristic words. Nothing once `stop` is
    set.
    """
    beginning = text[:READ].rstrip()
    known = frozenset(_words(beginning))
    best, most = "", 0
    for number in range(_TRIES):
        settings = SamplerSettings(
            seed=(seed + number) % 2**63, max_tokens=_TOKENS, temperature=0.6, finish_sentence=False
        )
        title = _told(continued, f"{beginning}\n\n{HEADERS[0]}:", settings, stop)
        if stop.is_set():
            return SuggestedTitle("", False)
        telling = _telling_words(title, known)
        if telling > most:
            best, most = title, telling
        if most >= _ENOUGH:
            break
    return SuggestedTitle(best, True) if best else SuggestedTitle(made_title(beginning), False)


def made_title(text: str) -> str:
    """A title of the story's own most characteristic words, such as "Lily and the Lantern"; "" if it has none."""
    name, _, title = header_of("", text).partition("\n")[0].partition(": ")
    return title if name == HEADERS[0] else ""


def _told(continued: Continue, text: str, settings: SamplerSettings, stop: threading.Event) -> str:
    """One line, as a title; "" if it has none."""
    line = ""
    for piece in continued(text, settings, stop):
        if isinstance(piece, Piece):
            line += piece.text
            if "\n" in line.lstrip():
                break
    else:
        return "" if len(line.split()) > LONGEST else _tidy(line)  # it never ended: perhaps it is no title
    return _tidy(line.lstrip().partition("\n")[0])


def _tidy(line: str) -> str:
    return " ".join(line.split()).strip("\"'“”‘’*_#:,;. ")


def _telling_words(title: str, known: frozenset[str]) -> int:
    """How many different words of the title say something of the story; 0 if it is none for this story."""
    words = _words(title)
    if not words or len(words) > LONGEST:
        return 0
    telling = {word for word in words if word not in _PLAIN}
    return len(telling) if telling <= known else 0


def _words(text: str) -> list[str]:
    return [folded(word) for word in _WORD.findall(text)]
