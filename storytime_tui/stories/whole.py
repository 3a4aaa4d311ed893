"""A story with its whole tree: read from the store, or added to it as a new story."""

import itertools
from dataclasses import dataclass

from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Author, Passage, Story, storable


@dataclass(frozen=True)
class Node:
    """A passage in a tree that has no place in the store yet."""

    parent: int | None  # an index of `Tree.nodes`; None for a first passage
    author: Author
    text: str
    model: str
    settings: str
    created: float  # seconds since the epoch


@dataclass(frozen=True)
class Tree:
    """A story with all its passages, also those that were undone, oldest first; independent of the store's ids."""

    title: str
    draft: str
    created: float  # seconds since the epoch
    changed: float
    head: int | None  # an index of `nodes`
    nodes: tuple[Node, ...]


def read_tree(store: StoryStore, story_id: int) -> Tree:
    """A story's whole tree. Raises StoryError."""
    story = store.story(story_id)  # first: passages are never deleted, so its head is among those read next
    with store.reading() as db:
        rows = db.execute(
            "SELECT id, story, parent, author, text, model, settings, created FROM passage WHERE story = ? "
            "ORDER BY id",
            (story_id,),
        )
        passages = [Passage(*row) for row in rows]
    index = {passage.id: at for at, passage in enumerate(passages)}
    nodes = (
        Node(None if p.parent is None else index[p.parent], p.author, p.text, p.model, p.settings, p.created)
        for p in passages
    )
    head = None if story.head is None else index[story.head]
    return Tree(story.title, story.draft, story.created, story.changed, head, tuple(nodes))


def add_tree(store: StoryStore, tree: Tree) -> Story:
    """Add the tree as a new story, with its times, all or nothing. Raises StoryError.

    Every parent must be an index of `tree.nodes`, and no passage may be its own ancestor.
    """
    with store.writing() as db:
        db.execute("PRAGMA defer_foreign_keys = ON")  # a parent may come after its child
        story = db.execute(
            "INSERT INTO story (title, draft, created, changed) VALUES (?, ?, ?, ?)",
            (storable(tree.title), storable(tree.draft), tree.created, tree.changed),
        ).lastrowid
        assert story is not None
        first: int = db.execute("SELECT coalesce(max(id), 0) + 1 FROM passage").fetchone()[0]
        db.executemany(
            "INSERT INTO passage VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (id, story, None if node.parent is None else first + node.parent, node.author, storable(node.text),
                 storable(node.model), storable(node.settings), node.created)
                for id, node in zip(itertools.count(first), tree.nodes, strict=False)
            ),
        )  # fmt: skip
        if tree.head is not None:
            db.execute("UPDATE story SET head = ? WHERE id = ?", (first + tree.head, story))
        if tree.draft:
            # no window's own: the first that opens the story takes it over
            db.execute("INSERT INTO draft VALUES (?, '', ?, ?)", (story, storable(tree.draft), tree.changed))
    return store.story(story)
