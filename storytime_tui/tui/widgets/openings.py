"""Ways to begin a blank page: three sentences told by the model, of which one may be taken. Nothing else is kept."""

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
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.writing import Writing
from storytime_tui.tui.writing_session import NO_VOICE, Writer

THREE = 3
SEEDS = 100  # between one telling and the next: more than one may try
_NUMBER = 3  # cells for the number before an opening
_COLUMN = 72  # cells: they stand under the page's text


class Openings(Static, can_focus=True):
    """Offers openings while the page is blank; tells them when it is gone to, and stops when it is left."""

    DEFAULT_CSS = "Openings { height: auto; }"
    BINDINGS = [
        Binding("enter", "take", "Take it", id="openings.take", tooltip="Begin the story with this opening"),
        Binding(
            "1", "take(0)", "Take", key_display="1 2 3", id="openings.1", tooltip="Begin with this opening"
        ),
        Binding("2", "take(1)", "Take", show=False, id="openings.2", tooltip="Begin with the second opening"),
        Binding("3", "take(2)", "Take", show=False, id="openings.3", tooltip="Begin with the third opening"),
        Binding("t", "others", "Three others", id="openings.others", tooltip="Tell three other openings"),
        Binding("up", "move(-1)", "Up", show=False, id="openings.up", tooltip="The opening above"),
        Binding("down", "move(1)", "Down", show=False, id="openings.down", tooltip="The opening below"),
        Binding("escape", "leave", "Your line", id="openings.leave", tooltip="Write a beginning of your own"),
    ]

    class Begun(Message):
        """One was taken: the story begins with it."""

        def __init__(self, story: Opened) -> None:
            super().__init__()
            self.story = story

    class Left(Message):
        """Back to the line."""

    def __init__(self, desk: Desk, writing: Writing, message: MessageLine, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._desk, self._writing, self._message = desk, writing, message
        self._settings = SamplerSettings()
        self._typed = False  # something stands in the line
        self._number = 0  # of the telling that tells them; 0 while none does
        self._told_by = ("", "")  # model and voice of those that are here
        self._page: Manuscript | None = None  # the blank one in view
        self._seed = 0  # of the next telling: other pages and others of one page have others
        self._now: list[messages.OpeningTold] = []
        self._known: list[str] = []  # all that were offered on this page
        self._place = 0
        self._words = ""  # why there are fewer than three

    def on_mount(self) -> None:
        """Follow the telling and the model."""
        self._desk.told.subscribe(self, self._said, immediate=True)
        self._desk.writer_changed.subscribe(self, lambda _: self._writer_changed())
        self._show()

    # -- what the screen says -------------------------------------------------------------------------

    def offer(self, page: Manuscript | None, line: str = "") -> None:
        """The blank page in view, and what stands in the line; None where the page has words.

        Another page has other openings: its own seeds.
        """
        if page is None or page is not self._page:
            self._forget()
            self._seed = random.randrange(1, 2**31)
        self._page, self._typed = page, bool(line)
        self._show()

    def typed(self, line: str) -> None:
        """What stands in the line: with its first letter nothing more is told."""
        if bool(line) != self._typed:
            self._typed = bool(line)
            self.cancel()

    def cancel(self) -> None:
        """Tell no more; what is here stays."""
        if self._number:
            self._desk.writing.stop()
            self._number = 0
        self._show()

    @property
    def _writer(self) -> Writer:
        return self._desk.writing.now

    @property
    def offered(self) -> bool:
        """Whether it can be gone to."""
        return self._page is not None and self._writer.can_tell and not self.has_focus

    def go(self, settings: SamplerSettings) -> None:
        """Go to the openings; where there are none yet, they are told by these settings."""
        self._settings = settings
        self.focus()
        if not self._now and not self._number:
            self._tell()

    # -- keys -----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what means something now."""
        if action == "take":
            place = parameters[0] if parameters else self._place
            return isinstance(place, int) and place < len(self._now)
        return not self._number if action == "others" else True

    def action_take(self, place: int | None = None) -> None:
        """Begin the story with one."""
        self.cancel()
        self._begin(self._now[self._place if place is None else place])

    @work(exclusive=True)
    async def _begin(self, told: messages.OpeningTold) -> None:
        with self._message.saying():
            try:
                opened = await self._writing.begin(told.text, told.model, told.settings)
            except StoryMoved:  # another window was quicker: its words are shown
                opened = await self._writing.open(self._writing.story_id or 0)
            self.post_message(self.Begun(opened))

    def action_move(self, by: int) -> None:
        """Go up or down; below the last one is the line."""
        if self._place + by >= max(1, len(self._now)):
            self.action_leave()
            return
        self._place = max(0, self._place + by)
        self._show()

    def action_others(self) -> None:
        """Tell three others."""
        self._tell()

    def action_leave(self) -> None:
        """Back to the line; nothing more is told."""
        self.cancel()
        self.post_message(self.Left())

    def on_focus(self) -> None:
        """The one that would be taken is marked."""
        self._show()

    def on_blur(self) -> None:
        """It is not any more."""
        self._show()

    def on_resize(self) -> None:
        """Lines are laid out by width."""
        self._show()

    # -- telling --------------------------------------------------------------------------------------

    def _tell(self) -> None:
        if self._settings.seed and not self._known:
            self._seed = self._settings.seed  # a seed of one's own tells the same again
        settings = dataclasses.replace(self._settings, seed=self._seed)
        self._seed = (self._seed + SEEDS) % 2**63
        self._now, self._place, self._words = [], 0, ""
        self._number = self._desk.writing.tell_openings(settings, THREE, self._known)
        self._show()

    def _said(self, message: messages.TellingSaid) -> None:
        if message.number != self._number or not self._number:
            return
        if isinstance(message, messages.OpeningTold):
            self._now.append(message)
            self._known.append(message.text)
        elif isinstance(message, messages.TellingEnded):
            self._number = 0
            if len(self._now) < THREE and not message.failure:
                which = "more came that were" if self._now else "opening came that was"
                self._words = f"No {which} short, new and not copied: t tells others."
        self._show()

    def _writer_changed(self) -> None:
        teller = (self._writer.model, self._writer.voice_said)
        if teller != self._told_by:
            opening = self._told_by == (teller[0], "") and bool(
                self._number
            )  # of the model: now its voice is known
            self._told_by = teller
            if not opening:
                self._forget()
        self._show()

    def _forget(self) -> None:
        if self._number:
            self._desk.writing.stop()
        self._number, self._place, self._words = 0, 0, ""
        self._now, self._known = [], []

    # -- drawing --------------------------------------------------------------------------------------

    def _show(self) -> None:
        here = self.has_focus or self.offered
        self.display = here and bool(self._now or self._number or not self._typed)
        if self.display:
            self.update(self._content())
        self.refresh_bindings()

    def _offer(self) -> str:
        model, voice = printable_line(self._writer.model), printable_line(self._writer.voice_said)
        return f"Or press ↑ for three openings, told by {model}{_as(voice)}."

    def _content(self) -> Content:
        room = self.content_size.width
        margin = " " * max(0, (room - _COLUMN) // 2)
        if not self._now and not self._number and not self._words:
            return Content.styled(margin + self._offer(), "$quiet")
        width = max(20, min(room, _COLUMN) - _NUMBER)
        parts: list[Content] = []
        for place, opening in enumerate(self._now):
            style = "bold $primary" if self.has_focus and place == self._place else "$told"
            number = str(place + 1)
            for line in wrapped(opening.text, width):
                parts.append(Content.styled(f"{margin}{number:<{_NUMBER}}{line}", style))
                number = ""
        state = self._words or ("" if not self._number else self._writer.doing or "telling…")
        if state:
            parts.append(Content.styled(margin + " " * _NUMBER + printable_line(state), "$quiet"))
        return Content("\n").join(parts)


def _as(voice: str) -> str:
    if not voice:
        return ""
    return " without a voice" if voice == NO_VOICE else f" as {voice}"
