"""Side by side: up to three models, strengths or voices continue the same text, and one of them is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import describe, known
from storytime_tui.models.catalogue import is_base_name
from storytime_tui.stories.story import Opened
from storytime_tui.tui import messages, wording
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.columns import MOST
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.page_layout import WIDEST
from storytime_tui.tui.screens.dialogs import ChooseScreen, Row
from storytime_tui.tui.screens.story_choices import STRENGTHS
from storytime_tui.tui.side_session import SideSession, first_columns
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.telling_requests import Column
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.told_column import ToldColumn
from storytime_tui.tui.writing import Writing

WIDE = 100  # cells from which on all columns are seen at once
TALL = 34  # lines from which on more of the story is seen
_FEW, _MANY = 3, 6  # lines of the story's end
_END = 1000  # characters, more than these lines


def compare(
    screen: Screen[None],
    desk: Desk,
    writing: Writing,
    message: MessageLine,
    settings: SamplerSettings,
    open_story: Callable[[int], Awaitable[None]],
) -> None:
    """Continue the story of the Story screen with several models side by side, and show what is taken."""
    story = writing.story_id
    if story is None:
        message.say(wording.no_story())
        return

    async def show() -> None:
        await open_story(story)
        page = screen.query_one(Page)
        page.choose(None)
        page.anchor_end()

    def closed(taken: bool | None) -> None:
        if taken:
            screen.run_worker(show())

    async def begin() -> None:
        with message.saying():
            opened = await writing.read(lambda store: Opened(store.story(story), store.passages(story), ""))
            screen.app.push_screen(SideBySideScreen(desk, opened, settings), closed)

    screen.run_worker(begin())


class SideBySideScreen(StyledOnce, Screen[bool]):
    """The columns, one of which is chosen. Gives whether one was taken."""

    CSS_PATH = "side_by_side.tcss"
    help_topic = "side"  # see `StorytimeApp.action_help`
    BINDINGS = [
        Binding(
            "enter", "take", "Take it", id="side.take", tooltip="Go on with this one; the others are kept"
        ),
        Binding(
            "right", "choose(1)", "Choose", key_display="← →", id="side.right", tooltip="The next column"
        ),
        Binding("left", "choose(-1)", "Choose", show=False, id="side.left", tooltip="The column before"),
        Binding("r", "again", "Tell again", id="side.again", tooltip="Tell all again with another seed"),
        Binding("m", "model", "Model", id="side.model", tooltip="Another model in this column"),
        Binding("s", "strength", "Strength", id="side.strength", tooltip="Another strength in this column"),
        Binding("v", "voice", "Voice", id="side.voice", tooltip="Another voice in this column"),
        Binding(
            "plus", "add", "Add", key_display="+", id="side.add", tooltip="One more column, three at most"
        ),
        Binding("minus", "remove", "Remove", key_display="-", id="side.remove", tooltip="Remove this column"),
        Binding("down", "scroll(1)", "Scroll", show=False, id="side.down", tooltip="Scroll down"),
        Binding("up", "scroll(-1)", "Scroll", show=False, id="side.up", tooltip="Scroll up"),
        Binding("escape", "leave", "Back", id="side.leave", tooltip="Stop; when all have stopped, go back"),
    ]

    def __init__(self, desk: Desk, opened: Opened, settings: SamplerSettings) -> None:
        super().__init__()
        self._desk, self._opened = desk, opened
        now = desk.writing.now
        first = Column(now.model, now.strength, now.voice)
        self._session = SideSession(desk.writing, desk.store_thread, opened, settings, [first])
        self._title = Static(id="side-title", markup=False)
        self._before = Static(id="side-before", markup=False)
        self._columns = [ToldColumn(id=f"column-{place}") for place in range(MOST)]
        self._message = MessageLine()
        self._models: Sequence[str] = ()
        self._stopping = False
        self._taking = False  # the chosen column is taken once all have stopped

    def compose(self) -> ComposeResult:
        """The title, the end of the story, and the columns."""
        yield Header(self._desk, "story")
        yield self._title
        yield self._before
        with Horizontal(id="columns"):
            yield from self._columns
        yield self._message
        yield KeyLine(("voice", "strength", "add", "remove"))

    def on_mount(self) -> None:
        """Find the models to compare, and tell."""
        self._desk.told.subscribe(self, self._heard, immediate=True)
        self._show()
        self._begin()

    def on_unmount(self) -> None:
        """Free the telling thread."""
        if self._session.telling:
            self._session.stop()

    @work
    async def _begin(self) -> None:
        with self._message.saying():
            writer = self._desk.writing.now
            self._models = [choice.name for choice in await in_thread(self._desk.writing.list_models)]
            runs = await in_thread(self._desk.services.runs)
            run = writer.model.partition("/")[0]
            base = next((each.base for each in runs if each.name == run), "")
            for column in first_columns(writer, self._models, base)[1:]:
                self._session.add(column)
            self._session.chosen = 0
        if len(self._session.views) == 1:
            self._message.say("There is no other model yet: + adds this one at another strength or voice.")
        self._tell()

    # -- telling --------------------------------------------------------------------------------------

    def _tell(self, *, another_seed: bool = False) -> None:
        self._stopping = self._taking = False
        self._session.tell(another_seed=another_seed)
        self._show()

    def _heard(self, message: messages.TellingMessage) -> None:
        place = self._session.heard(message)
        if place is None:
            return
        if place >= 0:
            self._show_column(place)
            return
        self._stopping = False
        self.refresh_bindings()
        if self._taking:
            self._taking = False
            self._take()

    # -- showing --------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Show one column or all."""
        self._show()

    def _show(self) -> None:
        end = self._opened.text[-_END:].strip()
        lines = list(wrapped(end, max(20, min(WIDEST, self.size.width - 4))))
        last = "\n".join(lines[-(_FEW if self.size.height < TALL else _MANY) :])
        self._before.update(Content(last.lstrip("\n")))
        title = f"  the same text and seed ({self._session.seed}) for each"
        self._title.update(Content.assemble(("Side by side", "bold"), (title, "$quiet")))
        for place in range(MOST):
            self._show_column(place)
        self.refresh_bindings()

    def _show_column(self, place: int) -> None:
        session, column = self._session, self._columns[place]
        wide = self.size.width >= WIDE
        chosen = place == session.chosen
        column.display = place < len(session.views) and (wide or chosen)
        if place < len(session.views):
            count = len(session.views)
            where = f"‹ {place + 1} of {count} ›" if count > 1 and not wide else ""
            column.show(session.views[place], chosen=chosen, where=where)

    # -- keys -----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that do something now."""
        count = len(self._session.views)
        column = self._session.views[self._session.chosen]
        return {
            "add": count < MOST,
            "remove": count > 1,
            "voice": bool(column.voices),
            "strength": not is_base_name(column.column.model),
        }.get(action, True)

    def action_choose(self, by: int) -> None:
        """Choose the next column or the one before."""
        self._session.choose(by)
        self._message.clear_notice()
        self._show()

    def action_scroll(self, by: int) -> None:
        """Scroll the chosen column."""
        self._columns[self._session.chosen].scroll_by(by)

    def action_again(self) -> None:
        """Tell all columns again with another seed."""
        self._message.clear()
        self._tell(another_seed=True)

    def action_take(self) -> None:
        """Go on with the chosen column; while they tell, stop them first."""
        if self._session.telling:
            self._taking = True
            self._session.stop()
        else:
            self._take()

    @work(exclusive=True, group="take")
    async def _take(self) -> None:
        with self._message.saying():
            if await self._session.take() is None:
                self._message.say(
                    "This column has no words: choose another one, or press "
                    f"{own_key('side.again', 'r')} to tell again."
                )
            else:
                self.dismiss(True)

    def action_leave(self) -> None:
        """Stop the models; once they have stopped, or at a second press, go back to the story."""
        if self._session.telling and not self._stopping:
            self._stopping, self._taking = True, False
            self._session.stop()
            self._message.say(f"Stopping… {own_key('side.leave', 'Escape')} again goes back to the story.")
        else:
            self.dismiss(False)

    def action_model(self) -> None:
        """Choose another model for the chosen column."""
        self._ask_model("Tell with", self._now.model, lambda name: self._change(Column(name)))

    def action_add(self) -> None:
        """Add a column with another model."""

        def add(name: str) -> None:
            self._session.add(Column(name))
            self._tell()

        self._ask_model("Compare with", "", add)

    def action_remove(self) -> None:
        """Remove the chosen column; the others tell anew."""
        self._session.remove()
        self._tell()

    def action_strength(self) -> None:
        """Choose another strength for the chosen column."""
        rows = [Row(f"{step}", f"{step:g}", note) for step, note in STRENGTHS.items()]
        now = 1.0 if self._now.strength is None else self._now.strength
        self.app.push_screen(
            ChooseScreen("Strength: from the base (0) to the run (1) and beyond", rows, f"{now}"),
            lambda chosen: self._change(replace(self._now, strength=float(chosen))) if chosen else None,
        )

    def action_voice(self) -> None:
        """Choose another voice for the chosen column."""
        titles = self._session.views[self._session.chosen].voices
        rows = [Row(f"={title}", title) for title in titles]
        rows.append(Row("none", "No voice", "the model sees no shelf's name"))

        def answered(chosen: str | None) -> None:
            if chosen:
                voice = () if chosen == "none" else ((chosen[1:], 1.0),)
                self._change(replace(self._now, voice=voice))

        now = describe(known(self._now.voice, titles))
        self.app.push_screen(ChooseScreen("Voice: tell as", rows, f"={now}" if now else "none"), answered)

    @property
    def _now(self) -> Column:
        return self._session.views[self._session.chosen].column

    def _change(self, column: Column) -> None:
        self._session.change(column)
        self._message.clear()
        self._tell()

    def _ask_model(self, title: str, now: str, chosen: Callable[[str], object]) -> None:
        rows = [Row(each.name, each.title, each.note) for each in self._desk.writing.known_models]

        def answered(name: str | None) -> None:
            if name:
                chosen(name)

        nothing = wording.no_model()
        self.app.push_screen(ChooseScreen(title, rows, now, nothing=nothing), answered)
