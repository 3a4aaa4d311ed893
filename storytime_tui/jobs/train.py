"""Runs training: from a plan to a stream of events. Torch is loaded after the preparation, with the model."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storytime_tui import files
from storytime_tui.errors import PlanError, RunError
from storytime_tui.formatting import count
from storytime_tui.jobs import active_runs, dataset, memory, training_model
from storytime_tui.jobs.awake import kept_awake
from storytime_tui.jobs.find_model import Origin, find_origin, lasting_name
from storytime_tui.jobs.listen import Listening, live_teller, with_voice_events
from storytime_tui.jobs.progress import Stopped, with_progress
from storytime_tui.jobs.removed_folder import RemovedFolder
from storytime_tui.jobs.run_bases import record_base
from storytime_tui.jobs.sampling import sampler_of
from storytime_tui.jobs.snapshot import snapshot_of
from storytime_tui.jobs.thread_count import each_on_threads, on_threads
from storytime_tui.jobs.voice import Shelf
from storytime_tui.models.footprint import Size, size_in, size_of_shape
from storytime_tui.models.hub import FetchStopped
from storytime_tui.reporting import Report
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.beginnings import Beginning, beginnings_of
from storytime_tui.training.control import Control
from storytime_tui.training.journal import JOURNAL, Journal
from storytime_tui.training.plan import TrainingPlan, plan_with_more, read_plan, resolve, write_plan
from storytime_tui.training.requests import requests_heard

if TYPE_CHECKING:
    from storytime_tui.models.tokenizer import Tokenizer
    from storytime_tui.training.dataset import Dataset
    from storytime_tui.training.distributed import Ranks
    from storytime_tui.training.probe import Memory
    from storytime_tui.training.trainer import Trainer


@dataclass(frozen=True)
class Prepared:
    """All that a run needs before torch is loaded."""

    plan: TrainingPlan  # resolved
    chose_batch: bool  # the program chose the batch size, and may reduce it after the trial step
    split: Any
    origin: Origin
    tokenizer: Tokenizer
    streams: dataset.Streams
    shelves: tuple[Shelf, ...]
    beginnings: tuple[Beginning, ...]


@dataclass(frozen=True)
class Loaded:
    """A model in memory, ready to train; `plan` fits this machine."""

    plan: TrainingPlan
    model: Any
    data: Dataset
    model_files: Any
    device: Any
    precision: str
    memory: Memory | None


@dataclass(frozen=True)
class _Built:
    trainer_in: Callable[[Path], Trainer]  # makes the trainer in the run's folder
    plan: TrainingPlan  # resolved
    listening: Listening


def learn(plan: TrainingPlan, control: Control, run: str | None = None) -> Iterator[ev.Event]:
    """Start a run and yield its events. `run`: its name; None is the first collection's name with a number.

    Under torchrun every process calls this, and only the first one yields events. Raises StorytimeError for errors
    before the run exists; later errors are a Failed event. Blocks between events: iterate it in a thread.
    """
    if run is not None and not _is_follower():
        runs.check_free_name(run)
    # a plan taken from another run has that run's voices
    plan = dataclasses.replace(plan, voices=(), base=lasting_name(plan.base))
    with kept_awake(plan.stay_awake and not _is_follower()), _ranks(plan) as ranks:
        prepared = yield from _prepare_in_turn(ranks, plan, control)
        yield ev.Preparing("loading the model", 0, 0)
        with on_threads(plan.threads):
            built = _build(prepared, ranks, control)
        made = _new_run(run, built.plan, prepared.origin, control)
        with made if ranks is None or ranks.is_main else contextlib.nullcontext() as folder:
            yield from each_on_threads(plan.threads, _speak(ranks, folder, built))


def resume(run: str, control: Control, more_epochs: float | None = None) -> Iterator[ev.Event]:
    """Resume a run exactly from its last whole checkpoint, or from the start if it has none.

    `more_epochs` are added to its plan, also for a finished run. Raises StorytimeError if the run does not exist, is
    open elsewhere, is finished, or if its stories are gone or have changed.
    """
    folder = runs.run_folder(run)
    with contextlib.ExitStack() as held:
        if not _is_follower():
            # locked from here on, so that nothing changes between reading and writing
            held.enter_context(runs.run_locked(folder))
            held.enter_context(requests_heard(folder, control))
        yield from _resume(run, folder, control, more_epochs)


def _resume(run: str, folder: Path, control: Control, more_epochs: float | None) -> Iterator[ev.Event]:
    runs.ready_checkpoints(folder)
    plan = read_plan(folder / runs.PLAN)
    if not plan.voices:  # a run from before shelf lines
        plan = dataclasses.replace(plan, shelf_lines=False)
    summary = runs.summary_of(run, ours=True)
    # decided by its Finished event, not by its steps: it may have been killed before it saved the last one
    finished = summary.state == "finished" and summary.step not in plan.extended_at
    if finished and more_epochs is None:
        raise RunError(
            f"The run {run!r} has finished all of its {count(summary.total_steps, 'step')}: tell with it, extend it "
            f"with --more-epochs N, or start a new run from it with --base {shlex.quote(run)}."
        )
    if more_epochs is not None:
        plan = plan_with_more(plan, more_epochs, summary.step if finished else None, runs.length_of(folder))
    with kept_awake(plan.stay_awake and not _is_follower()), _ranks(plan) as ranks:
        yield ev.Preparing("checking the checkpoints", 0, 0)
        from storytime_tui.training.checkpoints import newest_complete

        checkpoint, damaged = newest_complete(folder)
        if checkpoint is None and damaged:
            raise RunError(
                f"Every checkpoint of the run {run!r} is damaged: {damaged[0]} They are not removed. Start a new run."
            )
        if more_epochs is not None and not _is_follower():
            write_plan(plan, folder / runs.PLAN)
        prepared = yield from _prepare_in_turn(ranks, plan, control, checkpoint)
        yield ev.Preparing("loading the model", 0, 0)
        with on_threads(plan.threads):
            built = _build(prepared, ranks, control, checkpoint)
        news = damaged if checkpoint is not None else (_FROM_THE_START,)
        yield from each_on_threads(plan.threads, _speak(ranks, folder, built, news))


_FROM_THE_START = "The run was interrupted before its first checkpoint, so it begins again at step 0."


@contextlib.contextmanager
def _new_run(run: str | None, plan: TrainingPlan, base: Origin, control: Control) -> Iterator[Path]:
    """Make the run's folder with its plan, locked and heard for the block. Raises RunError."""
    with contextlib.ExitStack() as held:
        try:
            folder = held.enter_context(runs.new_run(run, plan))
        except OSError as error:
            raise RunError(files.explain(error, "making the run's folder")) from error
        record_base(folder, base)
        held.enter_context(requests_heard(folder, control))
        yield folder


def _is_follower() -> bool:
    """Whether this process is one of torchrun's, but not the first."""
    return os.environ.get("RANK", "0") != "0" and os.environ.get("WORLD_SIZE", "1") != "1"


@contextlib.contextmanager
def _ranks(plan: TrainingPlan) -> Iterator[Ranks | None]:
    """torchrun's processes as a group; None, without loading torch, if this is the only process."""
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield None
        return
    from storytime_tui.models.loading import choose_device
    from storytime_tui.training.distributed import process_group

    with process_group(choose_device(plan.device), sharded=plan.sharded) as ranks:
        yield ranks


def _prepare_in_turn(
    ranks: Ranks | None, plan: TrainingPlan, control: Control, checkpoint: Path | None = None
) -> Generator[ev.Event, None, Prepared]:
    """Run `prepare` in the first process, then in the others, which use the caches that it filled."""
    if ranks is not None and not ranks.is_main:
        ranks.wait()
    prepared = yield from with_progress(lambda report: prepare(plan, report, control, checkpoint), control)
    if ranks is not None and ranks.is_main:
        ranks.wait()
    return prepared


def _speak(
    ranks: Ranks | None,
    folder: Path | None,
    built: _Built,
    news: Sequence[str] = (),
) -> Iterator[ev.Event]:
    """Train, and write every event to the journal before it is yielded. The caller holds the run's lock.

    `news`: sentences on what was found of an earlier sitting, such as one for each checkpoint that was skipped.
    """
    if ranks is not None and not ranks.is_main:
        for _ in built.trainer_in(folder or Path()).run():
            pass
        return
    assert folder is not None
    with active_runs.training():
        runs.sweep_unfinished(folder)
        trainer = built.trainer_in(folder)
        try:
            journal = Journal(folder / JOURNAL)
        except OSError as error:
            raise RunError(files.explain(error, f"opening the run {folder.name}")) from error
        removed = RemovedFolder(folder)
        with contextlib.closing(journal), removed:
            recovered = [ev.Recovered(trainer.step, sentence) for sentence in news]
            events = _after_first(trainer.run(), recovered)
            for event in with_voice_events(events, folder.name, built.listening):
                if isinstance(event, ev.Preparing):
                    yield event
                    continue
                try:
                    if not isinstance(event, ev.StepDone) and not journal.is_in_place():
                        again = ev.Recovered(trainer.step, removed.make_again(journal))
                        journal.append(again)
                        yield again
                    journal.append(event)
                except OSError as error:  # earlier checkpoints are whole
                    doing = f"writing the journal of the run {folder.name}"
                    failed = ev.Failed(folder.name, trainer.step, files.explain(error, doing))
                    yield event if isinstance(event, ev.Failed) else failed
                    return
                except RunError as error:  # the folder is another run's by now
                    yield ev.Failed(folder.name, trainer.step, str(error))
                    return
                yield event


def _after_first(events: Iterator[ev.Event], more: Sequence[ev.Event]) -> Iterator[ev.Event]:
    """The events, with `more` inserted after the first one: a Resumed event makes earlier events void."""
    for number, event in enumerate(events):
        yield event
        if number == 0:
            yield from more


def prepare(plan: TrainingPlan, report: Report, control: Control, checkpoint: Path | None = None) -> Prepared:
    """The part that needs no torch: the stories, the base's files, the tokenizer, the tokens."""
    from storytime_tui.models.tokenizer import load_tokenizer, train_tokenizer

    report("reading the stories", 0, 0)
    chosen = dataset.choose_stories(plan, report)
    whole = checkpoint is not None and not plan.lora_rank  # a LoRA checkpoint still needs its base
    origin = Origin(plan.base, checkpoint) if whole else _find(plan.base, report, control)
    if origin.folder is not None:
        tokenizer = load_tokenizer(origin.folder)
    elif plan.tokenizer is not None:
        source = _find(plan.tokenizer, report, control)
        if source.folder is None:
            raise PlanError(
                f"tokenizer is {plan.tokenizer!r}, which has no tokenizer of its own: name a model or a run."
            )
        tokenizer = load_tokenizer(source.folder)
    else:
        assert origin.shape is not None
        report("training a tokenizer on the stories", 0, 0)
        tokenizer = train_tokenizer((story.text for story in chosen.training), origin.shape.vocabulary)
    streams = dataset.tokenise(chosen, tokenizer, report)
    resolved = chosen.plan
    if checkpoint is None:
        size = _size_of(origin, tokenizer)
        resolved = resolve(
            chosen.plan,
            window=min(size.window, origin.window or size.window),
            from_scratch=origin.shape is not None,
            training_tokens=len(streams.training.ids),
            parameters=size.parameters,
        )
        memory.check_batch(size, resolved, requested=chosen.plan.batch_size is not None)
    split = chosen.split
    held_out = [story for story in chosen.validation if not story.continues]
    beginnings = beginnings_of(resolved, held_out, split.training)
    chose_batch = chosen.plan.batch_size is None
    return Prepared(resolved, chose_batch, split, origin, tokenizer, streams, chosen.shelves, beginnings)


def _size_of(origin: Origin, tokenizer: Tokenizer) -> Size:
    """The size of a base, before it is loaded."""
    if origin.shape is not None:
        return size_of_shape(origin.shape, tokenizer.vocabulary_size, origin.shape.window)
    assert origin.folder is not None
    return size_in(origin.folder)


def _find(name: str, report: Report, control: Control) -> Origin:
    try:
        return find_origin(name, report, lambda: control.stopped)
    except FetchStopped:
        raise Stopped from None


def load(prepared: Prepared, ranks: Ranks, checkpoint: Path | None = None) -> Loaded:
    """Load torch and the model, into memory only. Raises PlanError or ModelError."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from storytime_tui.models import loading
    from storytime_tui.training.optimizers import check_optimizer
    from storytime_tui.training.probe import available_memory, fit_to_memory

    check_optimizer(prepared.plan)
    plan, origin, tokenizer, streams = prepared.plan, prepared.origin, prepared.tokenizer, prepared.streams
    device = loading.choose_device(plan.device, ranks.local if ranks.count > 1 else None)
    precision = loading.choose_precision(plan.precision, device)
    if checkpoint is None and device.type == "cuda":
        size = _size_of(origin, tokenizer)
        memory.check_batch(size, plan, available_memory(device), requested=not prepared.chose_batch)
    loaded = training_model.load_for_training(plan, origin, tokenizer, device)
    if checkpoint is None:
        plan = training_model.with_compile(plan, loaded, device, len(streams.training.ids))
    model_files = training_model.fit(plan, origin, loaded, tokenizer, checkpoint)
    measured = None
    if checkpoint is None and ranks.count == 1:
        plan, measured = fit_to_memory(plan, loaded.model, device, precision, may_choose=prepared.chose_batch)
    data = dataset.trainer_dataset(prepared.split, streams, tokenizer.vocabulary_size)
    data = dataclasses.replace(data, beginnings=prepared.beginnings)
    return Loaded(plan, loaded.model, data, model_files, device, precision, measured)


def _build(
    prepared: Prepared, group: Ranks | None, control: Control, checkpoint: Path | None = None
) -> _Built:
    """Load torch and the model. Raises PlanError or ModelError before anything is written."""
    from storytime_tui.training.distributed import Ranks
    from storytime_tui.training.trainer import Trainer

    ranks = group or Ranks()
    loaded = load(prepared, ranks, checkpoint)
    plan, model, tokenizer, streams = loaded.plan, loaded.model, prepared.tokenizer, prepared.streams
    if plan.compile == "on":  # after the trial step, whose windows have other shapes
        import torch

        torch.compiler.reset()  # compilations of earlier runs in this process count towards the recompile limit
        for block in model.blocks:
            block.compile()
        model.compiled = not ranks.sharded  # a sharded block's weights are gathered only when it is called

    def trainer_in(folder: Path) -> Trainer:
        trainer = Trainer(
            model,
            plan,
            loaded.data,
            folder,
            device=loaded.device,
            precision=loaded.precision,
            control=control,
            sample=sampler_of(model, tokenizer, plan.block_size),
            model_files=loaded.model_files,
            ranks=ranks,
            memory=loaded.memory,
        )
        if checkpoint is not None:
            _check_same_stories(folder.name, checkpoint, streams.fingerprint)
            trainer.resume_from(checkpoint)
        if ranks.count == 1:
            copy = partial(snapshot_of, loaded.model, tokenizer, plan.block_size, plan.voices)
            control.offer_snapshots(lambda: copy(trainer.step, plan.precision))
        return trainer

    def stopped() -> bool:
        return control.stopped

    parameters = sum(parameter.numel() for parameter in model.parameters())
    live = None if ranks.count > 1 else live_teller(model, tokenizer, plan.block_size, stopped)
    loss_of = training_model.loss_of(streams.validation, plan, loaded.device, loaded.precision)
    listening = Listening(plan, prepared.shelves, parameters, live, stopped, loss_of)
    return _Built(trainer_in, plan, listening)


def _check_same_stories(run: str, checkpoint: Path, fingerprint: str) -> None:
    from storytime_tui.training.checkpoints import read_progress

    if read_progress(checkpoint).data != fingerprint:
        raise RunError(
            f"The stories of the run {run!r} have changed since it started, so it cannot be resumed: start a new run "
            f"from it with --base {shlex.quote(run)}."
        )
