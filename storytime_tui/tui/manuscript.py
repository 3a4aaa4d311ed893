"""The story on the page, as the store knows it: what is typed is kept before anything else happens with it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryMoved
from storytime_tui.generation.voice import Voice, of_record
from storytime_tui.models.voices import LEAST_STRENGTH, MOST_STRENGTH
from storytime_tui.stories.story import Added, Passage, Story
from storytime_tui.tui.joining import joined, title_from

if TYPE_CHECKING:  # see services
    from storytime_tui.stories.store import StoryStore

UNTITLED = "Untitled"


class Manuscript:
    """One story, or a blank page that becomes a story with its first word. Raises StoryError as the store does.

    What takes the store blocks, and is called by the store's thread. `story` may be read anywhere.
    """

    def __init__(self, story: Story | None = None) -> None:
        self.story = story

    @property
    def title(self) -> str:
        """What stands over the page."""
        return self.story.title if self.story is not None else "A new story"

    def keep_draft(self, store: StoryStore, line: str) -> None:
        """Keep a line that is not sent yet; a blank page does not become a story for nothing."""
        if self.story is not None or line.strip():
            self.story = store.set_draft(self._kept(store, UNTITLED).id, line)

    def add(self, store: StoryStore, line: str) -> Added:
        """Add your line at the end of the story, which goes on from there."""
        story = self._kept(store, title_from(line) if line.strip() else UNTITLED)
        added = store.add_line(story.id, lambda text: joined(text, line))
        self.story = added.story
        return added

    def begin(self, store: StoryStore, text: str, model: str, settings: str) -> Story:
        """Begin the story with what a model told. Raises StoryMoved where it has words by now."""
        story = self._kept(store, title_from(text))
        if store.passages(story.id):
            raise StoryMoved
        passage = store.add_passage(story.id, "model", text, model, settings)
        self.story = dataclasses.replace(story, head=passage.id)
        return self.story

    def undo(self, store: StoryStore) -> bool:
        """Take back the last passage; whether there was one. Raises StoryMoved where another window was there."""
        return self._step(store, store.undo)

    def redo(self, store: StoryStore) -> bool:
        """Bring back what was taken back; whether there was anything. Raises StoryMoved as `undo` does."""
        return self._step(store, store.redo)

    def _step(self, store: StoryStore, step: Callable[[int], Story]) -> bool:
        if self.story is None:
            return False
        # The head as the store has it: `self.story` is older than what the model has told since.
        before = store.story(self.story.id).head
        self.story = step(self.story.id)
        return self.story.head != before

    def rename(self, store: StoryStore, title: str) -> None:
        """Give the story a title."""
        self.story = store.rename(self._kept(store, UNTITLED).id, title)

    def _kept(self, store: StoryStore, title: str) -> Story:
        if self.story is None:
            self.story = store.new_story(title)
        elif self.story.title == UNTITLED and title != UNTITLED:
            self.story = store.rename(self.story.id, title)
        return self.story


def last_story(store: StoryStore) -> Story | None:
    """The story that was changed last."""
    return max(store.stories(), key=lambda story: story.changed, default=None)


def told_with(passages: Sequence[Passage]) -> str:
    """The model that wrote in a story last; "" where none did yet."""
    return next((passage.model for passage in reversed(passages) if passage.author == "model"), "")


def told_as(passages: Sequence[Passage]) -> Voice | None:
    """The voice that a story was told in last; None where no model wrote in it yet, or one that knows no voices."""
    told = next((passage.settings for passage in reversed(passages) if passage.author == "model"), "")
    try:
        return of_record(json.loads(told)["voice"])
    except (ValueError, KeyError, TypeError):
        return None


def strength_with(passages: Sequence[Passage], model: str) -> float | None:
    """The strength of the model that wrote in a story last; None where that was another model, or nothing says so."""
    last = next((passage for passage in reversed(passages) if passage.author == "model"), None)
    if last is None or last.model != model:
        return None
    try:
        strength = json.loads(last.settings)["strength"]
    except (ValueError, KeyError, TypeError):
        return None  # of an earlier version, or brought here from elsewhere
    usable = type(strength) in (int, float) and LEAST_STRENGTH <= strength <= MOST_STRENGTH
    return float(strength) if usable else None
