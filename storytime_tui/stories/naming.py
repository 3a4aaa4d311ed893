"""Finding the story that a user names, by its id or its exact title."""

import difflib

from storytime_tui.errors import StoryError
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Story

_COMPARED, _NEAR = 100, 0.7  # characters of a title, and how alike two must be


def find_story(store: StoryStore, named: str, *, removed: bool = False) -> Story:
    """The story, or the removed story, with this id or exact title; an id comes first.

    Raises StoryError if there is none, or if several have the title.
    """
    found = _named(store.stories(removed), named)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(story.id) for story in sorted(found, key=lambda story: story.id))
        raise StoryError(f"Several stories are called {named!r}: name one by its id ({ids}).")
    elsewhere = _named(store.stories(not removed), named)
    if elsewhere and removed:
        raise StoryError(f"The story {named!r} is not removed.")
    if elsewhere:
        raise StoryError(
            f"The story {named!r} is removed: `storytime-tui stories restore {elsewhere[0].id}` brings it back."
        )
    listing = "stories restore" if removed else "stories list"
    what = "removed story" if removed else "story"
    near = _near(store.stories(removed), named)
    raise StoryError(
        f"There is no {what} with the id or title {named!r}: "
        + (f"did you mean {near}?" if near else f"`storytime-tui {listing}` lists them.")
    )


def _near(stories: tuple[Story, ...], named: str) -> str:
    """The titles most like a misspelt one, at most two, for a question; "" if none is near."""
    titles = {story.title[:_COMPARED].casefold(): story.title for story in stories}
    near = difflib.get_close_matches(named[:_COMPARED].casefold(), titles, n=2, cutoff=_NEAR)
    return " or ".join(repr(titles[each]) for each in near)


def _named(stories: tuple[Story, ...], named: str) -> list[Story]:
    by_id = [story for story in stories if str(story.id) == named]
    return by_id or [story for story in stories if story.title == named]
