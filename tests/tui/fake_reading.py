"""A story as a made-up model reads it: long words are two tokens, and nothing random in how likely they are."""

import math
import re
import threading
from typing import Any

from storytime_tui.jobs.explain import Likely
from storytime_tui.jobs.story_reading import StoryReading, TokenRead

LIKELIEST = (" buttons", " acorns", " the", " little", " and", " a", " mouse", ".", "\ufffd", "")
SHARES = (0.4, 0.2, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002)
VOCABULARY = 8192


def token_texts(text: str) -> list[str]:
    """The text in made-up tokens."""
    return [
        part
        for word in re.findall(r"\n+|[ \t]*[\w’']+|[ \t]*[^\w\s]|\s", text)
        for part in ((word[:6], word[6:]) if len(word) > 8 else (word,))
    ]


def logprob(place: int, text: str, strength: float) -> float:
    """How likely a token is; the base (strength 0) finds every third word rather less likely, and some more."""
    hard = (place * 7919 + len(text) * 31) % 97 / 97  # 0 to 1
    own = -(0.05 + 8.0 * hard**2)
    return own if strength else own - (2.0 if place % 3 == 0 else -1.0 if place % 5 == 0 else 0.1)


def read(text: str, strength: float, report: Any, stop: threading.Event) -> StoryReading | None:
    """Read a story; None once `stop` is set."""
    tokens, start = [], 0
    texts = token_texts(text)
    likeliest = tuple(Likely(each, math.log(share)) for each, share in zip(LIKELIEST, SHARES, strict=True))
    for place, each in enumerate(texts):
        if stop.is_set():
            return None
        found = logprob(place, each, strength)
        tokens.append(TokenRead(place, start, start + len(each), found, 1 + round(-8 * found), likeliest))
        start += len(each)
    report("measuring the words", len(texts), len(texts))
    return StoryReading(tuple(tokens), VOCABULARY)
