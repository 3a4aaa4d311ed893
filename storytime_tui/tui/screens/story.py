"""Story: you write a line, the model goes on, word by word, until it is done or you stop it."""

import dataclasses
import random
from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Static, TextArea

from storytime_tui.errors import StoryError
from storytime_tui.generation.settings import SamplerSettings
from storytime_tui.models.catalogue import bases
from storytime_tui.stories.story import Passage, Story
from storytime_tui.tui import messages, wording
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.joining import uncut
from storytime_tui.tui.manuscript import Manuscript
from storytime_tui.tui.screens.dialogs import AskScreen, ChooseScreen, Row
from storytime_tui.tui.screens.sampler import SamplerScreen
from storytime_tui.tui.services import Choice, Store
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.trouble import Trouble
from storytime_tui.tui.widgets.writing_status import WritingStatus

DRAFT = 0.5  # seconds of typing that a power cut may cost
HINT = "A blank page. Write how it begins, and press Enter: the model goes on from there."


class StoryScreen(Screen[None]):
    """The page, your line, and the model's words as they come."""

    CSS_PATH = "story.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS = [
        Binding("enter", "write", "Write", id="story.write", tooltip="Back to your line"),
        Binding("escape", "stop", "Stop", show=False, id="story.stop", tooltip="Stop; its words stay"),
        Binding("m", "model", "Model", id="story.model", tooltip="Choose who writes with you"),
        Binding("u", "undo", "Undo", id="story.undo", tooltip="Take back the last piece, whoever wrote it"),
        Binding("ctrl+z", "undo", "Undo", show=False, id="story.undo_too", tooltip="Take it back"),
        Binding("y", "redo", "Redo", id="story.redo", tooltip="Bring back what was taken back"),
        Binding("ctrl+y", "redo", "Redo", show=False, id="story.redo_too", tooltip="Bring it back"),
        Binding("n", "new", "New", id="story.new", tooltip="A blank page; this story is kept"),
        Binding("o", "open", "Open", id="story.open", tooltip="Go on with an earlier story"),
        Binding("r", "rename", "Rename", id="story.rename", tooltip="Give the story a title"),
        Binding("comma", "settings", "Settings", key_display=",", id="story.settings", tooltip="How boldly"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._store: Store | None = None
        self._manuscript: Manuscript | None = None  # None where the store cannot be opened
        self._settings = desk.preferences.sampler()
        self._trouble = Trouble(id="trouble")
        self._telling = False
        self._then: Callable[[], object] | None = None  # what waits for the model's last word
        self._finding = True  # which model there is
        self._wished = False  # Enter was pressed while no line could be sent: it goes as soon as one can
        self._line = ""  # what is typed and not yet sent
        self._draft: Timer | None = None  # runs while the line is not kept yet

    def compose(self) -> ComposeResult:
        """Page, trouble, prompt, status."""
        yield Header(self._desk, "story")
        yield Page(id="page")
        yield self._trouble
        with Vertical(id="desk"):
            with Horizontal(id="line"):
                yield Static(Content("›"), id="sign")
                yield Prompt(id="prompt")
            yield WritingStatus(self._settings, id="status")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Open the last story, find a model."""
        self._trouble.say("")
        self._desk.told.subscribe(self, self._said, immediate=True)
        self._desk.model_changed.subscribe(self, self._model_changed)
        last = None
        with self._trouble.saying():
            self._store = self._desk.store()
            if not self._desk.fresh_page:
                last = self._desk.last_story()
        self._show_story(last)
        self._desk.fresh_page = False
        self.run_worker(self._find_model())

    def on_screen_resume(self) -> None:
        """Another screen may have asked for a fresh page or another model."""
        if self._desk.fresh_page and self._store is not None:
            self._desk.fresh_page = False
            self._when_quiet(self._begin_anew)
        self._show_status()

    def _begin_anew(self) -> None:
        self._show_story(None)
        if not self._desk.awaited:
            self._open_model()

    def on_unmount(self) -> None:
        """The app closes: what is typed stays."""
        self._keep_draft()

    # -- the story ------------------------------------------------------------------------------------

    def open_story(self, story: Story) -> None:
        """Go on with a story."""
        self._when_quiet(lambda: self._show_story(story))

    def _show_story(self, story: Story | None) -> None:
        self._keep_draft()
        passages: tuple[Passage, ...] = ()
        self._manuscript = None
        with self._trouble.saying():
            if self._store is not None:
                self._manuscript = Manuscript(self._store, self._store.story(story.id) if story else None)
                passages = self._manuscript.passages()
        title = self._manuscript.title if self._manuscript else "A new story"
        self.query_one(Page).load(title, [(p.author, p.text) for p in passages], HINT)
        status = self.query_one(WritingStatus)
        status.count("".join(p.text for p in passages))
        status.state = ""
        self._line = self._manuscript.draft if self._manuscript else ""
        prompt = self.query_one(Prompt)
        with self.prevent(TextArea.Changed):
            prompt.load_text(self._line)
            prompt.move_cursor(prompt.document.end)
        prompt.focus()
        self._show_status()

    def _show_title(self) -> None:
        for page in self.query(Page):
            page.set_title(self._manuscript.title if self._manuscript else "")

    @on(TextArea.Changed, "#prompt")
    def _typed(self) -> None:
        self._line = self.query_one(Prompt).text  # at the app's end the prompt is gone before this screen
        if self._draft is not None:
            self._draft.stop()
        self._draft = self.set_timer(DRAFT, self._keep_draft)

    def _keep_draft(self) -> None:
        if self._draft is None or self._manuscript is None:
            return
        self._draft.stop()
        self._draft = None
        with self._trouble.saying():
            self._manuscript.keep_draft(self._line)
            self._show_title()

    # -- writing --------------------------------------------------------------------------------------

    @on(Prompt.Sent)
    def _send(self, event: Prompt.Sent) -> None:
        self._trouble.say("")
        if self._telling or self._finding or self._desk.awaited:
            self._wished = bool(event.text.strip()) or not self._telling
            self._set_state("your line is next" if self._wished else "still writing: escape stops it")
            return
        if self._manuscript is None:
            self._trouble.say("The stories cannot be opened, so nothing that is written now would be kept.")
            return
        if not self._desk.model:
            self._trouble.say("There is no model to write with yet: train one (F3), or choose one (esc, m).")
            return
        try:
            story, text, added = self._manuscript.add(event.text)
        except StoryError as error:  # the line stays in the prompt
            self._trouble.say(str(error))
            return
        if self._draft is not None:
            self._draft.stop()
            self._draft = None
        prompt = self.query_one(Prompt)
        with self.prevent(TextArea.Changed):
            prompt.forget(event.text)
        self._line = prompt.text
        if self._line:  # typed since
            self._typed()
        self._show_title()
        page = self.query_one(Page)
        if added:
            page.append("you", added)
        page.anchor()
        self.query_one(WritingStatus).count(text + added)
        self._then = None
        self._set_telling(True)
        # another seed for each telling, so that taking back and trying again tells something else
        seed = self._settings.seed or random.randrange(1, 2**31)
        self._desk.tell(story, text + added, dataclasses.replace(self._settings, seed=seed))
        self._set_state("thinking…")

    def _said(self, message: messages.TellingMessage) -> None:
        match message:
            case messages.TellerOpening():
                self._set_model_state(message.progress)
            case messages.TellerReady():
                self._set_model_state("")
            case messages.TextTold() if self._telling:
                self.query_one(Page).append("model", message.text)
                self.query_one(WritingStatus).add(message.text)
                speed = message.tokens_per_second
                state = f"{speed:,.0f} tokens/s" if speed else "writing…"
                self._set_state(f"{state} · your line is next" if self._wished else state)
            case messages.TellingEnded():
                self._ended(message)

    def _ended(self, message: messages.TellingEnded) -> None:
        self._set_model_state("")
        if message.failure:
            self._trouble.say(message.failure)
        if self._telling:
            self._set_telling(False)
            self._set_state(wording.ending(message.told, bool(message.failure)))
        then, self._then = self._then, None
        if then is not None:
            then()
        self._send_what_waits()

    def _set_telling(self, telling: bool) -> None:
        self._telling = telling
        self.query_one(Page).writing(telling)
        self.query_one(Prompt).set_writing(telling)

    def _send_what_waits(self) -> None:
        if self._wished and not (self._telling or self._finding or self._desk.awaited):
            self._wished = False
            self.query_one(Prompt).action_send()

    def _when_quiet(self, then: Callable[[], object]) -> None:
        """Do it now, or, while the model writes, stop it and do it after its last word."""
        if not self._telling:
            then()
            return
        self._then = then
        self.action_stop()

    def action_stop(self) -> None:
        """Stop the model; what it wrote stays, and so does a line that waits."""
        self._wished = False
        if self._telling:
            self._desk.telling.stop()
            self._set_state("stopping…")

    @on(Prompt.Left)
    def _left_prompt(self) -> None:
        (self.action_stop if self._telling else self.query_one(Page).focus)()

    def action_write(self) -> None:
        """Back to the line."""
        self.query_one(Prompt).focus()

    # -- the model ------------------------------------------------------------------------------------

    async def _find_model(self) -> None:
        with self._trouble.saying():
            await self._desk.find_model(self._manuscript.model if self._manuscript else "")
        self._finding = False
        if self._desk.model and not self._desk.awaited:
            self._open_ahead()
        self._send_what_waits()
        self._show_status()

    def _model_changed(self, _: None) -> None:
        if self._desk.checkpoint_is_new:  # what was awaited is on the disk
            self._desk.checkpoint_is_new = False
            self._open_model()
            self._send_what_waits()
        self._show_status()

    def _open_ahead(self) -> None:
        downloads = {base.name for base in bases() if base.download}
        if self._desk.model in downloads:
            self._set_state(f"{self._desk.model} is fetched with your first Enter, if it is not here yet")
        # opened ahead of the first line, unless it would have to be fetched, or would slow a run down
        if self._desk.model not in downloads and not self._desk.view.busy and not self._telling:
            self._open_model()

    async def _choices(self) -> list[Choice]:
        found: list[Choice] = []
        with self._trouble.saying():
            found = list(await in_thread(self._desk.services.model_choices))
        return found

    def _open_model(self) -> None:
        self._set_model_state("opening…")
        self._desk.open_model()

    def action_model(self) -> None:
        """Choose who writes."""
        self.run_worker(self._choose_model())

    async def _choose_model(self) -> None:
        rows = [Row(choice.name, choice.title, choice.note) for choice in await self._choices()]
        if rows:
            self.app.push_screen(ChooseScreen("Write with", rows, self._desk.model), self._model_chosen)

    def _model_chosen(self, name: str | None) -> None:
        if name:
            self._trouble.say("")
            self._when_quiet(lambda: self._take_model(name))
            self.query_one(Prompt).focus()

    def _take_model(self, name: str) -> None:
        self._desk.choose_model(name)
        self._open_model()

    def _set_model_state(self, state: str) -> None:
        self._desk.model_state = state
        self._desk.model_changed.publish(None)

    # -- keys -----------------------------------------------------------------------------------------

    def action_undo(self) -> None:
        """Take back the last piece."""
        self._when_quiet(lambda: self._change(Manuscript.undo))

    def action_redo(self) -> None:
        """Bring back what was taken back."""
        self._when_quiet(lambda: self._change(Manuscript.redo))

    def _change(self, change: Callable[[Manuscript], None]) -> None:
        if self._manuscript is None:
            return
        self._keep_draft()
        with self._trouble.saying():
            change(self._manuscript)
            self._show_story(self._manuscript.story)
            self.query_one(Page).focus()

    def action_new(self) -> None:
        """A blank page."""
        self._when_quiet(lambda: self._show_story(None))

    def action_open(self) -> None:
        """Choose an earlier story."""
        if self._store is None:
            return
        stories: list[Story] = []
        with self._trouble.saying():
            stories = list(self._store.stories())  # the last changed first
        rows = [Row(str(i), story.title) for i, story in enumerate(stories)]
        if not rows:
            self._set_state("there is no other story yet")
            return

        def opened(chosen: str | None) -> None:
            if chosen is not None:
                self.open_story(stories[int(chosen)])

        self.app.push_screen(ChooseScreen("Your stories", rows), opened)

    def action_rename(self) -> None:
        """Give the story a title."""
        manuscript = self._manuscript
        if manuscript is None:
            return

        def named(title: str | None) -> None:
            if title and title.strip():
                with self._trouble.saying():
                    manuscript.rename(title.strip())
                    self._show_title()

        title = manuscript.story.title if manuscript.story is not None else ""
        now = uncut(title, self.query_one(Page).beginning)
        self.app.push_screen(AskScreen("Title", "What is this story called?", value=now), named)

    def action_settings(self) -> None:
        """How the next word is chosen."""
        self.app.push_screen(SamplerScreen(self._settings), self._set_settings)

    def _set_settings(self, settings: SamplerSettings | None) -> None:
        if settings is not None:
            self._settings = self.query_one(WritingStatus).settings = settings
            self._desk.prefer_sampler(settings)
            self._show_status()

    # -- what is shown --------------------------------------------------------------------------------

    def _set_state(self, state: str) -> None:
        self.query_one(WritingStatus).state = state
        self._show_status()

    def _show_status(self) -> None:
        status, desk = self.query_one(WritingStatus), self._desk
        status.model_state = f"{desk.model} {desk.model_state}" if desk.model_state else ""
        status.no_model = not desk.model and not self._finding
        status.show()
