"""The model of the Story screen: choosing it, its strength, its voice, and its newest weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from storytime_tui.terminal import printable_line
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.screens import story_choices
from storytime_tui.tui.widgets.message_line import MessageLine


class ModelChoices:
    """Asks for a model and opens it once the current telling has ended."""

    def __init__(
        self,
        screen: Screen[None],
        desk: Desk,
        message: MessageLine,
        after_telling: Callable[[Callable[[], object]], object],
    ) -> None:
        self._screen, self._desk, self._message = screen, desk, message
        self._after_telling = after_telling

    def model(self) -> None:
        """Choose the model."""
        story_choices.offer_models(
            self._screen.app, self._desk, partial(self._reopen, self._desk.writing.choose)
        )

    def newest(self) -> None:
        """Tell with the newest weights of the run that trains."""
        if self._desk.writing.now.in_training:
            self._after_telling(self._desk.writing.open_newest)

    def strength(self) -> None:
        """Choose the strength."""
        chosen = partial(self._reopen, self._desk.writing.choose_strength)
        story_choices.offer_strengths(self._screen.app, self._desk, self._message, chosen)

    def voice(self) -> None:
        """Choose the voice for the next words."""
        story_choices.offer_voices(self._screen.app, self._desk, self._message)

    def say_if_gone(self, teller: str) -> None:
        """Say that the model which told a story is not here, and which one goes on with it."""
        here = {choice.name for choice in self._desk.writing.known_models}
        if teller and here and teller not in here and teller != self._desk.writing.now.model:
            now = printable_line(self._desk.writing.now.model)
            self._message.say(
                f"{printable_line(teller)}, which told this story, is not here: {now} goes on with it. "
                f"{own_key('prompt.leave', 'Escape')} and {own_key('story.model', 'm')} choose another."
            )

    def _reopen(self, choose: Callable[..., object], chosen: object) -> None:
        """Open another model or strength after the current telling."""

        def reopen() -> None:
            choose(chosen)
            self._desk.writing.open()

        self._message.clear()
        self._after_telling(reopen)
