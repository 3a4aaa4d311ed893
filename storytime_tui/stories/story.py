"""The data types of written stories: a story is a tree of passages, read from its root to its head."""

from dataclasses import dataclass
from typing import Literal

Author = Literal["you", "model"]
Writer = Literal["you", "model", "edited"]
UNTITLED = "Untitled"  # the title of a story that has no words yet, unless the user gave it one


@dataclass(frozen=True)
class Passage:
    """A piece of a story. Only its text may change: it may grow."""

    id: int
    story: int
    parent: int | None  # None for the first passage of a story
    author: Author
    text: str
    model: str  # what generated it; "" for yours
    settings: str  # sampler settings, and the voice if any, as JSON; "" for yours
    created: float  # seconds since the epoch
    ids: str = ""  # the tokens that the model chose, as numbers with commas; "" for yours, or if unknown
    edited_from: int | None = None  # the passage of which this one is an edited version
    name: str = ""  # of the branch
    marked: bool = False
    pruned: bool = False  # left out of the map and of the takes, but kept

    @property
    def writer(self) -> "Writer":
        """Who wrote it, for the colours of the page."""
        return "edited" if self.edited_from is not None else self.author


@dataclass(frozen=True)
class Story:
    """A tree of passages. The path from its root to `head` is the current text."""

    id: int
    title: str
    head: int | None  # a passage's id; None if the story is empty or everything was undone
    draft: str  # typed, but not yet a passage; the latest one if several windows are open
    created: float  # seconds since the epoch
    changed: float
    removed: bool = False  # hidden from the list but kept
    favourite: bool = False
    steering: str = ""  # the memory and the author's note, as JSON (see `steering`)


@dataclass(frozen=True)
class Opened:
    """A story as a window shows it: its passages from root to head, and the window's own draft."""

    story: Story
    passages: tuple[Passage, ...]
    draft: str

    @property
    def text(self) -> str:
        """The current text of the story: its passages joined."""
        return "".join(passage.text for passage in self.passages)


@dataclass(frozen=True)
class Added:
    """A line that was added to a story."""

    story: Story
    before: str  # the story's text before it
    added: str  # the text added; "" for an empty line
    moved: bool  # another window had changed the story since it was opened in this one


def storable(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD, as UTF-8 cannot encode surrogates."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
