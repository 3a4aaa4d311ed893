"""Small questions over a screen: one line of text, or one of a list."""

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from storytime_tui.terminal import printable, printable_line
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.sheets import Sheet
from storytime_tui.tui.widgets.choice_list import ChoiceList, Row
from storytime_tui.tui.widgets.sheet_view import SheetView
from storytime_tui.tui.widgets.trouble import Trouble

__all__ = ["AskScreen", "ChooseScreen", "LeavingScreen", "ListScreen", "Row"]

CHOOSES = "enter chooses · escape leaves"


class AskScreen(ModalScreen[str | None]):
    """Asks for one line of text; None when it is left with Escape.

    `check`, where it is given, says in a sentence what is wrong with an answer, which then stays to be mended.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel", id="ask.cancel", tooltip="Leave without an answer")
    ]

    def __init__(
        self,
        title: str,
        explanation: str,
        *,
        value: str = "",
        placeholder: str = "",
        check: Callable[[str], str] = lambda answer: "",
    ) -> None:
        super().__init__()
        self._check = check
        self._title, self._explanation = title, explanation
        self._value, self._placeholder = value, placeholder

    def compose(self) -> ComposeResult:
        """A title, a word of explanation, the line."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            yield Static(Content(self._explanation), classes="dialog--note")
            yield Input(self._value, placeholder=self._placeholder, compact=True)
            yield Trouble(id="ask-trouble")
            yield Static(Content("enter goes on · escape leaves"), classes="dialog--keys")

    @on(Input.Submitted)
    def _answer(self, event: Input.Submitted) -> None:
        wrong = self._check(event.value)
        self.query_one(Trouble).say(wrong)
        if not wrong:
            self.dismiss(event.value)


_PAINTED = 0.15  # seconds, after which a dialog has been painted


class ChooseScreen(ModalScreen[str | None]):
    """Asks for one of a list; None when it is left with Escape.

    `find`, where it is given, blocks and gives the rows anew: the dialog is open with `rows` by then. It may raise
    StorytimeError, which is said.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("escape", "dismiss(None)", "Cancel", id="choose.cancel", tooltip="Leave without choosing")
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
        self._title, self._rows, self._chosen = title, list(rows), chosen
        self._find, self._nothing = find, nothing

    def compose(self) -> ComposeResult:
        """A title and the list."""
        note = "looking…" if self._find is not None and not self._rows else ""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            yield ChoiceList(self._rows, self._chosen, id="choices")
            yield Static(Content(note or CHOOSES), id="choose-keys", classes="dialog--keys")

    def on_mount(self) -> None:
        """Look for the rows; where some are known already, once these are painted: reading takes from that time."""
        if self._find is not None:
            if self._rows:
                self.set_timer(_PAINTED, self._begin)
            else:
                self._begin()

    def _begin(self) -> None:
        if self._find is not None:
            self.run_worker(self._look(self._find))

    async def _look(self, find: Callable[[], Sequence[Row]]) -> None:
        rows: Sequence[Row] = ()
        said = ""
        try:
            rows = await in_thread(find)
        except Exception as error:
            said = sentence_of(error)
        choices = self.query_one(ChoiceList)
        if said or not rows:
            self.query_one("#choose-keys", Static).update(Content(printable(said or self._nothing)))
        else:
            at = choices.rows[choices.cursor].value if choices.rows else self._chosen
            choices.show(rows, at)
            self.query_one("#choose-keys", Static).update(Content(CHOOSES))

    @on(ChoiceList.Chosen)
    def _choose(self, event: ChoiceList.Chosen) -> None:
        self.dismiss(event.row.value)


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
