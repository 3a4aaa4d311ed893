"""The nouns of the corpus: a story, and a named set of stories."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from storytime_tui.corpus.document import Chapter
from storytime_tui.errors import CorpusError

if TYPE_CHECKING:  # NumPy need not be there before the first frame
    import numpy as np
    import numpy.typing as npt

    Sketch = npt.NDArray[np.uint64]  # see `duplicates`


@dataclass(frozen=True)
class Extract:
    """A text that stays on the disk until it is read: UTF-8 bytes `start` to `end` of a file."""

    path: Path
    start: int
    end: int

    def read(self) -> str:
        """The text itself. Raises CorpusError when the file has gone or was changed."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                data = file.read(self.end - self.start)
            if len(data) == self.end - self.start:
                return data.decode()
        except (OSError, UnicodeDecodeError):
            pass
        raise CorpusError("The cleaned text of this story has gone from the cache: open the library again.")


@dataclass(frozen=True)
class Facts:
    """What is known of a story's text without reading it again.

    `words`: split at white space. `bytes`: in UTF-8. `digest`: of the text, byte for byte. `fingerprint`: the
    same for two stories with the same words, whatever their capitals and punctuation; "" for an empty one.
    `sketch`: what near copies are found by, see `duplicates`.
    """

    words: int
    bytes: int
    digest: str
    fingerprint: str
    sketch: Sketch


def facts_of(text: str) -> Facts:
    """The facts of a text; the work of an import, done once."""
    from storytime_tui.corpus.duplicates import sketch_of
    from storytime_tui.corpus.words import count_words, word_hashes

    data = text.encode()
    size, digest = len(data), _digest(data)
    del data  # as much memory as the words will take
    words = word_hashes(text)
    told = words.data if len(words) else text.strip().encode()  # signs alone are a text as well
    return Facts(
        words=count_words(text),
        bytes=size,
        digest=digest,
        fingerprint=_digest(told) if told else "",
        sketch=sketch_of(words),
    )


def part_facts(text: str) -> Facts:
    """What has to be known of a part of a story: nobody looks for copies of it."""
    import numpy as np

    data = text.encode()
    return Facts(len(text.split()), len(data), _digest(data), "", np.empty(0, np.uint64))


def _digest(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


@dataclass(frozen=True)
class Story:
    """One tale, cleaned: the unit that goes whole to training or to validation.

    A shelf's story keeps its text on the disk and brings its facts; one made from a text makes them when
    asked. `lines`: the half-open range of lines of `file` that it was made from, for the preview. `header`: lines
    that stand before it in training, and are not learned; `continues`: it goes on with the story before it.
    """

    title: str
    content: str | Extract
    file: str = ""  # where it came from, for messages and for the preview
    chapters: tuple[Chapter, ...] = ()
    lines: tuple[int, int] = (0, 0)
    known: Facts | None = field(default=None, compare=False, repr=False)
    header: str = ""
    continues: bool = False

    @property
    def text(self) -> str:
        """The whole text, read from the disk where it stays there. Raises CorpusError when it has gone."""
        return self.content if isinstance(self.content, str) else self.content.read()

    @property
    def place(self) -> str:
        """Where in its collection it stands: what its owner's changes to it are kept by."""
        return f"{self.file}:{self.lines[0] + 1}"

    @cached_property
    def facts(self) -> Facts:
        """What a text is known by."""
        return self.known or facts_of(self.text)

    @cached_property
    def words(self) -> int:
        """How many words, split at white space."""
        return self.known.words if self.known else len(self.text.split())


@dataclass(frozen=True)
class Collection:
    """A named set of stories; `name` is its folder and what the command line calls it."""

    name: str
    title: str
    stories: tuple[Story, ...]
    author: str = ""
    source: str = ""
    licence: str = ""
    description: str = ""
    bundled: bool = False
    plain_punctuation: bool = True  # quotes and dashes were made ASCII when it was cleaned
    folder: Path | None = None  # where its files are
    # the folder's device and number when it was read: another folder may have taken its name since
    folder_id: tuple[int, int] | None = field(default=None, compare=False, repr=False)

    @cached_property
    def words(self) -> int:
        """How many words its stories hold together."""
        return sum(story.words for story in self.stories)


def story_key(collection: Collection, story: Story) -> str:
    """The name by which a plan picks one story of one collection: `collection/title`."""
    return f"{collection.name}/{story.title}"
