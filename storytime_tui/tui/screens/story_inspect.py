"""Under the bonnet of the Story screen: how likely each word was, what else might have come, what training taught.

While it is open it has the focus, and its keys move over the page's words. It closes with escape, and when the story
or the model changes, or another field gets the focus.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from storytime_tui.errors import StoryMoved
from storytime_tui.models.catalogue import is_base_name
from storytime_tui.stories.story import Opened
from storytime_tui.tui import messages, wording
from storytime_tui.tui import word_reading as words
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.learning_words import found_words, token_words
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.screens.story_inspect_keys import KEYS
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.page import Page, Span
from storytime_tui.tui.widgets.passage_view import SurpriseLegend
from storytime_tui.tui.widgets.story_panel import StoryPanel
from storytime_tui.tui.widgets.word_panel import WordChances, WordPanel
from storytime_tui.tui.writing import MOVED, Writing

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.explain import Likely
    from storytime_tui.jobs.story_reading import StoryReading, TokenRead

LAYER = "inspect"  # of the page's paints
_Model = tuple[str, float | None, str]


def inspect(screen: Screen[None], desk: Desk, writing: Writing, message: MessageLine) -> None:
    """Open the panel: in the panel beside the page where there is one, else below the page."""
    page, beside = screen.query_one(Page), screen.query_one(StoryPanel)
    story = writing.story_id
    if screen.query(StoryInspect):
        return
    if story is None or not page.text.strip():
        message.say(_no_word())
    elif not desk.writing.now.can_tell:
        message.complain(wording.no_model(own_key("story.model", "m")))
    else:
        message.clear_notice()
        panel = StoryInspect(desk, writing, message, page, story)
        if beside.display:
            beside.mount(panel, before=0)
            beside.scroll_home(animate=False)
        else:
            assert isinstance(page.parent, Widget)
            page.parent.mount(panel, after=page)


class StoryInspect(Vertical, can_focus=True):
    """The chances at one word of the page, and the keys that inspect the page's words."""

    DEFAULT_CSS = """
    StoryInspect { height: auto; border-top: solid $line; }
    StoryInspect:focus { border-top: solid $primary; }
    StoryInspect SurpriseLegend { max-width: 100%; }
    StoryInspect #lean { height: auto; padding: 0 2 0 1; }
    """
    BINDINGS = KEYS

    class Taken(Message):
        """Another word was put into the story; `goes_on`: the model is to continue."""

        def __init__(self, story: Opened, *, goes_on: bool) -> None:
            super().__init__()
            self.story, self.goes_on = story, goes_on

    def __init__(self, desk: Desk, writing: Writing, message: MessageLine, page: Page, story: int) -> None:
        super().__init__(id="inspect")
        self._desk, self._writing, self._message, self._page = desk, writing, message, page
        self._panel, self._lean = WordPanel(id="word"), Static(id="lean", markup=False)
        self._legend = SurpriseLegend()
        self._legend.display = self._lean.display = False
        self._number = 0  # of the reading in progress; 0 without one
        self._story, self._text = story, page.text  # what is read
        self._model: _Model = ("", None, "")
        self._reading: StoryReading | None = None
        self._base: StoryReading | None = None
        self._look = ""  # of the words: "surprise", "base" or none
        self._at = 0  # the token under the cursor
        self._row: int | None = None  # of the list, while it has the arrow keys
        self._goal: int | None = None  # the cell that up and down keep to
        self._top = page.top if page.top < page.max_scroll_y else None  # of the page before; None: its end
        self._begin_at = len(page.text) if self._top is None else page.place_on_top() or 0
        self._left = False  # closed

    def compose(self) -> ComposeResult:
        """The word, and what the colours mean."""
        yield self._panel
        yield self._legend
        yield self._lean

    def on_mount(self) -> None:
        """Read the story; the cursor will be on the word in sight, at the story's end the last one."""
        self._before = self.screen.focused
        self._desk.told.subscribe(self, self._on_telling, immediate=True)
        self._desk.writer_changed.subscribe(self, lambda _: self._writer_changed())
        self.screen.set_class(not isinstance(self.parent, StoryPanel), "-inspecting")
        self._panel.say("reading…")
        self.focus()
        self._number = self._desk.writing.read(self._story, self._text)
        self._model = self._model_now()

    # -- opening and closing ----------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Leave the list, or return to the page as it was."""
        if self._row is not None:
            self._row = None
            self._show()
            return
        page, before = self._page, self._before
        self.leave()
        if before is not None and before.is_attached and before is not self:
            before.focus()
        page.call_after_refresh(page.anchor_end if self._top is None else partial(page.jump, self._top))

    def on_blur(self) -> None:
        """Close if another field has the focus, such as the prompt."""
        self.call_later(self._close_elsewhere)

    def _close_elsewhere(self) -> None:
        if not self._left and self.screen.focused not in (None, self, self._page):
            self.leave()

    def on_hide(self) -> None:
        """Close with the panel beside the page."""
        if isinstance(self.parent, StoryPanel) and not self.parent.display:
            self.leave()

    def leave(self) -> None:
        """Close without moving the focus, unless it is here."""
        if self._left:
            return
        self._left = True
        if self._number:
            self._desk.writing.stop()
        if self.has_focus:
            self._page.focus()
        self._page.point_at(None)
        self._page.paint(LAYER, ())
        self.screen.remove_class("-inspecting")
        self.remove()

    def heard(self, event: Message) -> None:
        """Follow the page: a click moves the cursor; another text closes the panel."""
        if self._left:
            return
        if isinstance(event, Page.Clicked):
            self.focus()
            if self._reading is not None:
                self._goal = None
                self._go(words.token_at(self._reading.tokens, event.place))
        elif self._page.text != self._text:
            self.leave()

    def _model_now(self) -> _Model:
        now = self._desk.writing.now
        return now.model, now.effective_strength, str(now.voice)

    def _writer_changed(self) -> None:
        """Close if the story is read with another model, strength or voice from now on."""
        model, strength, voice = self._model_now()
        if self._model[1] is None:  # known once the model is open
            self._model = self._model[0], strength, self._model[2]
        if (model, strength, voice) != self._model:
            self.leave()

    # -- reading ----------------------------------------------------------------------------------------

    def _on_telling(self, message: messages.TellingMessage) -> None:
        if self._left or not self._number or message.number != self._number:
            return
        if isinstance(message, messages.TellerOpening | messages.StoryProgress) and self._reading is None:
            self._panel.say(message.progress)
        elif isinstance(message, messages.StoryProgress):
            self._say_lean(f"the base: {message.progress}")
        elif isinstance(message, messages.StoryRead):
            self._read(message)
        elif isinstance(message, messages.TellingEnded):
            self._number = 0
            if self._reading is None:
                self.action_leave()
            elif self._look == "base" and self._base is None:
                self._set_look("")

    def _read(self, message: messages.StoryRead) -> None:
        first = self._reading is None
        self._reading, self._base = message.reading, message.base
        if not message.reading.tokens:
            self._number = 0
            self.action_leave()
            self._message.say(_no_word())
        elif first:
            self._go(words.token_at(message.reading.tokens, self._begin_at))
        else:
            self._set_look("base")

    # -- moving -----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        if action == "take":
            row = parameters[0] if parameters else self._row
            return (
                isinstance(row, int)
                and row < len(self._likeliest)
                and words.can_stand(self._likeliest[row].text)
            )
        if action == "choose":
            return self._row is None and bool(self._likeliest)
        return action == "leave" or self._reading is not None

    @property
    def _token(self) -> TokenRead | None:
        return self._reading.tokens[self._at] if self._reading is not None else None

    @property
    def _likeliest(self) -> tuple[Likely, ...]:
        return self._token.likeliest if self._token is not None else ()

    def action_move(self, by: int) -> None:
        """Move to the next word or the one before."""
        assert self._reading is not None
        self._goal = None
        self._go(words.token_beside(self._reading.tokens, self._at, by))

    def action_edge(self, at: int) -> None:
        """Move to the first word that is read, or the last."""
        assert self._reading is not None
        self._goal = None
        self._go(words.token_at(self._reading.tokens, len(self._text) if at else 0))

    def action_row(self, by: int) -> None:
        """Move to the row below or above; in the list, to another word of it."""
        assert self._token is not None and self._reading is not None
        if self._row is not None:
            self._row = max(0, min(len(self._likeliest) - 1, self._row + by))
            self._show()
            return
        laid = self._page.laid
        row = laid.row_at(self._token.start)
        if self._goal is None:
            self._goal = cell_len(self._text[laid.rows[row].start : self._token.start])
        row += by
        while 0 <= row < len(laid.rows) and laid.rows[row].kind:
            row += by
        place = laid.place_at(row, self._goal)
        if place is not None:
            self._go(words.token_at(self._reading.tokens, place))

    def _go(self, at: int) -> None:
        self._at, self._row = at, None
        self._show()

    # -- another word -----------------------------------------------------------------------------------

    def action_choose(self) -> None:
        """Give the arrow keys to the list."""
        actual = self._actual
        others = [row for row, each in enumerate(self._likeliest) if each.text != actual]
        self._row = others[0] if others else 0
        self._show()

    @on(WordPanel.Picked)
    def _picked(self, event: WordPanel.Picked) -> None:
        self.focus()
        self._row = event.row
        self._show()

    def action_take(self, row: int | None = None) -> None:
        """Put another word in the place of this one; what followed stays on its own branch."""
        row = self._row if row is None else row
        assert row is not None and self._token is not None
        self._put(self._text, self._token.start, self._likeliest[row].text)

    @work(exclusive=True)
    async def _put(self, text: str, place: int, other: str) -> None:
        with self._message.saying():
            try:
                changed = await self._writing.act(
                    partial(words.put_word, text=text, place=place, other=other)
                )
            except StoryMoved:
                self.leave()
                self._message.say(MOVED)
                changed = await self._writing.open(self._writing.story_id or 0), False
            if changed is not None:
                self.post_message(self.Taken(changed[0], goes_on=changed[1] and bool(other)))

    # -- colours ----------------------------------------------------------------------------------------

    def action_surprise(self) -> None:
        """Colour the words by surprise, or not."""
        self._set_look("" if self._look == "surprise" else "surprise")

    def action_base(self) -> None:
        """Colour the words by which would rather have said them: the run or its base."""
        model, strength, _ = self._model
        if self._look == "base":
            self._set_look("")
        elif self._base is not None:
            self._set_look("base")
        elif is_base_name(model):
            self._message.say(f"{model} is no run of yours: it has no base to be compared with.")
        elif strength == 0:
            self._message.say(f"At strength 0 this is the base of {model}: choose another strength (s).")
        elif not self._number:
            self._set_look("base")
            self._say_lean("the base: reading…")
            self._number = self._desk.writing.read(self._story, self._text, self._reading)

    def _set_look(self, look: str) -> None:
        self._look = look
        self._legend.display = look == "surprise"
        self._lean.display = look == "base"
        spans: list[Span] = []
        if look == "surprise" and self._reading is not None:
            spans = words.surprise_spans(self._reading.tokens)
        elif look == "base" and self._reading is not None and self._base is not None:
            found = words.leans(self._text, self._reading.tokens, self._base.tokens)
            spans = words.lean_spans(found)
            self._say_lean(words.lean_summary(self._text, found, self._model[0]), keys=True)
        self._page.paint(LAYER, spans)
        self._show()

    def _say_lean(self, sentence: str, *, keys: bool = False) -> None:
        self._lean.display = True
        run, base = ("run", "$background on $told 85%"), ("base", "underline")
        signs: tuple[object, ...] = (run, "  ", base, "  twice as likely · ") if keys else ()
        self._lean.update(Content.assemble(*signs, (sentence, "" if keys else "$quiet")))  # type: ignore[arg-type]

    # -- showing ----------------------------------------------------------------------------------------

    @property
    def _actual(self) -> str:
        return self._text[self._token.start : self._token.end] if self._token is not None else ""

    def _show(self) -> None:
        token, reading = self._token, self._reading
        if token is None or reading is None:
            return
        texts = [self._text[each.start : each.end] for each in reading.tokens]
        found = [f"{found_words(token.logprob, token.rank)} of {reading.vocabulary:,}"]
        base = self._base_token() if self._look == "base" else None
        if base is not None:
            found.append(f"base {found_words(base.logprob, base.rank)}")
        title = f"At {token_words(texts, self._at)}"
        before = self._text[token.start - 1 : token.start]
        self._panel.show(WordChances(title, found, before, self._actual, token.likeliest, self._row))
        self.call_after_refresh(self._point)
        self.refresh_bindings()

    def _point(self) -> None:
        """Mark the word on the page, once the page has its new height."""
        if self._token is not None and not self._left:
            word = self._actual.lstrip(" ")
            self._page.point_at(self._token.end - len(word or self._actual), self._token.end)

    def _base_token(self) -> TokenRead | None:
        if self._base is None or self._reading is None:
            return None
        at = self._at - len(self._reading.tokens)  # from the end: one of them may see more of the story
        return self._base.tokens[at] if -at <= len(self._base.tokens) else None


def _no_word() -> str:
    return f"There is no word to look at yet. {own_key('story.write', 'Enter')} goes to your line."
