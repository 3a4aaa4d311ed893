"""Listening to a run: how much of what it tells sounds like its shelf, at its end, and earlier where that is cheap.

At the end it is told with as anybody will tell with it: the best checkpoint, opened anew. While it learns, with the
model as it stands, and only where all of the run's measurements take less than a twentieth of its training time.
Nothing here changes the model or draws from torch's own random state, so a run learns the same with and without it.
Torch is loaded when something is told.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from storytime_tui import disk_cache, paths, small_files
from storytime_tui.corpus.headers import voice_of
from storytime_tui.corpus.library.folders import read_folder
from storytime_tui.corpus.library.shelf import collection_folders, roots
from storytime_tui.errors import StorytimeError, is_fault
from storytime_tui.generation.voice import Voice
from storytime_tui.jobs import voice
from storytime_tui.jobs.strengths import Tried, best_strength, contrast_in_turn, tried_in_turn
from storytime_tui.jobs.voice import Ear, MeasuredVoice, Shelf, Tell
from storytime_tui.models.identity import identity_of
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.models.voices import Voices, write_voices
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.sums import replace_file

if TYPE_CHECKING:
    from storytime_tui.generation.generator import Generator
    from storytime_tui.jobs.generate import Teller
    from storytime_tui.models.tokenizer import Tokenizer

_SHARE = 0.05  # of the training time that listening to it may take
_LEAST, _CHOOSING = 30.0, 0.2  # seconds, or a share of the training's: then no further strength is tried
_SMALL = 100_000_000  # parameters: a larger model is listened to at the end only, since it takes a copy of it
_ROOM = 12  # bytes a parameter: the weights as they are loaded, and what is made of them to tell with
_CARD = "README.md"
_FORMAT = 2  # of what is kept; counted up when passages are told in another way
_log = logging.getLogger(__name__)

IsStopped = Callable[[], bool]
Result = TypeVar("Result")


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Listening:
    """What listening to a run takes. `live(title)`: who tells as that shelf with the model as it stands; None where it
    is not listened to while it learns. `parameters`: the model's. `loss_of(model)`: its validation loss."""

    plan: TrainingPlan  # resolved
    shelves: tuple[Shelf, ...]
    parameters: int
    live: Callable[[str], Tell] | None = None
    stopped: IsStopped = _never
    loss_of: Callable[[Any], float] | None = None


def heard(said: Iterator[ev.Event], run: str, listening: Listening) -> Iterator[ev.Event]:
    """What a run says, and in between how much of what it tells sounds like its shelf."""
    if not listening.plan.listen:
        yield from said
        return
    total, done, cost = 0, ev.StepDone(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0), math.nan
    ear: Ear | None = None
    asked = False
    for event in said:
        if isinstance(event, ev.Started | ev.Resumed):
            total = event.total_steps or total
        elif isinstance(event, ev.StepDone):
            done = event
        elif isinstance(event, ev.Finished) and _is_worth_it(event, listening):
            yield ev.Preparing("listening to what it tells", 0, 0)
            if not asked:
                ear, cost = _ear_of(listening)
            if ear:
                yield from _at_end(event, ear, listening)
        yield event
        if not isinstance(event, ev.Evaluated) or not 0 < event.step < total or listening.live is None:
            continue
        if not asked:
            asked = True
            ear, cost = _ear_of(listening)
        if ear and _pays(cost, listening.plan, done, total):
            began = time.monotonic()
            measured = _measured_live(ear, listening)
            cost = time.monotonic() - began
            if measured:
                yield said_of(measured, event.step)


def _at_end(end: ev.Finished, ear: Ear, listening: Listening) -> Iterator[ev.Event]:
    """Measure the voice of what is kept, choose the strength that it is told at, and write both down."""
    run, which, step = end.run, "best" if end.best_step else "last", end.best_step or end.step
    name = f"{run}/{which}"
    measured = {1.0: _measured_at_end(name, ear, listening, 1.0)}
    if measured[1.0] is None:
        return
    tried = _tried("choosing a strength", lambda: _strengths(name, ear, listening, measured, end)) or []
    strength = best_strength(tried) if tried else 1.0
    chosen = measured[strength]
    assert chosen is not None
    contrast, chosen = contrast_in_turn(
        chosen,
        lambda contrast: _measured_at_end(name, ear, listening, strength, contrast),
        _time_limit(listening, end),
    )
    voices = Voices(listening.plan.voices, strength, contrast)
    _tried("writing the voices down", lambda: write_voices(runs.run_folder(run), voices))
    if tried:
        yield ev.StrengthChosen(
            step=step,
            strength=strength,
            strengths=tuple(each.strength for each in tried),
            validation_losses=tuple(each.validation_loss for each in tried),
            voices=tuple(each.voice for each in tried),
            copied=tuple(each.copied for each in tried),
        )
    said = said_of(chosen, step, strength, contrast)
    _write_into_card(run, which, said)
    yield said


def _strengths(
    name: str,
    ear: Ear,
    listening: Listening,
    measured: dict[float, MeasuredVoice | None],
    end: ev.Finished,
) -> list[Tried]:
    """What comes of telling with a run at several strengths; `measured` gets the voice at each of them."""
    import torch

    from storytime_tui.jobs import blending
    from storytime_tui.models.loading import choose_device

    loss_of, learned = listening.loss_of, measured[1.0]
    if loss_of is None or learned is None or scratch_shape(listening.plan.base) is not None:
        return []
    device = choose_device(listening.plan.device)

    def loss_at(strength: float) -> float:
        chosen = blending.choose_model(name, strength, (), lambda what, done, total: None)
        return loss_of(blending.open_chosen(chosen, device, torch.float32))

    def voice_at(strength: float) -> tuple[float, float] | None:
        found = measured[strength] = _measured_at_end(name, ear, listening, strength)
        return None if found is None else (found.share, found.copied)

    at_one = Tried(1.0, loss_at(1.0), learned.share, learned.copied)
    return tried_in_turn(at_one, loss_at, voice_at, _time_limit(listening, end))


def _time_limit(listening: Listening, end: ev.Finished) -> Callable[[], bool]:
    """Whether what begins now has taken as long as it may, or the run was stopped."""
    began = time.monotonic()
    return lambda: listening.stopped() or time.monotonic() - began > max(_LEAST, _CHOOSING * end.seconds)


def said_of(
    measured: MeasuredVoice, step: int, strength: float = 1.0, contrast: float = 0.0
) -> ev.VoiceMeasured:
    """The figures as an event."""
    return ev.VoiceMeasured(
        step=step,
        strength=strength,
        contrast=contrast,
        passages=measured.passages,
        of_shelf=measured.of_shelf,
        of_base=measured.of_base,
        copied=measured.copied,
        shelves=tuple(measured.of_each),
        of_each=tuple(right for right, _ in measured.of_each.values()),
    )


def _is_worth_it(end: ev.Finished, listening: Listening) -> bool:
    """Whether there is somebody to be told from, and room for the model that tells beside the one that learned."""
    alone = len(listening.shelves) < 2 and scratch_shape(listening.plan.base) is not None
    room = listening.parameters < _SMALL or psutil.virtual_memory().available > _ROOM * listening.parameters
    return end.step > 0 and end.stopped_by != "stopped" and not alone and room


def _write_into_card(run: str, which: str, said: ev.VoiceMeasured) -> None:
    from storytime_tui.training.card import with_voice

    def write() -> None:
        folder = runs.checkpoint_named(runs.run_folder(run), which)
        if folder is not None:
            card = small_files.read_text(folder / _CARD)
            replace_file(folder, _CARD, with_voice(card, said).encode())

    _tried("writing the voice into the card", write)


def _pays(cost: float, plan: TrainingPlan, done: ev.StepDone, total: int) -> bool:
    """Whether measurements of `cost` seconds each take less of the run's time than they may."""
    if not done.step or math.isnan(cost):
        return False
    evaluations = math.ceil(total / (plan.evaluate_every or 1))
    return cost * evaluations <= _SHARE * done.elapsed / done.step * total


# -- measuring ---------------------------------------------------------------------------------------------


def _ear_of(listening: Listening) -> tuple[Ear | None, float]:
    """What hears the run's shelves, and about how many seconds a measurement will take; None where it cannot be had."""

    def made() -> tuple[Ear | None, float]:
        told, seconds = base_passages(listening.plan.base, listening.shelves, listening.stopped)
        others = other_manners(listening.shelves)
        ear = None if listening.stopped() else voice.ear_for(listening.shelves, told, others)
        return ear, seconds * voice.PASSAGES / max(1, len(told))

    return _tried("hearing what the base tells", made) or (None, math.nan)


def _measured_live(ear: Ear, listening: Listening) -> MeasuredVoice | None:
    def measured() -> MeasuredVoice | None:
        assert listening.live is not None
        tells = {shelf.title: listening.live(_line_of(shelf.title, listening)) for shelf in ear.shelves}
        return voice.measure_voice(ear, tells, seed=listening.plan.seed, stopped=listening.stopped)

    return _tried("listening to a run", measured)


def _line_of(title: str, listening: Listening) -> str:
    return title if title in listening.plan.voices else ""


def _measured_at_end(
    run: str, ear: Ear, listening: Listening, strength: float, contrast: float = 0.0
) -> MeasuredVoice | None:
    from storytime_tui.jobs.generate import open_teller

    def measured() -> MeasuredVoice | None:
        teller = open_teller(run, strength=strength, contrast=contrast)
        return measure_teller(teller, ear, listening.plan.voices, listening.plan.seed, listening.stopped)

    return _tried("listening to a run", measured)


def measure_teller(
    teller: Teller, ear: Ear, known: tuple[str, ...], seed: int = 0, stopped: IsStopped = _never
) -> MeasuredVoice | None:
    """Listen to an opened model: told as each shelf that it knows (`known`), and in its usual voice for the others."""
    tells = {
        shelf.title: tell_with(teller, ((shelf.title, 1.0),) if shelf.title in known else None, stopped)
        for shelf in ear.shelves
    }
    return voice.measure_voice(ear, tells, seed=seed, stopped=stopped)


def _tried(doing: str, work: Callable[[], Result]) -> Result | None:
    """What came of it; None where it failed, and the log says why: a figure is no reason to stop a run."""
    try:
        return work()
    except (StorytimeError, OSError, MemoryError) as error:
        _log.warning("%s failed: %s", doing, error)
    except BaseException as error:
        if not is_fault(error):
            raise
        _log.exception("%s failed", doing)
    return None


# -- who tells ----------------------------------------------------------------------------------------------


def tell_with(teller: Teller | Generator, as_whom: Voice | None, stopped: IsStopped = _never) -> Tell:
    """Passages by an opened model in the program's own settings, each to the end of a sentence, in a voice.

    None is a teller's usual one. Where it is stopped they end where they are.
    """
    from storytime_tui.generation.pieces import Piece
    from storytime_tui.generation.sampling.settings import SamplerSettings

    def tell(prompt: str, count: int, seed: int, tokens: int) -> list[str]:
        settings = SamplerSettings(max_tokens=tokens, seed=seed, finish_sentence=True)
        told = [""] * count
        stream: Any = teller.tell_several(prompt, settings, count, voice=as_whom)  # type: ignore[arg-type]
        with contextlib.closing(stream):
            for row, item in stream:
                if isinstance(item, Piece):
                    told[row] += item.text
                if stopped():
                    break
        return told

    return tell


def live_teller(
    model: Any, tokenizer: Tokenizer, window: int | None, stopped: IsStopped = _never
) -> Callable[[str], Tell] | None:
    """Who tells with a model that learns, with a copy of its weights of each moment; None where that takes too much."""
    size = sum(parameter.numel() for parameter in model.parameters())
    if size > _SMALL:
        return None

    def live(title: str) -> Tell:
        from storytime_tui.generation.backends.prepare import make_backend
        from storytime_tui.generation.generator import Generator

        on_gpu = next(model.parameters()).device.type == "cuda"
        backend = make_backend(model, "bf16" if on_gpu else "fp32")
        return tell_with(Generator(backend, tokenizer, window), ((title, 1.0),) if title else (), stopped)

    return live


def other_manners(shelves: Sequence[Shelf]) -> dict[str, list[str]]:
    """The stories of the bundled collections that are not among these shelves, by title.

    Beside the base alone, whatever is not the base's would count as the shelf's.
    """
    ours = {shelf.title for shelf in shelves}
    folders = [folder for root, bundled in roots() if bundled for folder in collection_folders(root, [])]
    found = (read_folder(folder, bundled=True)[0] for folder in folders)
    return {
        title: [story.text for story in each.stories]
        for each in found
        if (title := voice_of(each.title)) not in ours
    }


# -- what the base tells ------------------------------------------------------------------------------------


def base_passages(
    base: str, shelves: tuple[Shelf, ...], stopped: IsStopped = _never
) -> tuple[tuple[str, ...], float]:
    """What a base tells from "Once upon a time" and as stories of these shelves begin, and the seconds that it took.

    Nothing for a new model. Told once, and kept. Raises StorytimeError where there is no such model, OSError.
    """
    if scratch_shape(base) is not None:
        return (), math.nan
    from storytime_tui.jobs.find_model import find_origin
    from storytime_tui.jobs.generate import open_teller

    openings = voice.base_beginnings(shelves)
    origin = find_origin(base, lambda what, done, total: None)
    folders = [folder for folder in (origin.folder, origin.adapter) if folder is not None]
    facts = [_FORMAT, voice.TOKENS, voice.BASE_PASSAGES, *map(identity_of, folders), *openings]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:40]
    path = paths.cache_folder() / "voice" / f"{key}.json"
    kept = disk_cache.find(path, _kept)
    if kept is not None:
        return kept
    teller = open_teller(base)
    began = time.monotonic()
    told: list[str] = []
    for each in voice.tell_as_base(tell_with(teller, None, stopped), openings):
        if stopped():
            return (), math.nan
        told += each
    seconds = time.monotonic() - began
    disk_cache.remember(path, json.dumps({"passages": told, "seconds": seconds}).encode())
    return tuple(told), seconds


def _kept(path: Path) -> tuple[tuple[str, ...], float] | None:
    try:
        found: Mapping[str, Any] = small_files.read_json(path)
        passages, seconds = tuple(found["passages"]), float(found["seconds"])
        if not all(isinstance(passage, str) for passage in passages):
            return None
    except (OSError, small_files.UnreadableFile, KeyError, TypeError, ValueError):
        return None
    return passages, seconds
