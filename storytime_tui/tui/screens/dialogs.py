"""Small questions over a screen: one line of text, or one of a list."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from storytime_tui.terminal import printable_line
from storytime_tui.tui.sheets import Sheet
from storytime_tui.tui.widgets.sheet_view import SheetView


class AskScreen(ModalScreen[str | None]):
    """Asks for one line of text; None when it is left with Escape."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel", id="ask.cancel", tooltip="Leave without an answer")
    ]

    def __init__(self, title: str, explanation: str, *, value: str = "", placeholder: str = "") -> None:
        super().__init__()
        self._title, self._explanation = title, explanation
        self._value, self._placeholder = value, placeholder

    def compose(self) -> ComposeResult:
        """A title, a word of explanation, the line."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            yield Static(Content(self._explanation), classes="dialog--note")
            yield Input(self._value, placeholder=self._placeholder, compact=True)
            yield Static(Content("enter goes on · escape leaves"), classes="dialog--keys")

    @on(Input.Submitted)
    def _answer(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


@dataclass(frozen=True)
class Row:
    """One line to choose: what is given back, and what is shown."""

    value: str
    title: str
    note: str = ""


class ChooseScreen(ModalScreen[str | None]):
    """Asks for one of a list; None when it is left with Escape."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel", id="choose.cancel", tooltip="Leave without choosing")
    ]

    def __init__(self, title: str, rows: Sequence[Row], chosen: str = "") -> None:
        super().__init__()
        self._title, self._rows, self._chosen = title, list(rows), chosen

    def compose(self) -> ComposeResult:
        """A title and the list."""
        width = min(30, max((len(row.title) for row in self._rows), default=0))
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            yield OptionList(*(Option(_line(row, width)) for row in self._rows), compact=True)
            yield Static(Content("enter chooses · escape leaves"), classes="dialog--keys")

    def on_mount(self) -> None:
        """Begin at what is chosen now."""
        places = [i for i, row in enumerate(self._rows) if row.value == self._chosen]
        self.query_one(OptionList).highlighted = places[0] if places else 0 if self._rows else None

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._rows[event.option_index].value)


class ListScreen(ModalScreen[bool]):
    """Shows sentences or names in full, as many as there are: True when it is left with Enter."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("enter", "dismiss(True)", "Go on", id="list.enter", tooltip="Go on"),
        Binding("escape", "dismiss(False)", "Close", id="list.close", tooltip="Leave"),
    ]

    def __init__(self, title: str, lines: Sequence[str], keys: str) -> None:
        super().__init__()
        self._title, self._lines, self._keys = title, lines, keys

    def compose(self) -> ComposeResult:
        """A title and the lines."""
        with Vertical(classes="dialog"):
            yield Static(Content(printable_line(self._title)), classes="dialog--title")
            yield SheetView(id="lines")
            yield Static(Content(self._keys), classes="dialog--keys")

    def on_resize(self) -> None:
        """Lay the lines out in the room there is."""
        self.call_after_refresh(self._lay)

    def _lay(self) -> None:
        view = self.query_one(SheetView)
        sheet = Sheet(max(1, view.room))
        for line in self._lines:
            sheet.add(printable_line(line))
        view.styles.height = max(1, min(len(sheet.lines), self.size.height - 10))
        view.lay(sheet)


def _line(row: Row, width: int) -> Content:
    title = printable_line(row.title).ljust(width)
    return Content.assemble(Content(title), ("  " + printable_line(row.note), "$quiet"))


class LeavingScreen(ModalScreen[None]):
    """Says what is waited for before the app closes."""

    CSS_PATH = "dialogs.tcss"

    def __init__(self, *, words: bool = False) -> None:
        """`words`: what was written is waited for, not a run's checkpoint."""
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        """What is waited for, and what leaving at once would cost."""
        what = "your last words" if self._words else "the checkpoint"
        when = "they are on the disk" if self._words else "it is whole"
        cost = "without them" if self._words else "with the checkpoint before this one"
        with Vertical(classes="dialog"):
            yield Static(Content(f"Saving {what}…"), classes="dialog--title")
            yield Static(Content(f"Storytime closes as soon as {when}."))
            yield Static(Content(f"ctrl+q again leaves at once, {cost}"), classes="dialog--keys")
