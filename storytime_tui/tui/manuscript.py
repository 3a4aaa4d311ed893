"""The current story in the store: typed text is saved before anything else happens to it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryMoved
from storytime_tui.stories.joining import joined, title_from
from storytime_tui.stories.steering import Steering, set_steering
from storytime_tui.stories.story import UNTITLED, Added, Story

if TYPE_CHECKING:  # see services
    from storytime_tui.stories.store import StoryStore


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

    def save_steering(self, store: StoryStore, steering: Steering) -> None:
        """Save the memory and the author's note. Empty ones make no story of a blank page."""
        if self.story is not None or steering != Steering():
            self.story = set_steering(store, self._kept(store, UNTITLED).id, steering)

    def add(self, store: StoryStore, line: str) -> Added:
        """Append the user's line to the story."""
        story = self._kept(store, title_from(line) if line.strip() else UNTITLED)
        added = store.add_line(story.id, lambda text: joined(text, line))
        self.story = added.story
        return added

    def begin(self, store: StoryStore, text: str, model: str, settings: str, ids: str) -> Story:
        """Start the story with a told opening. Raises StoryMoved if the story has words by now."""
        story = self._kept(store, title_from(text))
        if store.passages(story.id):
            raise StoryMoved
        passage = store.add_passage(story.id, "model", text, model, settings, ids=ids)
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
    """The most recently changed story in which something was kept."""
    from storytime_tui.stories.pages import empty_stories  # the store is loaded once it is needed

    with store.reading() as db:
        empty = empty_stories(db)
    stories = (story for story in store.stories() if story.id not in empty)
    return max(stories, key=lambda story: story.changed, default=None)
