"""Story: you write a line, the model goes on, word by word, until it is done or you stop it."""

from collections.abc import Callable
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Center
from textual.events import Key
from textual.screen import Screen
from textual.widgets import TextArea

from storytime_tui.errors import StoryError, StoryMoved
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.stories.story import Added, Opened, Story
from storytime_tui.tui import messages, wording
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.drafts import Drafts
from storytime_tui.tui.manuscript import Manuscript, told_with
from storytime_tui.tui.screens import story_choices
from storytime_tui.tui.screens.sampler import SamplerScreen
from storytime_tui.tui.screens.story_keys import KEYS
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.openings import Openings
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.writing_desk import WritingDesk
from storytime_tui.tui.widgets.writing_status import WritingStatus
from storytime_tui.tui.writing import LOOK, Change, Writing
from storytime_tui.tui.writing_session import Stage, Writer

MOVED = "This story was changed in another window and is loaded again."


class StoryScreen(Screen[None]):
    """The page, your line, and the model's words as they come."""

    CSS_PATH = "story.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS = KEYS

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._session = desk, desk.writing
        self._writing = Writing(desk.keeper)
        self._settings = desk.preferences.sampler()
        self._message = MessageLine()
        self._openings = Openings(desk, self._writing, self._message, id="openings")
        self._telling = False
        self._then: Callable[[], object] | None = None  # what waits for the model's last word
        self._finding = True  # which model there is
        self._wished = False  # Enter was pressed while no line could be sent: it goes as soon as one can
        self._begun = False  # the last story is in view
        self._line = ""  # what is typed and not yet sent
        self._adding: str | None = None  # the line that is on its way to the disk, before the model goes on
        self._drafts = Drafts(
            self,
            lambda: self._writing.keep_draft(self._line.removeprefix(self._adding or "")),
            lambda slow: self.query_one(WritingStatus).set_saving(slow),
            lambda error: self._message.complain(sentence_of(error)),
        )

    def compose(self) -> ComposeResult:
        """Page, messages, prompt, status."""
        yield Header(self._desk, "story")
        yield Page(id="page")
        yield self._openings
        yield Center(self._message)
        yield WritingDesk(self._settings, id="desk")
        yield KeyLine(("rename", "redo"), self._is_of_use)

    def on_mount(self) -> None:
        """Open the last story, find a model."""
        self._desk.told.subscribe(self, self._said, immediate=True)
        self._desk.writer_changed.subscribe(self, self._writer_changed)
        self._desk.store_said.subscribe(self, self._message.complain)
        self._desk.leaving.subscribe(self, lambda _: self._drafts.flush(), immediate=True)
        self.set_interval(LOOK, self._look_elsewhere)
        self._begin()

    @work
    async def _begin(self) -> None:
        last: Opened | None = None
        with self._message.saying():
            last = await self._writing.open_last(self._message.complain)
            self._message.clear()
        self._show_story(None if self._session.fresh_page else last)
        self._session.fresh_page = False
        self._begun = True
        if self._line:  # typed meanwhile
            self._drafts.typed()
        with self._message.saying():
            await self._session.find_model(told_with(last.passages if last else ()))
        self._finding = False
        if self._session.now.can_tell and not self._telling:
            self._set_state(self._session.open_ahead())
        self._send_what_waits()
        self._show_status()

    def on_screen_resume(self) -> None:
        """Another screen may have asked for a fresh page or another model."""
        self._message.drop(MOVED)
        if self._session.fresh_page and self._begun:
            self._session.fresh_page = False
            self._when_quiet(self._begin_anew)
        self._look_elsewhere()
        self._show_status()

    def _begin_anew(self) -> None:
        self._show_story(None)
        self.action_write()
        self._session.open()

    def on_unmount(self) -> None:
        """The app closes: what is typed stays."""
        self._drafts.flush()

    # -- the story ------------------------------------------------------------------------------------

    def open_story(self, story: Story) -> None:
        """Go on with a story."""
        self._when_quiet(lambda: self.run_worker(self._open(story.id)))

    async def _open(self, story_id: int) -> None:
        with self._message.saying():
            self._show_story(await self._writing.open(story_id))

    def _show_story(self, opened: Opened | None) -> None:
        """Show a story, or a blank page. The focus stays where it is: who was reading goes on reading."""
        if opened is not None and opened.story.id == self._writing.story_id:
            return self._show_page(opened)  # what is typed is newer than the draft
        self._drafts.flush()  # of the story before
        self._writing.manuscript = Manuscript()
        self._line = (opened.draft if opened else "") + ("" if self._begun else self._line)
        self._show_page(opened)
        self.query_one(Prompt).put(self._line)
        if opened is not None and self._session.take_up(opened.passages) and self._begun:
            self._set_state(self._session.open_ahead())

    def _show_page(self, opened: Opened | None) -> None:
        passages = opened.passages if opened else ()
        manuscript = self._writing.manuscript
        manuscript.story = opened.story if opened else None
        self.query_one(Page).load(manuscript.title, [(p.author, p.text) for p in passages])
        self._openings.offer(None if passages else manuscript, self._line)
        self.query_one(WritingStatus).count("".join(p.text for p in passages))
        self._set_state("")

    def _show_title(self) -> None:
        for page in self.query(Page):
            page.set_title(self._writing.manuscript.title)

    @work(exclusive=True, group="look")
    async def _look_elsewhere(self) -> None:
        """Another window may have changed the story in view."""
        moved = await self._writing.moved() if self._begun and self.is_current else None
        if moved is not None and not self._busy:
            await self._open(moved)
            self._message.say(MOVED)

    @on(TextArea.Changed, "#prompt")
    def _typed(self) -> None:
        self._line = self.query_one(Prompt).text  # at the app's end the prompt is gone before this screen
        self._openings.typed(self._line)
        if self._begun:
            self._drafts.typed()

    # -- writing --------------------------------------------------------------------------------------

    @property
    def _busy(self) -> bool:
        return self._telling or self._adding is not None

    @property
    def _awaiting(self) -> bool:
        return self._session.now.stage is Stage.AWAITING_CHECKPOINT

    @on(Prompt.Sent)
    def _send(self, event: Prompt.Sent) -> None:
        self._message.complain(self._desk.keeper.trouble)
        if self._busy or self._finding or self._awaiting:
            self._wished = bool(event.text.strip()) or not self._busy
            self._set_state("your line is next" if self._wished else "still writing (esc stops it)")
            return
        if self._session.now.stage is Stage.NO_MODEL:
            self._message.complain("There is no model yet: train one (F3), or choose one (esc, m).")
            return
        self._adding = event.text
        self._drafts.forget()
        self._set_state("saving…")
        self._add(event.text)

    @work
    async def _add(self, line: str) -> None:
        try:
            added = await self._writing.add(line)
        except StoryError as error:  # the line stays in the prompt
            self._adding = None
            self._message.complain(str(error))
            self._set_state("")
            self._do_then()
            return
        self._adding, self._line = None, self.query_one(Prompt).forget(line)
        if self._line:  # typed since
            self._drafts.typed()
        await self._show_added(added)
        if self._then is not None:  # something else was asked for meanwhile
            self._set_state("")
            self._do_then()
            return
        self._set_telling(True)
        self._session.tell(added.story.id, added.before + added.added, self._settings)
        self._set_state("thinking…")

    async def _show_added(self, added: Added) -> None:
        self._show_title()
        if added.moved:
            await self._open(added.story.id)
            self._message.say(MOVED)
        elif added.added:
            self.query_one(Page).append("you", added.added)
        self.query_one(Page).anchor()
        self.query_one(WritingStatus).count(added.before + added.added)

    def _said(self, message: messages.TellingSaid) -> None:
        match message:
            case messages.TextTold() if self._telling:
                self.query_one(Page).append("model", message.text)
                self.query_one(WritingStatus).add(message.text)
                speed = message.tokens_per_second
                state = f"{speed:,.0f} tokens/s" if speed else "writing…"
                self._set_state(f"{state} · your line is next" if self._wished else state)
            case messages.TellingEnded():
                self._ended(message)

    def _ended(self, message: messages.TellingEnded) -> None:
        if message.failure:
            self._message.complain(message.failure)
        if self._telling:
            self._set_telling(False)
            self._set_state(wording.ending(message.told, bool(message.failure)))
        if self._adding is None:
            self._do_then()
        self._send_what_waits()

    def _do_then(self) -> None:
        then, self._then = self._then, None
        if then is not None:
            then()

    def _set_telling(self, telling: bool) -> None:
        self._telling = telling
        self._openings.offer(None)
        self.query_one(Page).writing(telling)
        self.query_one(Prompt).set_writing(telling)

    def _send_what_waits(self) -> None:
        if self._wished and not (self._busy or self._finding or self._awaiting):
            self._wished = False
            self.query_one(Prompt).action_send()

    def _when_quiet(self, then: Callable[[], object]) -> None:
        """Do it now, or, while the model writes, stop it and do it after its last word."""
        self._message.drop(MOVED)
        if not self._busy:
            then()
            return
        self._then = then
        self.action_stop()

    def action_stop(self) -> None:
        """Stop the model; what it wrote stays, and so does a line that waits."""
        self._wished = False
        if self._adding is not None:
            self._then = self._then or (lambda: None)
        if self._telling:
            self._session.stop()
            self._set_state("stopping…")

    @on(Prompt.Left)
    def _left_prompt(self) -> None:
        (self.action_stop if self._busy else self.query_one(Page).focus)()

    @on(Openings.Left)
    def action_write(self) -> None:
        """Back to the line."""
        self.query_one(Prompt).focus()

    def _is_of_use(self, action: str) -> bool:
        return {"voice": bool(self._session.now.voices), "openings": self._openings.offered}.get(action, True)

    @on(Prompt.Up)
    def action_openings(self) -> None:
        """Ways to begin, told by the model."""
        if self._openings.offered and not self._busy:
            self._openings.go(self._settings)

    @on(Openings.Begun)
    def _begun_with(self, begun: Openings.Begun) -> None:
        self._show_story(begun.story)
        self.action_write()
        self._set_state("Enter lets the model go on")

    def on_key(self, event: Key) -> None:
        """A notice goes with the next key, an error stays. While a line is typed, no key comes here."""
        self._message.clear_notice()

    def on_screen_suspend(self) -> None:
        """Another screen is gone to: nothing is told for nobody."""
        self._openings.cancel()

    # -- the model ------------------------------------------------------------------------------------

    def _writer_changed(self, _: Writer) -> None:
        self._send_what_waits()  # the checkpoint that it waited for may be on the disk
        self.refresh_bindings()  # it may know voices
        self._show_status()

    def action_model(self) -> None:
        """Choose who writes."""
        story_choices.offer_models(self.app, self._desk, partial(self._reopen, self._session.choose))

    def action_strength(self) -> None:
        """Choose how strongly it has what it learned."""
        chosen = partial(self._reopen, self._session.choose_strength)
        story_choices.offer_strengths(self.app, self._desk, self._message, chosen)

    def action_voice(self) -> None:
        """Choose the shelf that is told as, from the next words on."""
        story_choices.offer_voices(self.app, self._desk, self._message)

    def _reopen(self, choose: Callable[..., object], chosen: object) -> None:
        """Write with another model or strength, after the last word of what writes now."""

        def reopen() -> None:
            choose(chosen)
            self._session.open()

        self._message.clear()
        self._when_quiet(reopen)

    def action_undo(self) -> None:
        """Take back the last piece."""
        self._when_quiet(lambda: self._change(Manuscript.undo, "There is nothing to take back."))

    def action_redo(self) -> None:
        """Bring back what was taken back."""
        self._when_quiet(lambda: self._change(Manuscript.redo, "There is nothing to bring back."))

    @work
    async def _change(self, change: Change, nothing: str) -> None:
        with self._message.saying():
            try:
                result = await self._writing.change(change)
            except StoryMoved:
                self._look_elsewhere()
                return
            if result is not None:
                self._show_story(result[0])
            if result is None or not result[1]:
                self._message.say(nothing)

    def action_new(self) -> None:
        """A blank page."""
        self._when_quiet(lambda: self._show_story(None))

    def action_open(self) -> None:
        """Choose an earlier story."""
        story_choices.offer_stories(self.app, self._desk, self.open_story)

    def action_rename(self) -> None:
        """Give the story a title."""
        title = self._writing.whole_title(self.query_one(Page).beginning)
        story_choices.ask_title(self.app, title, self._rename)

    @work
    async def _rename(self, title: str) -> None:
        with self._message.saying():
            await self._writing.rename(title)
            self._show_title()

    def action_settings(self) -> None:
        """How the next word is chosen."""
        self.app.push_screen(SamplerScreen(self._settings), self._set_settings)

    def _set_settings(self, settings: SamplerSettings | None) -> None:
        if settings is not None:
            self._settings = self.query_one(WritingStatus).settings = settings
            self._desk.prefer_sampler(settings)
            self._show_status()

    def _set_state(self, state: str) -> None:
        self.query_one(WritingStatus).state = state
        self._show_status()

    def _show_status(self) -> None:
        self.query_one(WritingStatus).show_with(self._session.now, finding=self._finding)
