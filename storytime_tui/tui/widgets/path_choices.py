"""A short list of files and folders below a field, with a cursor once one moves in it."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from storytime_tui.formatting import count
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.path_completion import Entry

_ROOMY = 30  # lines of a terminal in which the list is longer
_SHORT, _LONG = 5, 10  # lines of the list


class PathChoices(Static):
    """Shows a few of the entries, and how many more there are. Hidden while there are none."""

    DEFAULT_CSS = "PathChoices { height: auto; display: none; color: $quiet; text-wrap: nowrap; }"

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._entries: Sequence[Entry] = ()
        self._at: int | None = None

    def show(self, entries: Sequence[Entry]) -> None:
        """Show these entries, none of them chosen."""
        self._entries, self._at = entries, None
        self.display = bool(entries)
        self._draw()

    def move(self, by: int) -> None:
        """Move the cursor; after the last entry comes the first."""
        if self._entries:
            start = -1 if by > 0 else len(self._entries)
            self._at = ((start if self._at is None else self._at) + by) % len(self._entries)
            self._draw()

    @property
    def chosen(self) -> Entry | None:
        """The entry under the cursor."""
        return None if self._at is None else self._entries[self._at]

    def on_resize(self) -> None:
        """Fit the names to the width."""
        self._draw()

    def _draw(self) -> None:
        most = _LONG if self.app.size.height >= _ROOMY else _SHORT
        top = max(0, min((self._at or 0) - most // 2, len(self._entries) - most))
        width = max(10, self.content_size.width or 60)
        lines: list[tuple[str, str]] = []
        for number, entry in enumerate(self._entries[top : top + most], top):
            look = "$block-cursor-foreground on $block-cursor-background" if number == self._at else ""
            lines += [(fitted(printable_line(entry.shown), width), look), ("\n", "")]
        left = len(self._entries) - most
        lines.append((f"and {count(left, 'more entry', 'more entries')}", "$quiet") if left > 0 else ("", ""))
        self.update(Content.assemble(*(lines if left > 0 else lines[:-2])))
