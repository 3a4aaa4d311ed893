"""Lists the models that can tell, and opens one that streams text. Torch is loaded when a model opens."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from storytime_tui.errors import ModelError, RunError
from storytime_tui.formatting import size
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.context import NOTE_DEPTH
from storytime_tui.generation.pieces import Piece, Seen, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice, leaning, usual
from storytime_tui.jobs import blending
from storytime_tui.jobs.active_runs import new_runs_wait
from storytime_tui.jobs.copied import Cancelled, Learned, learned_from, until
from storytime_tui.jobs.idle_cores import IdleCores
from storytime_tui.jobs.judge_precision import sample_ids_of
from storytime_tui.jobs.progress import in_background, with_progress
from storytime_tui.jobs.story_reading import StoryReading, read_tokens
from storytime_tui.jobs.weights_hash import WeightsHash
from storytime_tui.models import catalogue, hub_cache
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.models.voices import VOICES, check_contrast
from storytime_tui.reporting import Report
from storytime_tui.training import runs
from storytime_tui.training.control import Control
from storytime_tui.training.events import Preparing

if TYPE_CHECKING:
    from storytime_tui.corpus.copied import Index
    from storytime_tui.generation.generator import Generator


@dataclass(frozen=True)
class ModelChoice:
    """One model to tell with: `name` for `open_teller`, `title` and `note` for the user."""

    name: str
    title: str
    note: str


def choices() -> tuple[ModelChoice, ...]:
    """The models that can tell: runs with a checkpoint, newest first (damaged ones last), then each run's other
    checkpoints, then the bases with weights."""
    with_checkpoints = [summary for summary in _run_summaries() if summary.checkpoints]
    with_checkpoints.sort(key=lambda summary: summary.state == "damaged")
    found = [ModelChoice(_model_name(s.name), s.name, _note_of(s)) for s in with_checkpoints]
    found += [
        ModelChoice(f"{s.name}/step-{step}", f"{s.name} at step {step}", "an earlier checkpoint of this run")
        for s in with_checkpoints
        if len(s.checkpoints) > 1
        for step in reversed(s.checkpoints)
    ]
    found += [
        ModelChoice(base.name, base.short, _note_of_base(base))
        for base in catalogue.bases()
        if scratch_shape(base.name) is None
    ]
    return tuple(found)


def _run_summaries() -> tuple[runs.RunSummary, ...]:
    try:
        return runs.list_runs()
    except RunError:
        return ()  # the folder of all runs cannot be read; the bases still work


def _model_name(run: str) -> str:
    """The name by which `find_origin` finds a run, even if a base has the same name."""
    return f"{run}/best" if catalogue.is_base_name(run) else run


def _note_of_base(base: catalogue.Base) -> str:
    if not base.download or hub_cache.cached(base.name):
        return base.note
    return f"{base.note}; {size(base.download)} to fetch"


def _note_of(summary: runs.RunSummary) -> str:
    if summary.state == "damaged":
        return "damaged: its plan or its journal cannot be read"
    collections = ", ".join(name.rstrip("/").rsplit("/", 1)[-1] for name in summary.collections)
    loss = summary.best_validation_loss
    how_well = f", validation loss {loss:.3f}" if loss is not None else ""
    return f"{summary.base} trained on {collections}{how_well}"


class Teller:
    """A model opened for telling. Use it from one thread at a time.

    `precision` and `device`: of the weights. `strength`: how far the weights are from the run's base towards the run; 1
    if it is not a run. `voices`: titles of the shelves that it knows by their lines; it tells as the first unless a
    voice is given (see `generation.voice`). `contrast`: how far a voice leans away from the others; above 0 each
    token takes twice the time. `step`: of a run that is still training; else None. `note`: a sentence if the usual
    strength could not be used, else "". `blend`: other runs in its weights, with their shares. `checkpoint`: the step
    of the run's files; `weights`: a hash of its files. A run that is still training has neither. `sitting`: an id of
    this Teller, by chance. `wanted` says how models are to be computed by now.
    Output depends on neither the calling thread nor the thread count (see `idle_cores`).
    """

    def __init__(
        self,
        name: str,
        generator: Generator,
        precision: str = "fp32",
        device: str = "cpu",
        voices: tuple[str, ...] = (),
        strength: float = 1.0,
        note: str = "",
        contrast: float = 0.0,
        step: int | None = None,
        blend: tuple[tuple[str, float], ...] = (),
        checkpoint: int | None = None,
        weights: WeightsHash | None = None,
        computed_as: Computing = Computing(),  # noqa: B008 - frozen
        wanted: Callable[[], Computing] | None = None,
    ) -> None:
        self.name, self.precision, self.device = name, precision, device
        self.voices, self.strength, self.note, self.contrast = voices, strength, note, contrast
        self.step, self.checkpoint, self.blend = step, checkpoint, blend
        self.weights = weights or WeightsHash()
        self.sitting = secrets.token_hex(4)
        self._opened_at = _stamp_of(name)
        self._models: tuple[str, ...] = (name, *(other for other, _ in blend))
        self._learned: Learned | None = None
        self._generator = generator
        self._computed_as, self._wanted = computed_as, wanted
        self._threads = IdleCores(computed_as.threads)

    @property
    def outdated(self) -> bool:
        """Whether its run ended or was resumed since, so that weights or strength may differ, or another device,
        precision or thread count is wanted by now."""
        otherwise = self._wanted is not None and self._wanted() != self._computed_as
        return otherwise or _stamp_of(self.name) != self._opened_at

    @property
    def window(self) -> int:
        """The number of tokens that the model sees at once."""
        return self._generator.window

    def tell(
        self,
        text: str,
        settings: SamplerSettings,
        stop: threading.Event | None = None,
        *,
        memory: str = "",
        note: str = "",
        note_depth: int = NOTE_DEPTH,
        voice: Voice | None = None,
        alternatives: int = 0,
    ) -> Iterator[Piece | Told]:
        """Continue `text`: yield pieces as they are sampled, then one Told; see `Generator.tell`.

        With `avoid_copying`, the first call builds an index of what the model learned from (see `learned`), and raises
        CorpusError if the disk is full.
        """
        return self._threads.lend(
            self._generator.tell(
                text,
                settings,
                stop,
                memory=memory,
                note=note,
                note_depth=note_depth,
                voice=self._voice(voice),
                alternatives=alternatives,
                learned=self._to_avoid(settings, stop),
            )
        )

    def tell_several(
        self,
        text: str,
        settings: SamplerSettings,
        count: int,
        stop: threading.Event | None = None,
        *,
        memory: str = "",
        note: str = "",
        note_depth: int = NOTE_DEPTH,
        voice: Voice | None = None,
        alternatives: int = 0,
    ) -> Iterator[tuple[int, Piece | Told]]:
        """Tell `count` continuations of `text` at once: yield (number of the continuation, a Piece or its Told)."""
        return self._threads.lend(
            self._generator.tell_several(
                text,
                settings,
                count,
                stop,
                memory=memory,
                note=note,
                note_depth=note_depth,
                voice=self._voice(voice),
                alternatives=alternatives,
                learned=self._to_avoid(settings, stop),
            )
        )

    def learned(self, report: Report | None = None) -> Learned:
        """The index of the stories that the model learned from, as far as they are known; built at the first call.

        An exception raised by `report` ends the work. Raises CorpusError for a full disk.
        """
        if self._learned is None:
            self._learned = learned_from(self._models, report)
        return self._learned

    def _to_avoid(self, settings: SamplerSettings, stop: threading.Event | None) -> Index | None:
        if not settings.avoid_copying:
            return None
        try:
            return self.learned(until(stop) if stop else None).index
        except Cancelled:  # the stream ends before its first token
            return None

    def read(
        self,
        text: str,
        report: Report,
        stop: threading.Event | None = None,
        *,
        memory: str = "",
        note: str = "",
        note_depth: int = NOTE_DEPTH,
        voice: Voice | None = None,
        like: StoryReading | None = None,
    ) -> StoryReading | None:
        """Read a story as if to continue it: how likely each token in view was. None if stopped.

        `like`: the reading of another model with the same tokenizer, to read the same tokens.
        """
        stop, known = stop or threading.Event(), like.history if like is not None else None
        groups = self._generator.read(
            text, stop, memory=memory, note=note, note_depth=note_depth, voice=self._voice(voice), like=known
        )
        found = read_tokens(self._threads.lend(groups), self._generator.vocabulary, report)
        return None if stop.is_set() else found

    def recall(self, parts: Sequence[tuple[str, Sequence[int]]]) -> None:
        """Read a story as it was told earlier: its parts in order, each with the ids it was told with, if any."""
        self._generator.recall(parts)

    def forget(self) -> None:
        """Forget the ids and the caches of all texts; the next text is encoded and read anew."""
        self._generator.forget()

    def see(
        self,
        text: str,
        memory: str = "",
        note: str = "",
        voice: Voice | None = None,
        note_depth: int = NOTE_DEPTH,
    ) -> Seen:
        """The part of a text that the model would see; runs no model."""
        return self._generator.see(text, memory, note, self._voice(voice), note_depth)

    def _voice(self, voice: Voice | None) -> Voice:
        return leaning(usual(self.voices) if voice is None else voice, self.voices, self.contrast)


def open_teller(
    name: str,
    on_progress: Callable[[Preparing], None] | None = None,
    *,
    strength: float | None = None,
    blend: Sequence[tuple[str, float]] = (),
    contrast: float | None = None,
    wanted: Callable[[], Computing] = Computing,
) -> Teller:
    """Load a model to tell with: a run, `run/step-20`, a folder, or a Hub id, which is fetched if needed.

    `strength`: how far from the base towards the run, 0 to 2; None is the run's usual strength. `blend`: other runs
    of the same base, each with its share, 0 to 1 (see `models.blend`). `contrast`: how far a voice leans away from
    the others, 0 to 2; None is what the model says. Each Teller has its own weights and cache, so no cached state
    of another strength is used. `wanted`: says on which device, in which precision and on how many cores.

    Raises ModelError, RunError, and Misused for invalid numbers. Blocks: call it in a thread.
    """
    if scratch_shape(name) is not None:
        raise ModelError(
            f"{name} has random weights and cannot tell yet: train it on a collection first "
            f"(`storytime-tui train --base {shlex.quote(name)} --corpus NAME`)."
        )
    if contrast is not None:
        check_contrast(contrast)
    report = on_progress or (lambda event: None)
    choose = partial(blending.choose_model, name, strength, blend)
    finding = with_progress(choose, Control())
    while True:
        try:
            report(next(finding))
        except StopIteration as found:
            chosen = found.value
            break
    origin = chosen.origin
    weights = WeightsHash(chosen.folders)  # while the model is loaded
    report(Preparing("loading the model", 0, 0))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch

    from storytime_tui.generation.backends.cuda_graph import GraphedSteps, has_room
    from storytime_tui.generation.backends.own_model import OwnBackend
    from storytime_tui.generation.backends.precision import (
        VERDICT_TOKENS,
        check_telling_precision,
        choose_telling_precision,
        verdict_in,
    )
    from storytime_tui.generation.backends.prepare import make_backend
    from storytime_tui.generation.backends.threads import using_threads
    from storytime_tui.generation.generator import Generator
    from storytime_tui.generation.sampling.vocabulary import token_facts
    from storytime_tui.models import loading
    from storytime_tui.models.tokenizer import load_tokenizer

    computing = wanted()
    device = loading.choose_device(computing.device)
    half = device.type == "cuda" and computing.precision in ("auto", "bf16")
    dtype = torch.bfloat16 if half else torch.float32  # `prepare` may change the precision
    assert origin.folder is not None
    tokenizer = load_tokenizer(origin.folder)
    facts = in_background(lambda: token_facts(tokenizer))  # the first token needs them
    model = blending.open_chosen(chosen, device, dtype)
    window = min(model.window, origin.window or sys.maxsize)

    def sample_ids() -> list[int]:
        report(Preparing("testing a faster version, first time only", 0, 0))
        return sample_ids_of(tokenizer, VERDICT_TOKENS)

    whole = origin.folder if origin.adapter is None and chosen.parts is None else None
    if computing.precision == "auto":
        with using_threads(IdleCores(computing.threads).count()):
            precision, _ = choose_telling_precision(
                model, chosen.identity, sample_ids, lambda: verdict_in(whole) if whole else None
            )
    else:
        precision = check_telling_precision(model, computing.precision)
    backend = make_backend(model, precision)
    steps = None
    if isinstance(backend, OwnBackend) and device.type == "cuda":
        with new_runs_wait() as idle:
            if idle and has_room(backend, torch.cuda.mem_get_info(device)[0]):
                steps = GraphedSteps(backend)
                steps.record()
    generator = Generator(backend, tokenizer, window, steps)
    facts.result()
    titles = tuple(dict.fromkeys(origin.voices.titles))
    lean = origin.voices.contrast if contrast is None else contrast
    others = tuple((other, share) for other, share in blend if share)
    step = runs.step_of(origin.adapter or origin.folder) if chosen.strength else None
    return Teller(
        name, generator, precision, str(device), titles, chosen.strength, chosen.note, lean,
        blend=others, checkpoint=step, weights=weights, computed_as=computing, wanted=wanted,
    )  # fmt: skip


def _stamp_of(name: str) -> tuple[str, int]:
    """A value that changes when a run ends, is resumed or is removed; constant if the model is not a run."""
    run = name.partition("/")[0]
    if not runs.is_run(run):
        return "", 0
    try:
        written = (runs.run_folder(run) / VOICES).stat().st_mtime_ns
    except (OSError, RunError):
        written = 0
    return runs.summary_of(run).state, written
