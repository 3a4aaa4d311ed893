"""Finished stories of the user for the next fine-tune: their present texts go into a collection. Loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.corpus.library.own_stories import OwnStory, put
from storytime_tui.errors import StoryError
from storytime_tui.stories.export.story_text import UNTITLED, identifier_of

if TYPE_CHECKING:
    from storytime_tui.stories.store import StoryStore


@dataclass(frozen=True)
class LearnedStories:
    """The title of the collection, how many stories were put into it, and how many replaced an earlier version."""

    title: str
    stories: int
    replaced: int


def learn_from(store: StoryStore, stories: Sequence[int]) -> LearnedStories:
    """Put the present texts of these stories (ids) into the user's own collection, to train on.

    The present text is what stands on the page: edits stand in it, and what they replaced and abandoned takes do not.
    Raises StoryError if a story has no words or does not exist, and CorpusError.
    """
    found = []
    for number in stories:
        story = store.story(number)
        text = store.text(number).replace("\0", " ").strip()
        if not text:
            raise StoryError(f"“{story.title}” has no words yet: there is nothing to learn from it.")
        key = identifier_of(story.created).rpartition(":")[2]
        found.append(OwnStory(key, " ".join(story.title.split()) or UNTITLED, f"{text}\n"))
    done = put(found)
    return LearnedStories(done.title, len(found), done.replaced)
