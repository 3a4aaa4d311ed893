"""The nouns of the corpus: a story, and a named set of stories."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from storytime_tui.corpus.document import Account, Chapter
from storytime_tui.errors import CorpusError
from storytime_tui.word_count import count_words

if TYPE_CHECKING:  # the first frame is painted before NumPy is loaded
    import numpy as np
    import numpy.typing as npt

    Sketch = npt.NDArray[np.uint64]  # see `sketches`


CACHE_INDEX = "index.json"  # a folder of cleaned texts without it is made again


@dataclass(frozen=True)
class Extract:
    """A text that stays on disk until it is read: UTF-8 bytes `start` to `end` of a file."""

    path: Path
    start: int
    end: int

    def read(self, digest: str = "") -> str:
        """The text. Raises CorpusError if the file is gone or has changed, or its text has not this `digest`.

        The cache then makes its texts again at the next opening.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                data = file.read(self.end - self.start)
            if len(data) == self.end - self.start and digest in ("", _digest(data)):
                return data.decode()
        except (OSError, UnicodeDecodeError):
            pass
        with contextlib.suppress(OSError):
            self.path.with_name(CACHE_INDEX).unlink()
        raise CorpusError(
            "The cleaned text of this story has gone from the cache, or is damaged there: try again, and it is made "
            "anew."
        )


@dataclass(frozen=True)
class Facts:
    """Facts about a story's text, known without reading it again.

    `words`: split at white space. `bytes`: in UTF-8. `digest`: hash of the exact text. `fingerprint`: hash of its
    words, ignoring case and punctuation; "" for an empty text. `sketch`: for finding near copies, see `sketches`.
    """

    words: int
    bytes: int
    digest: str
    fingerprint: str
    sketch: Sketch


def facts_of(text: str) -> Facts:
    """Compute the facts of a text. This is slow: it is done once, on import."""
    from storytime_tui.corpus.sketches import sketch_of
    from storytime_tui.corpus.words import word_hashes

    data = text.encode()
    size, digest = len(data), _digest(data)
    del data  # frees as much memory as the word hashes take
    words = word_hashes(text)
    content = words.data if len(words) else text.strip().encode()  # a text may have punctuation only
    return Facts(
        words=count_words(text),
        bytes=size,
        digest=digest,
        fingerprint=_digest(content) if content else "",
        sketch=sketch_of(words),
    )


def part_facts(text: str) -> Facts:
    """The facts of a part of a story: no fingerprint and no sketch, as nobody looks for copies of parts."""
    import numpy as np

    data = text.encode()
    return Facts(count_words(text), len(data), _digest(data), "", np.empty(0, np.uint64))


def _digest(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


@dataclass(frozen=True)
class Story:
    """A cleaned story. It goes as a whole to training or to validation.

    A story of a collection on disk has an `Extract` as content and its facts in `known`. `lines`: half-open range of
    lines of `file` it was made from, for the preview. `header`: lines before it in training; they are read but not
    learned. `continues`: it continues the previous story.
    """

    title: str
    content: str | Extract
    file: str = ""  # the file it is from, for messages and the preview
    chapters: tuple[Chapter, ...] = ()
    lines: tuple[int, int] = (0, 0)
    known: Facts | None = field(default=None, compare=False, repr=False)
    header: str = ""
    continues: bool = False

    @property
    def text(self) -> str:
        """The whole text, read from disk if it is kept there. Raises CorpusError if it is gone."""
        if isinstance(self.content, str):
            return self.content
        return self.content.read(self.known.digest if self.known else "")

    @property
    def place(self) -> str:
        """Its key in the collection, `file:line`. The owner's changes to the story are stored under it."""
        return f"{self.file}:{self.lines[0] + 1}"

    @cached_property
    def facts(self) -> Facts:
        """The facts of its text, computed if they are not known."""
        return self.known or facts_of(self.text)

    @cached_property
    def words(self) -> int:
        """The number of words, as `count_words` counts them."""
        return self.known.words if self.known else count_words(self.text)


@runtime_checkable
class _CountsWords(Protocol):
    """Stories that know their words without being made."""

    def words_at(self, places: Iterable[int]) -> int:
        """The number of words in the stories at these places."""


@dataclass(frozen=True)
class Collection:
    """A named set of stories. `name` is its folder's name and its name on the command line."""

    name: str
    title: str
    stories: Sequence[Story]  # may be made when they are asked for
    author: str = ""
    source: str = ""
    licence: str = ""
    description: str = ""
    bundled: bool = False
    plain_punctuation: bool = True  # cleaning replaces curly quotes and dashes by ASCII
    folder: Path | None = None  # where its files are
    # the folder's device and inode when it was read, to notice a folder that was replaced
    folder_id: tuple[int, int] | None = field(default=None, compare=False, repr=False)
    column: str = ""  # the column that holds the texts of its data sets; "" for a usual name
    accounts: tuple[Account, ...] = field(default=(), compare=False, repr=False)  # one for each file

    @cached_property
    def words(self) -> int:
        """The number of words in all its stories."""
        return self.words_at(range(len(self.stories)))

    def words_at(self, places: Iterable[int]) -> int:
        """The number of words in its stories at these places."""
        if isinstance(self.stories, _CountsWords):
            return self.stories.words_at(places)
        return sum(self.stories[place].words for place in places)


def story_key(collection: Collection, story: Story) -> str:
    """The key by which a plan names a story: `collection/title`."""
    return f"{collection.name}/{story.title}"
