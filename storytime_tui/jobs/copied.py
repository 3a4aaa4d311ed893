"""An index job: what tells how much of a text stands word for word in some stories. Loads no torch."""

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

RUN_OF_WORDS = 8  # so many in a row are copied; fewer are anybody's


def copied_index(stories: Sequence[Story], report: Report | None = None) -> Index:
    """The index of these stories, made at the first call and opened in milliseconds at any later one.

    `report` gets words, done and total; what it raises ends the work. Raises CorpusError for a full disk.
    """

    def progress(done: int, total: int) -> None:
        if report is not None:
            report("reading for what may be copied", done, total)

    return open_index(stories, paths.cache_folder() / "copied", progress)


def is_copied(text: str, index: Index) -> bool:
    """Whether eight words in a row stand in the stories, or the whole text where it is shorter."""
    return bool(index.stretches(text, min(RUN_OF_WORDS, max(1, len(text.split())))))


def copied_by(model: str, stop: threading.Event) -> Callable[[str], bool]:
    """What tells whether a text is copied from the stories that a run learned from, by the run's name (or `run/best`).

    Of a base it is not known what it has read, nor of a run whose stories are gone: then nothing counts as copied.
    Blocks: call it in a thread; once `stop` is set it comes back soon.
    """
    stories = _learned_by(model.partition("/")[0])
    if not stories:
        return lambda text: False

    def report(words: str, done: int, total: int) -> None:
        if stop.is_set():
            raise _Enough

    try:
        index = copied_index(stories, report)
    except (_Enough, CorpusError):
        return lambda text: False
    return lambda text: is_copied(text, index)


class _Enough(Exception):
    """Nobody waits for the index any more."""


def _learned_by(run: str) -> Sequence[Story]:
    from storytime_tui.jobs import dataset

    if not runs.is_run(run):
        return ()
    try:
        return dataset.choose_stories(read_plan(runs.run_folder(run) / runs.PLAN)).split.training
    except (CorpusError, PlanError, RunError):
        return ()
