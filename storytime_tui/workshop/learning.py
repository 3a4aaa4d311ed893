"""A learning job: from a plan to a run that speaks in events. Torch is loaded when the first step is near."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storytime_tui import files
from storytime_tui.errors import PlanError, RunError
from storytime_tui.models.hub import FetchStopped
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan, read_plan, resolve, write_plan
from storytime_tui.workshop import lessons
from storytime_tui.workshop.origins import Origin, find_origin
from storytime_tui.workshop.progress import Report, Stopped, with_progress

if TYPE_CHECKING:
    from storytime_tui.models.tokenizer import Tokenizer
    from storytime_tui.training.trainer import Trainer


@dataclass(frozen=True)
class _Prepared:
    plan: TrainingPlan
    split: Any
    origin: Origin
    tokenizer: Tokenizer
    streams: lessons.Streams


def learn(plan: TrainingPlan, control: Control, run: str | None = None) -> Iterator[ev.Event]:
    """Begin a run and yield what it says; `run` names it, None takes the first collection's name and a number.

    Raises StorytimeError for what is wrong before the run exists; later trouble is a Failed event. Blocks
    between events: iterate it in a thread.
    """
    if run is not None:
        runs.check_free_name(run)
    prepared = yield from with_progress(lambda report: _prepare(plan, report, control), control)
    yield ev.Preparing("waking the model", 0, 0)
    trainer_for, resolved = _build(prepared)
    folder = None
    try:
        folder = runs.make_run_folder(run, resolved.collections)
        write_plan(resolved, folder / "plan.toml")
    except OSError as error:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise RunError(files.explain(error, "making the run's folder")) from error
    yield from _speak(folder, lambda: trainer_for(folder, control))


def resume(run: str, control: Control) -> Iterator[ev.Event]:
    """Continue a run from its last checkpoint, exactly where it stood; from the start where it has none.

    Raises StorytimeError where it cannot: no such run, open elsewhere, finished, its stories gone or changed.
    """
    folder = runs.run_folder(run)
    plan = read_plan(folder / "plan.toml")
    with runs.locked(folder):  # say so at once, before anything is loaded
        summary = runs.summary_of(run)
    if summary.state != "damaged" and summary.total_steps and summary.step >= summary.total_steps:
        raise RunError(
            f"The run {run!r} has finished all of its {summary.total_steps:,} steps: tell with it, or start a new "
            f"run from it with --base {run}."
        )
    last = folder / "checkpoints" / "last"
    checkpoint = last.resolve() if (last / "trainer.json").is_file() else None
    prepared = yield from with_progress(lambda report: _prepare(plan, report, control, checkpoint), control)
    yield ev.Preparing("waking the model", 0, 0)
    trainer_for, _ = _build(prepared, checkpoint)
    yield from _speak(folder, lambda: trainer_for(folder, control))


def _speak(folder: Path, make_trainer: Callable[[], Trainer]) -> Iterator[ev.Event]:
    """Train holding the run's lock, writing every event to the journal before anyone hears it."""
    with runs.locked(folder):
        for place in (folder, folder / "checkpoints"):
            if place.is_dir():
                files.sweep(place)
        trainer = make_trainer()
        try:
            journal = runs.Journal(folder / "events.jsonl")
        except OSError as error:
            raise RunError(files.explain(error, f"opening the run {folder.name}")) from error
        with contextlib.closing(journal):
            for event in trainer.run():
                try:
                    journal.append(event)
                except OSError as error:  # the checkpoints before it are whole
                    doing = f"writing what the run {folder.name} says"
                    failed = ev.Failed(folder.name, trainer.step, files.explain(error, doing))
                    yield event if isinstance(event, ev.Failed) else failed
                    return
                yield event


def _prepare(
    plan: TrainingPlan, report: Report, control: Control, checkpoint: Path | None = None
) -> _Prepared:
    """Everything that needs no torch: the stories, the base's files, the tokenizer, the tokens."""
    from storytime_tui.models.tokenizer import load_tokenizer, train_tokenizer

    report("reading the stories", 0, 0)
    chosen = lessons.choose(plan, report)
    origin = Origin(plan.base, checkpoint) if checkpoint else _find(plan.base, report, control)
    if origin.folder is not None:
        tokenizer = load_tokenizer(origin.folder)
    elif plan.tokenizer is not None:
        source = _find(plan.tokenizer, report, control)
        if source.folder is None:
            raise PlanError(
                f"tokenizer is {plan.tokenizer!r}, which has none of its own: name a model or a run."
            )
        tokenizer = load_tokenizer(source.folder)
    else:
        assert origin.shape is not None
        report("making a vocabulary of the stories", 0, 0)
        tokenizer = train_tokenizer((story.text for story in chosen.split.training), origin.shape.vocabulary)
    streams = lessons.tokenise(chosen.split, tokenizer, report)
    return _Prepared(chosen.plan, chosen.split, origin, tokenizer, streams)


def _find(name: str, report: Report, control: Control) -> Origin:
    try:
        return find_origin(name, report, lambda: control.stopped)
    except FetchStopped:
        raise Stopped from None


def _build(
    prepared: _Prepared, checkpoint: Path | None = None
) -> tuple[Callable[[Path, Control], Trainer], TrainingPlan]:
    """Load torch and the model. Returns how to make the trainer once the run's folder is there, and the
    resolved plan. Raises PlanError or ModelError before anything is written."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch

    from storytime_tui.corpus.tokens import token_frequency_loss
    from storytime_tui.models import loading
    from storytime_tui.training.trainer import Lesson, Trainer

    plan, origin, tokenizer, streams = prepared.plan, prepared.origin, prepared.tokenizer, prepared.streams
    device = loading.choose_device(plan.device)
    precision = loading.choose_precision(plan.precision, device)
    tokens = len(streams.training.ids)
    if checkpoint is None:
        plan = _resolve_early(plan, origin, tokens)
    if origin.shape is not None:
        assert plan.block_size is not None
        shape = dataclasses.replace(origin.shape, window=plan.block_size)  # it knows no further position
        model = loading.new_model(shape, tokenizer, plan.seed, plan.dropout).to(device)
    else:
        assert origin.folder is not None
        model = loading.load_model(origin.folder, device=device, dtype=torch.float32, dropout=plan.dropout)
    if checkpoint is None:
        parameters = sum(p.numel() for p in model.parameters())
        plan = resolve(
            plan,
            window=loading.window_of(model),
            from_scratch=origin.shape is not None,
            training_tokens=tokens,
            parameters=parameters,
        )
    lesson = Lesson(
        training_ids=streams.training.ids,
        validation_ids=streams.validation.ids,
        validation_bytes=streams.validation.text_bytes,
        stories=len(prepared.split.training),
        validation_stories=len(prepared.split.validation),
        copies=len(prepared.split.copies),
        token_frequency_loss=token_frequency_loss(
            streams.training.ids, streams.validation.ids, tokenizer.vocabulary_size
        ),
        fingerprint=streams.fingerprint,
    )

    def sample(prompt: str, tokens: int, seed: int) -> str:
        from storytime_tui.generation.pieces import Piece
        from storytime_tui.generation.settings import SamplerSettings
        from storytime_tui.generation.storyteller import Storyteller

        teller = Storyteller(model, tokenizer, device)
        pieces = list(teller.tell(prompt, SamplerSettings(max_tokens=tokens, seed=seed)))
        return "".join(piece.text if isinstance(piece, Piece) else piece.tail for piece in pieces)

    def trainer_for(folder: Path, control: Control) -> Trainer:
        trainer = Trainer(
            model,
            plan,
            lesson,
            folder,
            device=device,
            precision=precision,
            control=control,
            sample=sample,
            save_tokenizer=tokenizer.save,
        )
        if checkpoint is not None:
            _check_same_lesson(folder.name, checkpoint, streams.fingerprint)
            trainer.resume_from(checkpoint)
        return trainer

    return trainer_for, plan


def _resolve_early(plan: TrainingPlan, origin: Origin, tokens: int) -> TrainingPlan:
    """A scratch base's window is the plan's block size, so that has to be settled before it is made."""
    if origin.shape is None:
        return plan
    settled = resolve(
        plan, window=origin.shape.window, from_scratch=True, training_tokens=tokens, parameters=0
    )
    return dataclasses.replace(plan, block_size=settled.block_size)


def _check_same_lesson(run: str, checkpoint: Path, fingerprint: str) -> None:
    from storytime_tui.training.checkpoints import read_progress

    if read_progress(checkpoint).data != fingerprint:
        raise RunError(
            f"The stories of the run {run!r} have changed since it began, so it cannot go on as the same run: "
            f"start a new one from it with --base {run}."
        )
