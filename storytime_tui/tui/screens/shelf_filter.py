"""The Library's filter: titles at every letter, and a moment later the texts, which a thread looks through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.widgets import Input

from storytime_tui.corpus.collection import Collection
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.phrases import phrases_of
from storytime_tui.tui.shelf_rows import InTexts
from storytime_tui.tui.widgets.filter_field import FilterField
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.shelf_tree import ShelfTree

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.find_stories import TextSearch


_Found = tuple[InTexts, Sequence[Collection]]  # and the shelf that was searched


class ShelfFilter:
    """Narrows the tree to what is typed; `when_found` is called when the texts have been looked through."""

    def __init__(
        self,
        desk: Desk,
        field: FilterField,
        tree: ShelfTree,
        box: Vertical,
        message: MessageLine,
        when_found: Callable[[], object],
    ) -> None:
        self._desk, self._field, self._tree, self._box = desk, field, tree, box
        self._message, self._when_found = message, when_found
        self._searches: Debounced[_Found] = Debounced(field, self._show, self._complain)
        self._texts: TextSearch | None = None  # made when it is first needed
        self._turn = threading.Lock()  # one thread searches at a time
        self._stop = threading.Event()  # stops the search for words that are no longer looked for
        self.searching = False

    @property
    def phrases(self) -> tuple[str, ...]:
        """What is looked for."""
        return phrases_of(self._tree.query_text)

    def prepare(self) -> None:
        """Make the texts ready to be searched, before a word is typed."""
        collections, stop = self._desk.collections, self._new_stop()
        self._searches.request(lambda: self._search((), collections, stop), at_once=True)

    async def look_in(self, collections: Sequence[Collection]) -> InTexts:
        """What a shelf that is not shown yet holds of the words."""
        phrases, stop = self.phrases, self._stop
        if not _worth_searching(phrases):
            return InTexts()
        try:
            return (await in_thread(lambda: self._search(phrases, collections, stop)))[0]
        except Exception as error:
            self._message.complain(sentence_of(error))
            return InTexts()

    def narrow(self, query: str) -> None:
        """Show the stories with the words; an empty query shows all."""
        self._tree.narrow(query)
        self._look()

    def drop(self) -> None:
        """Empty the field, and show every story."""
        with self._field.prevent(Input.Changed):
            self._field.value = ""
        self.narrow("")

    def _look(self) -> None:
        phrases, stop = self.phrases, self._new_stop()
        self.searching = _worth_searching(phrases)
        if self.searching:
            collections = self._desk.collections
            self._searches.request(lambda: self._search(phrases, collections, stop))
        else:
            self._searches.forget()
            self._tree.show_found(InTexts())
        self.say()

    def _new_stop(self) -> threading.Event:
        self._stop.set()
        self._stop = threading.Event()
        return self._stop

    def _search(
        self, phrases: tuple[str, ...], collections: Sequence[Collection], stop: threading.Event
    ) -> _Found:
        """Runs in a thread."""
        with self._turn:
            if self._texts is None:
                self._texts = self._desk.services.open_texts()
            return InTexts(phrases, self._texts.find(collections, phrases, stop)), collections

    def _show(self, found: _Found) -> None:
        in_texts, collections = found
        if collections is not self._desk.collections:  # the shelf has changed since
            self._look()
        elif in_texts.phrases and in_texts.phrases == self.phrases:
            self.searching = False
            self._tree.show_found(in_texts)
            self.say()
            self._when_found()

    def _complain(self, error: Exception) -> None:
        self.searching = False
        self._message.complain(sentence_of(error))
        self.say()

    def say(self) -> None:
        """Say how many stories were found, and where."""
        tree = self._tree
        by_text = tree.text_count()
        by_title = tree.match_count() - by_text
        parts = [f"{by_title:,} by title"] if by_title else []
        if self.searching:
            parts.append("searching the texts…")
        elif by_text:
            parts.append(f"{by_text:,} in the text")
        self._box.border_subtitle = (" · ".join(parts) or "nothing found") if tree.query_text else ""


def _worth_searching(phrases: tuple[str, ...]) -> bool:
    """Whether the words are more than a single Latin letter, which nearly every text has."""
    return any(len(phrase) > 1 or not phrase.isascii() for phrase in phrases)
