"""The Story screen's middle: the page with its prompt; beside it the panel, which steers how the story is told.

Where there is much room, the stories and the branches stand on the other side of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from textual import on, work
from textual.containers import Horizontal
from textual.events import DescendantFocus, Resize
from textual.timer import Timer
from textual.widget import Widget

from storytime_tui.generation.pieces import Seen
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.stories.steering import Steering, from_json
from storytime_tui.stories.story import Opened
from storytime_tui.tui import messages
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.drafts import Drafts
from storytime_tui.tui.screens.story_keys import ACTIONS
from storytime_tui.tui.screens.story_panel_screen import WIDE, StoryPanelScreen
from storytime_tui.tui.view_request import ViewRequest
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.panel_state import PanelState
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.story_aside import StoryAside
from storytime_tui.tui.widgets.story_panel import StoryPanel
from storytime_tui.tui.widgets.view_bar import ViewBar
from storytime_tui.tui.widgets.writing_status import WritingStatus
from storytime_tui.tui.writing import Writing
from storytime_tui.tui.writing_session import Stage

VERY_WIDE = 180  # cells from which the stories and branches stand beside the page
LOOK = 0.2  # seconds after a change until the model is asked what it sees


class StorySheet(Horizontal):
    """Keeps the story's steering: in the session for the next telling, and in the store half a second after a change.

    The screen calls `show` with each story that it shows.
    """

    def __init__(
        self,
        desk: Desk,
        writing: Writing,
        message: MessageLine,
        settings: Callable[[], SamplerSettings],
        set_settings: Callable[[SamplerSettings], object],
    ) -> None:
        super().__init__(id="sheet")
        self._desk, self._session, self._writing, self._message = desk, desk.writing, writing, message
        self._manuscript = writing.manuscript  # whose steering is shown
        self._drafts = Drafts(
            self, self._keep, lambda slow: None, lambda error: message.complain(sentence_of(error))
        )
        self._wanted = True  # the panel stands beside the page where there is room
        self._before: Widget | None = None  # what had the focus before a column beside the page
        self._timer: Timer | None = None  # runs until the model is asked what it sees
        self._asked: ViewRequest | None = None
        self._seen: Seen | None = None
        self._stopped: tuple[tuple[str, int], ...] = ()
        self._told = ""
        self._state = PanelState(
            writer=lambda: self._session.now,
            settings=settings,
            steering=lambda: self._session.steering,
            seen=lambda: self._seen,
            stopped=lambda: self._stopped,
            told=lambda: self._told,
            set_settings=set_settings,
            set_steering=self._steer,
            act=lambda key: self.run_worker(self.screen_of_story.run_action(ACTIONS[key])),
            leave=self._give_back,
        )
        self.panel = StoryPanel(self._state, id="panel")
        self.panel.display = False  # until the width is known

    @property
    def screen_of_story(self) -> Widget:
        """The Story screen, also while a dialog is over it."""
        assert isinstance(self.parent, Widget)
        return self.parent

    def on_mount(self) -> None:
        """Follow the model."""
        self._desk.told.subscribe(self, self._heard, immediate=True)
        self._desk.writer_changed.subscribe(self, lambda _: self._changed())
        self._desk.leaving.subscribe(self, lambda _: self._drafts.flush(), immediate=True)

    def on_unmount(self) -> None:
        """Save what was typed when the app closes."""
        self._drafts.flush()

    # -- the steering ---------------------------------------------------------------------------------

    def show(self, opened: Opened | None) -> None:
        """Restore the story's steering; a blank page has none. What is typed here is newer than what is saved."""
        saved = from_json(opened.story.steering) if opened else Steering()
        if self._writing.manuscript is not self._manuscript:
            self._drafts.flush()  # of the previous story
            self._manuscript = self._writing.manuscript
            self._session.steering, self._stopped = saved, ()
        elif opened is not None and not self._drafts.waiting:  # perhaps another window changed it
            self._session.steering = saved
        self._tell_how()
        self._changed()
        self.show_aside()

    def show_aside(self) -> None:
        """Bring the stories and branches beside the page up to date."""
        self.query_one(StoryAside).show()

    def _steer(self, steering: Steering) -> None:
        self._session.steering = steering
        self._drafts.typed()
        self._changed()

    def _keep(self) -> Future[None]:
        save = partial(self._manuscript.save_steering, steering=self._session.steering)
        return self._desk.store_thread.write(save)

    # -- what the model sees --------------------------------------------------------------------------

    def _heard(self, message: messages.TellingMessage) -> None:
        match message:
            case messages.TellingEnded():
                if message.told is not None:
                    self._stopped = message.told.banned
                self._tell_how()
                self._changed()
                self.show_aside()
            case messages.InView() if message.request is self._asked:
                self._seen = message.seen
                self.query_one(ViewBar).show(message.seen)
                self.query_one(Page).show_view(message.seen.begins or None)
                self.refresh_panel()

    def _changed(self) -> None:
        """Show the panel anew, and ask soon what the model sees."""
        self.refresh_panel()
        if self._timer is None:
            self._timer = self.set_timer(LOOK, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._session.now.stage is Stage.READY:  # else the end of the telling asks
            self._asked = self._session.look(self.query_one(Page).text)

    @on(Page.Chosen)
    def _tell_how(self) -> None:
        """Say how the chosen passage was told."""
        self._read_told(self.query_one(Page).chosen)

    @work(exclusive=True, group="told")
    async def _read_told(self, passage: int | None) -> None:
        told = "" if passage is None else await self._writing.told_line(passage)
        if told != self._told:
            self._told = told
            self.refresh_panel()

    # -- the panel ------------------------------------------------------------------------------------

    def refresh_panel(self) -> None:
        """Show what holds now, in the panel and in its dialog."""
        self.panel.show()
        if isinstance(self.app.screen, StoryPanelScreen):
            self.app.screen.show()

    def toggle_panel(self) -> None:
        """Show or hide the panel; open its dialog where there is no room beside the page."""
        if self.app.size.width < WIDE:
            self.app.push_screen(StoryPanelScreen(self._state))
            return
        self._wanted = not self._wanted
        if not self._wanted and self._is_beside(self.screen.focused):
            self._give_back()
        self._place_panel()

    def on_resize(self, event: Resize) -> None:
        """Show the panel where there is room."""
        self._place_panel()

    def _place_panel(self) -> None:
        aside = self.query_one(StoryAside)
        if aside.display != (self._wanted and self.app.size.width >= VERY_WIDE):
            if aside.has_focus_within:
                self._give_back()
            aside.display = not aside.display
            aside.show()
        shown = self._wanted and self.app.size.width >= WIDE
        if shown != self.panel.display:
            if not shown and self._is_beside(self.screen.focused):
                self._give_back()
            self.panel.display = shown
            self.panel.show()
            status = self.query_one(WritingStatus)
            status.panel_says_how = shown
            status.show()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Remember where the focus was before it went beside the page."""
        if not self._is_beside(event.widget):
            self._before = event.widget

    def _is_beside(self, widget: Widget | None) -> bool:
        beside = (self.panel, self.query_one(StoryAside))
        return widget is not None and any(each in widget.ancestors for each in beside)

    def _give_back(self) -> None:
        before = self._before
        usable = before is not None and before.is_attached and before.focusable
        self.screen.set_focus(before if usable else self.query_one(Prompt))
