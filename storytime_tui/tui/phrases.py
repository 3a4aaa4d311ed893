"""What a search field asks for: words, and in quotes words that stand together. Pure functions."""

import re

from storytime_tui.formatting import folded

_PHRASE = re.compile(r'"([^"]*)"?|(\S+)')


def phrases_of(query: str) -> tuple[str, ...]:
    """What a story must hold: each word, and words in quotes as they stand together; with single spaces."""
    found = (" ".join((quoted or word).split()) for quoted, word in _PHRASE.findall(query))
    return tuple(phrase for phrase in found if folded(phrase).strip())
