"""The nouns of what was written: a story is a tree of passages, read from its root to its head."""

from dataclasses import dataclass
from typing import Literal

Author = Literal["you", "model"]


@dataclass(frozen=True)
class Passage:
    """A piece of a told story. Its text may still grow; everything else stays as it was made."""

    id: int
    story: int
    parent: int | None  # None for a passage that a story begins with
    author: Author
    text: str
    model: str  # what told it; empty for yours
    settings: str  # the sampler settings, and the voice where it knows any, as JSON; empty for yours
    created: float  # seconds since the epoch


@dataclass(frozen=True)
class Story:
    """A tree of passages. The path from its root to `head` is the story as it reads now."""

    id: int
    title: str
    head: int | None  # a passage's id; None while the story is empty, or undone to nothing
    draft: str  # typed, but not yet a passage; where several windows are open, what was kept last
    created: float  # seconds since the epoch
    changed: float
    removed: bool = False  # hidden from the list, and kept


@dataclass(frozen=True)
class Opened:
    """A story as one window shows it: its passages from the root to the head, and that window's own draft."""

    story: Story
    passages: tuple[Passage, ...]
    draft: str

    @property
    def text(self) -> str:
        """The story as it reads: the texts of its passages, joined."""
        return "".join(passage.text for passage in self.passages)


@dataclass(frozen=True)
class Added:
    """A line that was added to a story."""

    story: Story
    before: str  # its text until then
    added: str  # what was added to that; "" for no line
    moved: bool  # another window had changed the story since it was opened in this one
