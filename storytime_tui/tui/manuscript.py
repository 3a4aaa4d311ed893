"""The current story in the store: typed text is saved before anything else happens to it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
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
    """One story, or a blank page that becomes a story when it is first saved. Raises StoryError as the store does.

    Methods that take the store block, and run in the store's thread. `story` may be read anywhere.
    """

    def __init__(self, story: Story | None = None) -> None:
        self.story = story

    @property
    def title(self) -> str:
        """The title above the page."""
        return self.story.title if self.story is not None else "A new story"

    def save_draft(self, store: StoryStore, line: str) -> None:
        """Save an unsent line. An empty line makes no story of a blank page."""
        if self.story is not None or line.strip():
            self.story = store.set_draft(self._kept(store, UNTITLED).id, line)

    def add(self, store: StoryStore, line: str) -> Added:
        """Append the user's line to the story."""
        story = self._kept(store, title_from(line) if line.strip() else UNTITLED)
        added = store.add_line(story.id, lambda text: joined(text, line))
        self.story = added.story
        return added

    def begin(self, store: StoryStore, text: str, model: str, settings: str) -> Story:
        """Start the story with a told opening. Raises StoryMoved if the story has words by now."""
        story = self._kept(store, title_from(text))
        if store.passages(story.id):
            raise StoryMoved
        passage = store.add_passage(story.id, "model", text, model, settings)
        self.story = dataclasses.replace(story, head=passage.id)
        return self.story

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
    """The most recently changed story."""
    return max(store.stories(), key=lambda story: story.changed, default=None)


def last_model(passages: Sequence[Passage]) -> str:
    """The model of the story's last told passage; "" if there is none."""
    return next((passage.model for passage in reversed(passages) if passage.author == "model"), "")


def last_voice(passages: Sequence[Passage]) -> Voice | None:
    """The voice of the story's last told passage; None if there is none, or its model has no voices."""
    settings = next((passage.settings for passage in reversed(passages) if passage.author == "model"), "")
    try:
        return of_record(json.loads(settings)["voice"])
    except (ValueError, KeyError, TypeError):
        return None


def last_strength(passages: Sequence[Passage], model: str) -> float | None:
    """The strength of the story's last told passage; None if another model told it, or no strength was saved."""
    last = next((passage for passage in reversed(passages) if passage.author == "model"), None)
    if last is None or last.model != model:
        return None
    try:
        strength = json.loads(last.settings)["strength"]
    except (ValueError, KeyError, TypeError):
        return None  # written by an earlier version, or imported
    usable = type(strength) in (int, float) and LEAST_STRENGTH <= strength <= MOST_STRENGTH
    return float(strength) if usable else None
