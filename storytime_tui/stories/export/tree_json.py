"""A story with its whole tree as JSON, which `stories import` reads again: nothing is lost but the story's id.

{
  "format": "storytime-story",
  "version": 2,              a later version may have other fields, and is refused by an earlier program
  "title": "The owl",
  "draft": "",               typed, but not yet a passage
  "created": 1764460800.0,   seconds since 1970
  "changed": 1764460900.0,
  "head": 2,                 the `id` of the last passage of the present text; null if all was undone
  "steering": "",            the memory and the author's note, as JSON; since version 2
  "passages": [              oldest first; those that were undone, too
    {
      "id": 1,               a number within this file
      "parent": null,        the `id` of the passage before it; null for a first passage
      "author": "you",       or "model"
      "text": "Once upon a time",
      "model": "",           what told it; "" for yours
      "settings": "",        the sampler settings, voice and strength, as JSON; "" for yours
      "created": 1764460801.0,
      "ids": "",             the tokens that the model chose, as numbers with commas; this and what follows since
                             version 2
      "edited_from": null,   the `id` of the passage of which this one is an edited version
      "name": "",            of the branch
      "marked": false,
      "pruned": false        left out of the map, but kept
    }
  ]
}
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from storytime_tui.errors import StoryError
from storytime_tui.stories.export.story_text import Exported
from storytime_tui.stories.whole import Node, Tree

FORMAT = "storytime-story"
VERSION = 2
_FIRST_FIELDS = (
    "id",
    "parent",
    "author",
    "text",
    "model",
    "settings",
    "created",
)  # of a passage of version 1
_TOKENS = re.compile(r"(?:[0-9]{1,9}(?:,[0-9]{1,9})*)?")
_LATEST = 253_370_764_800  # seconds: the year 9999, the last that dates can be written for


def tree_json(story: Exported) -> bytes:
    """The whole tree."""
    tree = story.tree
    passages = [
        {
            "id": at + 1,
            **vars(node),
            "parent": _id_at(node.parent),
            "edited_from": _id_at(node.edited_from),
        }
        for at, node in enumerate(tree.nodes)
    ]
    record = {
        "format": FORMAT,
        "version": VERSION,
        "title": tree.title,
        "draft": tree.draft,
        "created": tree.created,
        "changed": tree.changed,
        "head": _id_at(tree.head),
        "steering": tree.steering,
        "passages": passages,
    }
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def _id_at(index: int | None) -> int | None:
    return None if index is None else index + 1


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
    if not _is_whole(version) or version < 1:
        raise StoryError(f"{name} is damaged: its version is not a number from 1 on.")
    passages = record.get("passages")
    if not isinstance(passages, list):
        raise StoryError(f"{name} is damaged: it has no list of passages.")
    ids = [_id_of(passage, at, name) for at, passage in enumerate(passages, 1)]
    index = {id: at for at, id in enumerate(ids)}
    if len(index) < len(ids):
        twice = next(id for at, id in enumerate(ids) if index[id] != at)
        raise StoryError(f"{name} is damaged: two of its passages have the id {_short(twice)}.")
    if version == 1:  # what it had no fields for is left out
        passages = [{name: passage.get(name) for name in _FIRST_FIELDS} for passage in passages]
    nodes = tuple(_node(passage, index, name) for passage in passages)
    if (inside := _in_a_circle([node.parent for node in nodes])) is not None:
        raise StoryError(
            f"{name} is damaged: passage {_short(ids[inside])} comes before itself, in a circle of parents."
        )
    if (inside := _in_a_circle([node.edited_from for node in nodes])) is not None:
        raise StoryError(f"{name} is damaged: passage {_short(ids[inside])} is an edited version of itself.")
    of_story = f"the story of {name}"
    return Tree(
        _text(record, "title", of_story),
        _text(record, "draft", of_story),
        _time(record, "created", of_story),
        _time(record, "changed", of_story),
        _reference(record, "head", index, of_story),
        nodes,
        "" if version == 1 else _text(record, "steering", of_story),
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
        _tokens(passage, what),
        _reference(passage, "edited_from", index, what),
        _text(passage, "name", what),
        _flag(passage, "marked", what),
        _flag(passage, "pruned", what),
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


def _tokens(record: dict[str, Any], what: str) -> str:
    tokens = _text(record, "ids", what)
    if not _TOKENS.fullmatch(tokens):
        raise StoryError(f"The ids of {what} are {_short(tokens)}, not numbers with commas.")
    return tokens


def _flag(record: dict[str, Any], field: str, what: str) -> bool:
    value = record.get(field, False)
    if not isinstance(value, bool):
        raise StoryError(f"“{field}” of {what} is {_short(value)}: it must be true or false.")
    return value


def _time(record: dict[str, Any], field: str, what: str) -> float:
    value: Any = record.get(field)
    if type(value) not in (int, float) or not 0 <= value <= _LATEST:
        raise StoryError(
            f"The time “{field}” of {what} is {_short(value)}, not a number of seconds since 1970."
        )
    return float(value)


def _in_a_circle(before: Sequence[int | None]) -> int | None:
    """The index of a node that leads to itself, if any. Takes time linear in the number of nodes."""
    ends = [False] * len(before)  # known to lead to an end
    for start in range(len(before)):
        at: int | None = start
        path: dict[int, None] = {}
        while at is not None and not ends[at]:
            if at in path:
                return at
            path[at] = None
            at = before[at]
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
