"""The bar above the prompt that finds words in the story, and replaces them on a new branch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Input, Static

from storytime_tui.errors import StoryMoved
from storytime_tui.stories import tree
from storytime_tui.stories.finding import FoldedText, Place, Wanted, replaced
from storytime_tui.stories.story import Opened
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.page_layout import BEING_TOLD
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.page import Page, Span
from storytime_tui.tui.wording import count
from storytime_tui.tui.writing import Writing

_FOLLOW = 0.2  # seconds between two looks whether the story has changed


class FindField(Input):
    """A field of the bar. Its keys are handled in order with the letters before them."""

    BINDINGS = [
        Binding("enter", "submit", "Next", id="find.next", tooltip="Go to the next place"),
        Binding(
            "ctrl+r",
            "bar('replace_one')",
            "Replace",
            id="find.replace",
            tooltip="Replace this place; the next one follows",
        ),
        Binding(
            "ctrl+a",
            "bar('replace_all')",
            "All",
            id="find.all",
            tooltip="Replace all places, as one step",
        ),
        Binding(
            "ctrl+e",
            "bar('switch_case')",
            "Case",
            id="find.exact",
            tooltip="Case and accents as typed, or any",
        ),
        Binding(
            "ctrl+l",
            "bar('switch_whole')",
            "Words",
            id="find.whole",
            tooltip="Whole words only, or parts of words too",
        ),
    ]
    _ACTS: ClassVar = {
        "ctrl+r": "replace_one",
        "ctrl+a": "replace_all",
        "ctrl+e": "switch_case",
        "ctrl+l": "switch_whole",
    }

    async def _on_key(self, event: Key) -> None:
        """Do what our keys do; a binding would do it after the letters that follow, or before those that wait."""
        if event.key in self._ACTS:
            event.stop()
            event.prevent_default()
            self.action_bar(self._ACTS[event.key])
        else:
            await super()._on_key(event)

    def action_bar(self, act: str) -> None:
        """Do something with the story: a method of `FindBar`."""
        getattr(self.screen.query_one(FindBar), act)()


class FindBar(Vertical):
    """Finds while the words are typed. Hidden until it is opened."""

    DEFAULT_CSS = """
    FindBar { height: auto; display: none; }
    FindBar.-open { display: block; }
    FindBar Horizontal { height: 1; }
    FindBar .find--label { width: 9; color: $quiet; }
    FindBar Input { width: 1fr; background: $boost; }
    FindBar #find-state, FindBar #find-how { width: 29; color: $quiet; padding-left: 1; text-align: right; }
    """
    BINDINGS = [
        Binding("down", "go(1)", "Next", show=False, id="find.down", tooltip="The next place"),
        Binding("up,shift+enter", "go(-1)", "Before", show=False, id="find.up", tooltip="The place before"),
        Binding("escape", "close", "Close", id="find.close", tooltip="Close; the story stays where it is"),
    ]

    def __init__(
        self,
        writing: Writing,
        message: MessageLine,
        after_telling: Callable[[Callable[[], object]], object],
        show_story: Callable[[Opened], object],
        reload: Callable[[], object],
        *,
        id: str,
    ) -> None:
        """Replacing waits until the model has stopped (`after_telling`), and shows the story as it is then.

        `reload`: what to do if another window has changed the story.
        """
        super().__init__(id=id)
        self._writing, self._message = writing, message
        self._after_telling, self._show_story, self._reload = after_telling, show_story, reload
        self._debounced: Debounced[tuple[FoldedText, Sequence[Place]]] = Debounced(
            self, self._found, lambda error: None
        )
        self._wanted = Wanted("")
        self._folded = FoldedText("")
        self._places: Sequence[Place] = ()
        self._at = 0  # the current place
        self._from = 0  # where in the story the search begins

    def compose(self) -> ComposeResult:
        """A field for the words, one for what replaces them."""
        with Horizontal():
            yield Static(Content("Find"), classes="find--label")
            yield FindField(id="find-words", compact=True, select_on_focus=True)
            yield Static(id="find-state", markup=False)
        with Horizontal():
            yield Static(Content("Replace"), classes="find--label")
            yield FindField(id="find-other", compact=True, placeholder="with nothing")
            yield Static(id="find-how", markup=False)

    def on_mount(self) -> None:
        """Follow the story while it grows."""
        self.set_interval(_FOLLOW, self._follow)

    @property
    def _page(self) -> Page:
        return self.screen.query_one(Page)

    @property
    def _is_open(self) -> bool:
        return self.has_class("-open")

    # -- opening and closing --------------------------------------------------------------------------

    def open(self) -> None:
        """Show the bar and find from the place in view on."""
        self._from = self._page.place_in_view
        self.add_class("-open")
        self.query_one("#find-words", Input).focus()
        self._show_how()
        self._find()

    def action_close(self) -> None:
        """Hide the bar; the page stays where it is."""
        self._debounced.forget()
        self.remove_class("-open")
        self._page.paint("found", ())
        self._page.point_at(None)
        self._page.focus()

    # -- finding --------------------------------------------------------------------------------------

    @on(Input.Changed, "#find-words")
    def _typed(self, event: Input.Changed) -> None:
        self._wanted = dataclasses.replace(self._wanted, words=event.value)
        self._find()

    def switch_case(self) -> None:
        """Find exact case and accents, or any."""
        self._want(exact=not self._wanted.exact)

    def switch_whole(self) -> None:
        """Find whole words only, or parts of words too."""
        self._want(whole=not self._wanted.whole)

    def _want(self, *, exact: bool | None = None, whole: bool | None = None) -> None:
        now = self._wanted
        exact, whole = now.exact if exact is None else exact, now.whole if whole is None else whole
        self._wanted = Wanted(now.words, exact, whole)
        self._show_how()
        self._find()

    def _follow(self) -> None:
        if self._is_open and self._folded.text != self._page.text:
            self._find()

    def _find(self) -> None:
        self._debounced.request(partial(_find, self._folded, self._page.text, self._wanted), at_once=True)

    def _found(self, found: tuple[FoldedText, Sequence[Place]]) -> None:
        self._folded, self._places = found
        if not self._is_open or self._folded.text != self._page.text:
            return
        self._page.paint("found", [Span(*place, "page--found") for place in self._places])
        self._at = next((at for at, place in enumerate(self._places) if place.start >= self._from), 0)
        self._show_place()

    @on(Input.Submitted)
    def _next(self) -> None:
        self.action_go(1)

    def action_go(self, by: int) -> None:
        """Go to another place; after the last comes the first."""
        if self._places:
            self._at = (self._at + by) % len(self._places)
            self._show_place()

    def _show_place(self) -> None:
        if self._places:
            self._from = self._places[self._at].start
            self._page.point_at(*self._places[self._at])
            state = f"{self._at + 1:,} of {len(self._places):,}"
        else:
            self._page.point_at(None)
            state = "not found" if self._wanted.words else ""
        self.query_one("#find-state", Static).update(Content(state))

    def _show_how(self) -> None:
        case = "exact case" if self._wanted.exact else "any case"
        words = "whole words" if self._wanted.whole else "parts of words"
        self.query_one("#find-how", Static).update(Content(f"{case}, {words}"))

    # -- replacing ------------------------------------------------------------------------------------

    def replace_one(self) -> None:
        """Replace the current place on a new branch."""
        if self._places:
            self._replace_after_telling(self._places[self._at])

    def replace_all(self) -> None:
        """Replace all places on one new branch."""
        self._replace_after_telling(None)

    def _replace_after_telling(self, only: Place | None) -> None:
        words, other = (self.query_one(f"#find-{name}", Input).value for name in ("words", "other"))
        wanted = dataclasses.replace(self._wanted, words=words)  # the last letters may not be found yet
        self._after_telling(lambda: self.screen.run_worker(self._replace(only, wanted, other)))

    async def _replace(self, only: Place | None, wanted: Wanted, other: str) -> None:
        page = self._page
        with self._message.saying():
            _, places = await in_thread(partial(_find, self._folded, page.text, wanted))
            if only is not None:
                places = [place for place in places if place == only]
            pieces = page.laid.pieces
            if not places or any(piece.passage == BEING_TOLD for piece in pieces):
                return
            ends = [piece.start for piece in pieces[1:]] + [len(page.text)]
            passages = [
                (piece.passage, page.text[piece.start : end]) for piece, end in zip(pieces, ends, strict=True)
            ]
            texts: Mapping[int, str] = replaced(passages, places, other)
            try:
                result = await self._writing.act(lambda store, story: tree.rewrite(store, story, texts))
            except StoryMoved:
                self._reload()
                return
            if result is None or not result[1]:
                self._message.say("Nothing to replace: the text would be the same.")
                return
            self._from = places[-1].start + len(other) if only is not None else self._from
            self._show_story(result[0])
            self._message.say(f"{count(len(places), 'place')} replaced on a new branch; u undoes it.")
            self._find()


def _find(folded: FoldedText, text: str, wanted: Wanted) -> tuple[FoldedText, Sequence[Place]]:
    """Find in a text, which is folded unless it was before. Takes long for a long one: runs in a thread."""
    if folded.text != text:
        folded = FoldedText(text)
    return folded, folded.find(wanted)
