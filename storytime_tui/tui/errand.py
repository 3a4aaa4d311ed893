"""A long errand (an import, a download): how far it has come, and the wish that it stop. Shared with its thread."""

import threading
from dataclasses import dataclass, field

from storytime_tui import formatting
from storytime_tui.terminal import printable_line


@dataclass
class Errand:
    """`said` is what it said last: words, how much is done, of how much (0: nobody knows)."""

    title: str
    stop: threading.Event = field(default_factory=threading.Event)
    said: tuple[str, int, int] = ("", 0, 0)
    over: bool = False

    def report(self, words: str, done: int, total: int) -> None:
        """Called by the errand's thread: one assignment, and the screen looks at it when it draws."""
        self.said = (words, done, total)

    def progress(self) -> str:
        """How far it has come, in words; bytes as people say them."""
        words, done, total = self.said
        return formatting.progress(printable_line(words) or "making ready", done, total)

    def bar(self, width: int) -> tuple[str, str]:
        """What is done and what is left, as a line of `width` cells; nothing where nobody knows."""
        _, done, total = self.said
        if not total:
            return "", ""
        filled = max(0, min(width, round(width * done / total)))
        return "━" * filled, "─" * (width - filled)
