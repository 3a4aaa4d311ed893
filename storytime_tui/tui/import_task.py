"""An import in progress: how far it is, and a flag that asks it to stop. Shared by its thread and the screen."""

import threading
from dataclasses import dataclass, field

from storytime_tui import formatting
from storytime_tui.terminal import printable_line


@dataclass
class ImportTask:
    """`said` is the last report: words, how much is done, and of how much (0 if that is not known)."""

    title: str
    stop: threading.Event = field(default_factory=threading.Event)
    said: tuple[str, int, int] = ("", 0, 0)
    over: bool = False

    def report(self, words: str, done: int, total: int) -> None:
        """Take a report from the import's thread. It is a single assignment; the screen reads it when it draws."""
        self.said = (words, done, total)

    def progress(self) -> str:
        """How far the import is, in words; bytes with a unit."""
        words, done, total = self.said
        return formatting.progress(printable_line(words) or "preparing", done, total)

    def bar(self, width: int) -> tuple[str, str]:
        """The done and the remaining part of a progress bar of `width` cells; both empty if the total is unknown."""
        _, done, total = self.said
        if not total:
            return "", ""
        filled = max(0, min(width, round(width * done / total)))
        return "━" * filled, "─" * (width - filled)
