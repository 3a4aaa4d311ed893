"""Editing a passage in place: the editor, what is kept of it, and sentences that the model rewrites."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.screen import Screen

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.sentences import sentence_at
from storytime_tui.stories import tree
from storytime_tui.stories.edit_draft import EditDraft
from storytime_tui.stories.story import Passage
from storytime_tui.tui import messages
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.drafts import Drafts
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.widgets.edit_page import EditPage, PassageEditor
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.writing import Act

if TYPE_CHECKING:  # SQLite is not needed before the first frame
    from storytime_tui.stories.store import StoryStore
    from storytime_tui.stories.story import Story


@dataclass(frozen=True)
class Edited:
    """A finished edit. `act` keeps it on a new branch; `beside` keeps it as a take of its passage instead."""

    place: int  # the number of passages before it
    act: Act
    beside: Callable[[StoryStore], None]


class Editing:
    """One passage being edited, if any. What is kept is a new branch; the old one stays."""

    def __init__(
        self, screen: Screen[None], desk: Desk, message: MessageLine, can_tell: Callable[[], bool]
    ) -> None:
        """`can_tell`: whether there is a model; says so if there is none."""
        self._screen, self._desk, self._message, self._can_tell = screen, desk, message, can_tell
        self._before: tuple[Passage, ...] = ()
        self._passage: Passage | None = None
        self._number = 0  # of the telling that rewrites a sentence; 0 without one
        self._range = (0, 0)  # the characters that it rewrites
        self._asked = ""  # the text that it was asked for
        self._draft: EditDraft | None = None
        self._typed = ""
        self.drafts = Drafts(
            screen, self._save, lambda slow: None, lambda error: message.complain(sentence_of(error))
        )

    def begin(self, title: str, path: tuple[Passage, ...], passage_id: int) -> None:
        """Open the editor on a passage of the present text."""
        at = next((at for at, passage in enumerate(path) if passage.id == passage_id), None)
        if at is None or self._passage is not None:
            return
        self._before, self._passage, self._draft = path[:at], path[at], EditDraft(path[at])
        page = self._screen.query_one(Page)
        self._screen.add_class("-editing")
        self._screen.mount(EditPage(title, path[:at], path[at], path[at + 1 :], self._on_typed), after=page)

    def _on_typed(self, text: str) -> None:
        if self._passage is not None:  # else the edit is done, and this came late
            self._typed = text
            self.drafts.typed()

    def _save(self) -> Future[None]:
        assert self._draft is not None
        return self._desk.store_thread.write(partial(self._draft.save, text=self._typed))

    def finish(self, text: str, keep_rest: bool) -> Edited | None:
        """Close the editor; returns what is to be kept, or None if there is nothing to keep."""
        passage, self._passage = self._passage, None
        if passage is None or (draft := self._draft) is None:
            return None
        self.stop()
        self.drafts.forget()
        self._screen.query(EditPage).remove()
        self._screen.remove_class("-editing")
        self._screen.query_one(Page).focus()
        self._message.clear()
        if text == passage.text:
            self._desk.store_thread.write(draft.drop)
            if keep_rest:
                return None

        def act(store: StoryStore, story: int) -> Story:
            if text == passage.text:
                return tree.go_to(store, story, passage.id)
            kept = tree.rewrite(store, story, {passage.id: text}, keep_rest=keep_rest)
            draft.drop(store)
            return kept

        return Edited(len(self._before), act, partial(draft.save, text=text))

    # -- rewriting ------------------------------------------------------------------------------------

    def rewrite(self, text: str, start: int, end: int, settings: SamplerSettings) -> None:
        """Ask the model for other words in place of these, or of the sentence there."""
        if self._number or not self._can_tell():
            return
        start, end = (start, end) if end > start else sentence_at(text, start)
        while start < end and text[start].isspace():
            start += 1
        self._range, self._asked = (start, end), text
        before = "".join(passage.text for passage in self._before) + text[:start]
        self._number = self._desk.writing.tell_sentence(before, settings)
        self._message.say(
            f"The model tells it in another way… ({own_key('edit.rewrite', 'ctrl+r')} again for one more)"
        )

    def heard(self, message: messages.TellingMessage) -> None:
        """Put the model's sentence into the text, unless the text has changed meanwhile."""
        if message.number != self._number or not self._number:
            return
        if isinstance(message, messages.SentenceTold):
            editor = self._screen.query_one(PassageEditor)
            if editor.text != self._asked:
                self._message.say("The text has changed meanwhile, so the model's words were left out.")
            elif message.text:
                editor.put(message.text, *self._range)
                self._message.clear()
            else:
                self._message.say(
                    f"The model found no whole sentence here: {own_key('edit.rewrite', 'ctrl+r')} tries again."
                )
        elif isinstance(message, messages.TellingEnded):
            self._number = 0

    def stop(self) -> None:
        """Stop rewriting."""
        if self._number:
            self._desk.writing.stop()
            self._number = 0
