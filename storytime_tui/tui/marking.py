"""Marking text with the mouse, in views that draw their own lines: a drag may begin in the margin beside the text."""

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip


def with_margin(margin: int, line: Iterable[Segment], row: int, base: Style) -> Strip:
    """A line of text with cells before it. Textual takes cells that have no place for the line's end."""
    return Strip([Segment(" " * margin, base), *line]).apply_offsets(-margin, row)


def in_text(selection: Selection) -> Selection:
    """The marked range, where the margin before a line is the line's beginning."""
    start, end = (
        None if offset is None else Offset(max(0, offset.x), max(0, offset.y)) for offset in selection
    )
    return Selection(start, end)
