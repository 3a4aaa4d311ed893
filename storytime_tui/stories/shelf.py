"""What the bookshelf does with whole stories: favourites, copies, and the first lines of one."""

import dataclasses

from storytime_tui.stories import rows
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Story
from storytime_tui.stories.whole import add_tree, read_tree

COPY = " (copy)"  # behind the title of a duplicate
_PASSAGES = 40  # of a beginning; there is seldom one so short that these do not fill a screen
_FIRST = """WITH RECURSIVE path (id, depth) AS (
        SELECT head, 0 FROM story WHERE id = ?
        UNION ALL SELECT passage.parent, depth + 1 FROM path JOIN passage USING (id)
    )
    SELECT text FROM path JOIN written USING (id) ORDER BY depth DESC LIMIT ?"""


def set_favourite(store: StoryStore, story_id: int, favourite: bool) -> Story:
    """Make a story a favourite, or an ordinary one. Its time of change stays. Raises StoryError."""
    with store.writing() as db:
        rows.story_of(db, story_id, store.path)
        db.execute("UPDATE story SET favourite = ? WHERE id = ?", (favourite, story_id))
        return rows.story_of(db, story_id, store.path)


def duplicate(store: StoryStore, story_id: int) -> Story:
    """Add a copy of a story with its whole tree, as changed now. Raises StoryError."""
    tree = read_tree(store, story_id)
    now = store.now()  # also as its time of creation, by which exports tell stories apart
    return add_tree(store, dataclasses.replace(tree, title=tree.title + COPY, created=now, changed=now))


def beginning(store: StoryStore, story_id: int, characters: int) -> str:
    """The first characters of the present text, without reading the rest of it. Raises StoryError."""
    text = ""
    with store.reading() as db:
        rows.story_of(db, story_id, store.path)
        for (passage,) in db.execute(_FIRST, (story_id, _PASSAGES)):
            text += passage
            if len(text) >= characters:
                break
    return text[:characters]
