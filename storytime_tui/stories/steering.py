"""How a story is steered: its memory and the author's note, kept with the story.

The memory is always in the model's view, before the story. `Title`, `Characters` and `Tone` reach the model as the
header lines that stories have in training (see `corpus.headers`), so that a small model understands them.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from storytime_tui.corpus.headers import HEADERS, TONES
from storytime_tui.stories import rows
from storytime_tui.stories.story import Story, storable

if TYPE_CHECKING:  # SQLite is not needed before the first frame
    from storytime_tui.stories.store import StoryStore

NOTE_DEPTHS = {16: "near the end", 48: "a few lines back", 128: "a paragraph back"}  # in tokens
USUAL_DEPTH = 48
DEEPEST = 4096  # tokens
TONE_WORDS = tuple(TONES)  # the tones that the bundled collections are trained with


@dataclass(frozen=True)
class Steering:
    """`title`, `characters` and `tone`: a line each. `memory`: free text after them. `note_depth`: how many tokens of
    the story, at least, come after the author's note."""

    characters: str = ""
    title: str = ""
    tone: str = ""
    memory: str = ""
    note: str = ""
    note_depth: int = USUAL_DEPTH


def memory_text(steering: Steering) -> str:
    """The memory as a model reads it: header lines, a blank line, the free text. "" for an empty memory."""
    values = (steering.title, steering.characters, steering.tone)
    lines = [
        f"{name}: {line}\n"
        for name, value in zip(HEADERS, values, strict=True)
        if (line := " ".join(value.split()))
    ]
    rest = steering.memory.strip()
    return "".join([*lines, "\n" if lines and rest else "", rest])


class Handed(TypedDict):
    """Arguments of `Teller.tell` and `record_of`."""

    memory: str
    note: str
    note_depth: int


def handed(steering: Steering) -> Handed:
    """What a model is handed of a steering."""
    return {
        "memory": memory_text(steering),
        "note": steering.note.strip(),
        "note_depth": steering.note_depth,
    }


def to_json(steering: Steering) -> str:
    """The steering as JSON, without what is as usual; "" if all is."""
    usual = dataclasses.asdict(Steering())
    changed = {name: value for name, value in dataclasses.asdict(steering).items() if value != usual[name]}
    return json.dumps(changed, ensure_ascii=False) if changed else ""


def from_json(text: str) -> Steering:
    """The steering in a JSON object. Unknown keys and wrong values count as missing, as does a text that is no JSON."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return Steering()
    if not isinstance(values, dict):
        return Steering()
    texts = {
        field.name: value
        for field in dataclasses.fields(Steering)
        if field.name != "note_depth" and isinstance(value := values.get(field.name), str)
    }
    depth = values.get("note_depth")
    if not isinstance(depth, int) or isinstance(depth, bool) or not 0 <= depth <= DEEPEST:
        depth = USUAL_DEPTH
    return Steering(**texts, note_depth=depth)


def set_steering(store: StoryStore, story_id: int, steering: Steering) -> Story:
    """Keep a story's steering. Raises StoryError."""
    with store.writing() as db:
        rows.story_of(db, story_id, store.path)
        db.execute(
            "UPDATE story SET steering = ?, changed = ? WHERE id = ?",
            (storable(to_json(steering)), store.now(), story_id),
        )
        return rows.story_of(db, story_id, store.path)
