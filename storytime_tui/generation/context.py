"""What of a story the model sees when not all of it fits its window. Knows no torch.

    [end of text] [shelf's line] [memory] [the story's newest part, cut where a backend could begin]
    [author's note] [last lines]

Where the view begins depends on the story alone and moves in blocks: a story that grows keeps the same view, and
so what was computed of it, for a quarter of the window, and then leaves a block behind at once. (Learned positions
cannot slide: whatever begins elsewhere has to be read again. So each word told costs about three read again,
however long the story is, where a view that moved with every word would cost a whole window.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

NOTE_DEPTH = 48  # tokens of the story that stay behind the author's note: a few lines
_BLOCK = 4  # parts of the room for the story: one of them is left behind at a time

IsBreak = Callable[[int], bool]


@dataclass(frozen=True)
class View:
    """What the model sees: `ids`, at most `room` of them, and which part of the story that is.

    The story's tokens from `begins` on are in view, `note_at` of them before the author's note (None where there
    is none). `memory` counts the tokens of the memory that are in view, `memory_left_out` those that are not,
    since it may take half of the window at most; the same for the note, of which a quarter is the most.
    `voice` counts those of the shelf's line and of the blank line behind it: somewhat less than a quarter at most.
    `others`: the same view behind each further line.
    """

    ids: tuple[int, ...]
    begins: int
    memory: int = 0
    memory_left_out: int = 0
    note: int = 0
    note_left_out: int = 0
    note_at: int | None = None
    room: int = 0
    voice: int = 0
    others: tuple[tuple[int, ...], ...] = ()


def lay_out(
    story: Sequence[int],
    window: int,
    is_break: IsBreak,
    *,
    start: int,
    memory: Sequence[int] = (),
    note: Sequence[int] = (),
    lines: Sequence[Sequence[int]] = (),
    blank: Sequence[int] = (),
    headers: int = 0,
) -> View:
    """The view of a story's ids, at most `window` of them. `start` is the end-of-text's id.

    `lines` are shelves' lines: one, or those of a mixture, which see the same part of the story. The memory's first
    `headers` tokens follow the line, and then comes the `blank` line.

    `is_break(token)` says whether a backend could begin after it: a line or a paragraph ends there. The story is
    never empty in view where it is not empty itself, however much memory and note there are; a window of fewer
    than 4 tokens has room for nothing beside it.
    """
    kept_memory = list(memory[: max(0, window // 2 - 1)])
    kept_note = list(note[: window // 4])
    if window < 4:
        kept_memory, kept_note = [], []
    longest = (
        window // 4 - 1 - len(blank)
    )  # of a line; so there is room for a token of the story in any window
    kept_lines = [_shortened(line, longest) for line in lines] if longest > 0 else []
    line_room = max((len(line) + len(blank) for line in kept_lines), default=0)
    room = max(1, window - len(kept_memory) - len(kept_note) - line_room - 1)  # the one is for end-of-text
    begins = beginning(story, room, is_break)
    # A story begins behind an end-of-text, as it did when the model learned. Its middle does not: a shelf's line that
    # stands in the middle of a story has none before it (see `corpus.parts`).
    head = [start] if (begins == 0 or (kept_memory and not kept_lines)) and window > 1 else []
    tail = list(story[begins:])
    note_at = _note_place(tail, is_break) if kept_note else None
    if note_at is not None:
        tail[note_at:note_at] = kept_note
    if kept_lines:
        kept_memory[headers:headers] = blank
    first, *others = [(*head, *line, *kept_memory, *tail) for line in kept_lines or [[]]]
    parting = len(blank) if kept_lines else 0
    return View(
        ids=first or (start,),
        begins=begins,
        memory=len(kept_memory) - parting,
        memory_left_out=len(memory) - len(kept_memory) + parting,
        note=len(kept_note),
        note_left_out=len(note) - len(kept_note),
        note_at=note_at,
        room=room,
        voice=len(kept_lines[0]) + parting if kept_lines else 0,
        others=tuple(others),
    )


def _shortened(line: Sequence[int], longest: int) -> list[int]:
    """At most so many tokens of a line, its end among them."""
    return list(line) if len(line) <= longest else [*line[: longest - 1], line[-1]]


def beginning(story: Sequence[int], room: int, is_break: IsBreak) -> int:
    """Where the part of a story that is seen begins: 0 while all of it fits into `room`.

    Otherwise a whole number of blocks is left behind, and what follows up to the next break, if there is one
    within half a block.
    """
    if len(story) <= room:
        return 0
    block = max(1, room // _BLOCK)
    start = -(-(len(story) - room) // block) * block
    near = range(start, min(len(story) - 1, start + block // 2) + 1)
    return next((place for place in near if is_break(story[place - 1])), start)


def _note_place(tail: Sequence[int], is_break: IsBreak) -> int:
    """How many tokens stand before the note: up to the last break that leaves NOTE_DEPTH of them behind it."""
    latest = max(0, len(tail) - NOTE_DEPTH)
    for place in range(latest, max(0, latest - 2 * NOTE_DEPTH), -1):
        if is_break(tail[place - 1]):
            return place
    return latest
