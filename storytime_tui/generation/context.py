"""Which part of a story the model sees if not all of it fits the window. Knows no torch.

    [end of text] [shelf's line] [memory] [the story's newest part, starting at a line break if one is near]
    [author's note] [last lines]

The start of the view depends on the story alone and moves in blocks. A growing story keeps the same view, and
thus its key-value cache, for a quarter of the window; then a whole block is dropped at once. GPT-2's learned
positions cannot slide, so after a move everything has to be prefilled again. This costs about three prefilled
tokens per generated one, however long the story is; a view that moved with every token would cost a whole window.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

NOTE_DEPTH = 48  # tokens of the story after the author's note, unless another depth is given: a few lines
_BLOCKS = 4  # the story's room has this many blocks; one is dropped at a time

IsBreak = Callable[[int], bool]


@dataclass(frozen=True)
class View:
    """The model's input: `ids`, and the part of the story in it.

    The story's tokens from index `begins` on are in view, `note_at` of them before the author's note (None
    without a note). `memory` counts the memory's tokens in view, `memory_left_out` those cut off, since the
    memory may take at most half of the window; likewise the note, at most a quarter. `voice` counts the tokens of
    the shelf's line and the blank line after it, less than a quarter. `room` is the number of tokens that the
    story may take. `others` has the same view for each further shelf's line of a mixture.
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
    note_depth: int = NOTE_DEPTH,
) -> View:
    """The view of a story's ids, at most `window` tokens. `start` is the id of end-of-text.

    `lines` are the shelves' lines: one, or several for a mixture, which all get the same part of the story. The
    first `headers` tokens of the memory follow the line, then the `blank` line. `is_break(token)` says whether a
    view may begin after that token: a line or paragraph ends there. At least `note_depth` tokens of the story come
    after the note, if it has as many. A non-empty story always has a token in view,
    whatever the sizes of memory and note; a window of fewer than 4 tokens has room for the story only.
    """
    kept_memory = list(memory[: max(0, window // 2 - 1)])
    kept_note = list(note[: window // 4])
    if window < 4:
        kept_memory, kept_note = [], []
    # limits a line's length, so that every window has room for a token of the story
    longest = window // 4 - 1 - len(blank)
    kept_lines = [_shortened(line, longest) for line in lines] if longest > 0 else []
    line_room = max((len(line) + len(blank) for line in kept_lines), default=0)
    room = max(1, window - len(kept_memory) - len(kept_note) - line_room - 1)  # 1 for end-of-text
    begins = view_start(story, room, is_break)
    # A story follows end-of-text, as in training. A view that begins within a story has none, since a shelf's
    # line within a story had none before it in training (see `corpus.parts`).
    head = [start] if (begins == 0 or (kept_memory and not kept_lines)) and window > 1 else []
    tail = list(story[begins:])
    note_at = _note_index(tail, is_break, note_depth) if kept_note else None
    if note_at is not None:
        tail[note_at:note_at] = kept_note
    if kept_lines:
        kept_memory[headers:headers] = blank
    first, *others = [(*head, *line, *kept_memory, *tail) for line in kept_lines or [[]]]
    blank_tokens = len(blank) if kept_lines else 0
    return View(
        ids=first or (start,),
        begins=begins,
        memory=len(kept_memory) - blank_tokens,
        memory_left_out=len(memory) - len(kept_memory) + blank_tokens,
        note=len(kept_note),
        note_left_out=len(note) - len(kept_note),
        note_at=note_at,
        room=room,
        voice=len(kept_lines[0]) + blank_tokens if kept_lines else 0,
        others=tuple(others),
    )


def _shortened(line: Sequence[int], longest: int) -> list[int]:
    """At most `longest` tokens of a line, including its last one."""
    return list(line) if len(line) <= longest else [*line[: longest - 1], line[-1]]


def view_start(story: Sequence[int], room: int, is_break: IsBreak) -> int:
    """The index at which the visible part of a story begins: 0 while all of it fits into `room`.

    Otherwise a whole number of blocks is dropped, and then tokens up to the next break, if one is within half a
    block.
    """
    if len(story) <= room:
        return 0
    block = max(1, room // _BLOCKS)
    start = -(-(len(story) - room) // block) * block
    near = range(start, min(len(story) - 1, start + block // 2) + 1)
    return next((index for index in near if is_break(story[index - 1])), start)


def _note_index(tail: Sequence[int], is_break: IsBreak, depth: int) -> int:
    """How many tokens come before the note: up to the last break that leaves at least `depth` tokens after it."""
    last = max(0, len(tail) - depth)
    for index in range(last, max(0, last - 2 * max(depth, NOTE_DEPTH)), -1):
        if is_break(tail[index - 1]):
            return index
    return last
