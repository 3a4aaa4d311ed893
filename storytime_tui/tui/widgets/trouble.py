"""One red line for what went wrong, in the screen that it went wrong in; hidden while all is well."""

import contextlib
from collections.abc import Iterator

from textual.content import Content
from textual.widgets import Static

from storytime_tui.terminal import printable
from storytime_tui.tui.bridge import sentence_of


class Trouble(Static):
    """Shows a sentence, as data: never as markup."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self.said = ""
        self.display = False

    def say(self, sentence: str) -> None:
        """Show the sentence; an empty one hides the line."""
        self.said = sentence
        self.update(Content(printable(sentence)))
        self.display = bool(sentence)

    def drop(self, sentence: str) -> None:
        """Hide the line where it says just this: it is no news any more."""
        if self.said == sentence:
            self.say("")

    @contextlib.contextmanager
    def saying(self) -> Iterator[None]:
        """Say what went wrong in the block, and go on after it."""
        try:
            yield
        except Exception as error:
            self.say(sentence_of(error))
