"""The guessing game: you, the base and the run guess the next words of a held-out passage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from storytime_tui.terminal import printable, printable_line
from storytime_tui.tui import breakpoints
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.learning_words import game_over, is_right, scores
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine

if TYPE_CHECKING:
    from storytime_tui.jobs.guesses import Round
    from storytime_tui.jobs.passages import Passage

_COLUMN = 18  # cells
_HIDDEN = " ______ …"


class GuessingScreen(StyledOnce, Screen[None]):
    """A word is guessed with Enter; then it is shown, with all guesses, and the next one is asked for."""

    CSS_PATH = "how_it_learns.tcss"
    VERTICAL_BREAKPOINTS = breakpoints.HEIGHTS
    AUTO_FOCUS = "#game-guess"
    help_topic = "learns"
    BINDINGS = [
        Binding(
            "n", "again", "New game", id="game.again", tooltip="Play on the passage of another held-out story"
        ),
        Binding("g", "terms", "Terms", id="game.terms", tooltip="What the terms mean"),
        Binding("escape", "app.pop_screen", "Back", id="game.back", tooltip="Back to the passage"),
    ]

    def __init__(
        self, desk: Desk, run: str, which: str, name: str, passages: Sequence[Passage], number: int
    ) -> None:
        """`which` and `name`: the run's checkpoint that plays; `number`: of the first passage."""
        super().__init__()
        self._desk, self._run, self._which, self._name = desk, run, which, name
        self._passages, self._number = passages, number
        self._rounds: Sequence[Round] = ()
        self._guesses: list[str] = []
        self._title = Static(id="game-title", markup=False)
        self._text = Static(markup=False)
        self._scroll = VerticalScroll(self._text, id="game-text", can_focus=False)
        self._table = Static(id="game-rounds", markup=False)
        self._outcome = Static(id="game-outcome", markup=False)
        self._field = Input(placeholder="the next word; empty: pass", id="game-guess", compact=True)
        self._message = MessageLine()

    def compose(self) -> ComposeResult:
        """The passage so far, the guesses, and the field."""
        yield Header(self._desk, "train")
        yield self._title
        yield self._scroll
        yield self._table
        yield self._field
        yield self._outcome
        yield self._message
        yield KeyLine(words={"submit": "Guess"}.get)

    def on_mount(self) -> None:
        """Make the first game."""
        self._begin()

    def _begin(self) -> None:
        self._rounds, self._guesses = (), []
        self._scroll.border_title = Content(printable_line(self._passages[self._number].title))
        self._message.say("The base and the run make their guesses…")
        self._show()
        self.run_worker(self._make(), exclusive=True)

    async def _make(self) -> None:
        make, passage = self._desk.services.learning.make_game, self._passages[self._number]
        try:
            self._rounds = await in_thread(partial(make, self._run, self._which, passage))
        except Exception as error:
            self._message.complain(sentence_of(error))
            return
        self._message.say(
            ""
            if self._rounds
            else f"This passage is too short for a game: {own_key('game.again', 'n')} takes another one."
        )
        self._show()
        self._field.focus()

    @property
    def _over(self) -> bool:
        return bool(self._rounds) and len(self._guesses) == len(self._rounds)

    def _show(self) -> None:
        total, played = len(self._rounds), len(self._guesses)
        number = f" · word {min(played + 1, total)} of {total}" if total else ""
        self._title.update(Content.assemble(("Guess the next word", "bold"), (number, "$quiet")))
        self._field.display = bool(total) and not self._over
        self._outcome.display = self._over
        if self._over:
            self._outcome.update(Content(game_over(self._rounds, self._guesses)))
        self._show_text()
        self._show_table()
        self.refresh_bindings()

    def _show_text(self) -> None:
        if not self._rounds:
            self._text.update(Content(""))
            return
        played = len(self._guesses)
        if self._over:
            last = self._rounds[-1]
            text = Content(printable(last.before + last.word)) + Content.styled(" …", "$quiet")
        else:
            text = Content.assemble(
                Content(printable(self._rounds[played].before.rstrip(" "))), (_HIDDEN, "bold $primary")
            )
        self._text.update(text)
        self._scroll.call_after_refresh(self._scroll.scroll_end, animate=False)

    def _show_table(self) -> None:
        you, base, run = scores(self._rounds, self._guesses)
        heads = ("the word", f"you: {you}", f"base: {base}", f"{self._name}: {run}")
        lines = [Content("").join(Content.styled(fitted(head, _COLUMN) + " ", "$quiet") for head in heads)]
        for each, guess in zip(self._rounds, self._guesses, strict=False):
            cells = [Content.styled(fitted(printable_line(each.word), _COLUMN) + " ", "bold")]
            for said in (guess, each.base, each.run):
                right = is_right(said, each.word)
                shown = fitted((printable_line(said) or "–") + (" ✓" if right else ""), _COLUMN) + " "
                cells.append(Content.styled(shown, "bold $primary" if right else ""))
            lines.append(Content("").join(cells))
        self._table.update(Content("\n").join(lines))

    @on(Input.Submitted)
    def _guess(self, event: Input.Submitted) -> None:
        if len(self._guesses) == len(self._rounds):
            return
        self._guesses.append(event.value.strip())
        self._field.value = ""
        self._show()
        if len(self._guesses) == len(self._rounds):
            self.set_focus(None)  # so that single keys work

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a guess is typed, letters are letters."""
        typing = bool(self._rounds) and not self._over
        return not typing if action in ("again", "terms") else True

    def action_again(self) -> None:
        """Play on the passage of the next held-out story."""
        self._number = (self._number + 1) % len(self._passages)
        self._begin()

    def action_terms(self) -> None:
        """Open the glossary."""
        from storytime_tui.tui.screens.glossary import GlossaryScreen

        self.app.push_screen(GlossaryScreen("probability"))
