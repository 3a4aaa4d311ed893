"""Copied or new: marks what told passages have word for word from the training stories, and says from where."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual import work
from textual.content import Content
from textual.widgets import Static

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.stories.story import Passage
from storytime_tui.terminal import printable_line
from storytime_tui.tui import messages
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.copied_words import USUAL_RUN, copies_line, joined_ranges
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.import_task import ImportTask
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.palette import AppActions
from storytime_tui.tui.widgets.copied_section import CopiedSection
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.page import Page, Span
from storytime_tui.tui.widgets.story_panel import StoryPanel
from storytime_tui.tui.widgets.writing_status import WritingStatus
from storytime_tui.tui.writing import Writing

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.copied import Learned, PassageCopies

_SHOWN = 0.2  # seconds between two looks at an index that is made
_NEAR = 500  # characters before a passage on which its copies depend; more than a run of words can have


class _Stopped(Exception):
    """The screen was left while an index was made."""


class _Told(NamedTuple):
    """A told passage where it stands in the story."""

    passage: Passage
    start: int
    end: int


class CopiedLine(Static):
    """The line on the chosen passage: its longest run, the source, the share. Hidden while there is nothing to say.

    Reads the training stories of each passage's model in a thread; only passages in view are looked at.
    """

    DEFAULT_CSS = """
    CopiedLine { height: auto; max-height: 2; color: $quiet; }
    """

    def __init__(
        self,
        desk: Desk,
        writing: Writing,
        message: MessageLine,
        set_settings: Callable[[SamplerSettings], object],
        *,
        id: str,
    ) -> None:
        super().__init__(id=id, markup=False)
        self._telling = False
        self._desk, self._writing, self._message = desk, writing, message
        self._set_settings = set_settings
        self._learned: dict[str, Learned] = {}  # by model
        self._said: dict[str, int] = {}  # by model: the passage at which it is said that nothing is known
        self._copies: dict[
            tuple[int, str], tuple[int, PassageCopies]
        ] = {}  # with the start that they count from
        self._told: list[_Told] = []  # of the present text
        self._text = ""
        self._passages: Sequence[int] = []  # with text
        self._making: ImportTask | None = None
        self._here = True  # this screen is shown
        self._words = ""
        self.display = False

    def on_mount(self) -> None:
        """Look at each told passage, and at those that are scrolled into view."""
        self._desk.told.subscribe(self, self._on_telling)
        self.watch(self._page, "scroll_y", self.look, init=False)
        self.set_interval(_SHOWN, self._follow)

    @property
    def _page(self) -> Page:
        return self.screen.query_one(Page)

    @property
    def _on(self) -> bool:
        return self._desk.preferences.now.copied_marks

    # -- called by the screen --------------------------------------------------------------------------

    def look(self) -> None:
        """Look at the told passages in view; while the model tells, its end is waited for."""
        if self._telling:
            return
        if self._on and self.screen in self.app.screen_stack:
            self._look()
        else:
            self._show()

    # -- looking --------------------------------------------------------------------------------------

    def _on_telling(self, message: messages.TellingMessage) -> None:
        self._telling = isinstance(message, messages.TextTold)
        if isinstance(message, messages.TellingEnded):
            self.look()

    @work(exclusive=True, group="copied")
    async def _look(self) -> None:
        story = self._writing.story_id
        if story is None:
            self._place(())
            self._show()
            return
        try:
            if (self._text, self._passages) != (self._page.text, self._page.laid.passages()):
                self._place(await self._writing.read(lambda store: store.passages(story)))
            self._show()
            if self._text != self._page.text:
                return  # it is being written: the end of the telling is looked at
            for told in self._in_view():
                learned = await self._open(told.passage.model)
                if self._key(told) not in self._copies:
                    look = partial(learned.look, self._text, told.start, told.end)
                    self._copies[self._key(told)] = told.start, await in_thread(look)
                self._show()
        except _Stopped:
            pass  # the screen was left, and is looked at when it is shown again
        except Exception as error:
            self._message.complain(sentence_of(error))

    def _place(self, passages: tuple[Passage, ...]) -> None:
        self._text = "".join(passage.text for passage in passages)
        self._passages = [passage.id for passage in passages if passage.text]
        self._told, start = [], 0
        for passage in passages:
            end = start + len(passage.text)
            if passage.author == "model" and passage.text and passage.model:
                self._told.append(_Told(passage, start, end))
            start = end

    def _key(self, told: _Told) -> tuple[int, str]:
        return told.passage.id, self._text[max(0, told.start - _NEAR) : told.end]

    def _in_view(self) -> list[_Told]:
        """The chosen passage and those in view, the last first."""
        page = self._page
        rows = page.laid.rows[max(0, page.top - 3) : page.top + page.size.height]
        first, last = (rows[0].start, rows[-1].end) if rows else (0, 0)
        chosen = self._chosen()
        seen = [told for told in self._told if told.start < last and told.end > first and told != chosen]
        return [*([chosen] if chosen else []), *reversed(seen)]

    def _chosen(self) -> _Told | None:
        """The chosen passage if it is told; words that were just told are the last passage."""
        chosen = self._page.chosen
        if not chosen:
            return self._told[-1] if self._told and self._told[-1].end == len(self._text) else None
        return next((told for told in self._told if told.passage.id == chosen), None)

    async def _open(self, model: str) -> Learned:
        """The index of what a model learned from. Raises `_Stopped` when the screen is left meanwhile."""
        if model not in self._learned:
            self._making = task = ImportTask(model)

            def report(words: str, done: int, total: int) -> None:
                task.report(words, done, total)
                if task.stop.is_set():
                    raise _Stopped

            try:
                self._learned[model] = await in_thread(
                    lambda: self._desk.services.learned_from(model, report)
                )
            finally:
                task.stop.set()  # also when a newer look replaces this one
                if self._making is task:
                    self._making = None
        return self._learned[model]

    # -- showing --------------------------------------------------------------------------------------

    def _show(self) -> None:
        told = self._chosen() if self._on else None
        self._paint()
        self._say(self._line(told) if told is not None else "")

    def _paint(self) -> None:
        spans: list[tuple[int, int]] = []
        for told in self._told if self._on and self._page.text.startswith(self._text) else ():
            start, copies = self._copies.get(self._key(told), (0, None))
            moved = told.start - start
            spans += [(p.start + moved, p.end + moved) for p in (copies.places if copies else ())]
        self._page.paint("copied", [Span(*each, "page--copied") for each in joined_ranges(spans)])

    def _line(self, told: _Told) -> str:
        model = told.passage.model
        learned = self._learned.get(model)
        if learned is not None and learned.index is None:
            once = self._said.setdefault(model, told.passage.id)
            return learned.unknown if once == told.passage.id else ""
        _, copies = self._copies.get(self._key(told), (0, None))
        if copies is None:
            return ""
        avoid = (
            "" if self._desk.preferences.now.avoid_copying else f", {own_key('story.avoid', 'A')} avoids it"
        )
        keys = f" · {own_key('story.source', 'C')} shows it{avoid}" if copies.places else ""
        return copies_line(copies, self._titles) + keys

    @property
    def _titles(self) -> dict[str, str]:
        return {collection.name: collection.title for collection in self._desk.collections}

    def _follow(self) -> None:
        """Show how far an index is; stop making it while another screen is shown, and look again after that."""
        here = self.screen in self.app.screen_stack
        task = self._making
        if task is not None and not here:
            task.stop.set()
        elif task is not None and task.said[0]:
            self._say(f"Reading what {printable_line(task.title)} learned from: {task.progress()}")
        if here and not self._here:
            self.look()
        elif here and self._words and self.display == self._in_panel:  # the panel was opened or closed
            self._say(self._words)
        self._here = here

    def _say(self, words: str) -> None:
        """Show the words in the panel beside the page; in this line where there is no panel."""
        self._words = printable_line(words)
        for section in self.screen.query(CopiedSection):  # none while the app closes
            section.say(self._words)
        self.display = bool(words) and not self._in_panel
        if self.display:
            self.update(Content.assemble(("Copied  ", "bold"), self._words))

    @property
    def _in_panel(self) -> bool:
        return any(panel.display for panel in self.screen.query(StoryPanel))

    # -- keys -----------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Mark copied words, or no longer; kept for the next start."""
        self._desk.prefer(copied_marks=not self._on)
        self._said.clear()
        words = (
            "are marked"
            if self._on
            else f"are not marked now; {own_key('story.copied', 'c')} marks them again"
        )
        self._message.say(f"Words that stand in the training stories {words}.")
        self.look()

    def avoid(self) -> None:
        """Tell with the sampler setting against copying, or without it."""
        settings = self.screen.query_one(WritingStatus).settings
        words = 0 if settings.avoid_copying else USUAL_RUN
        if words and (unknown := self._unknown(self._desk.writing.now.model)):
            self._message.say(unknown)
            return
        self._set_settings(dataclasses.replace(settings, avoid_copying=words))
        self._message.say(
            f"The model now tells no {words} words in a row from its training stories; A allows it again."
            if words
            else "The model may tell words from its training stories again; A avoids it."
        )
        self._show()

    def _unknown(self, model: str) -> str:
        """The sentence on a model whose training stories are not known, once that was looked up; else ""."""
        learned = self._learned.get(model)
        return learned.unknown if learned is not None and learned.index is None else ""

    def show_source(self) -> None:
        """Show the chosen passage's copied words where they stand in their stories."""
        told = self._chosen()
        if told is not None and (unknown := self._unknown(told.passage.model)):
            self._message.say(unknown)
            return
        _, copies = self._copies.get(self._key(told), (0, None)) if told else (0, None)
        if copies is None or not copies.places:
            what = f"No {USUAL_RUN} words in a row of this passage stand in the training stories."
            self._message.say(
                what if told is not None else "This passage is not the model's: nothing to compare."
            )
            return
        from storytime_tui.tui.screens.source import SourceScreen

        found = copies

        def answered(at: int | None) -> None:
            if at is not None:
                self._open_source(found, at)

        self.app.push_screen(SourceScreen(found, self._titles), answered)

    @work
    async def _open_source(self, copies: PassageCopies, at: int) -> None:
        """Show the story of a run in the Library, if it is on the shelf."""
        name, digest = copies.places[at].collection, copies.stories[at].facts.digest
        collection = next((each for each in self._desk.collections if each.name == name), None)
        stories = collection.stories if collection is not None else ()
        index = next((number for number, story in enumerate(stories) if story.facts.digest == digest), None)
        if collection is None or index is None:
            self._message.say(f"“{copies.places[at].story}” is not on the shelf any more.")
        else:
            await cast(AppActions, self.app).open_collection(collection.name, index)
