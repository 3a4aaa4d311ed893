"""Story: the user writes a line, and the model continues word by word until it ends or is stopped."""

from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Center, Vertical
from textual.events import DescendantBlur, DescendantFocus, Key
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, TextArea

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.told_record import last_model
from storytime_tui.stories.story import Opened, Story
from storytime_tui.tui import messages
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.drafts import Drafts
from storytime_tui.tui.manuscript import Manuscript
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.screens import story_choices
from storytime_tui.tui.screens.bookshelf import BOOKSHELF, install_bookshelf
from storytime_tui.tui.screens.side_by_side import compare
from storytime_tui.tui.screens.story_edit import Editing
from storytime_tui.tui.screens.story_inspect import StoryInspect, inspect
from storytime_tui.tui.screens.story_keys import KEYS, SELDOM
from storytime_tui.tui.screens.story_model import ModelChoices
from storytime_tui.tui.screens.story_passages import Passages
from storytime_tui.tui.screens.story_sheet import StorySheet
from storytime_tui.tui.screens.story_turns import Turns, TurnsView
from storytime_tui.tui.sizes import next_size, with_size
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.copied_line import CopiedLine
from storytime_tui.tui.widgets.edit_page import PassageEditor
from storytime_tui.tui.widgets.find_bar import FindBar
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.openings import Openings
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.passage_line import PassageLine
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.prompt_area import PromptArea
from storytime_tui.tui.widgets.story_aside import StoryAside
from storytime_tui.tui.widgets.writing_status import WritingStatus
from storytime_tui.tui.writing import MOVED, POLL, Writing
from storytime_tui.tui.writing_session import Writer


class StoryScreen(StyledOnce, Screen[None]):
    """The story, the user's line, and the model's words as they come."""

    CSS_PATH = "story.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS = KEYS

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._session, self._writing = desk, desk.writing, Writing(desk.store_thread)
        self._message = MessageLine()
        self._openings = Openings(desk, self._writing, self._message, id="openings")
        self.turns = Turns(self, desk, self._writing, self._message, self._view_of_turns())
        self._sheet = StorySheet(desk, self._writing, self._message, lambda: self.settings, desk.set_sampler)
        self._model = ModelChoices(self, desk, self._message, self.turns.after_telling)
        self._editing = Editing(self, desk, self._message, self.turns.can_tell)
        at_story = self._writing, self._message
        replacing = self.show_story, self.check_other_windows
        self._passages = Passages(self, *at_story, self._editing, self.turns, *replacing)
        self._visited = self._loaded = False  # loaded: the last story is shown
        self._inspected = False  # the words may be inspected now
        self._line = ""  # the typed, unsent line
        self.drafts = Drafts(
            self,
            lambda: self._writing.save_draft(self._line.removeprefix(self.turns.adding or "")),
            lambda slow: self.query_one(WritingStatus).set_saving(slow),
            lambda error: self._message.complain(sentence_of(error)),
        )

    def compose(self) -> ComposeResult:
        """The story, openings, messages, the prompt and its status."""
        yield Header(self._desk, "story")
        replacing = self.turns.after_telling, self.show_story, self.check_other_windows
        with self._sheet:
            yield StoryAside(self._desk, self._writing, self.open_story, self._passages.go, self.action_write)
            with Vertical(id="writing"):
                yield Page(id="page")
                yield Center(PassageLine(id="passage"))
                yield self._openings
                yield Center(self._message)
                yield Center(FindBar(self._writing, self._message, *replacing, id="find"))
                yield Center(
                    CopiedLine(
                        self._desk, self._writing, self._message, self._desk.set_sampler, id="copied-line"
                    )
                )
                yield PromptArea(self.settings, id="prompt-area")
            yield self._sheet.panel
        yield KeyLine(SELDOM, self._shows_key)

    def on_mount(self) -> None:
        """Follow the model and the other screens."""
        self._desk.told.subscribe(self, self._on_telling, immediate=True)
        self._desk.writer_changed.subscribe(self, self._writer_changed)
        self._desk.settings_changed.subscribe(self, self._settings_changed)
        self._desk.store_notice.subscribe(self, self._message.complain)
        self._desk.leaving.subscribe(self, lambda _: self.on_unmount(), immediate=True)
        self.set_interval(POLL, self.check_other_windows)
        leave = partial(self.turns.after_telling, partial(self.show_story, None))
        install_bookshelf(self, self._desk, self._writing, leave, self.open_story)

    @work
    async def _load_last_story(self) -> None:
        last: Opened | None = None
        with self._message.saying():
            last = await self._writing.open_last(self._message.complain)
            self._message.complain(self._desk.store_thread.news())
        self.show_story(None if self._session.fresh_page else last)
        self._session.fresh_page = False
        self._loaded = True
        if self._line:  # typed while the story was loading
            self.drafts.typed()
        teller = last_model(last.passages if last else ())
        with self._message.saying():
            await self._session.find_model(teller)
            self._model.say_if_gone(teller)
        self.turns.finding_model = False
        if self._session.now.can_tell and not self.turns.telling:
            self.set_state(self._session.open_early())
        self.turns.send_if_ready()
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
            self.turns.after_telling(self._start_page)
        self.check_other_windows()
        self._sheet.show_aside()
        self._show_status()

    def _start_page(self) -> None:
        self._blank_page()
        self._session.open()

    def on_unmount(self) -> None:
        """Save what was typed when the app closes."""
        if self._line and not self._loaded:  # the last story is still being read: a story of its own
            self.drafts.typed()
        self.drafts.flush()
        self._editing.drafts.flush()

    # -- the story ------------------------------------------------------------------------------------

    def open_story(self, story: Story) -> None:
        """Open a story after the current telling."""
        self.turns.after_telling(lambda: self.run_worker(self.open(story.id)))

    async def open(self, story_id: int) -> None:
        """Open the story with this id."""
        with self._message.saying():
            self.show_story(await self._writing.open(story_id))

    def show_story(self, opened: Opened | None) -> None:
        """Show a story or a blank page. The focus does not change, so that reading can go on."""
        if opened is not None and opened.story.id == self._writing.story_id:
            return self._show_page(opened, same=True)  # the typed line is newer than the saved draft
        if self._line != self.query_one(Prompt).text:
            self._typed()  # its own message is still on its way
        self.drafts.flush()  # of the previous story
        self._writing.manuscript = Manuscript()
        self._line = (opened.draft if opened else "") + ("" if self._loaded else self._line)
        self._show_page(opened)
        self.query_one(Prompt).put(self._line)
        if opened is not None and self._session.continue_story(opened.passages) and self._loaded:
            self.set_state(self._session.open_early())

    def _show_page(self, opened: Opened | None, *, same: bool = False) -> None:
        passages = opened.passages if opened else ()
        manuscript = self._writing.manuscript
        manuscript.story = opened.story if opened else None
        self.query_one(Page).load(manuscript.title, passages, keep_place=same)
        self._passages.shown()
        self._openings.offer(None if passages else manuscript, self._line)
        self.query_one(WritingStatus).count("".join(p.text for p in passages))
        self._sheet.show(opened)
        self.set_state("")

    @work(exclusive=True, group="look")
    async def check_other_windows(self, also: str = "") -> None:
        """Reload the story if another window changed it, and say so; `also`: another sentence to say then."""
        news = await self._writing.news() if self._loaded and self.is_current else ""
        story = self._writing.story_id
        if news and story is not None and not self.turns.busy:
            if news == MOVED:
                await self.open(story)
            self._message.say(f"{news} {also}".strip(), self._message.error)

    @on(TextArea.Changed, "#prompt")
    def _typed(self) -> None:
        self._line = self.query_one(Prompt).text  # kept: the prompt is removed before this screen
        self._openings.typed(self._line)
        if self._loaded:
            self.drafts.typed()

    # -- writing --------------------------------------------------------------------------------------

    @on(Prompt.Sent)
    def _send(self, event: Prompt.Sent) -> None:
        self.turns.send(event.text)

    def _view_of_turns(self) -> TurnsView:
        return TurnsView(
            settings=lambda: self.settings,
            state=self.set_state,
            sending=lambda: self.drafts.forget(),
            sent=self._sent,
            open=self.open,
            telling=self._telling_changed,
            ended=lambda message: self._passages.told(message.passage),
        )

    def _sent(self, rest: str) -> None:
        self._line = rest
        if rest:  # typed in the meantime
            self.drafts.typed()

    def _on_telling(self, message: messages.TellingMessage) -> None:
        self._editing.heard(message)
        self.turns.heard(message)

    def _telling_changed(self, telling: bool) -> None:
        self._openings.offer(None)
        self.query_one(Page).writing(telling)
        self.query_one(Prompt).set_writing(telling)

    def action_stop(self) -> None:
        """Stop the model. Its words stay, and so does an unsent line."""
        self.turns.stop()

    @on(Prompt.Left)
    def _left_prompt(self) -> None:
        (self.action_stop if self.turns.busy else self.query_one(Page).focus)()

    @on(Openings.Left)
    def action_write(self) -> None:
        """Focus the prompt."""
        self.query_one(Prompt).focus()

    def _shows_key(self, action: str) -> bool:
        now, offered = self._session.now, self._openings.offered
        if isinstance(self.focused, TextArea | Input) and action in ("write", "size(1)", "passage('find')"):
            return False  # these keys are text there
        shown = {"model('voice')": bool(now.voices), "openings": offered, "model('newest')": now.in_training}
        return shown.get(action, True)

    @on(Prompt.Up)
    def action_openings(self) -> None:
        """Go to the openings that the model tells."""
        if self._openings.offered and not self.turns.busy:
            self._openings.enter(self.settings)

    @on(Page.Chosen)
    @on(DescendantFocus)
    @on(DescendantBlur)
    def _passage_chosen(self) -> None:
        self._passages.show_line()

    @on(Openings.Begun)
    def _opening_taken(self, begun: Openings.Begun) -> None:
        self.show_story(begun.story)
        self.action_write()
        self.set_state(f"press {own_key('prompt.send', 'Enter')} to let the model continue")

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

    @on(PassageEditor.Done)
    def _edit_done(self, event: PassageEditor.Done) -> None:
        self._passages.finish_edit(event.text, event.keep_rest)

    @on(PassageEditor.Rewrite)
    def _rewrite(self, event: PassageEditor.Rewrite) -> None:
        self._editing.rewrite(event.text, event.start, event.end, self.settings)

    def action_inspect(self) -> None:
        """Show how likely each word was, and what else might have come."""
        self.turns.after_telling(self._inspect)

    def _inspect(self) -> None:
        self._inspected = True
        inspect(self, self._desk, self._writing, self._message)

    @on(Page.Changed)
    @on(Page.Clicked)
    def _page_changed(self, event: Message) -> None:
        panels = list(self.query(StoryInspect)) if self._inspected else []
        self._inspected = bool(panels)  # a search at each token would take long
        for panel in panels:
            panel.heard(event)

    @on(StoryInspect.Taken)
    def _word_taken(self, taken: StoryInspect.Taken) -> None:
        self.show_story(taken.story)
        self.query_one(Page).choose(None)
        self.query_one(Page).anchor_end()
        if taken.goes_on:
            self.turns.tell(taken.story.story.id, taken.story.text)

    def action_size(self, by: int) -> None:
        """Tell more or less at once: a sentence, a paragraph, a page."""
        size = next_size(self.settings, by)
        self._desk.set_sampler(with_size(self.settings, size))
        self._message.say(f"The model tells a {size} at once.")

    def action_pace(self) -> None:
        """Tell at reading speed, or as fast as the model can."""
        self.turns.change_pace()

    def action_colours(self) -> None:
        """Show who wrote what in colours, or not."""
        page = self.query_one(Page)
        page.show_colours(not page.colours)

    def action_panel(self) -> None:
        """Show or hide the panel of memory, author's note, and how it tells."""
        self._sheet.toggle_panel()

    def action_side_by_side(self) -> None:
        """Go on with several models side by side."""
        begin = partial(compare, self, self._desk, self._writing, self._message, self.settings, self.open)
        if self.turns.can_tell():
            self.turns.after_telling(begin)

    def action_new(self) -> None:
        """Start a new story; its first line can be typed at once."""
        self.turns.after_telling(self._blank_page)

    def _blank_page(self) -> None:
        self.show_story(None)
        self.action_write()

    def action_open(self) -> None:
        """Go to the bookshelf: all stories."""
        self.app.push_screen(BOOKSHELF)

    def action_rename(self) -> None:
        """Rename the story."""
        title = self._writing.full_title(self.query_one(Page).beginning)
        story_choices.ask_title(self.app, title, self._rename)

    @work
    async def _rename(self, title: str) -> None:
        with self._message.saying():
            await self._writing.rename(title)
            self.query_one(Page).set_title(self._writing.manuscript.title)

    @property
    def settings(self) -> SamplerSettings:
        """How stories are told now."""
        return self._desk.sampler

    def _settings_changed(self, _: None) -> None:
        self.query_one(WritingStatus).settings = self.settings
        self.query_one(CopiedLine).look()
        self._show_status()
        self._sheet.refresh_panel()

    def set_state(self, state: str) -> None:
        """Show what goes on in the status line."""
        self.query_one(WritingStatus).state = state
        self._show_status()

    def _show_status(self) -> None:
        self.query_one(WritingStatus).show_with(self._session.now, finding=self.turns.finding_model)
