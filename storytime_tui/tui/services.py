"""What the app needs from the rest of the program, as plain callables, so that tests can use fakes.

`real_services` makes those of this machine. The jobs' types are imported for the type checker only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.jobs.downloads import asked_first
from storytime_tui.reporting import Report
from storytime_tui.settings import Loaded
from storytime_tui.training.control import Control
from storytime_tui.training.events import Event, Preparing
from storytime_tui.training.rate_range import RateFound, RateTried
from storytime_tui.tui.housekeeping_services import HousekeepingServices
from storytime_tui.tui.learning_services import LearningServices
from storytime_tui.tui.messages import Asked
from storytime_tui.tui.path_completion import ListFolder, list_folder
from storytime_tui.tui.shelf_memory import ShelfState

if TYPE_CHECKING:
    from storytime_tui.jobs.books import FoundBooks, GutenbergBook
    from storytime_tui.jobs.copied import Learned
    from storytime_tui.jobs.downloads import Ask as AskDownload
    from storytime_tui.jobs.estimates import Estimate, Preview
    from storytime_tui.jobs.find_stories import TextSearch
    from storytime_tui.jobs.generate import ModelChoice, Teller
    from storytime_tui.jobs.left_out import LeftOutPart
    from storytime_tui.jobs.machine import Machine
    from storytime_tui.jobs.memory import Room
    from storytime_tui.jobs.own_stories import LearnedStories
    from storytime_tui.jobs.past_plans import PastPlan
    from storytime_tui.jobs.places import Place
    from storytime_tui.jobs.records import LastRun
    from storytime_tui.jobs.run_curve import RunCurve
    from storytime_tui.jobs.run_details import RunDetails
    from storytime_tui.jobs.shelves import AddedCollection, Copy, Removed, Restored
    from storytime_tui.stories.store import StoryStore
    from storytime_tui.training.plan import TrainingPlan
    from storytime_tui.training.runs import RunSummary

OnPreparing = Callable[[Preparing], None]


def _no_curve() -> RunCurve:
    from storytime_tui.jobs.run_curve import RunCurve

    return RunCurve()


def _nothing_known() -> Learned:
    from storytime_tui.jobs.copied import Learned

    return Learned(None)


def _open_texts() -> TextSearch:
    from storytime_tui.jobs.find_stories import TextSearch

    return TextSearch()


def _no_stories(store: StoryStore, stories: Sequence[int]) -> LearnedStories:
    from storytime_tui.jobs.own_stories import LearnedStories

    return LearnedStories("My stories", len(stories), 0)


@dataclass(frozen=True)
class Services:
    """All services of the screens. All but `estimate_tokens` and the clocks may block.

    A service that takes a `Report` and an event raises a StorytimeError, with nothing changed, once the event is set.
    A story is identified by its collection and its index in it; None means the whole collection.
    """

    shelf: Callable[
        [], tuple[tuple[Collection, ...], Sequence[str]]
    ]  # and a sentence for each unreadable part
    add: Callable[[Sequence[str], Report, threading.Event], AddedCollection]  # paths and addresses
    add_text: Callable[[str, str], AddedCollection]  # a text and its title
    original_text: Callable[[Collection, int], str]  # the story before cleaning
    left_out: Callable[[Collection], Sequence[LeftOutPart]]  # what is in none of its stories
    put_back: Callable[[Collection, str, str], None]  # a part, by its file and place, as a story
    leave_out: Callable[[Collection, str, str], None]  # again
    rename: Callable[[Collection, int | None, str], str]  # a sentence if the title is taken
    remove: Callable[[Collection, int | None], Removed]
    # everything that can be restored, the last removed first
    removed: Callable[[Sequence[Collection]], Sequence[Removed]]
    undo: Callable[[Removed], Restored]
    set_punctuation: Callable[[Collection, bool], None]  # whether curly quotes and dashes are simplified
    copies: Callable[[Sequence[Collection]], Mapping[tuple[str, int], Copy]]
    estimate: Callable[[Sequence[Story], str], Estimate]
    # the names: of each story's collection
    preview: Callable[[Sequence[Story], TrainingPlan, Sequence[str]], Preview]
    room_for: Callable[[Sequence[Story], str, TrainingPlan | None], Room | None]  # None if unknown
    browse_books: Callable[[], Sequence[GutenbergBook]]  # the built-in list, without network
    search_books: Callable[[str, threading.Event], FoundBooks]
    fetch_book: Callable[[GutenbergBook, Report, threading.Event], AddedCollection]
    estimate_tokens: Callable[[int, str], int]  # of a text of this many bytes
    learn: Callable[[TrainingPlan, Control, str | None], Iterator[Event]]
    resume: Callable[[str, Control, float | None], Iterator[Event]]  # with this many more epochs
    past_plan: Callable[[str], PastPlan]  # of a run, or of a TOML file
    save_plan: Callable[[TrainingPlan, str], Path]  # returns the file
    find_rate: Callable[[TrainingPlan, Control], Iterator[Preparing | RateTried | RateFound]]
    model_choices: Callable[[], Sequence[ModelChoice]]
    # at a strength; None is the model's usual one. The last argument says how it is to be computed: the desk adds it
    open_teller: Callable[..., Teller]
    # of the run that this program trains, with its weights of now; None if it has ended
    open_snapshot: Callable[[str, Control], Teller | None]
    open_store: Callable[[], StoryStore]
    open_texts: Callable[[], TextSearch] = _open_texts  # searches the texts of the shelf
    # returns a function that says whether a text is copied from the model's training stories
    copied_by: Callable[[str, threading.Event], Callable[[str], bool]] = lambda model, stop: (
        lambda text: False
    )
    # what a model learned from; the first call for its stories builds an index, until the report raises
    learned_from: Callable[[str, Report], Learned] = lambda model, report: _nothing_known()
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    machine: Callable[[], Machine | None] = lambda: None  # called by one thread at a time
    last_run: Callable[[], LastRun | None] = lambda: None
    runs: Callable[[], Sequence[RunSummary]] = tuple  # newest first
    run_events: Callable[[str], Sequence[Event]] = lambda name: ()  # all of a run that is open nowhere
    # what a run of another process says until it ends; calls the function between two looks (see jobs.steer.watch)
    watch: Callable[[str, Callable[[], None]], Iterator[Event]] = lambda name, wait: iter(())
    ask_run: Callable[[str, Asked], bool] = lambda name, kind: (
        True
    )  # whether the other process has read the request
    run_details: Callable[[Sequence[RunSummary]], Mapping[str, RunDetails]] = lambda summaries: {}  # by name
    run_curve: Callable[[str], RunCurve] = lambda name: _no_curve()
    rename_run: Callable[[str, str], None] = lambda old, new: None
    set_note: Callable[[str, str], str] = lambda name, text: text  # returns the note as it reads
    export_run: Callable[[str, str, Report], str] = lambda name, to, report: to  # returns where it is
    # returns the LoRA runs that have the removed run as their base
    remove_run: Callable[[str], Sequence[str]] = lambda name: ()
    removed_runs: Callable[[], Sequence[str]] = tuple  # the last removed first
    restore_run: Callable[[str], None] = lambda name: None
    # puts the present texts of these stories (ids) on the shelf, to train on
    learn_from_stories: Callable[[StoryStore, Sequence[int]], LearnedStories] = _no_stories
    list_folder: ListFolder = list_folder  # of a path that is typed
    load_settings: Callable[[], Loaded] = Loaded
    # why a device or precision cannot be used here, in a sentence, or ""; loads torch
    machine_problem: Callable[[str, str], str] = lambda device, precision: ""
    places: Callable[[], Sequence[Place]] = tuple  # where everything is kept
    # returns a sentence for the user, or ""
    save_settings: Callable[[Mapping[str, object]], str] = lambda changed: ""
    load_shelf: Callable[[], ShelfState | None] = lambda: None  # None: nothing was saved yet
    save_shelf: Callable[[ShelfState], None] = lambda state: None
    # the function is called, in a thread, before each download until the block ends
    downloads_asked: Callable[[AskDownload], AbstractContextManager[None]] = asked_first
    learning: LearningServices = LearningServices()  # noqa: RUF009 - frozen
    housekeeping: HousekeepingServices = HousekeepingServices()  # noqa: RUF009 - frozen
