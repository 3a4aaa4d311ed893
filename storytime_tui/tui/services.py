"""What the app needs from the rest of the program, as plain callables, so that tests can use fakes.

`real_services` imports a job when it is first called, so that nothing heavy loads before the first painted frame.
The jobs' types are imported for the type checker only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.reporting import Report
from storytime_tui.settings import Loaded, change_settings, load_settings
from storytime_tui.training.control import Control
from storytime_tui.training.events import Event, Preparing
from storytime_tui.training.rate_range import RateFound, RateTried
from storytime_tui.tui import shelf_file
from storytime_tui.tui.learning_services import LearningServices
from storytime_tui.tui.messages import Asked
from storytime_tui.tui.shelf_memory import ShelfState

if TYPE_CHECKING:
    from storytime_tui.jobs.books import FoundBooks, GutenbergBook
    from storytime_tui.jobs.estimates import Estimate, Preview
    from storytime_tui.jobs.generate import ModelChoice, Teller
    from storytime_tui.jobs.machine import Machine
    from storytime_tui.jobs.memory import Room
    from storytime_tui.jobs.past_plans import PastPlan
    from storytime_tui.jobs.records import LastRun
    from storytime_tui.jobs.run_curve import RunCurve
    from storytime_tui.jobs.run_details import RunDetails
    from storytime_tui.jobs.shelves import AddedCollection, Copy, Removed, Restored
    from storytime_tui.stories.store import StoryStore
    from storytime_tui.training.plan import TrainingPlan
    from storytime_tui.training.runs import RunSummary

OnPreparing = Callable[[Preparing], None]


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
    rename: Callable[[Collection, int | None, str], str]  # a sentence if the title is taken
    remove: Callable[[Collection, int | None], Removed]
    # everything that can be restored, the last removed first
    removed: Callable[[Sequence[Collection]], Sequence[Removed]]
    undo: Callable[[Removed], Restored]
    set_punctuation: Callable[[Collection, bool], None]  # whether curly quotes and dashes are simplified
    copies: Callable[[Sequence[Collection]], Mapping[tuple[str, int], Copy]]
    estimate: Callable[[Sequence[Story], str], Estimate]
    preview: Callable[[Sequence[Story], TrainingPlan], Preview]
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
    # at a strength; None is the model's usual one
    open_teller: Callable[[str, OnPreparing | None, float | None], Teller]
    # of the run that this program trains, with its weights of now; None if it has ended
    open_snapshot: Callable[[str, Control], Teller | None]
    open_store: Callable[[], StoryStore]
    # returns a function that says whether a text is copied from the model's training stories
    copied_by: Callable[[str, threading.Event], Callable[[str], bool]] = lambda model, stop: (
        lambda text: False
    )
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
    load_settings: Callable[[], Loaded] = Loaded
    # returns a sentence for the user, or ""
    save_settings: Callable[[Mapping[str, object]], str] = lambda changed: ""
    load_shelf: Callable[[], ShelfState | None] = lambda: None  # None: nothing was saved yet
    save_shelf: Callable[[ShelfState], None] = lambda state: None
    learning: LearningServices = LearningServices()  # noqa: RUF009 - frozen


def real_services() -> Services:
    """The jobs and the story store of this machine."""
    return Services(
        shelf=_shelf,
        add=_add,
        add_text=_add_text,
        original_text=_original_text,
        rename=_rename,
        remove=_remove,
        removed=_removed,
        undo=_undo,
        set_punctuation=_set_punctuation,
        copies=_copies,
        estimate=_estimate,
        preview=_preview,
        room_for=_room_for,
        browse_books=_browse_books,
        search_books=_search_books,
        fetch_book=_fetch_book,
        estimate_tokens=_estimate_tokens,
        learn=_learn,
        resume=_resume,
        past_plan=_past_plan,
        save_plan=_save_plan,
        find_rate=_find_rate,
        model_choices=_model_choices,
        open_teller=_open_teller,
        open_snapshot=_open_snapshot,
        open_store=_open_store,
        copied_by=_copied_by,
        machine=_machine,
        last_run=_last_run,
        runs=_runs,
        run_events=_run_events,
        watch=_watch,
        ask_run=_ask_run,
        run_details=_run_details,
        run_curve=_run_curve,
        rename_run=_rename_run,
        set_note=_set_note,
        export_run=_export_run,
        remove_run=_remove_run,
        removed_runs=_removed_runs,
        restore_run=_restore_run,
        load_settings=load_settings,
        save_settings=change_settings,
        load_shelf=shelf_file.load,
        save_shelf=shelf_file.save,
    )


def _shelf() -> tuple[tuple[Collection, ...], Sequence[str]]:
    from storytime_tui.jobs import shelves

    return shelves.opened()


def _add(sources: Sequence[str], report: Report, stop: threading.Event) -> AddedCollection:
    from storytime_tui.jobs import shelves

    return shelves.add(sources, report=report, stop=stop)


def _add_text(text: str, title: str) -> AddedCollection:
    from storytime_tui.jobs import shelves

    return shelves.add_text(text, title)


def _original_text(collection: Collection, index: int) -> str:
    from storytime_tui.jobs import shelves

    return shelves.original_text(collection, index)


def _rename(collection: Collection, index: int | None, title: str) -> str:
    from storytime_tui.jobs import shelves

    return shelves.rename(collection, index, title)


def _remove(collection: Collection, index: int | None) -> Removed:
    from storytime_tui.jobs import shelves

    return shelves.remove(collection, index)


def _removed(collections: Sequence[Collection]) -> Sequence[Removed]:
    from storytime_tui.jobs import shelves

    return shelves.removed(collections)


def _undo(removed: Removed) -> Restored:
    from storytime_tui.jobs import shelves

    return shelves.undo(removed)


def _set_punctuation(collection: Collection, plain: bool) -> None:
    from storytime_tui.jobs import shelves

    shelves.set_punctuation(collection, plain)


def _copies(collections: Sequence[Collection]) -> Mapping[tuple[str, int], Copy]:
    from storytime_tui.jobs import shelves

    return shelves.copies(collections)


def _estimate(stories: Sequence[Story], base: str) -> Estimate:
    from storytime_tui.jobs import estimates

    return estimates.estimate(stories, base)


def _preview(stories: Sequence[Story], plan: TrainingPlan) -> Preview:
    from storytime_tui.jobs import estimates

    return estimates.preview(stories, plan)


def _room_for(stories: Sequence[Story], base: str, plan: TrainingPlan | None) -> Room | None:
    from storytime_tui.jobs import memory

    return memory.room_for(stories, base, plan)


def _browse_books() -> Sequence[GutenbergBook]:
    from storytime_tui.jobs import books

    return books.browse()


def _search_books(query: str, stop: threading.Event) -> FoundBooks:
    from storytime_tui.jobs import books

    return books.search(query, stop=stop)


def _fetch_book(book: GutenbergBook, report: Report, stop: threading.Event) -> AddedCollection:
    from storytime_tui.jobs import books

    return books.fetch(book, report=report, stop=stop)


def _estimate_tokens(text_bytes: int, base: str) -> int:
    from storytime_tui.jobs import estimates

    return estimates.estimate_tokens(text_bytes, base)


def _learn(plan: TrainingPlan, control: Control, run: str | None) -> Iterator[Event]:
    from storytime_tui.jobs import train

    return train.learn(plan, control, run)


def _resume(run: str, control: Control, more_epochs: float | None) -> Iterator[Event]:
    from storytime_tui.jobs import train

    return train.resume(run, control, more_epochs)


def _machine() -> Machine:
    from storytime_tui.jobs import machine

    return machine.read_machine()


def _last_run() -> LastRun | None:
    from storytime_tui.jobs import records

    return records.last_run()


def _runs() -> Sequence[RunSummary]:
    from storytime_tui.jobs import records

    return records.run_records()


def _run_events(name: str) -> Sequence[Event]:
    from storytime_tui.jobs import records

    return records.journal_of(name)


def _watch(name: str, wait: Callable[[], None]) -> Iterator[Event]:
    from storytime_tui.jobs import steer

    return steer.watch(name, wait)


def _ask_run(name: str, asked: Asked) -> bool:
    from storytime_tui.jobs import steer

    return steer.ask(name, asked)


def _run_details(summaries: Sequence[RunSummary]) -> Mapping[str, RunDetails]:
    from storytime_tui.jobs import run_details

    return run_details.all_details(summaries)


def _run_curve(name: str) -> RunCurve:
    from storytime_tui.jobs import run_curve

    return run_curve.run_curve(name)


def _no_curve() -> RunCurve:
    from storytime_tui.jobs.run_curve import RunCurve

    return RunCurve()


def _rename_run(old: str, new: str) -> None:
    from storytime_tui.jobs import records

    records.rename_run(old, new)


def _set_note(name: str, text: str) -> str:
    from storytime_tui.jobs import run_details

    return run_details.set_note(name, text)


def _export_run(name: str, to: str, report: Report) -> str:
    from pathlib import Path

    from storytime_tui.jobs import export, preload

    preload.preload_torch()
    return str(export.export_model(name, Path(to), report=report).path)


def _remove_run(name: str) -> Sequence[str]:
    from storytime_tui.jobs import records

    dependents = records.dependent_runs([name]).get(name, ())
    records.remove_runs([name])
    return dependents


def _removed_runs() -> Sequence[str]:
    from storytime_tui.jobs import records

    return tuple(dict.fromkeys(item.name for item in records.removed_runs()))


def _restore_run(name: str) -> None:
    from storytime_tui.jobs import records

    records.restore_run(name)


def _past_plan(source: str) -> PastPlan:
    from storytime_tui.jobs import past_plans

    return past_plans.past_plan(source)


def _save_plan(plan: TrainingPlan, to: str) -> Path:
    from storytime_tui.jobs import past_plans

    return past_plans.save_plan(plan, to)


def _find_rate(plan: TrainingPlan, control: Control) -> Iterator[Preparing | RateTried | RateFound]:
    from storytime_tui.jobs import find_rate

    return find_rate.find_rate(plan, control)


def _model_choices() -> Sequence[ModelChoice]:
    from storytime_tui.jobs import generate

    return generate.choices()


def _open_teller(name: str, on_progress: OnPreparing | None, strength: float | None) -> Teller:
    from storytime_tui.jobs import generate, preload

    preload.preload_torch()
    return generate.open_teller(name, on_progress, strength=strength)


def _open_snapshot(run: str, control: Control) -> Teller | None:
    from storytime_tui.jobs import snapshot

    return snapshot.open_snapshot(run, control)


def _copied_by(model: str, stop: threading.Event) -> Callable[[str], bool]:
    from storytime_tui.jobs import copied

    return copied.copied_by(model, stop)


def _open_store() -> StoryStore:
    from storytime_tui import paths
    from storytime_tui.stories.store import StoryStore

    return StoryStore(paths.stories_file(), patience=1.0)  # seconds; then `StoreThread` retries and says why
