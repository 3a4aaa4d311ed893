"""Story: the user writes a line, and the model continues word by word until it ends or is stopped."""

from collections.abc import Callable

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Center
from textual.events import DescendantBlur, DescendantFocus, Key
from textual.screen import Screen
from textual.widgets import TextArea

from storytime_tui.errors import StoryError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.told_record import last_model
from storytime_tui.jobs.told_words import HEAD
from storytime_tui.stories.story import Added, Opened, Story
from storytime_tui.tui import messages, wording
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.drafts import Drafts
from storytime_tui.tui.manuscript import Manuscript
from storytime_tui.tui.page_layout import BEING_TOLD
from storytime_tui.tui.screens import story_choices
from storytime_tui.tui.screens.sampler import SamplerScreen
from storytime_tui.tui.screens.story_keys import KEYS, SELDOM
from storytime_tui.tui.screens.story_model import ModelChoices
from storytime_tui.tui.screens.story_passages import Passages
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.openings import Openings
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.passage_line import PassageLine
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.prompt_area import PromptArea
from storytime_tui.tui.widgets.writing_status import WritingStatus
from storytime_tui.tui.writing import MOVED, POLL, Writing
from storytime_tui.tui.writing_session import Stage, Writer


class StoryScreen(Screen[None]):
    """The story, the user's line, and the model's words as they come."""

    CSS_PATH = "story.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS = KEYS

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._session = desk, desk.writing
        self._writing = Writing(desk.store_thread)
        self._settings = desk.preferences.sampler()
        self._message = MessageLine()
        self._openings = Openings(desk, self._writing, self._message, id="openings")
        self._model = ModelChoices(self, desk, self._message, self.after_telling)
        self._passages = Passages(self, self._writing, self._message)
        self._telling = False
        self._waiting: list[Callable[[], object]] = []  # what runs after the current telling
        self._finding_model = True  # a model is being looked for
        self._send_when_ready = False  # Enter was pressed too early: the line is sent when possible
        self._visited, self._loaded = False, False  # loaded: the last story is shown
        self._line = ""  # the typed, unsent line
        self._adding: str | None = None  # the line that is being saved, before the model continues
        self._drafts = Drafts(
            self,
            lambda: self._writing.save_draft(self._line.removeprefix(self._adding or "")),
            lambda slow: self.query_one(WritingStatus).set_saving(slow),
            lambda error: self._message.complain(sentence_of(error)),
        )

    def compose(self) -> ComposeResult:
        """The story, openings, messages, the prompt and its status."""
        yield Header(self._desk, "story")
        yield Page(id="page")
        yield Center(PassageLine(id="passage"))
        yield self._openings
        yield Center(self._message)
        yield PromptArea(self._settings, id="prompt-area")
        yield KeyLine(SELDOM, self._shows_key)

    def on_mount(self) -> None:
        """Follow the model and the other screens."""
        self._desk.told.subscribe(self, self._on_telling, immediate=True)
        self._desk.writer_changed.subscribe(self, self._writer_changed)
        self._desk.store_notice.subscribe(self, self._message.complain)
        self._desk.leaving.subscribe(self, lambda _: self._drafts.flush(), immediate=True)
        self.set_interval(POLL, self.check_other_windows)

    @work
    async def _load_last_story(self) -> None:
        last: Opened | None = None
        with self._message.saying():
            last = await self._writing.open_last(self._message.complain)
            self._message.clear()
        self.show_story(None if self._session.fresh_page else last)
        self._session.fresh_page = False
        self._loaded = True
        if self._line:  # typed while the story was loading
            self._drafts.typed()
        with self._message.saying():
            await self._session.find_model(last_model(last.passages if last else ()))
        self._finding_model = False
        if self._session.now.can_tell and not self._telling:
            self._set_state(self._session.open_early())
        self._send_if_ready()
        self._show_status()

    def on_screen_resume(self) -> None:
        """Open the last story at the first visit; later, check for changes. Start a page that was requested."""
        if not self.is_current:
            return  # the screen is made before it is visited
        self._message.drop(MOVED)
        if not self._visited:
            self._visited = True
            self._load_last_story()
        if self._session.fresh_page and self._loaded:
            self._session.fresh_page = False
            self.after_telling(self._start_page)
        self.check_other_windows()
        self._show_status()

    def _start_page(self) -> None:
        self.show_story(None)
        self.action_write()
        self._session.open()

    def on_unmount(self) -> None:
        """Save the typed line when the app closes."""
        self._drafts.flush()

    # -- the story ------------------------------------------------------------------------------------

    def open_story(self, story: Story) -> None:
        """Open a story after the current telling."""
        self.after_telling(lambda: self.run_worker(self._open(story.id)))

    async def _open(self, story_id: int) -> None:
        with self._message.saying():
            self.show_story(await self._writing.open(story_id))

    def show_story(self, opened: Opened | None) -> None:
        """Show a story or a blank page. The focus does not change, so that reading can go on."""
        if opened is not None and opened.story.id == self._writing.story_id:
            return self._show_page(opened, same=True)  # the typed line is newer than the saved draft
        self._drafts.flush()  # of the previous story
        self._writing.manuscript = Manuscript()
        self._line = (opened.draft if opened else "") + ("" if self._loaded else self._line)
        self._show_page(opened)
        self.query_one(Prompt).put(self._line)
        if opened is not None and self._session.continue_story(opened.passages) and self._loaded:
            self._set_state(self._session.open_early())

    def _show_page(self, opened: Opened | None, *, same: bool = False) -> None:
        passages = opened.passages if opened else ()
        manuscript = self._writing.manuscript
        manuscript.story = opened.story if opened else None
        self.query_one(Page).load(manuscript.title, passages, keep_place=same)
        self._passages.shown()
        self._openings.offer(None if passages else manuscript, self._line)
        self.query_one(WritingStatus).count("".join(p.text for p in passages))
        self._set_state("")

    @work(exclusive=True, group="look")
    async def check_other_windows(self) -> None:
        """Reload the story if another window changed it."""
        moved = await self._writing.moved() if self._loaded and self.is_current else None
        if moved is not None and not self._busy:
            await self._open(moved)
            self._message.say(MOVED)

    @on(TextArea.Changed, "#prompt")
    def _typed(self) -> None:
        self._line = self.query_one(Prompt).text  # kept: the prompt is removed before this screen
        self._openings.typed(self._line)
        if self._loaded:
            self._drafts.typed()

    # -- writing --------------------------------------------------------------------------------------

    @property
    def _busy(self) -> bool:
        return self._telling or self._adding is not None

    @on(Prompt.Sent)
    def _send(self, event: Prompt.Sent) -> None:
        self._message.complain(self._desk.store_thread.trouble)
        if self._busy or self._finding_model:
            self._send_when_ready = bool(event.text.strip()) or not self._busy
            self._set_state("your line is next" if self._send_when_ready else "still writing (esc stops it)")
            return
        if not self.can_tell():
            return
        self._adding = event.text
        self._drafts.forget()
        self._set_state("saving…")
        self._add(event.text)

    def can_tell(self) -> bool:
        """Whether there is a model; says so if there is none."""
        if self._session.now.stage is Stage.NO_MODEL:
            self._message.complain("There is no model yet: train one (F3), or choose one (escape, then m).")
            return False
        return True

    @work
    async def _add(self, line: str) -> None:
        try:
            added = await self._writing.add(line)
        except StoryError as error:  # the line stays in the prompt
            self._adding = None
            self._message.complain(str(error))
            self._set_state("")
            self._run_waiting()
            return
        self._adding, self._line = None, self.query_one(Prompt).forget(line)
        if self._line:  # typed in the meantime
            self._drafts.typed()
        await self._show_added(added)
        if self._waiting:  # another action was requested in the meantime
            self._set_state("")
            self._run_waiting()
            return
        self.tell(added.story.id, added.before + added.added)

    def tell(self, story_id: int, text: str, after: int | None = HEAD, takes: int = 1) -> None:
        """Let the model continue a text, with this many takes; they follow the passage `after`."""
        self._set_telling(True)
        self._session.tell(story_id, text, self._settings, after, takes)
        self._set_state("thinking…")

    async def _show_added(self, added: Added) -> None:
        self.query_one(Page).set_title(self._writing.manuscript.title)
        if added.moved:
            await self._open(added.story.id)
            self._message.say(MOVED)
        elif added.added:
            self.query_one(Page).append("you", added.added, added.story.head or BEING_TOLD)
        self.query_one(Page).choose(None)
        self.query_one(Page).anchor_end()
        self.query_one(WritingStatus).count(added.before + added.added)

    def _on_telling(self, message: messages.TellingMessage) -> None:
        match message:
            case messages.TextTold() if self._telling:
                self.query_one(Page).append("model", message.text)
                self.query_one(WritingStatus).add(message.text)
                speed = message.tokens_per_second
                state = f"{speed:,.0f} tokens/s" if speed else "writing…"
                self._set_state(f"{state} · your line is next" if self._send_when_ready else state)
            case messages.TellingEnded():
                self._telling_ended(message)

    def _telling_ended(self, message: messages.TellingEnded) -> None:
        if message.failure:
            self._message.complain(message.failure)
        if self._telling:
            self._set_telling(False)
            self._set_state(wording.telling_outcome(message.told, bool(message.failure)))
            self._passages.told(message.passage)
        if self._adding is None:
            self._run_waiting()
        self._send_if_ready()

    def _run_waiting(self) -> None:
        while self._waiting and not self._busy:
            self._waiting.pop(0)()

    def _set_telling(self, telling: bool) -> None:
        self._telling = telling
        self._openings.offer(None)
        self.query_one(Page).writing(telling)
        self.query_one(Prompt).set_writing(telling)

    def _send_if_ready(self) -> None:
        if self._send_when_ready and not (self._busy or self._finding_model):
            self._send_when_ready = False
            self.query_one(Prompt).action_send()

    def after_telling(self, then: Callable[[], object]) -> None:
        """Run an action now, or stop the model and run it after its last word."""
        self._message.drop(MOVED)
        if not self._busy:
            then()
            return
        self._waiting.append(then)
        self.action_stop()

    def action_stop(self) -> None:
        """Stop the model. Its words stay, and so does an unsent line."""
        self._send_when_ready = False
        if self._adding is not None and not self._waiting:
            self._waiting.append(lambda: None)  # it is not continued
        if self._telling:
            self._session.stop()
            self._set_state("stopping…")

    @on(Prompt.Left)
    def _left_prompt(self) -> None:
        (self.action_stop if self._busy else self.query_one(Page).focus)()

    @on(Openings.Left)
    def action_write(self) -> None:
        """Focus the prompt."""
        self.query_one(Prompt).focus()

    def _shows_key(self, action: str) -> bool:
        now, offered = self._session.now, self._openings.offered
        shown = {"model('voice')": bool(now.voices), "openings": offered, "model('newest')": now.in_training}
        return shown.get(action, True)

    @on(Prompt.Up)
    def action_openings(self) -> None:
        """Go to the openings that the model tells."""
        if self._openings.offered and not self._busy:
            self._openings.enter(self._settings)

    @on(Page.Chosen)
    @on(DescendantFocus)
    @on(DescendantBlur)
    def _passage_chosen(self) -> None:
        self._passages.show_line()

    @on(Openings.Begun)
    def _opening_taken(self, begun: Openings.Begun) -> None:
        self.show_story(begun.story)
        self.action_write()
        self._set_state("press Enter to let the model continue")

    def on_key(self, event: Key) -> None:
        """A notice goes with the next key, an error stays. While a line is typed, no key comes here."""
        self._message.clear_notice()

    def on_screen_suspend(self) -> None:
        """Stop telling openings when another screen is shown."""
        self._openings.cancel()

    # -- the model ------------------------------------------------------------------------------------

    def _writer_changed(self, _: Writer) -> None:
        self.refresh_bindings()  # the model may have voices
        self._show_status()

    def action_model(self, what: str) -> None:
        """Choose the model, its strength, its voice, or its newest weights: a method of `ModelChoices`."""
        getattr(self._model, what)()

    def action_passage(self, act: str) -> None:
        """Undo, redo, tell again, leaf, edit: a method of `Passages`."""
        getattr(self._passages, act)()

    def action_colours(self) -> None:
        """Show who wrote what in colours, or not."""
        page = self.query_one(Page)
        page.show_colours(not page.colours)

    def action_new(self) -> None:
        """Start a new story."""
        self.after_telling(lambda: self.show_story(None))

    def action_open(self) -> None:
        """Choose a story to open."""
        story_choices.offer_stories(self.app, self._desk, self.open_story)

    def action_rename(self) -> None:
        """Rename the story."""
        title = self._writing.full_title(self.query_one(Page).beginning)
        story_choices.ask_title(self.app, title, self._rename)

    @work
    async def _rename(self, title: str) -> None:
        with self._message.saying():
            await self._writing.rename(title)
            self.query_one(Page).set_title(self._writing.manuscript.title)

    def action_settings(self) -> None:
        """Change the sampler settings."""
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
        self.query_one(WritingStatus).show_with(self._session.now, finding=self._finding_model)
