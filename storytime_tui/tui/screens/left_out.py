"""What the files of a collection hold that is in none of its stories: to look at beside the text, and to put back."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable, printable_line
from storytime_tui.tui import breakpoints
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.sheets import Sheet, width_in
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.part_list import PartList
from storytime_tui.tui.widgets.sheet_view import SheetView
from storytime_tui.tui.wording import clipped, count

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.left_out import LeftOutPart

_SHOWN = 20_000  # characters of a part
_ABOVE = 4  # lines above the part


class LeftOutScreen(StyledOnce, ModalScreen[None]):
    """The parts on one side, the file's text around one of them on the other."""

    CSS_PATH = "left_out.tcss"
    HORIZONTAL_BREAKPOINTS = breakpoints.WIDTHS
    AUTO_FOCUS = "#part-list"
    BINDINGS = [
        Binding("p", "put_back", "Put back", id="left_out.put_back", tooltip="Make a story of this part"),
        Binding("u", "undo", "Undo", id="left_out.undo", tooltip="Leave out what was put back last"),
        Binding("escape,o", "dismiss(None)", "Close", id="left_out.close", tooltip="Back to the Library"),
    ]

    def __init__(
        self, desk: Desk, collection: Collection, read_shelf: Callable[[str | None], Awaitable[None]]
    ) -> None:
        """`read_shelf(None)` reads the shelf again."""
        super().__init__()
        self._desk, self._collection, self._read_shelf = desk, collection, read_shelf
        self._put_back: list[tuple[str, str]] = []  # files and places, the last one at the end
        self._list = PartList(id="part-list")
        self._text = SheetView(id="part-text")
        self._message = MessageLine()

    def compose(self) -> ComposeResult:
        """The parts, the text around the one under the cursor, messages and keys."""
        with Vertical(id="left-out"):
            yield Static(id="left-out-title", markup=False)
            with Container(id="left-out-panes"):
                yield self._list
                yield self._text
            yield self._message
            yield KeyLine(words={"dismiss(None)": "Close"}.get)

    def on_mount(self) -> None:
        """Read the parts."""
        self._message.say("Reading the files…")
        self._read(0)

    @work(exclusive=True)
    async def _read(self, cursor: int, say: str = "") -> None:
        collection = self._collection
        parts: tuple[LeftOutPart, ...] = ()
        with self._message.saying():
            parts = tuple(await in_thread(lambda: self._desk.services.left_out(collection)))
            self._message.say(say)
        words, kept = (sum(getattr(each, name) for each in collection.accounts) for name in ("words", "kept"))
        title = printable_line(clipped(collection.title, 60))
        left = f"{words - kept:,} of {count(words, 'word')} left out" if parts else "nothing is left out"
        self.query_one("#left-out-title", Static).update(Content(f"{title} · {left}"))
        self._list.show(parts, cursor)
        self.refresh_bindings()

    @on(LineList.Moved)
    def _show_part(self) -> None:
        part, room = self._list.row, self._text.room
        if room <= 0:
            self.call_after_refresh(self._show_part)  # not laid out yet
        elif part is None:
            self._text.lay(_sheet_of_nothing(room))
        else:
            sheet, row = sheet_of(part, room)
            self._text.lay(sheet)
            self._text.jump(max(0, row - _ABOVE))

    def on_resize(self) -> None:
        """Lay out the text for the new width."""
        self.call_after_refresh(self._show_part)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys work now."""
        if action == "put_back":
            return self._list.row is not None
        return action != "undo" or bool(self._put_back)

    @work(group="change")
    async def action_put_back(self) -> None:
        """Make a story of the part under the cursor."""
        part = self._list.row
        if part is None:
            return
        place = part.file, part.omitted.place
        if await self._change(lambda: self._desk.services.put_back(self._collection, *place)):
            self._put_back.append(place)
            words = count(part.omitted.words, "word")
            self._read(
                self._list.cursor, f"{part.omitted.place}, {words}, is a story now. u leaves it out again."
            )

    @work(group="change")
    async def action_undo(self) -> None:
        """Leave out again what was put back last."""
        if not self._put_back:
            return
        place = self._put_back[-1]
        if await self._change(lambda: self._desk.services.leave_out(self._collection, *place)):
            self._put_back.pop()
            self._read(self._list.cursor, f"{place[1]} is left out again.")

    async def _change(self, change: Callable[[], None]) -> bool:
        """Make the change and read the shelf again; whether it was made."""
        done = False
        with self._message.saying():
            await in_thread(change)
            await self._read_shelf(None)
            done = True
        found = [each for each in self._desk.collections if each.name == self._collection.name]
        self._collection = found[0] if found else self._collection
        return done


def sheet_of(part: LeftOutPart, room: int) -> tuple[Sheet, int]:
    """A part and the file's text around it, which is quiet; and the row on which the part begins."""
    sheet = Sheet(width_in(room))
    before = _with_single_blank_lines(part.before).rstrip("\n")
    if before:
        sheet.add(printable(before), "quiet")
        sheet.add("")
    row = len(sheet.lines)
    text = _with_single_blank_lines(part.text.strip("\n"))
    sheet.add(printable(text[:_SHOWN]) or "(no text)", "heading" if part.asked else "title")
    if len(text) > _SHOWN:
        sheet.add(f"… and {len(text) - _SHOWN:,} more characters", "quiet")
    if after := _with_single_blank_lines(part.after).strip("\n"):
        sheet.add("")
        sheet.add(printable(after), "quiet")
    return sheet, row


def _with_single_blank_lines(text: str) -> str:
    return re.sub("\n\\s*\n", "\n\n", text)


def _sheet_of_nothing(room: int) -> Sheet:
    sheet = Sheet(width_in(room))
    sheet.add(
        f"Every word of the files is in one of the stories. {own_key('left_out.close', 'Escape')} goes back to them.",
        "quiet",
    )
    return sheet
