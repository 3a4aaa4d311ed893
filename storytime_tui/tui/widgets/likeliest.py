"""The ten likeliest tokens at a place of a passage, with bars; those that the sampler would never draw are faint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from storytime_tui.terminal import printable, printable_line
from storytime_tui.tui.cells import fitted

if TYPE_CHECKING:
    from storytime_tui.jobs.readings import Chance, Chances

_EIGHTHS = " ▏▎▍▌▋▊▉"
_TEXT = 14  # cells of a token
_PERCENT = 7  # cells
_TWO = 60  # cells; in a wider place that is not high, ten rows stand in two columns
END = "(end)"  # of the text


def visible_token(text: str) -> str:
    """A token on one line, with its white space as visible signs, as `explain` prints it."""
    marked = printable(text.replace("\n", "␊").replace("\t", "␉"))
    return "".join("·" if sign.isspace() else sign for sign in marked) or END


def percent(share: float) -> str:
    """A probability: `41.2%`, `<0.1%`."""
    return f"{share:.1%}" if share >= 0.0005 or share == 0 else "<0.1%"


def bar(share: float, width: int) -> str:
    """A bar of at most `width` cells, exact to an eighth of a cell."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()).ljust(width)


def likeliest_lines(chances: Chances, width: int, rows: int) -> Content:
    """The likeliest tokens in lines of `width` cells; in two columns if `rows` are too few for one."""
    shown = list(chances.likeliest)
    columns = 2 if rows < len(shown) and width >= _TWO else 1
    high = min(rows, -(-len(shown) // columns))
    room = (width - 3 * (columns - 1)) // columns
    lines: list[Content] = []
    for row in range(high):
        parts = [
            _row(shown[at], chances.actual, room)
            for column in range(columns)
            if (at := row + column * high) < len(shown)
        ]
        lines.append(Content("   ").join(parts))
    return Content("\n").join(lines)


def _row(chance: Chance, actual: Chance, width: int) -> Content:
    here = chance.text == actual.text
    cut = chance.drawn == 0
    share = chance.own if cut else chance.drawn
    wide = max(4, width - _TEXT - _PERCENT - 4)
    text = fitted(visible_token(chance.text), _TEXT)
    bars, number = bar(share, wide), percent(share).rjust(_PERCENT)
    mark = "▸ " if here else "  "
    if cut:
        faint = f"{text} {('░' * round(share * wide)).ljust(wide)} {number}"
        return Content.assemble((mark, "$primary"), (faint, "$quiet dim"))
    return Content.assemble(
        (mark, "$primary"), (f"{text} ", "bold" if here else ""), (bars, "$told"), f" {number}"
    )


class Likeliest(Static):
    """Shows the likeliest tokens of one model."""

    DEFAULT_CSS = """
    Likeliest { border-top: solid $line; border-title-color: $quiet; padding: 0 1; }
    Likeliest.-chosen { border-title-color: $foreground; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._chances: Chances | None = None

    def show(self, title: str, chances: Chances | None) -> None:
        """Show what could stand at a place; None shows nothing yet."""
        kept = f" · {chances.kept:,} of {chances.vocabulary:,} can be drawn" if chances else ""
        self.border_title = Content(printable_line(title + kept))
        self._chances = chances
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def _draw(self) -> None:
        size = self.content_size
        if self._chances is None or size.width < 1:
            self.update(Content(""), layout=False)
            return
        self.update(likeliest_lines(self._chances, size.width, size.height), layout=False)
