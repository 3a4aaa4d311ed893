"""Finding what a text copies word for word from the training stories. Loads no torch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from storytime_tui import paths
from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.copied import Index, open_index
from storytime_tui.errors import CorpusError, PlanError, RunError
from storytime_tui.reporting import Report
from storytime_tui.training import runs
from storytime_tui.training.plan import read_plan

RUN_OF_WORDS = 8  # this many words in a row count as copied; shorter runs are common by chance


def copied_index(stories: Sequence[Story], report: Report | None = None) -> Index:
    """The index of these stories. The first call builds it; later calls open it in milliseconds.

    An exception raised by `report` ends the work. Raises CorpusError for a full disk.
    """

    def progress(done: int, total: int) -> None:
        if report is not None:
            report("indexing the stories", done, total)

    return open_index(stories, paths.cache_folder() / "copied", progress)


def is_copied(text: str, index: Index) -> bool:
    """Whether eight consecutive words of the text occur in the stories, or the whole text if it is shorter."""
    return bool(index.stretches(text, min(RUN_OF_WORDS, max(1, len(text.split())))))


def copied_by(model: str, stop: threading.Event) -> Callable[[str], bool]:
    """A function that says whether a text is copied from a run's training stories. `model`: a run, or `run/best`.

    For a base, or a run whose stories are gone, the training stories are unknown, and nothing counts as copied.
    Blocks: call it in a thread. It returns soon after `stop` is set.
    """
    stories = _training_stories(model.partition("/")[0])
    if not stories:
        return lambda text: False

    def report(words: str, done: int, total: int) -> None:
        if stop.is_set():
            raise _Cancelled

    try:
        index = copied_index(stories, report)
    except (_Cancelled, CorpusError):
        return lambda text: False
    return lambda text: is_copied(text, index)


class _Cancelled(Exception):
    """The index is no longer needed."""


def _training_stories(run: str) -> Sequence[Story]:
    from storytime_tui.jobs import dataset

    if not runs.is_run(run):
        return ()
    try:
        return dataset.choose_stories(read_plan(runs.run_folder(run) / runs.PLAN)).split.training
    except (CorpusError, PlanError, RunError):
        return ()
