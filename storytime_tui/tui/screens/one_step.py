"""One training step on one window: the loss of each token before and after it. Nothing is saved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui import breakpoints, wording
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.learning_words import model_name, moved_words, nearest_kept, token_words
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.likeliest import visible_token
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.passage_pair import PassagePair
from storytime_tui.tui.widgets.passage_view import SurpriseLegend

if TYPE_CHECKING:
    from storytime_tui.jobs.one_step import OneStep, TokenStep

_FELL = 36  # cells of one of the tokens that fell most


class OneStepScreen(StyledOnce, Screen[None]):
    """Takes a step with a copy of the model and shows the window before and after it."""

    CSS_PATH = "how_it_learns.tcss"
    VERTICAL_BREAKPOINTS = breakpoints.HEIGHTS
    AUTO_FOCUS = "#step-passages"
    help_topic = "learns"
    BINDINGS = [
        Binding(
            "o", "another", "Another window", id="step.another", tooltip="A window of another training story"
        ),
        Binding("g", "terms", "Terms", id="step.terms", tooltip="What the terms mean"),
        Binding("escape", "app.pop_screen", "Back", id="step.back", tooltip="Back to the passage"),
    ]

    def __init__(self, desk: Desk, run: str, which: str, name: str) -> None:
        """`which` and `name`: the run's model that takes the step."""
        super().__init__()
        self._desk, self._run, self._which, self._name = desk, run, which, name
        self._number = 0  # of the training story
        self._step: OneStep | None = None
        self._title = Static(id="step-title", markup=False)
        self._pair = PassagePair(id="step-passages")
        self._word = Static(id="step-word", markup=False)
        self._fell = Static(id="fell", markup=False)
        self._message = MessageLine()

    def compose(self) -> ComposeResult:
        """The window before and after, the token under the cursor, and what fell most."""
        yield Header(self._desk, "train")
        yield self._title
        yield self._pair
        yield SurpriseLegend()
        yield self._word
        yield self._fell
        yield self._message
        yield KeyLine()

    def on_mount(self) -> None:
        """Take the first step."""
        self._fell.border_title = "What fell most"
        self._begin()

    def on_resize(self) -> None:
        """Show as many tokens as there is room for."""
        self.call_after_refresh(self._show)

    def _begin(self) -> None:
        self._step = None
        self._pair.restart()
        self._show()
        self.run_worker(self._take(), exclusive=True)

    async def _take(self) -> None:
        take = self._desk.services.learning.one_step
        retried = False
        while self._step is None:
            try:
                self._step = await in_thread(partial(take, self._run, self._which, self._number))
            except Exception as error:
                if await self._move_to_kept():
                    continue
                if retried:
                    self._message.complain(sentence_of(error))
                    break
                retried = True  # the checkpoint may have been on its way out
        self._show()

    async def _move_to_kept(self) -> bool:
        """Take the nearest checkpoint in place of one that the trainer has deleted; whether it was deleted."""
        try:
            kept = await in_thread(partial(self._desk.services.learning.checkpoints, self._run))
        except Exception:
            return False  # the error of the step says more
        gone, self._which = self._which, nearest_kept(self._which, kept)
        if gone == self._which:
            return False
        self._name = model_name(self._which, kept)
        self._message.say(moved_words(gone, self._which))
        self._show()
        return True

    def _show(self) -> None:
        step = self._step
        self._pair.choose(1)
        self._title.update(self._words_of(step))
        if step is None:
            said = "" if self._message.error else "taking the step…"
            for side, title in enumerate(("before the step", "after the step")):
                self._pair.say(side, title, said)
            self._fell.update(Content(""))
            self._word.update(Content(""))
            return
        texts = tuple(token.text for token in step.tokens)
        counts = [token.counts for token in step.tokens]
        before, after = wording.number(step.before), wording.number(step.after)
        self._pair.show(
            0,
            f"before the step · mean loss {before} nats",
            texts,
            [token.before for token in step.tokens],
            counts,
        )
        self._pair.show(
            1,
            f"after the step · mean loss {after} nats",
            texts,
            [token.after for token in step.tokens],
            counts,
        )
        self._show_fell(step)
        self._show_word()

    def _words_of(self, step: OneStep | None) -> Content:
        story = f" on “{printable_line(step.story)}”" if step is not None else ""
        return Content.assemble(
            (f"One step from {self._name}", "bold"), story, (" · nothing is saved", "$quiet")
        )

    def _show_fell(self, step: OneStep) -> None:
        rate, norm = wording.rate(step.learning_rate), wording.number(step.gradient_norm, ".2f")
        self._fell.border_title = f"What fell most · learning rate {rate} · gradient norm {norm}"
        rows = max(1, self._fell.content_size.height)
        columns = max(1, self._fell.content_size.width // _FELL)
        counted = [token for token in step.tokens if token.counts and token.text.strip()]
        most = sorted(counted, key=lambda token: token.after - token.before)[: rows * columns]
        lines = []
        for row in range(min(rows, len(most))):
            lines.append("".join(_fall(token) for token in most[row::rows]))
        self._fell.update(Content("\n".join(lines)))

    @on(PassagePair.Moved)
    def _show_word(self) -> None:
        if self._step is None or not self._step.tokens:
            return
        place = self._pair.cursor
        token = self._step.tokens[place]
        words = token_words([each.text for each in self._step.tokens], place)
        figures = (
            f"loss {token.before:.3f} → {token.after:.3f} ({token.after - token.before:+.3f})"
            if token.counts
            else "the shelf's line: it is read, but not learned"
        )
        self._word.update(Content.assemble((printable_line(words), "bold $primary"), f"  {figures}"))

    def action_another(self) -> None:
        """Take the step on a window of the next training story."""
        self._number += 1
        self._message.clear()
        self._begin()

    def action_terms(self) -> None:
        """Open the glossary."""
        from storytime_tui.tui.screens.glossary import GlossaryScreen

        self.app.push_screen(GlossaryScreen("step"))


def _fall(token: TokenStep) -> str:
    """A token and its fall: `·umbrella  6.21 → 3.02  -3.19`."""
    figures = f"{token.before:6.2f} → {token.after:5.2f}  {token.after - token.before:+.2f}"
    return fitted(f"{fitted(visible_token(token.text), 12)} {figures}", _FELL)
