"""Small dialogs over a screen: a line of text to type, a list to choose from, a list to read."""

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.cells import shortened, wrapped
from storytime_tui.tui.sheets import Sheet
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.choice_list import ChoiceList, Row
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.sheet_view import SheetView

__all__ = ["AskScreen", "ChooseScreen", "LeavingScreen", "ListScreen", "Row"]

_PAINTED = 0.15  # seconds after which a dialog has been painted
_MOST = 12  # lines of a list
_WIDTH = 76  # cells of a dialog, frame included, or 94 % of a narrower screen; see dialogs.tcss
_WIDE = 110  # of one whose lines have columns
_FRAME = 6  # cells of a dialog's width that are no text
_AROUND = 8  # lines of a dialog around its list: the frame, the title, the keys


def _room_in(screen: int, dialog: int) -> int:
    """The width of a dialog's lines before its scroll bar, on a screen this wide."""
    return min(dialog, screen * 94 // 100) - _FRAME - 1


class AskScreen(StyledOnce, ModalScreen[str | None]):
    """Asks for one line of text; gives None when it is cancelled.

    `enter` names what the Enter key does. `check`, if given, returns a sentence on what is wrong with an answer, or
    ""; a wrong answer stays in the field to be corrected. `attempt`, if given, is called with the answer in a thread;
    if it raises, the answer stays as well, and the message line says why.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel", id="ask.cancel", tooltip="Close without an answer")
    ]

    def __init__(
        self,
        title: str,
        explanation: str,
        *,
        enter: str = "OK",
        value: str = "",
        placeholder: str = "",
        check: Callable[[str], str] = lambda answer: "",
        attempt: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__()
        self._title, self._explanation, self._enter = title, explanation, enter
        self._value, self._placeholder = value, placeholder
        self._check, self._attempt = check, attempt
        self._attempting = False

    def compose(self) -> ComposeResult:
        """A title, an explanation, the field."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            yield Static(Content(self._explanation), classes="dialog--note")
            yield Input(self._value, placeholder=self._placeholder, compact=True)
            yield MessageLine()
            yield KeyLine(words={"submit": self._enter}.get)

    @on(Input.Submitted)
    def _answer(self, event: Input.Submitted) -> None:
        wrong = self._check(event.value)
        self.query_one(MessageLine).complain(wrong)
        if wrong or self._attempting:
            return
        if self._attempt is None:
            self.dismiss(event.value)
        else:
            self._attempting = True
            self.run_worker(self._try(self._attempt, event.value))

    async def _try(self, attempt: Callable[[str], object], answer: str) -> None:
        try:
            await in_thread(lambda: attempt(answer))
        except Exception as error:
            self.query_one(MessageLine).complain(sentence_of(error))
        else:
            self.dismiss(answer)
        finally:
            self._attempting = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """An attempt cannot be cancelled: what it changes must be shown."""
        return not (action == "dismiss" and self._attempting)


class ChooseScreen(StyledOnce, ModalScreen[str | None]):
    """Asks for one row of a list, and gives its value; None when it is cancelled.

    If the list has to cut a row, the note of the row under the cursor stands whole below the list.

    `find`, if given, is called in a thread after the dialog is open, and returns the rows that replace the first
    ones. If it raises, the message line says why. `nothing` is said when there are no rows.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel", id="choose.cancel", tooltip="Close without choosing")
    ]

    def __init__(
        self,
        title: str,
        rows: Sequence[Row],
        chosen: str = "",
        *,
        find: Callable[[], Sequence[Row]] | None = None,
        nothing: str = "There is nothing to choose.",
    ) -> None:
        super().__init__()
        self._title, self._find, self._nothing = title, find, nothing
        self._chosen = chosen
        self._choices = ChoiceList(rows, chosen, id="choices")
        self._note = Static(id="choice-note", markup=False)

    def compose(self) -> ComposeResult:
        """A title, the list, and the note of the row under the cursor."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            yield self._choices
            yield self._note
            yield MessageLine()
            yield KeyLine(
                shows=lambda action: action != "choose" or bool(self._choices.rows),
                words={"choose": "Choose"}.get,
            )

    def on_mount(self) -> None:
        """Look for the rows. Known rows are painted first, because the search would delay them."""
        self._lay()  # before the first paint, which would show another height
        if self._find is None:
            return
        if self._choices.rows:
            self.set_timer(_PAINTED, self._look)
        else:
            self.query_one(MessageLine).say("Looking…")
            self._look()

    def _look(self) -> None:
        if self._find is not None:
            self.run_worker(self._look_with(self._find))

    async def _look_with(self, find: Callable[[], Sequence[Row]]) -> None:
        message = self.query_one(MessageLine)
        try:
            rows = await in_thread(find)
        except Exception as error:
            message.complain(sentence_of(error))
            return
        message.say("" if rows else self._nothing)
        if rows:
            known = self._choices.rows
            at = known[self._choices.cursor].value if known else self._chosen
            self._choices.show(rows, at)
            self.refresh_bindings()
        self._lay()

    def on_resize(self) -> None:
        """Divide the room between the list and the note."""
        self._lay()

    def _lay(self) -> None:
        choices, room, lines = self._choices, self._room, self.app.size.height * 9 // 10 - _AROUND
        rows = range(len(choices.rows))
        tallest = 0
        if any(choices.cuts(row, room) for row in rows):
            # as many lines for every row, so that nothing moves with the cursor
            tallest = max(len(list(wrapped(choices.in_full(row, room), room - 1))) for row in rows)
            tallest = min(tallest, max(1, lines // 2))
            lines -= tallest + 1
        self._note.display = bool(tallest)
        self._note.styles.height = tallest
        lines -= self.query_one(MessageLine).get_content_height(self.app.size, self.app.size, room)
        choices.styles.height = max(1, min(len(choices.rows), _MOST, lines))
        self._show_note()

    @property
    def _room(self) -> int:
        """The width of the list's lines; they end before its scroll bar."""
        return _room_in(self.app.size.width, _WIDTH)

    @on(ChoiceList.Moved)
    def _show_note(self) -> None:
        if not self._note.display:
            return
        height = self._note.styles.height
        most, width = int(height.value) if height is not None else 1, self._room - 1
        lines = list(wrapped(self._choices.in_full(self._choices.cursor, self._room), width))
        if len(lines) > most:
            lines[most - 1 :] = [shortened(" ".join(lines[most - 1 :]), width)]
        self._note.update(Content("\n".join(lines)))

    @on(ChoiceList.Chosen)
    def _choose(self, event: ChoiceList.Chosen) -> None:
        self.dismiss(event.row.value)


class ListScreen(StyledOnce, ModalScreen[bool]):
    """Shows sentences, names or rows in full, any number of them; gives True when it is closed with Enter.

    `enter` names what the Enter key does; without it there is nothing to decide, and the dialog is only closed.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("enter", "dismiss(True)", "Close", show=False, id="list.enter", tooltip="Close"),
        Binding("escape", "dismiss(False)", "Cancel", id="list.close", tooltip="Close"),
    ]

    def __init__(
        self, title: str, lines: Sequence[str] | Sequence[tuple[str, ...]], *, enter: str = ""
    ) -> None:
        """`lines`: texts, or rows with as many columns each, which are aligned."""
        super().__init__()
        self._title, self._lines = title, lines
        self.set_class(bool(lines) and not isinstance(lines[0], str), "-columns")
        self._words = {"scroll_down": "Scroll"} | (
            {"dismiss(True)": enter} if enter else {"dismiss(False)": "Close"}
        )
        self._view = SheetView(id="lines")

    def compose(self) -> ComposeResult:
        """A title and the lines."""
        with Vertical(classes="dialog"):
            yield Static(Content(printable_line(self._title)), classes="dialog--title")
            yield self._view
            yield KeyLine(shows=self._is_of_use, words=self._words.get)

    def _is_of_use(self, action: str) -> bool:
        return action != "scroll_down" or len(self._view.sheet.lines) > self._most

    @property
    def _most(self) -> int:
        """The lines that fit into the window."""
        return max(1, self.app.size.height * 9 // 10 - _AROUND)

    def on_mount(self) -> None:
        """Wrap the lines before the first paint, which would show another height."""
        self._lay(_room_in(self.app.size.width, _WIDE if self.has_class("-columns") else _WIDTH))

    def on_resize(self) -> None:
        """Wrap the lines for this width."""
        self.call_after_refresh(lambda: self._lay(self._view.room))

    def _lay(self, room: int) -> None:
        sheet = Sheet(max(1, room))
        rows = [tuple(map(printable_line, line)) for line in self._lines if not isinstance(line, str)]
        if rows:
            sheet.add_rows(rows)
        for line in self._lines:
            if isinstance(line, str):
                sheet.add(printable_line(line))
        self._view.styles.height = max(1, min(len(sheet.lines), self._most))
        self._view.lay(sheet)
        self.refresh_bindings()


class LeavingScreen(StyledOnce, ModalScreen[None]):
    """Says what is being saved before the app closes."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("ctrl+q", "app.quit", "Close at once", id="leaving.quit", tooltip="Close without saving this")
    ]

    def __init__(self, *, words: bool = False) -> None:
        """`words`: what you wrote is being saved, not a run's checkpoint."""
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        """What is being saved, and what closing at once would lose."""
        what = "your last words" if self._words else "the checkpoint"
        when = "they are on the disk" if self._words else "it is complete"
        loss = "loses them" if self._words else "keeps only the checkpoint before this one"
        with Vertical(classes="dialog"):
            yield Static(Content(f"Saving {what}…"), classes="dialog--title")
            yield Static(Content(f"Storytime closes as soon as {when}. Closing at once {loss}."))
            yield KeyLine()
