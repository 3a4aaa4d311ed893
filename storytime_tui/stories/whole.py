"""A story with its whole tree: read from the store, or added to it as a new story."""

import itertools
from dataclasses import dataclass

from storytime_tui.stories import rows
from storytime_tui.stories.schema import steps_where
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Author, Story, storable


@dataclass(frozen=True)
class Node:
    """A passage in a tree that has no place in the store yet."""

    parent: int | None  # an index of `Tree.nodes`; None for a first passage
    author: Author
    text: str
    model: str
    settings: str
    created: float  # seconds since the epoch
    ids: str = ""  # see `Passage`; so are the rest
    edited_from: int | None = None  # an index of `Tree.nodes`
    name: str = ""
    marked: bool = False
    pruned: bool = False


@dataclass(frozen=True)
class Tree:
    """A story with all its passages, also those that were undone, oldest first; independent of the store's ids."""

    title: str
    draft: str
    created: float  # seconds since the epoch
    changed: float
    head: int | None  # an index of `nodes`
    nodes: tuple[Node, ...]
    steering: str = ""  # see `Story`


def read_tree(store: StoryStore, story_id: int) -> Tree:
    """A story's whole tree. Raises StoryError."""
    story = store.story(story_id)  # first: passages are never deleted, so its head is among those read next
    with store.reading() as db:
        passages = rows.all_of(db, story_id)
    index = {passage.id: at for at, passage in enumerate(passages)}

    def index_of(passage: int | None) -> int | None:
        return None if passage is None else index[passage]

    nodes = (
        Node(
            index_of(p.parent), p.author, p.text, p.model, p.settings, p.created, p.ids,
            index_of(p.edited_from), p.name, p.marked, p.pruned,
        )
        for p in passages
    )  # fmt: skip
    return Tree(
        story.title,
        story.draft,
        story.created,
        story.changed,
        index_of(story.head),
        tuple(nodes),
        story.steering,
    )


def add_tree(store: StoryStore, tree: Tree) -> Story:
    """Add the tree as a new story, with its times, all or nothing. Raises StoryError.

    Every parent must be an index of `tree.nodes`, and no passage may be its own ancestor.
    """
    with store.writing() as db:
        db.execute("PRAGMA defer_foreign_keys = ON")  # a parent may come after its child
        story = db.execute(
            "INSERT INTO story (title, draft, created, changed, steering) VALUES (?, ?, ?, ?, ?)",
            (storable(tree.title), storable(tree.draft), tree.created, tree.changed, storable(tree.steering)),
        ).lastrowid
        assert story is not None
        first: int = db.execute("SELECT coalesce(max(id), 0) + 1 FROM passage").fetchone()[0]
        db.executemany(
            "INSERT INTO passage (id, story, parent, author, text, model, settings, created, ids, edited_from, name, "
            "marked, pruned) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (id, story, None if node.parent is None else first + node.parent, node.author, storable(node.text),
                 storable(node.model), storable(node.settings), node.created, storable(node.ids),
                 None if node.edited_from is None else first + node.edited_from, storable(node.name), node.marked,
                 node.pruned)
                for id, node in zip(itertools.count(first), tree.nodes, strict=False)
            ),
        )  # fmt: skip
        if tree.head is not None:
            db.execute("UPDATE story SET head = ? WHERE id = ?", (first + tree.head, story))
        for statement in steps_where("id = ?"):
            db.execute(statement, (story,))
        if tree.draft:
            # no window's own: the first that opens the story takes it over
            db.execute("INSERT INTO draft VALUES (?, '', ?, ?)", (story, storable(tree.draft), tree.changed))
    return store.story(story)
