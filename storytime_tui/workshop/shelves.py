"""The shelf as the command line and the app see it. Loads no torch."""

from collections.abc import Sequence
from pathlib import Path

from storytime_tui.corpus import shelf as _shelf
from storytime_tui.corpus.collection import Collection

# Tokens a word, punctuation included: measured on 100,000 words of fairy tales, with GPT-2's own vocabulary
# and with vocabularies of each scratch shape's size trained on the tales themselves.
_TOKENS_PER_WORD = {"scratch-tiny": 1.4, "scratch-small": 1.25}
_TOKENS_PER_WORD_OF_GPT2 = 1.25


def shelf() -> tuple[Collection, ...]:
    """Every collection that can be read: the bundled ones, then the imported ones, each by title."""
    return _shelf.load_shelf()


def shelf_with_problems() -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    """The shelf, and one sentence for each collection or text that cannot be read."""
    return _shelf.load_shelf_with_problems()


def find(name: str) -> Collection:
    """The collection of that name, or the texts at that path. Raises CorpusError with the nearest names."""
    return _shelf.find_collection(name)


def add(paths: Sequence[Path], name: str | None = None) -> _shelf.AddedCollection:
    """Import texts from files and folders: the new collection, and a sentence for each text left out.

    Raises CorpusError; then nothing was imported.
    """
    return _shelf.add_collection(paths, name)


def estimate_tokens(words: int, base_name: str) -> int:
    """About how many tokens a base's tokenizer makes of so many words, to be shown in advance."""
    return round(words * _TOKENS_PER_WORD.get(base_name, _TOKENS_PER_WORD_OF_GPT2))
