"""The services of this machine: each imports its job when it is first called, so that nothing heavy loads before the
first painted frame.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.reporting import Report
from storytime_tui.settings import change_settings, load_settings
from storytime_tui.training.control import Control
from storytime_tui.training.events import Event, Preparing
from storytime_tui.training.rate_range import RateFound, RateTried
from storytime_tui.tui import shelf_file
from storytime_tui.tui.messages import Asked

if TYPE_CHECKING:
    from storytime_tui.generation.computing import Computing
    from storytime_tui.jobs.books import FoundBooks, GutenbergBook
    from storytime_tui.jobs.copied import Learned
    from storytime_tui.jobs.estimates import Estimate, Preview
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

from storytime_tui.tui.services import OnPreparing, Services


def real_services() -> Services:
    """The jobs and the story store of this machine."""
    return Services(
        shelf=_shelf,
        add=_add,
        add_text=_add_text,
        original_text=_original_text,
        left_out=_left_out,
        put_back=_put_back,
        leave_out=_leave_out,
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
        learned_from=_learned_from,
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
        learn_from_stories=_learn_from_stories,
        load_settings=load_settings,
        machine_problem=_machine_problem,
        places=_places,
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


def _left_out(collection: Collection) -> Sequence[LeftOutPart]:
    from storytime_tui.jobs import left_out

    return left_out.parts(collection)


def _put_back(collection: Collection, file: str, place: str) -> None:
    from storytime_tui.jobs import left_out

    left_out.put_back(collection, file, place)


def _leave_out(collection: Collection, file: str, place: str) -> None:
    from storytime_tui.jobs import left_out

    left_out.leave_out(collection, file, place)


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


def _preview(stories: Sequence[Story], plan: TrainingPlan, shelves: Sequence[str]) -> Preview:
    from storytime_tui.jobs import estimates

    return estimates.preview(stories, plan, shelves)


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
    from storytime_tui.jobs import preload, train

    preload.import_for_training()
    return train.learn(plan, control, run)


def _resume(run: str, control: Control, more_epochs: float | None) -> Iterator[Event]:
    from storytime_tui.jobs import preload, train

    preload.import_for_training()
    return train.resume(run, control, more_epochs)


def _machine() -> Machine:
    from storytime_tui.jobs import machine

    return machine.read_machine()


def _machine_problem(device: str, precision: str) -> str:
    from storytime_tui.jobs import preload

    preload.preload_torch()
    from storytime_tui.jobs import devices

    return devices.machine_problem(device, precision)


def _places() -> Sequence[Place]:
    from storytime_tui.jobs import places

    return places.places()


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


def _rename_run(old: str, new: str) -> None:
    from storytime_tui.jobs import records

    records.rename_run(old, new)


def _set_note(name: str, text: str) -> str:
    from storytime_tui.jobs import run_details

    return run_details.set_note(name, text)


def _export_run(name: str, to: str, report: Report) -> str:
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


def _open_teller(
    name: str, on_progress: OnPreparing | None, strength: float | None, wanted: Callable[[], Computing]
) -> Teller:
    from storytime_tui.jobs import generate, preload

    preload.import_for_telling()
    return generate.open_teller(name, on_progress, strength=strength, wanted=wanted)


def _open_snapshot(run: str, control: Control) -> Teller | None:
    from storytime_tui.jobs import snapshot

    return snapshot.open_snapshot(run, control)


def _copied_by(model: str, stop: threading.Event) -> Callable[[str], bool]:
    from storytime_tui.jobs import copied

    return copied.copied_by(model, stop)


def _learned_from(model: str, report: Report) -> Learned:
    from storytime_tui.jobs import copied

    return copied.learned_from([model], report)


def _learn_from_stories(store: StoryStore, stories: Sequence[int]) -> LearnedStories:
    from storytime_tui.jobs import own_stories

    return own_stories.learn_from(store, stories)


def _open_store() -> StoryStore:
    from storytime_tui import paths
    from storytime_tui.stories.store import StoryStore

    return StoryStore(paths.stories_file(), patience=1.0)  # seconds; then `StoreThread` retries and says why
