"""A telling job: which models there are to tell with, and a teller that streams. Torch is loaded when one opens."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from storytime_tui.corpus.library.folders import read_folder
from storytime_tui.corpus.library.shelf import collection_folders, roots
from storytime_tui.errors import ModelError, RunError
from storytime_tui.formatting import size
from storytime_tui.generation.pieces import Piece, Seen, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice, usual
from storytime_tui.jobs import blending
from storytime_tui.jobs.at_work import is_learning, no_run_begins
from storytime_tui.jobs.progress import with_progress
from storytime_tui.models import catalogue, hub
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.models.voices import VOICES
from storytime_tui.training import runs
from storytime_tui.training.control import Control
from storytime_tui.training.events import Preparing

if TYPE_CHECKING:
    from storytime_tui.generation.generator import Generator
    from storytime_tui.generation.sampling.vocabulary import Vocabulary

Item = TypeVar("Item")
_BEGINNING = 1500  # characters of each story that a model is asked about
_ASKED_EVERY = 1.0  # seconds between two looks at what else the machine does


@dataclass(frozen=True)
class ModelChoice:
    """One model to tell with: `name` is what `open_teller` takes, `title` and `note` are for people."""

    name: str
    title: str
    note: str


def choices() -> tuple[ModelChoice, ...]:
    """What there is to tell with: runs that have a checkpoint, newest first (damaged ones after the others), then each
    run's other checkpoints, then the bases that can tell untrained."""
    with_checkpoints = [summary for summary in _runs_there_are() if summary.checkpoints]
    with_checkpoints.sort(key=lambda summary: summary.state == "damaged")
    found = [ModelChoice(_found_by(s.name), s.name, _note_of(s)) for s in with_checkpoints]
    found += [
        ModelChoice(f"{s.name}/step-{step}", f"{s.name} at step {step}", "an earlier moment of that run")
        for s in with_checkpoints
        if len(s.checkpoints) > 1
        for step in reversed(s.checkpoints)
    ]
    found += [
        ModelChoice(base.name, base.name, _note_of_base(base))
        for base in catalogue.bases()
        if scratch_shape(base.name) is None
    ]
    return tuple(found)


def _runs_there_are() -> tuple[runs.RunSummary, ...]:
    try:
        return runs.list_runs()
    except RunError:
        return ()  # the folder of all runs cannot be read; the bases still tell


def _found_by(run: str) -> str:
    """What finds a run: its name, unless that is a base's (see `find_origin`)."""
    return f"{run}/best" if catalogue.is_base_name(run) else run


def _note_of_base(base: catalogue.Base) -> str:
    if not base.download or hub.cached(base.name):
        return base.note
    return f"{base.note}; {size(base.download)} to fetch"


def _note_of(summary: runs.RunSummary) -> str:
    if summary.state == "damaged":
        return "damaged: its plan or its journal cannot be read"
    learned = ", ".join(name.rstrip("/").rsplit("/", 1)[-1] for name in summary.collections)
    loss = summary.best_validation_loss
    how_well = f", validation loss {loss:.3f}" if loss is not None else ""
    return f"{summary.base} taught {learned}{how_well}"


class Teller:
    """A model opened for telling. Used from one thread at a time.

    `precision` is what its weights are in, `device` where they lie, `strength` how far they are from the run's base
    towards the run (1 for what is no run), `voices` the titles of the shelves that it knows by their lines: it tells as
    the first of them, unless a voice is named (see `generation.voice`). `note`: a sentence where it is not told as was
    to be expected, else "".
    Its output depends on neither the calling thread nor the thread count, which follows the idle cores (one while a
    run trains).
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
    ) -> None:
        self.name, self.precision, self.device = name, precision, device
        self.voices, self.strength, self.note = voices, strength, note
        self._opened_at = _stamp_of(name)
        self._generator = generator
        self._threads = _Threads()

    @property
    def outdated(self) -> bool:
        """Whether the run has ended, or goes on again, since it was opened: it has other weights or strength by now."""
        return _stamp_of(self.name) != self._opened_at

    @property
    def window(self) -> int:
        """How many tokens the model sees at once."""
        return self._generator.window

    def tell(
        self,
        text: str,
        settings: SamplerSettings,
        stop: threading.Event | None = None,
        *,
        memory: str = "",
        note: str = "",
        voice: Voice | None = None,
        alternatives: int = 0,
    ) -> Iterator[Piece | Told]:
        """Continue `text`: pieces as they are sampled, then one Told; see `Generator.tell`."""
        voice = self._voice(voice)
        return self._threads.helping(
            self._generator.tell(
                text, settings, stop, memory=memory, note=note, voice=voice, alternatives=alternatives
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
        voice: Voice | None = None,
        alternatives: int = 0,
    ) -> Iterator[tuple[int, Piece | Told]]:
        """Several continuations of `text` at once: (which one, a Piece or its Told)."""
        voice = self._voice(voice)
        return self._threads.helping(
            self._generator.tell_several(
                text, settings, count, stop, memory=memory, note=note, voice=voice, alternatives=alternatives
            )
        )

    def see(self, text: str, memory: str = "", note: str = "", voice: Voice | None = None) -> Seen:
        """What the model would see of a text, without asking it."""
        return self._generator.see(text, memory, note, self._voice(voice))

    def _voice(self, voice: Voice | None) -> Voice:
        return usual(self.voices) if voice is None else voice


class _Threads:
    """As many for each step of a telling as the machine has to spare at that moment."""

    def __init__(self) -> None:
        from storytime_tui.generation.backends.threads import OtherPrograms, cores

        self._other_programs, self._cores = OtherPrograms(), cores()
        self._asked, self._busy = 0.0, 0.0

    def helping(self, stream: Iterator[Item]) -> Iterator[Item]:
        """The stream; threads are lent step by step, since the listener's own work in between is not telling."""
        from storytime_tui.generation.backends.threads import using_threads

        while True:
            with using_threads(self.count()):
                item = next(stream, None)
            if item is None:
                return
            yield item

    def count(self) -> int:
        """How many at this moment."""
        from storytime_tui.generation.backends.threads import threads_for

        now = time.monotonic()
        if now - self._asked > _ASKED_EVERY:
            self._asked, self._busy = now, self._other_programs.busy()
        return threads_for(self._cores, self._busy, training_here=is_learning())


def open_teller(
    name: str,
    on_progress: Callable[[Preparing], None] | None = None,
    *,
    strength: float | None = None,
    blend: Sequence[tuple[str, float]] = (),
) -> Teller:
    """Load a model to tell with: a run, `run/step-20`, a folder, or a Hub id, fetched where needed.

    `strength`: how far from its base towards the run, 0 to 2; None is what the run is usually told at. `blend`: other
    runs of the same base, and how much of the way towards each the run goes first, 0 to 1 (see `models.blend`).
    Each teller has weights of its own, and what it has read goes with it: nothing of another strength is left in it.

    Raises ModelError, RunError, or Misused for numbers that cannot be. Blocks: call it in a thread.
    """
    if scratch_shape(name) is not None:
        raise ModelError(
            f"{name} starts with random weights and has nothing to tell yet: train it on a collection first "
            f"(`storytime-tui train --base {shlex.quote(name)} --corpus NAME`)."
        )
    report = on_progress or (lambda event: None)
    finding = with_progress(lambda progress: blending.choose(name, strength, blend, progress), Control())
    while True:
        try:
            report(next(finding))
        except StopIteration as found:
            chosen = found.value
            break
    origin = chosen.origin
    report(Preparing("loading the model", 0, 0))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch

    from storytime_tui.generation.backends.cuda_graph import GraphedSteps
    from storytime_tui.generation.backends.gpt2 import GPT2Backend
    from storytime_tui.generation.backends.precision import VERDICT_TOKENS, choose_precision, verdict_in
    from storytime_tui.generation.backends.prepare import prepare
    from storytime_tui.generation.backends.threads import using_threads
    from storytime_tui.generation.generator import Generator
    from storytime_tui.models import loading
    from storytime_tui.models.tokenizer import load_tokenizer

    device = loading.choose_device("auto")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32  # whichever it is then told in
    assert origin.folder is not None
    tokenizer = load_tokenizer(origin.folder)
    model = blending.open_chosen(chosen, device, dtype)
    window = min(model.window, origin.window or sys.maxsize)

    def something_to_read() -> list[int]:
        report(Preparing("testing a faster version, first time only", 0, 0))
        return _something_to_read(tokenizer, VERDICT_TOKENS)

    whole = origin.folder if origin.adapter is None and chosen.parts is None else None
    with using_threads(_Threads().count()):
        precision, _ = choose_precision(
            model, chosen.identity, something_to_read, lambda: verdict_in(whole) if whole else None
        )
    backend = prepare(model, precision)
    steps = None
    if isinstance(backend, GPT2Backend) and device.type == "cuda":
        with no_run_begins() as undisturbed:
            if undisturbed:
                steps = GraphedSteps(backend)
                steps.record()
    generator = Generator(backend, tokenizer, window, steps)
    titles = tuple(dict.fromkeys(origin.voices.titles))
    return Teller(name, generator, precision, str(device), titles, chosen.strength, chosen.note)


def _stamp_of(name: str) -> tuple[str, int]:
    """What changes when a run ends, is resumed or removed; always the same for a model that is no run."""
    run = name.partition("/")[0]
    if not runs.is_run(run):
        return "", 0
    try:
        written = (runs.run_folder(run) / VOICES).stat().st_mtime_ns
    except (OSError, RunError):
        written = 0
    return runs.summary_of(run).state, written


def judge_precision(folder: Path) -> float:
    """Ask a model folder for its int8 verdict (how much larger the perplexity becomes), and leave it there.

    Raises ModelError or OSError.
    """
    import torch

    from storytime_tui.generation.backends.precision import VERDICT_TOKENS, int8_change, write_verdict
    from storytime_tui.models import loading
    from storytime_tui.models.tokenizer import load_tokenizer

    model = loading.load_model(folder, device=torch.device("cpu"), dtype=torch.float32).model
    change = int8_change(model, _something_to_read(load_tokenizer(folder), VERDICT_TOKENS))
    write_verdict(folder, change)
    return change


def _something_to_read(vocabulary: Vocabulary, enough: int) -> list[int]:
    """The ids of how bundled stories begin: what a model's precision is judged by."""
    ids: list[int] = []
    for root, bundled in roots():
        for folder in collection_folders(root, []) if bundled else ():
            for story in read_folder(folder, bundled=True)[0].stories:
                ids += [vocabulary.end_of_text, *vocabulary.encode(story.text[:_BEGINNING])]
                if len(ids) >= enough:
                    return ids
    return ids
