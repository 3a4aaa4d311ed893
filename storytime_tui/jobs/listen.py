"""Measures a run's voice at its end, and during training if that is cheap. Also chooses the run's strength.

At the end the best checkpoint is opened and measured like any model. During training the current weights are measured,
but only if all measurements together take less than 5% of the training time. Measuring changes neither the model nor
torch's global random state, so training is the same with and without it. Torch is loaded when something is told.
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
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.voice import Voice
from storytime_tui.jobs import voice
from storytime_tui.jobs.strengths import Trial, best_strength, choose_contrast, try_strengths
from storytime_tui.jobs.voice import Shelf, Tell, VoiceJudge, VoiceScore
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

_MAX_SHARE = 0.05  # of the training time that measurements during training may take
# No further strength is tried after this many seconds or this share of the training time, whichever is longer.
_MIN_SECONDS, _STRENGTH_SHARE = 30.0, 0.2
_SMALL = 100_000_000  # parameters; a larger model is measured at the end only, because measuring copies it
_BYTES_PER_PARAMETER = 12  # memory of an opened model: the loaded weights, and those prepared for telling
_AUTO = Computing()
_CARD = "README.md"
_FORMAT = 2  # version of the kept passages; raise it when they are told differently
_log = logging.getLogger(__name__)

IsStopped = Callable[[], bool]
Result = TypeVar("Result")


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Listening:
    """What measuring a run needs. `live(title)` returns a function that tells as that shelf with the current weights;
    None for no measurement during training. `parameters`: of the model. `loss_of(model)` returns a validation loss."""

    plan: TrainingPlan  # resolved
    shelves: tuple[Shelf, ...]
    parameters: int
    live: Callable[[str], Tell] | None = None
    stopped: IsStopped = _never
    loss_of: Callable[[Any], float] | None = None


def with_voice_events(events: Iterator[ev.Event], run: str, listening: Listening) -> Iterator[ev.Event]:
    """Yield a run's events, with its voice measurements in between."""
    if not listening.plan.listen:
        yield from events
        return
    total, done, cost = 0, ev.StepDone(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0), math.nan
    judge: VoiceJudge | None = None
    made = False
    for event in events:
        if isinstance(event, ev.Started | ev.Resumed):
            total = event.total_steps or total
        elif isinstance(event, ev.StepDone):
            done = event
        elif isinstance(event, ev.Finished) and _is_worth_it(event, listening):
            yield ev.Preparing("measuring its voice", 0, 0)
            if not made:
                judge, cost = _make_judge(listening)
            if judge:
                yield from _at_end(event, judge, listening)
        yield event
        if not isinstance(event, ev.Evaluated) or not 0 < event.step < total or listening.live is None:
            continue
        if not made:
            made = True
            judge, cost = _make_judge(listening)
        if judge and _is_cheap(cost, listening.plan, done, total):
            started = time.monotonic()
            score = _measure_live(judge, listening)
            cost = time.monotonic() - started
            if score:
                yield event_of(score, event.step, seconds=cost)


def _at_end(end: ev.Finished, judge: VoiceJudge, listening: Listening) -> Iterator[ev.Event]:
    """Measure the voice of the run's best (else last) checkpoint, choose its strength and save both."""
    run, which, step = end.run, "best" if end.best_step else "last", end.best_step or end.step
    name = f"{run}/{which}"
    scores = {1.0: _measure_at_end(name, judge, listening, 1.0)}
    if scores[1.0] is None:
        return
    trials = _attempt("choosing a strength", lambda: _trials(name, judge, listening, scores, end)) or []
    strength = best_strength(trials) if trials else 1.0
    plain = scores[strength]
    assert plain is not None
    contrast, score = choose_contrast(
        plain,
        lambda contrast: _measure_at_end(name, judge, listening, strength, contrast),
        _time_limit(listening, end),
    )
    voices = Voices(listening.plan.voices, strength, contrast)
    _attempt("saving the voices", lambda: write_voices(runs.run_folder(run), voices))
    if trials:
        yield ev.StrengthChosen(
            step=step,
            strength=strength,
            strengths=tuple(each.strength for each in trials),
            validation_losses=tuple(each.validation_loss for each in trials),
            voices=tuple(each.voice for each in trials),
            copied=tuple(each.copied for each in trials),
        )
    event = event_of(score, step, strength, contrast)
    _write_into_card(run, which, event)
    yield event


def _trials(
    name: str,
    judge: VoiceJudge,
    listening: Listening,
    scores: dict[float, VoiceScore | None],
    end: ev.Finished,
) -> list[Trial]:
    """Try several strengths of a run; the voice at each is added to `scores`. Nothing without a base."""
    import torch

    from storytime_tui.jobs import blending
    from storytime_tui.models.loading import choose_device

    loss_of, trained = listening.loss_of, scores[1.0]
    if loss_of is None or trained is None or scratch_shape(listening.plan.base) is not None:
        return []
    device = choose_device(listening.plan.device)

    def loss_at(strength: float) -> float:
        chosen = blending.choose_model(name, strength, (), lambda what, done, total: None)
        return loss_of(blending.open_chosen(chosen, device, torch.float32))

    def voice_at(strength: float) -> tuple[float, float] | None:
        score = scores[strength] = _measure_at_end(name, judge, listening, strength)
        return None if score is None else (score.share, score.copied)

    at_one = Trial(1.0, loss_at(1.0), trained.share, trained.copied)
    return try_strengths(at_one, loss_at, voice_at, _time_limit(listening, end))


def _time_limit(listening: Listening, end: ev.Finished) -> Callable[[], bool]:
    """True once the step that begins now has taken its share of the run's time, or the run was stopped."""
    started, limit = time.monotonic(), max(_MIN_SECONDS, _STRENGTH_SHARE * end.seconds)
    return lambda: listening.stopped() or time.monotonic() - started > limit


def event_of(
    score: VoiceScore, step: int, strength: float = 1.0, contrast: float = 0.0, seconds: float = 0.0
) -> ev.VoiceMeasured:
    """The score as an event. `seconds`: how long measuring took."""
    return ev.VoiceMeasured(
        step=step,
        strength=strength,
        contrast=contrast,
        seconds=seconds,
        passages=score.passages,
        of_shelf=score.of_shelf,
        of_base=score.of_base,
        copied=score.copied,
        shelves=tuple(score.of_each),
        of_each=tuple(right for right, _ in score.of_each.values()),
    )


def _is_worth_it(end: ev.Finished, listening: Listening) -> bool:
    """Whether the classifier has a second class, and the memory holds a second model."""
    alone = len(listening.shelves) < 2 and scratch_shape(listening.plan.base) is not None
    needed = _BYTES_PER_PARAMETER * listening.parameters
    fits = listening.parameters < _SMALL or psutil.virtual_memory().available > needed
    return end.step > 0 and end.stopped_by != "stopped" and not alone and fits


def _write_into_card(run: str, which: str, event: ev.VoiceMeasured) -> None:
    from storytime_tui.training.card import with_voice

    def write() -> None:
        folder = runs.checkpoint_named(runs.run_folder(run), which)
        if folder is not None:
            card = small_files.read_text(folder / _CARD)
            replace_file(folder, _CARD, with_voice(card, event).encode())

    _attempt("writing the voice into the card", write)


def _is_cheap(cost: float, plan: TrainingPlan, done: ev.StepDone, total: int) -> bool:
    """Whether a measurement of `cost` seconds at each evaluation takes at most _MAX_SHARE of the training time."""
    if not done.step or math.isnan(cost):
        return False
    evaluations = math.ceil(total / (plan.evaluate_every or 1))
    return cost * evaluations <= _MAX_SHARE * done.elapsed / done.step * total


# -- measuring ---------------------------------------------------------------------------------------------


def _make_judge(listening: Listening) -> tuple[VoiceJudge | None, float]:
    """The run's judge, and the estimated seconds of one measurement; None if it cannot be made."""

    def make() -> tuple[VoiceJudge | None, float]:
        computing = _computing_of(listening.plan)
        told, seconds = base_passages(listening.plan.base, listening.shelves, listening.stopped, computing)
        others = other_styles(listening.shelves)
        judge = None if listening.stopped() else voice.make_judge(listening.shelves, told, others)
        return judge, seconds * voice.PASSAGES / max(1, len(told))

    return _attempt("measuring the base's voice", make) or (None, math.nan)


def _measure_live(judge: VoiceJudge, listening: Listening) -> VoiceScore | None:
    def measure() -> VoiceScore | None:
        assert listening.live is not None
        tells = {shelf.title: listening.live(_line_of(shelf.title, listening)) for shelf in judge.shelves}
        return voice.measure_voice(judge, tells, seed=listening.plan.seed, stopped=listening.stopped)

    return _attempt("measuring a run's voice", measure)


def _line_of(title: str, listening: Listening) -> str:
    return title if title in listening.plan.voices else ""


def _computing_of(plan: TrainingPlan) -> Computing:
    """As the run itself, but for the precision: that of `tell` is what stories are told in later."""
    return Computing(device=plan.device, threads=plan.threads)


def _measure_at_end(
    run: str, judge: VoiceJudge, listening: Listening, strength: float, contrast: float = 0.0
) -> VoiceScore | None:
    from storytime_tui.jobs.generate import open_teller

    def measure() -> VoiceScore | None:
        computing = _computing_of(listening.plan)
        teller = open_teller(run, strength=strength, contrast=contrast, wanted=lambda: computing)
        return measure_teller(teller, judge, listening.plan.voices, listening.plan.seed, listening.stopped)

    return _attempt("measuring a run's voice", measure)


def measure_teller(
    teller: Teller, judge: VoiceJudge, known: tuple[str, ...], seed: int = 0, stopped: IsStopped = _never
) -> VoiceScore | None:
    """Measure an opened model, telling as each shelf that it knows (`known`) and in its usual voice for the others."""
    tells = {
        shelf.title: tell_with(teller, ((shelf.title, 1.0),) if shelf.title in known else None, stopped)
        for shelf in judge.shelves
    }
    return voice.measure_voice(judge, tells, seed=seed, stopped=stopped)


def _attempt(doing: str, work: Callable[[], Result]) -> Result | None:
    """The result of `work`. An error is logged and gives None: a failed measurement must not end a run."""
    try:
        return work()
    except (StorytimeError, OSError, MemoryError) as error:
        _log.warning("%s failed: %s", doing, error)
    except BaseException as error:
        if not is_fault(error):
            raise
        _log.exception("%s failed", doing)
    return None


# -- telling ------------------------------------------------------------------------------------------------


def tell_with(teller: Teller | Generator, as_voice: Voice | None, stopped: IsStopped = _never) -> Tell:
    """A function that tells passages with default settings in a voice (None: the usual one of a Teller).

    Each passage ends with a whole sentence, or where it is when `stopped` says so.
    """
    from storytime_tui.generation.pieces import Piece
    from storytime_tui.generation.sampling.settings import SamplerSettings

    def tell(prompt: str, count: int, seed: int, tokens: int) -> list[str]:
        settings = SamplerSettings(max_tokens=tokens, seed=seed, finish_sentence=True)
        told = [""] * count
        stream: Any = teller.tell_several(prompt, settings, count, voice=as_voice)  # type: ignore[arg-type]
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
    """`Listening.live` for a training model, which copies its current weights; None for a large model."""
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


def other_styles(shelves: Sequence[Shelf]) -> dict[str, list[str]]:
    """The stories of the bundled collections that are not among these shelves, by title.

    With the base as the only other class, every passage unlike the base would count as the shelf's.
    """
    own = {shelf.title for shelf in shelves}
    folders = [folder for root, bundled in roots() if bundled for folder in collection_folders(root, [])]
    collections = (read_folder(folder, bundled=True)[0] for folder in folders)
    return {
        title: [story.text for story in each.stories]
        for each in collections
        if (title := voice_of(each.title)) not in own
    }


# -- the base's passages ------------------------------------------------------------------------------------


def base_passages(
    base: str, shelves: tuple[Shelf, ...], stopped: IsStopped = _never, computing: Computing = _AUTO
) -> tuple[tuple[str, ...], float]:
    """The base's passages for the classifier (see `voice.base_openings`), and the seconds that telling them took.

    Empty for a scratch base. The passages are kept on the disk. Raises OSError, and StorytimeError if the base cannot
    be found.
    """
    if scratch_shape(base) is not None:
        return (), math.nan
    from storytime_tui.jobs.find_model import find_origin
    from storytime_tui.jobs.generate import open_teller

    openings = voice.base_openings(shelves)
    origin = find_origin(base, lambda what, done, total: None)
    folders = [folder for folder in (origin.folder, origin.adapter) if folder is not None]
    facts = [_FORMAT, voice.TOKENS, voice.BASE_PASSAGES, *map(identity_of, folders), *openings]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:40]
    path = paths.cache_folder() / "voice" / f"{key}.json"
    kept = disk_cache.find(path, _kept)
    if kept is not None:
        return kept
    teller = open_teller(base, wanted=lambda: computing)
    started = time.monotonic()
    told: list[str] = []
    for batch in voice.tell_as_base(tell_with(teller, None, stopped), openings):
        if stopped():
            return (), math.nan
        told += batch
    seconds = time.monotonic() - started
    disk_cache.remember(path, json.dumps({"passages": told, "seconds": seconds}).encode())
    return tuple(told), seconds


def _kept(path: Path) -> tuple[tuple[str, ...], float] | None:
    try:
        record: Mapping[str, Any] = small_files.read_json(path)
        passages, seconds = tuple(record["passages"]), float(record["seconds"])
        if not all(isinstance(passage, str) for passage in passages):
            return None
    except (OSError, small_files.UnreadableFile, KeyError, TypeError, ValueError):
        return None
    return passages, seconds
