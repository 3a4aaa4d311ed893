"""An index job: what tells how much of a text stands word for word in some stories. Loads no torch."""

from __future__ import annotations

from collections.abc import Sequence

from storytime_tui import paths
from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.copied import Index, open_index
from storytime_tui.workshop.progress import Report


def copied_index(stories: Sequence[Story], report: Report | None = None) -> Index:
    """The index of these stories, made at the first call and opened in milliseconds at any later one.

    `report` gets words, done and total; what it raises ends the work. Raises CorpusError for a full disk.
    """

    def progress(done: int, total: int) -> None:
        if report is not None:
            report("reading for what may be copied", done, total)

    return open_index(stories, paths.cache_folder() / "copied", progress)
