"""Whose turn it is on the Story screen: your line is saved, then the model tells, then what was asked for runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from textual.screen import Screen

from storytime_tui.errors import StoryError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.stories.story import Added
from storytime_tui.tui import messages, wording
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.page_layout import BEING_TOLD
from storytime_tui.tui.telling_requests import HEAD
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.writing_status import WritingStatus
from storytime_tui.tui.writing import MOVED, Writing
from storytime_tui.tui.writing_session import Stage

READING = 240  # words a minute
GO_ON = 4  # tokens that the model tells at least where it is only asked to go on


@dataclass(frozen=True)
class TurnsView:
    """What the screen shows of the turns, and what it knows for them."""

    settings: Callable[[], SamplerSettings]
    state: Callable[[str], object]  # what goes on, in words
    sending: Callable[[], object]  # the typed line is being saved
    sent: Callable[[str], object]  # it is saved; what was typed since
    open: Callable[[int], Awaitable[None]]  # the story with this id, which another window changed
    telling: Callable[[bool], object]  # whether the model tells
    ended: Callable[[messages.TellingEnded], object]  # the model has told


class Turns:
    """Takes lines and acts, one at a time. What comes too early waits."""

    def __init__(
        self, screen: Screen[None], desk: Desk, writing: Writing, message: MessageLine, view: TurnsView
    ) -> None:
        self._screen, self._desk, self._writing, self._message = screen, desk, writing, message
        self._view = view
        self.telling = False
        self.adding: str | None = None  # the line that is being saved, before the model continues
        self._failure = ""  # of the last telling that failed
        self.finding_model = True  # a model is being looked for
        self._send_when_ready = False  # Enter was pressed too early: the line is sent when possible
        self._waiting: list[Callable[[], object]] = []  # what runs after the current telling

    @property
    def busy(self) -> bool:
        """Whether a line is being saved, or the model tells."""
        return self.telling or self.adding is not None

    # -- your line ------------------------------------------------------------------------------------

    def send(self, line: str) -> None:
        """Save a line, and let the model continue."""
        self._message.complain(self._desk.store_thread.trouble)
        if self.busy or self.finding_model:
            self._send_when_ready = bool(line.strip()) or not self.busy
            next_is = (
                "your line is next"
                if self._send_when_ready
                else f"still writing ({own_key('prompt.stop', 'esc')} stops it)"
            )
            self._view.state(next_is)
            return
        if self.can_tell():
            self.adding = line
            self._view.sending()
            self._view.state("saving…")
            self._screen.run_worker(self._add(line))

    def can_tell(self) -> bool:
        """Whether there is a model; says so if there is none."""
        if self._desk.writing.now.stage is Stage.NO_MODEL:
            self._message.complain(wording.no_model(wording.model_keys()))
            return False
        return True

    async def _add(self, line: str) -> None:
        try:
            added = await self._writing.add(line)
        except StoryError as error:  # the line stays in the prompt
            self.adding = None
            self._message.complain(str(error))
            self._view.state("")
            self._run_waiting()
            return
        self.adding, rest = None, self._screen.query_one(Prompt).forget(line)
        self._view.sent(rest)
        await self._show_added(added)
        if self._waiting:  # another action was requested in the meantime
            self._view.state("")
            self._run_waiting()
            return
        self.tell(added.story.id, added.before + added.added, go_on=not added.added)

    async def _show_added(self, added: Added) -> None:
        page = self._screen.query_one(Page)
        page.set_title(self._writing.manuscript.title)
        if added.moved:
            await self._view.open(added.story.id)
            self._message.say(MOVED, self._message.error)
        elif added.added:
            page.append("you", added.added, added.story.head or BEING_TOLD)
        page.choose(None)
        page.anchor_end()
        self._screen.query_one(WritingStatus).count(added.before + added.added)

    def send_if_ready(self) -> None:
        """Send the line that was sent too early."""
        if self._send_when_ready and not (self.busy or self.finding_model):
            self._send_when_ready = False
            self._screen.query_one(Prompt).action_send()

    # -- the model ------------------------------------------------------------------------------------

    def tell(
        self,
        story_id: int,
        text: str,
        after: int | None = HEAD,
        takes: int = 1,
        *,
        go_on: bool = False,
    ) -> None:
        """Let the model continue a text, with this many takes; they follow the passage `after`.

        `go_on`: also where the model would end the story, because nothing else was asked for.
        """
        self._set_telling(True)
        pace, settings = self._desk.preferences.now.words_per_minute, self._view.settings()
        if go_on:
            settings = dataclasses.replace(settings, min_tokens=max(settings.min_tokens, GO_ON))
        self._desk.writing.tell(story_id, text, settings, after, pace, takes)
        self._view.state("thinking…")

    def heard(self, message: messages.TellingMessage) -> None:
        """Show what the model says."""
        match message:
            case messages.TextTold() if self.telling:
                self._screen.query_one(Page).append("model", message.text)
                self._screen.query_one(WritingStatus).add(message.text)
                speed = message.tokens_per_second
                state = f"{speed:,.0f} tokens/s" if speed else "writing…"
                self._view.state(f"{state} · your line is next" if self._send_when_ready else state)
            case messages.TellingEnded():
                self._ended(message)

    def _ended(self, message: messages.TellingEnded) -> None:
        if message.failure:
            self._failure = message.failure
            self._message.complain(message.failure)
        else:
            self._message.drop(self._failure)  # it tells again
        if self.telling:
            self._set_telling(False)
            self._view.state(wording.telling_outcome(message.told, bool(message.failure)))
            self._view.ended(message)
        if self.adding is None:
            self._run_waiting()
        self.send_if_ready()

    def _set_telling(self, telling: bool) -> None:
        self.telling = telling
        self._view.telling(telling)

    def change_pace(self) -> None:
        """Tell at reading speed, or as fast as the model can."""
        pace = 0 if self._desk.preferences.now.words_per_minute else READING
        self._desk.prefer(words_per_minute=pace)
        how = f"at reading speed, {pace} words a minute" if pace else "as fast as the model can"
        self._message.say(f"From the next passage on, words come {how}.")

    def stop(self) -> None:
        """Stop the model. Its words stay, and so does an unsent line."""
        self._send_when_ready = False
        if self.adding is not None and not self._waiting:
            self._waiting.append(lambda: None)  # it is not continued
        if self.telling:
            self._desk.writing.stop()
            self._view.state("stopping…")

    # -- acts that wait -------------------------------------------------------------------------------

    def after_telling(self, then: Callable[[], object]) -> None:
        """Run an action now, or stop the model and run it after its last word."""
        self._message.drop(MOVED)
        if not self.busy:
            then()
            return
        self._waiting.append(then)
        self.stop()

    def _run_waiting(self) -> None:
        while self._waiting and not self.busy:
            self._waiting.pop(0)()
