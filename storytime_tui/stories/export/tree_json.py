"""A story with its whole tree as JSON, which `stories import` reads again: nothing is lost but the story's id.

{
  "format": "storytime-story",
  "version": 1,              a later version may have other fields, and is refused by an earlier program
  "title": "The owl",
  "draft": "",               typed, but not yet a passage
  "created": 1764460800.0,   seconds since 1970
  "changed": 1764460900.0,
  "head": 2,                 the `id` of the last passage of the present text; null if all was undone
  "passages": [              oldest first; those that were undone, too
    {
      "id": 1,               a number within this file
      "parent": null,        the `id` of the passage before it; null for a first passage
      "author": "you",       or "model"
      "text": "Once upon a time",
      "model": "",           what told it; "" for yours
      "settings": "",        the sampler settings, voice and strength, as JSON; "" for yours
      "created": 1764460801.0
    }
  ]
}
"""

import dataclasses
import json
from typing import Any

from storytime_tui.errors import StoryError
from storytime_tui.stories.export.story_text import Exported
from storytime_tui.stories.whole import Node, Tree

FORMAT = "storytime-story"
VERSION = 1
_LATEST = 253_370_764_800  # seconds: the year 9999, the last that dates can be written for


def tree_json(story: Exported) -> bytes:
    """The whole tree."""
    tree = story.tree
    passages = [
        {"id": at + 1, **dataclasses.asdict(node), "parent": None if node.parent is None else node.parent + 1}
        for at, node in enumerate(tree.nodes)
    ]
    record = {
        "format": FORMAT,
        "version": VERSION,
        "title": tree.title,
        "draft": tree.draft,
        "created": tree.created,
        "changed": tree.changed,
        "head": None if tree.head is None else tree.head + 1,
        "passages": passages,
    }
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def tree_of(record: Any, name: str) -> Tree:
    """The tree of a parsed file. `name`: the file, for messages. Raises StoryError for all that is not a tree."""
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise StoryError(f"{name} is JSON, but not a story: `stories export` writes one.")
    version: Any = record.get("version")
    if _is_whole(version) and version > VERSION:
        raise StoryError(
            f"{name} was written by a newer version of Storytime (its version is {_short(version)}, {VERSION} is "
            "known here): install that one to import it."
        )
    if version != VERSION:
        raise StoryError(f"{name} is damaged: its version is not a number from 1 on.")
    passages = record.get("passages")
    if not isinstance(passages, list):
        raise StoryError(f"{name} is damaged: it has no list of passages.")
    ids = [_id_of(passage, at, name) for at, passage in enumerate(passages, 1)]
    index = {id: at for at, id in enumerate(ids)}
    if len(index) < len(ids):
        twice = next(id for at, id in enumerate(ids) if index[id] != at)
        raise StoryError(f"{name} is damaged: two of its passages have the id {_short(twice)}.")
    nodes = tuple(_node(passage, index, name) for passage in passages)
    if (inside := _in_a_circle(nodes)) is not None:
        raise StoryError(
            f"{name} is damaged: passage {_short(ids[inside])} comes before itself, in a circle of parents."
        )
    of_story = f"the story of {name}"
    return Tree(
        _text(record, "title", of_story),
        _text(record, "draft", of_story),
        _time(record, "created", of_story),
        _time(record, "changed", of_story),
        _reference(record, "head", index, of_story),
        nodes,
    )


def _id_of(passage: Any, place: int, name: str) -> int:
    if not isinstance(passage, dict) or not _is_whole(passage.get("id")):
        raise StoryError(f"{name} is damaged: its passage number {place} has no id, or is no passage.")
    id: int = passage["id"]
    return id


def _node(passage: dict[str, Any], index: dict[int, int], name: str) -> Node:
    what = f"passage {_short(passage['id'])} of {name}"
    author = passage.get("author")
    if author not in ("you", "model"):
        raise StoryError(f"The author of {what} is {_short(author)}: it must be “you” or “model”.")
    return Node(
        _reference(passage, "parent", index, what),
        author,
        _text(passage, "text", what),
        _text(passage, "model", what),
        _text(passage, "settings", what),
        _time(passage, "created", what),
    )


def _reference(record: dict[str, Any], field: str, index: dict[int, int], what: str) -> int | None:
    value: Any = record.get(field)
    if value is None:
        return None
    if not _is_whole(value) or value not in index:
        raise StoryError(
            f"The {field} of {what} is {_short(value)}, but there is no such passage in the file."
        )
    return index[value]


def _text(record: dict[str, Any], field: str, what: str) -> str:
    value = record.get(field, "")
    if not isinstance(value, str):
        raise StoryError(f"The {field} of {what} is {_short(value)}, not a text.")
    return value


def _time(record: dict[str, Any], field: str, what: str) -> float:
    value: Any = record.get(field)
    if type(value) not in (int, float) or not 0 <= value <= _LATEST:
        raise StoryError(
            f"The time “{field}” of {what} is {_short(value)}, not a number of seconds since 1970."
        )
    return float(value)


def _in_a_circle(nodes: tuple[Node, ...]) -> int | None:
    """The index of a node that is its own ancestor, if any. Takes time linear in the number of nodes."""
    ends = [False] * len(nodes)  # known to lead to a first passage
    for start in range(len(nodes)):
        at: int | None = start
        path: dict[int, None] = {}
        while at is not None and not ends[at]:
            if at in path:
                return at
            path[at] = None
            at = nodes[at].parent
        for each in path:
            ends[each] = True
    return None


def _is_whole(value: Any) -> bool:
    return type(value) is int


def _short(value: Any) -> str:
    """A value of the file, for a message."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 40 else shown[:39] + "…"
