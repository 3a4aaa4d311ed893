"""Openings for a blank page: the model tells three sentences, and the user may take one. Only that one is saved."""

import dataclasses
import random

from textual import work
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from storytime_tui.errors import StoryMoved
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.stories.story import Opened
from storytime_tui.terminal import printable_line
from storytime_tui.tui import messages
from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.manuscript import Manuscript
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.writing import Writing
from storytime_tui.tui.writing_session import NO_VOICE, Writer

WANTED = 3
SEEDS = 100  # seeds between two tellings, because one telling may need several
_NUMBER = 3  # cells of the number before an opening
_COLUMN = 72  # cells, as wide as the page's text


class Openings(Static, can_focus=True):
    """Offers openings while the page is blank. Tells them when it gets the focus, and stops when it loses it."""

    DEFAULT_CSS = "Openings { height: auto; }"
    BINDINGS = [
        Binding("enter", "take", "Take it", id="openings.take", tooltip="Start the story with this opening"),
        Binding(
            "1", "take(0)", "Take", key_display="1 2 3", id="openings.1", tooltip="Start with this opening"
        ),
        Binding("2", "take(1)", "Take", show=False, id="openings.2", tooltip="Start with the second opening"),
        Binding("3", "take(2)", "Take", show=False, id="openings.3", tooltip="Start with the third opening"),
        Binding("t", "others", "Three others", id="openings.others", tooltip="Tell three other openings"),
        Binding("up", "move(-1)", "Up", show=False, id="openings.up", tooltip="The opening above"),
        Binding("down", "move(1)", "Down", show=False, id="openings.down", tooltip="The opening below"),
        Binding("escape", "leave", "Your line", id="openings.leave", tooltip="Write your own opening"),
    ]

    class Begun(Message):
        """An opening was taken: the story starts with it."""

        def __init__(self, story: Opened) -> None:
            super().__init__()
            self.story = story

    class Left(Message):
        """The user returns to the prompt."""

    def __init__(self, desk: Desk, writing: Writing, message: MessageLine, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._desk, self._writing, self._message = desk, writing, message
        self._settings = SamplerSettings()
        self._has_line = False  # the prompt has text
        self._number = 0  # of the current telling; 0 without one
        self._told_by = ("", "")  # model and voice of the shown openings
        self._page: Manuscript | None = None  # the blank page that is shown
        self._seed = 0  # of the next telling; each page and each telling has another
        self._openings: list[messages.OpeningTold] = []
        self._seen: list[str] = []  # all openings offered on this page
        self._place = 0  # of the marked opening
        self._reason = ""  # why there are fewer than three

    def on_mount(self) -> None:
        """Subscribe to the telling and the model."""
        self._desk.told.subscribe(self, self._on_telling, immediate=True)
        self._desk.writer_changed.subscribe(self, lambda _: self._writer_changed())
        self._show()

    # -- called by the screen --------------------------------------------------------------------------

    def offer(self, page: Manuscript | None, line: str = "") -> None:
        """Offer openings for a blank page, with the prompt's text; None for a page with words.

        Each page gets its own seeds.
        """
        if page is None or page is not self._page:
            self._clear()
            self._seed = random.randrange(1, 2**31)
        self._page, self._has_line = page, bool(line)
        self._show()

    def typed(self, line: str) -> None:
        """Follow the prompt's text: its first letter stops the telling."""
        if bool(line) != self._has_line:
            self._has_line = bool(line)
            self.cancel()

    def cancel(self) -> None:
        """Stop telling; the openings so far stay."""
        if self._number:
            self._desk.writing.stop()
            self._number = 0
        self._show()

    @property
    def _writer(self) -> Writer:
        return self._desk.writing.now

    @property
    def offered(self) -> bool:
        """Whether the user can go to the openings."""
        return self._page is not None and self._writer.can_tell and not self.has_focus

    def enter(self, settings: SamplerSettings) -> None:
        """Focus the openings, and tell them with these settings if there are none."""
        self._settings = settings
        self.focus()
        if not self._openings and not self._number:
            self._tell()

    # -- keys -----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that do something now."""
        if action == "take":
            place = parameters[0] if parameters else self._place
            return isinstance(place, int) and place < len(self._openings)
        return not self._number if action == "others" else True

    def action_take(self, place: int | None = None) -> None:
        """Start the story with an opening."""
        self.cancel()
        self._begin(self._openings[self._place if place is None else place])

    @work(exclusive=True)
    async def _begin(self, told: messages.OpeningTold) -> None:
        with self._message.saying():
            try:
                opened = await self._writing.begin(told.text, told.model, told.settings, told.ids)
            except StoryMoved:  # another window started the story: show it
                opened = await self._writing.open(self._writing.story_id or 0)
            self.post_message(self.Begun(opened))

    def action_move(self, by: int) -> None:
        """Move up or down; below the last opening is the prompt."""
        if self._place + by >= max(1, len(self._openings)):
            self.action_leave()
            return
        self._place = max(0, self._place + by)
        self._show()

    def action_others(self) -> None:
        """Tell three other openings."""
        self._tell()

    def action_leave(self) -> None:
        """Stop telling and return to the prompt."""
        self.cancel()
        self.post_message(self.Left())

    def on_focus(self) -> None:
        """Mark the current opening."""
        self._show()

    def on_blur(self) -> None:
        """Unmark the current opening."""
        self._show()

    def on_resize(self) -> None:
        """Lay out the lines for the new width."""
        self._show()

    # -- telling --------------------------------------------------------------------------------------

    def _tell(self) -> None:
        if self._settings.seed and not self._seen:
            self._seed = self._settings.seed  # a seed from the settings tells the same openings
        settings = dataclasses.replace(self._settings, seed=self._seed)
        self._seed = (self._seed + SEEDS) % 2**63
        self._openings, self._place, self._reason = [], 0, ""
        self._number = self._desk.writing.tell_openings(settings, WANTED, self._seen)
        self._show()

    def _on_telling(self, message: messages.TellingMessage) -> None:
        if message.number != self._number or not self._number:
            return
        if isinstance(message, messages.OpeningTold):
            self._openings.append(message)
            self._seen.append(message.text)
        elif isinstance(message, messages.TellingEnded):
            self._number = 0
            if len(self._openings) < WANTED and not message.failure:
                which = "further opening" if self._openings else "opening"
                self._reason = (
                    f"No {which} was short, new and not copied: press "
                    f"{own_key('openings.others', 't')} for others."
                )
        self._show()

    def _writer_changed(self) -> None:
        teller = (self._writer.model, self._writer.voice_label)
        if teller != self._told_by:
            opening = self._told_by == (teller[0], "") and bool(
                self._number
            )  # of the model: now its voice is known
            self._told_by = teller
            if not opening:
                self._clear()
        self._show()

    def _clear(self) -> None:
        if self._number:
            self._desk.writing.stop()
        self._number, self._place, self._reason = 0, 0, ""
        self._openings, self._seen = [], []

    # -- drawing --------------------------------------------------------------------------------------

    def _show(self) -> None:
        shown = self.has_focus or self.offered
        self.display = shown and bool(self._openings or self._number or not self._has_line)
        if self.display:
            self.update(self._content())
        self.refresh_bindings()

    def _offer(self) -> str:
        model, voice = printable_line(self._writer.model), printable_line(self._writer.voice_label)
        return f"Or press ↑ for three openings by {model}{_as(voice)}."

    def _content(self) -> Content:
        room = self.content_size.width
        margin = " " * max(0, (room - _COLUMN) // 2)
        if not self._openings and not self._number and not self._reason:
            return Content.styled(margin + self._offer(), "$quiet")
        width = max(20, min(room, _COLUMN) - _NUMBER)
        parts: list[Content] = []
        for place, opening in enumerate(self._openings):
            style = "bold $primary" if self.has_focus and place == self._place else "$told"
            number = str(place + 1)
            for line in wrapped(opening.text, width):
                parts.append(Content.styled(f"{margin}{number:<{_NUMBER}}{line}", style))
                number = ""
        state = self._reason or ("" if not self._number else self._writer.progress or "telling…")
        if state:
            parts.append(Content.styled(margin + " " * _NUMBER + printable_line(state), "$quiet"))
        return Content("\n").join(parts)


def _as(voice: str) -> str:
    if not voice:
        return ""
    return " without a voice" if voice == NO_VOICE else f" as {voice}"
