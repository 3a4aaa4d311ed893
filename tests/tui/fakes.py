"""A small world for the app's tests: a shelf, a run that speaks when told to, a teller, a store; a frozen clock."""

import dataclasses
import itertools
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storytime_tui.corpus.collection import Story
from storytime_tui.errors import ModelError, PlanError, RunError
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.pieces import Piece, Seen, Told
from storytime_tui.jobs.copied import Learned
from storytime_tui.jobs.estimates import Preview
from storytime_tui.jobs.generate import ModelChoice
from storytime_tui.jobs.machine import Machine
from storytime_tui.jobs.memory import Room
from storytime_tui.jobs.past_plans import PastPlan
from storytime_tui.jobs.places import Place
from storytime_tui.jobs.records import LastRun
from storytime_tui.jobs.run_curve import RunCurve
from storytime_tui.jobs.run_details import RunDetails
from storytime_tui.jobs.story_reading import StoryReading
from storytime_tui.jobs.weights_hash import WeightsHash
from storytime_tui.reporting import Report
from storytime_tui.settings import Loaded, Settings
from storytime_tui.stories.store import StoryStore
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.rate_range import RateFound
from storytime_tui.training.runs import RunSummary
from storytime_tui.tui.services import Services
from storytime_tui.tui.shelf_memory import ShelfState
from tests.tui import fake_reading
from tests.tui.fake_learning import FakeLearning
from tests.tui.fake_library import FakeLibrary

HOSTILE = "[/b] [@click=app.quit]quit[/] \x1b[2J [bold]"

STARTED = ev.Started(
    run="hedgerow-1",
    base="scratch-small",
    collections=("hedgerow",),
    device="cpu",
    precision="fp32",
    parameters=14_000_000,
    stories=9,
    validation_stories=1,
    training_tokens=12_000,
    validation_tokens=1_300,
    total_steps=118,
    steps_per_epoch=29.5,
    block_size=512,
    token_frequency_loss=5.912,
    time=0.0,
)


def step(number: int, loss: float) -> ev.StepDone:
    return ev.StepDone(
        step=number,
        loss=loss,
        learning_rate=5e-5,
        tokens_per_second=2610.0,
        epoch=number / 29.5,
        gradient_norm=1.0,
        elapsed=number * 1.5,
        memory=912_000_000,
    )


def loss_at(number: int) -> float:
    """A curve with the look of a real one, and nothing random in it."""
    wobble = ((number * 7919) % 13 - 6) / 40
    return 2.9 + 5.0 * 0.96**number + wobble


def evaluated(number: int) -> ev.Evaluated:
    loss = 3.1 + 4.9 * 0.96**number
    return ev.Evaluated(number, loss, 2.718281828**loss, loss / 2.4, best=True)


def sampled(number: int, text: str) -> ev.Sampled:
    return ev.Sampled(number, "Once upon a time", text)


def held_out(number: int, text: str) -> ev.Sampled:
    """Told from a story that is not learned from, behind its shelf's line."""
    prompt = "Nobody on the lane could say when the"
    return ev.Sampled(number, prompt, text, "Hedgerow Tales", held_out=True)


def a_run(until: int = 100) -> list[ev.Event]:
    """The events of a run that has come to step `until` of 118."""
    said: list[ev.Event] = [STARTED, evaluated(0)]
    said += [held_out(0, " lane of the the, hat"), sampled(0, " iron the of, was hat lane lane said")]
    for number in range(1, until + 1):
        said.append(step(number, loss_at(number)))
        if number % 25 == 0:
            said += [
                evaluated(number),
                held_out(
                    number,
                    " kettle had first begun to sing, but the vole said that it was in March, on a Tuesday, when the "
                    'wind was low. "It sang to me," he said, "and I was not even thirsty."',
                ),
                sampled(
                    number,
                    " there was a little mouse who kept a shop under the kitchen stair, and every "
                    "morning she swept the step and put out the buttons in a row.",
                ),
                ev.CheckpointSaved(number, f"checkpoints/step-{number}", best=True),
            ]
    return said


AT_NOON = time.mktime((2026, 3, 1, 12, 4, 0, 0, 0, -1))  # 12:04 wherever the tests run
FINISHED = ev.Finished("hedgerow-1", 118, 3.104, 118, "done", 212.0)


FINISHED_RUN = RunSummary(
    name="hedgerow-1",
    base="scratch-small",
    collections=("hedgerow",),
    state="finished",
    step=118,
    total_steps=118,
    best_validation_loss=3.104,
    first_validation_loss=8.0,
    seconds=212.0,
    started=1_700_049_600.0,  # noon of 2023-11-15 in Greenwich
    checkpoints=(100, 118),
    voice=19 / 24,
    passages=24,
)


@dataclass
class FakeRun:
    """A run that says what the test puts into it; it obeys stop, checkpoint and sample as the trainer does."""

    says: "queue.SimpleQueue[ev.Event | Exception | None]" = field(default_factory=queue.SimpleQueue)
    plans: list[TrainingPlan] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    more: list[float | None] = field(default_factory=list)
    control: Control | None = None
    step: int = 0
    over: threading.Event = field(default_factory=threading.Event)  # the test has ended
    may_copy: threading.Event = field(
        default_factory=threading.Event
    )  # the weights: cleared, copying takes long

    def say(self, *events: "ev.Event | Exception | None") -> None:
        for event in events:
            self.says.put(event)

    def learn(self, plan: TrainingPlan, control: Control, run: str | None) -> Iterator[ev.Event]:
        self.plans.append(plan)
        self.names.append(run)
        return self._speak(control)

    def resume(self, run: str, control: Control, more_epochs: float | None) -> Iterator[ev.Event]:
        self.resumed.append(run)
        self.more.append(more_epochs)
        return self._speak(control)

    def _speak(self, control: Control) -> Iterator[ev.Event]:
        self.control = control
        self.may_copy.set()
        control.offer_snapshots(lambda: self.may_copy.wait() and self.step)
        was_paused = False
        while not self.over.is_set():
            try:
                event = self.says.get(timeout=0.005)
            except queue.Empty:
                if control.stopped:
                    yield ev.CheckpointSaved(self.step, f"checkpoints/step-{self.step}", best=False)
                    yield ev.Finished("hedgerow-1", self.step, 3.104, self.step, "stopped", 60.0)
                    return
                if control.take_checkpoint():
                    yield ev.CheckpointSaved(self.step, f"checkpoints/step-{self.step}", best=False)
                for _ in control.take_prompts():
                    yield sampled(self.step, " a sample that was asked for")
                if control.paused != was_paused:
                    was_paused = control.paused
                    yield ev.Paused(self.step) if was_paused else ev.Resumed(self.step, from_checkpoint=False)
                continue
            if event is None:
                return
            if isinstance(event, Exception):
                raise event
            self.step = getattr(event, "step", self.step)
            yield event
            if isinstance(event, ev.Finished | ev.Failed):
                return


@dataclass
class FakeTeller:
    """Tells the given pieces; with `gate` set, each waits until the test lets it go."""

    name: str
    pieces: Sequence[str]
    told: list[tuple[str, Any]]
    gate: "threading.Semaphore | None" = None
    error: Exception | None = None
    openings: Sequence[str] = ()  # what an empty page begins with, one at each telling
    window: int = 256
    device: str = "cpu"
    strength: float = 1.0
    voices: tuple[str, ...] = ()
    outdated: bool = False
    last_voice: list[Any] = field(default_factory=list)
    step: int | None = None
    steered: list[Any] = field(default_factory=list)  # the memory, the note and its depth of each telling
    checkpoint: int | None = None
    weights: WeightsHash = field(default_factory=WeightsHash)
    contrast: float = 0.0
    blend: tuple[tuple[str, float], ...] = ()
    precision: str = "fp32"
    sitting: str = ""
    recalled: Any = None  # the parts of the story, each with its ids
    first_is_empty: bool = False  # of several takes

    def recall(self, parts: Any) -> None:
        self.recalled = parts

    def see(
        self, text: str, memory: str = "", note: str = "", voice: Any = None, note_depth: int = 48
    ) -> Seen:
        """Each word is a token; the window takes 40 of a story."""
        words = list(re.finditer(r"\S+", text))
        begins = words[-40].start() if len(words) > 40 else 0
        kept, noted = min(len(memory.split()), 20), len(note.split())
        left_out = len(memory.split()) - kept
        return Seen(min(len(words), 40) + kept + noted, self.window, begins, kept, left_out, noted)

    def tell(
        self,
        text: str,
        settings: Any,
        stop: threading.Event,
        *,
        voice: Any = None,
        memory: str = "",
        note: str = "",
        note_depth: int = 48,
    ) -> Iterator[Piece | Told]:
        self.steered.append((memory, note, note_depth))
        pieces = self.pieces
        if not text and self.openings:
            told = sum(not before for before, _ in self.told)
            pieces = [f"{word} " for word in self.openings[told % len(self.openings)].split(" ")]
        self.told.append((text, settings))
        self.last_voice.append(voice)
        number = 0
        for number, piece in enumerate(pieces, 1):
            if self.gate is not None:
                while not self.gate.acquire(timeout=0.005):
                    if stop.is_set():
                        break
            if stop.is_set():
                yield Told(number - 1, 0.1, 40.0, "you")
                return
            yield Piece(number, piece, -1.0)
        if self.error is not None:
            raise self.error
        yield Told(number, 0.1, 40.0, "length", banned=tuple((phrase, 3) for phrase in settings.banned[:1]))

    def tell_several(
        self,
        text: str,
        settings: Any,
        count: int,
        stop: threading.Event,
        *,
        voice: Any = None,
        memory: str = "",
        note: str = "",
        note_depth: int = 48,
    ) -> Iterator[tuple[int, Piece | Told]]:
        """The same words, behind the number of the take; a word of each in turn."""
        self.steered.append((memory, note, note_depth))
        for take in range(count):
            self.told.append((text, dataclasses.replace(settings, seed=settings.seed + take)))
            self.last_voice.append(voice)
        for number, piece in enumerate(self.pieces, 1):
            while self.gate is not None and not self.gate.acquire(timeout=0.005):
                if stop.is_set():
                    break
            if stop.is_set():
                yield from ((take, Told(number - 1, 0.1, 40.0, "you")) for take in range(count))
                return
            mark = "" if number > 1 else " {}:"
            yield from (
                (take, Piece(number, mark.format(take + 1) + piece, -1.0))
                for take in range(count)
                if take or not self.first_is_empty
            )
        if self.error is not None:
            raise self.error
        yield from ((take, Told(len(self.pieces), 0.1, 40.0, "length")) for take in range(count))

    def read(
        self,
        text: str,
        report: Any,
        stop: threading.Event,
        *,
        voice: Any = None,
        like: Any = None,
        **steered: Any,
    ) -> StoryReading | None:
        if self.gate is not None:
            while not self.gate.acquire(timeout=0.005) and not stop.is_set():
                report("measuring the words", 1, 2)
        return fake_reading.read(text, self.strength, report, stop)


ENOUGH = Room(900_000_000, 7_200_000_000)
WORKING = Machine(0.94, 912_000_000, 8_000_000_000)


PLACES = (
    Place("settings_file", "settings", "~/.config/storytime/settings.toml", "Set STORYTIME_HOME to move it."),
    Place("runs_folder", "runs", "~/.local/share/storytime/runs", "Set STORYTIME_HOME to move it."),
)


@dataclass
class World(FakeLibrary):
    """Everything that the fakes remember, and the services made of them."""

    folder: Path
    run: FakeRun = field(default_factory=FakeRun)
    wanted: Callable[[], Computing] | None = None  # how the last model was to be computed
    choices: tuple[ModelChoice, ...] = (
        ModelChoice("hedgerow-1", "hedgerow-1", "scratch-small taught hedgerow, validation loss 3.104"),
        ModelChoice("distilgpt2", "distilgpt2", "untrained on your shelf; reads English already"),
    )
    pieces: Sequence[str] = tuple(
        (
            " and the frog laid down three acorns, a thimble, and a very small hat."
            '\n\n"That will do," said the mouse.'
        )
        .replace(" ", "| ")
        .split("|")[1:]
    )
    gate: threading.Semaphore | None = None
    openings: Sequence[str] = ()
    copied: frozenset[str] = frozenset()  # openings that stand in what was learned from
    # what the models learned from
    learned_from: Callable[[str, Report], Learned] = lambda model, report: Learned(None)
    told: list[tuple[str, Any]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    voices: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by the model's name
    last_voice: list[Any] = field(default_factory=list)  # the voice of each telling
    steered: list[Any] = field(default_factory=list)  # the memory, the note and its depth of each telling
    teller_error: Exception | None = None
    open_error: Exception | None = None
    usual: float = 1.0  # strength
    refused: tuple[float, ...] = ()  # strengths
    last_run: LastRun | None = None  # of an earlier sitting
    tour: str = "done"  # the next step of the tour
    runs: tuple[RunSummary, ...] = ()  # on the disk, the newest first
    runs_error: Exception | None = None
    journals: dict[str, Sequence[ev.Event]] = field(default_factory=dict)  # by the run's name
    details: dict[str, RunDetails] = field(default_factory=dict)  # by the run's name
    curves: dict[str, RunCurve] = field(default_factory=dict)  # by the run's name
    curves_read: list[str] = field(default_factory=list)
    exports: list[tuple[str, str]] = field(default_factory=list)  # a run, and where its model went
    others: dict[str, "queue.SimpleQueue[ev.Event | Exception | None]"] = field(
        default_factory=dict
    )  # what runs of other processes say; None: the process let the run go
    asked: list[tuple[str, str]] = field(default_factory=list)  # of runs of other processes
    ask_error: Exception | None = None
    removed_runs: list[RunSummary] = field(default_factory=list)  # the last removed first
    dependents: tuple[str, ...] = ()  # LoRA runs of every run that is removed
    remembered: ShelfState | None = None  # of the shelf, from sitting to sitting
    remembered_error: Exception | None = None
    room: Room | None = ENOUGH
    next_run: str = "hedgerow-tales-1"  # the name of a run that is started next
    past: dict[str, PastPlan] = field(default_factory=dict)  # by a run's name or a file's path
    saved_plans: list[tuple[TrainingPlan, str]] = field(default_factory=list)
    rates: "queue.SimpleQueue[Any]" = field(default_factory=queue.SimpleQueue)  # what a test of rates says
    rates_stopped: bool = False
    machine: Machine | None = WORKING
    learning: FakeLearning = field(default_factory=FakeLearning)

    def end(self) -> None:
        """Let all threads of the fakes end: each would keep its app, and disturb the tests that follow."""
        self.run.over.set()
        self.run.may_copy.set()
        if self.gate is not None:
            self.gate.release(10_000)

    def services(self) -> Services:
        self.folder.mkdir(parents=True, exist_ok=True)
        ticks = itertools.count()
        return Services(
            **self.library_services(),
            estimate_tokens=lambda text_bytes, base: round(text_bytes / 4),
            preview=self.preview,
            room_for=lambda stories, base, plan: ENOUGH if plan and plan.lora_rank else self.room,
            learn=self.run.learn,
            resume=self.run.resume,
            past_plan=self._past_plan,
            save_plan=self._save_plan,
            find_rate=self._find_rate,
            model_choices=lambda: self.choices,
            open_teller=self._open_teller,
            places=lambda: PLACES,
            open_snapshot=self._open_snapshot,
            open_store=lambda: StoryStore(
                self.folder / "stories.sqlite3", now=lambda: 1_000_000.0 + next(ticks), patience=0.1
            ),
            copied_by=lambda model, stop: self.copied.__contains__,
            learned_from=lambda model, report: self.learned_from(model, report),
            clock=lambda: 0.0,
            wall_clock=lambda: AT_NOON,
            machine=lambda: self.machine,
            last_run=lambda: self.last_run,
            load_settings=lambda: Loaded(Settings(tour=self.tour)),
            runs=self._list_runs,
            run_events=self._run_events,
            watch=self._watch,
            ask_run=self._ask_run,
            run_details=lambda runs: {
                run.name: self.details[run.name] for run in runs if run.name in self.details
            },
            run_curve=self._run_curve,
            rename_run=self._rename_run,
            set_note=self._set_note,
            export_run=self._export_run,
            remove_run=self._remove_run,
            removed_runs=lambda: [run.name for run in self.removed_runs],
            restore_run=self._restore_run,
            load_shelf=self._load_shelf,
            save_shelf=self._keep_shelf,
            learning=self.learning.services(),
        )

    def preview(self, stories: Sequence[Story], plan: TrainingPlan, shelves: Sequence[str]) -> Preview:
        chosen = dataclasses.replace(
            plan,
            epochs=plan.epochs or 4.0,
            learning_rate=plan.learning_rate or 5e-4,
            block_size=plan.block_size or 512,
            stride=plan.stride or plan.block_size or 512,
            batch_size=plan.batch_size or 8,
            accumulation=plan.accumulation or 1,
            evaluate_every=plan.evaluate_every or 5,
            sample_every=7 if plan.sample_every is None else plan.sample_every,
        )
        automatic = {"device": "cpu", "precision": "fp32", "compile": "off", "warmup_steps": "2"}
        automatic["checkpointing"] = "off; on if memory runs low"
        return Preview(
            chosen if stories else None,
            self.next_run,
            plan.max_steps or 40,
            110.0,
            automatic={
                name: words for name, words in automatic.items() if getattr(plan, name) in (None, "auto")
            },
        )

    def _past_plan(self, source: str) -> PastPlan:
        if source not in self.past:
            raise PlanError(f"There is neither a file nor a run called {source!r}.")
        return self.past[source]

    def _save_plan(self, plan: TrainingPlan, to: str) -> Path:
        if any(to == before for _, before in self.saved_plans):
            raise PlanError(f"{to} exists: choose another name, or move it away.")
        self.saved_plans.append((plan, to))
        return Path(to)

    def _find_rate(self, plan: TrainingPlan, control: Control) -> Iterator[Any]:
        while not (control.stopped or self.run.over.is_set()):
            try:
                item = self.rates.get(timeout=0.005)
            except queue.Empty:
                continue
            if isinstance(item, Exception):
                raise item
            yield item
            if isinstance(item, RateFound):
                return
        self.rates_stopped = True
        yield RateFound(None, None, None, 1, "The test was stopped at step 1 of 80: no suggestion.")

    def _list_runs(self) -> tuple[RunSummary, ...]:
        if self.runs_error is not None:
            raise self.runs_error
        return self.runs

    def _run_events(self, name: str) -> Sequence[ev.Event]:
        if name not in self.journals:
            raise RunError(f"There is no run called {name!r}.")
        return self.journals[name]

    def _watch(self, name: str, wait: Callable[[], None]) -> Iterator[ev.Event]:
        says = self.others[name]
        while not self.run.over.is_set():
            try:
                said = says.get_nowait()
            except queue.Empty:
                wait()
                continue
            if said is None:
                return
            if isinstance(said, Exception):
                raise said
            yield said

    def _ask_run(self, name: str, asked: str) -> bool:
        if self.ask_error is not None:
            raise self.ask_error
        self.asked.append((name, asked))
        return True

    def _run_curve(self, name: str) -> RunCurve:
        self.curves_read.append(name)
        return self.curves.get(name, RunCurve())

    def _rename_run(self, old: str, new: str) -> None:
        if any(run.name == new for run in self.runs):
            raise RunError(f"There is a run called {new!r} already.")
        self.runs = tuple(dataclasses.replace(run, name=new) if run.name == old else run for run in self.runs)
        self.journals = {new if name == old else name: said for name, said in self.journals.items()}

    def _set_note(self, name: str, text: str) -> str:
        self.details[name] = dataclasses.replace(self.details.get(name, RunDetails()), note=text.strip())
        return text.strip()

    def _export_run(self, name: str, to: str, report: Report) -> str:
        report("writing model.safetensors", 1_000_000, 2_000_000)
        self.exports.append((name, to))
        return to

    def _remove_run(self, name: str) -> tuple[str, ...]:
        gone = [run for run in self.runs if run.name == name]
        if not gone:
            raise RunError(f"There is no run called {name!r}.")
        self.runs = tuple(run for run in self.runs if run.name != name)
        self.removed_runs[:0] = gone
        return self.dependents

    def _restore_run(self, name: str) -> None:
        back = next(run for run in self.removed_runs if run.name == name)
        self.removed_runs.remove(back)
        self.runs = (*self.runs, back)

    def _load_shelf(self) -> ShelfState | None:
        if self.remembered_error is not None:
            raise self.remembered_error
        return self.remembered

    def _keep_shelf(self, state: ShelfState) -> None:
        self.remembered = state

    def store(self) -> StoryStore:
        return StoryStore(self.folder / "stories.sqlite3")

    def _open_snapshot(self, name: str, control: Control) -> FakeTeller | None:
        step = control.snapshot()
        if step is None:
            return None
        self.opened.append(f"{name} at step {step}")
        return FakeTeller(
            name,
            self.pieces,
            self.told,
            self.gate,
            last_voice=self.last_voice,
            step=step,
            steered=self.steered,
        )

    def _open_teller(
        self, name: str, on_progress: Any, strength: float | None, wanted: Any = None
    ) -> FakeTeller:
        if on_progress is not None:
            on_progress(ev.Preparing("loading the model", 0, 0))
        if self.open_error is not None:
            raise self.open_error
        if strength in self.refused:
            raise ModelError(f"{name} can be told at strength 1 only.")
        self.wanted = wanted
        self.opened.append(name if strength is None else f"{name} at {strength:g}")
        return FakeTeller(
            name,
            self.pieces,
            self.told,
            self.gate,
            self.teller_error,
            self.openings,
            strength=self.usual if strength is None else strength,
            voices=self.voices.get(name, ()),
            last_voice=self.last_voice,
            steered=self.steered,
        )
