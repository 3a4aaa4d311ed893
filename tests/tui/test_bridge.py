"""Threads meet the event loop here: nothing is lost that must not be, and what may be dropped is."""

import threading
import time
from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from storytime_tui import paths
from storytime_tui.errors import ModelError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.told_record import read_record, text_hash
from storytime_tui.stories.store import StoryStore
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui import messages
from storytime_tui.tui.bridge import TrainingThread, in_thread, sentence_of
from storytime_tui.tui.run_view import RunView, view_after
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.telling_requests import ContinuationRequest, Telling
from storytime_tui.tui.telling_thread import TellingThread
from tests.tui.conftest import make_app, shelf_is_open, until
from tests.tui.fakes import FINISHED, STARTED, FakeTeller, World, evaluated, step


class Box:
    """Collects what a thread says; waits for its last word. Its event loop is always free."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self._ended = threading.Event()

    def post(self, message: Any) -> bool:
        message.callback()
        return True

    def handle(self, said: Sequence[Any]) -> None:
        self.messages += said
        if any(isinstance(each, messages.RunEnded | messages.TellingEnded) for each in said):
            self._ended.set()

    def wait(self) -> list[Any]:
        assert self._ended.wait(10)
        self._ended.clear()
        return self.messages


def test_a_thousand_steps_reach_the_curve_and_every_other_event_the_app() -> None:
    said = [
        STARTED,
        *(
            e
            for i in range(1, 1001)
            for e in ([step(i, 1.0), evaluated(i)] if i % 100 == 0 else [step(i, 1.0)])
        ),
        FINISHED,
    ]
    box = Box()
    TrainingThread(box.post, box.handle).start(lambda control: iter(said))
    heard = box.wait()
    assert heard == [*said, messages.RunEnded("")]
    view = reduce(view_after, heard[:-1], RunView())
    assert [i for i, _ in view.curve] == list(range(1, 1001))


def test_a_busy_event_loop_is_called_once_for_all_that_waits() -> None:
    """Nothing is dropped, and what is said after it has looked calls it again."""
    posted, heard, more = [], [], threading.Event()

    def job(control: Control) -> Iterator[ev.Event]:
        yield from (step(i, 1.0) for i in range(1000))
        assert more.wait(10)
        yield FINISHED

    thread = TrainingThread(posted.append, heard.extend)
    thread.start(job)
    while len(thread._inbox._waiting) < 1000:
        time.sleep(0.001)
    assert len(posted) == 1
    posted.pop().callback()
    assert [each.step for each in heard] == list(range(1000))
    more.set()
    while not posted or len(thread._inbox._waiting) < 2:
        time.sleep(0.001)
    posted.pop().callback()
    assert (heard[1000:], posted) == ([FINISHED, messages.RunEnded("")], [])


async def test_the_app_handles_far_fewer_than_a_thousand_steps(
    world: World,
) -> None:
    app = make_app(world)
    handled: list[int] = []
    async with app.run_test() as pilot:
        await shelf_is_open(pilot)
        app.desk.run_changed.subscribe(app, lambda view: handled.append(view.done))
        app.desk.training.start(TrainingPlan(), None, "")
        world.run.say(STARTED, *[step(number, 1.0) for number in range(1, 1001)])
        await until(pilot, lambda: handled and handled[-1] == 1000)
        assert len(handled) < 100
        app.desk.training.stop()


def test_what_the_trainer_raises_becomes_a_sentence_and_a_log(home: Path) -> None:
    def breaks(control: Control) -> Iterator[ev.Event]:
        yield STARTED
        raise ZeroDivisionError("by accident")

    box = Box()
    TrainingThread(box.post, box.handle).start(breaks)
    refusal = box.wait()[-1].refusal
    assert "ZeroDivisionError" in refusal
    assert str(paths.log_file()) in refusal
    assert "by accident" in paths.log_file().read_text()
    assert sentence_of(ModelError("There is no such model.")) == "There is no such model."


class Panic(BaseException):
    """What a library written in Rust raises: no Exception."""


Panic.__module__ = "pyo3_runtime"
ENDS = [
    Panic("index out of bounds"),
    MemoryError(),
    RecursionError("too deep"),
    SystemExit(3),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_a_learning_thread_that_dies_of_anything_frees_the_app(error: BaseException) -> None:
    def breaks(control: Control) -> Iterator[ev.Event]:
        yield STARTED
        raise error

    box = Box()
    thread = TrainingThread(box.post, box.handle)
    thread.start(breaks)
    assert box.wait()[-1].refusal
    thread.release()
    thread.start(lambda control: iter([STARTED, FINISHED]))  # the thread is alive
    assert box.wait()[-1].refusal == ""


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_a_telling_thread_that_dies_of_anything_frees_the_app(error: BaseException, tmp_path: Path) -> None:
    setting = Setting(tmp_path, FakeTeller("m", ["Once"], []))
    opened, fails = setting.thread._open_teller, [error]

    def open_teller(name: str, progress: Any, strength: float | None) -> Any:
        if fails:
            raise fails.pop()
        return opened(name, progress, strength)

    setting.thread._open_teller = open_teller
    setting.tell()
    assert setting.box.wait()[-1].failure
    setting.tell(2)
    assert setting.box.wait()[-1].failure == ""


async def test_an_errand_that_dies_of_anything_is_over() -> None:
    def panics() -> None:
        raise Panic("index out of bounds")

    with pytest.raises(RuntimeError, match="index out of bounds"):
        await in_thread(panics)


def test_a_fault_is_told_of_where_no_log_can_be_written(home: Path) -> None:
    home.write_text("a file in the place of the home")
    assert "ZeroDivisionError" in sentence_of(ZeroDivisionError("by accident"))


class Setting:
    """A telling thread with a store and a teller of the test's."""

    def __init__(self, folder: Path, teller: Any, clock: Any = lambda: 0.0) -> None:
        self.box = Box()
        self.store = StoryStore(folder / "stories.sqlite3")
        self.store_thread = StoreThread(lambda: self.store, lambda sentence: None)
        self.story = self.store.new_story("A Story")
        self.thread = TellingThread(
            self.box.post, self.box.handle, lambda name, progress, strength: teller, clock
        )

    def tell(self, number: int = 1, text: str = "Once", strength: float | None = None) -> None:
        passages = ContinuationRequest(self.store_thread, self.story.id, text, SamplerSettings())
        self.thread.begin(Telling(number, "m", passages, strength))

    def told(self) -> str:
        return "".join(m.text for m in self.box.messages if isinstance(m, messages.TextTold))


def test_all_that_is_told_is_shown_and_kept(tmp_path: Path) -> None:
    setting = Setting(tmp_path, FakeTeller("m", [" a", " b", "", " c"], []))
    setting.tell()
    last = setting.box.wait()[-1]
    assert setting.told() == " a b c"
    assert setting.store.text(setting.story.id) == " a b c"
    assert last.told.stopped_by == "length"
    passage = setting.store.passages(setting.story.id)[0]
    assert (passage.author, passage.model) == ("model", "m")
    record = read_record(passage)
    assert record is not None and record.settings == SamplerSettings()
    assert (passage.ids, record.before) == ("1,2,3,4", text_hash("Once"))


def test_tokens_come_in_batches_of_a_thirtieth_of_a_second(tmp_path: Path) -> None:
    ticking = iter(i / 1000 for i in range(100_000))  # each look at the clock is a millisecond later
    setting = Setting(tmp_path, FakeTeller("m", ["x"] * 1000, []), clock=lambda: next(ticking))
    setting.tell()
    setting.box.wait()
    batches = [m for m in setting.box.messages if isinstance(m, messages.TextTold)]
    assert setting.told() == "x" * 1000
    assert len(batches) <= 1000 // 30 + 2
    assert batches[-1].tokens == 1000


def test_a_teller_that_breaks_loses_nothing(tmp_path: Path) -> None:
    setting = Setting(tmp_path, FakeTeller("m", [" a", " b"], [], error=ModelError("The model is gone.")))
    setting.tell()
    assert setting.box.wait()[-1].failure == "The model is gone."
    assert setting.store.text(setting.story.id) == setting.told() == " a b"


@pytest.mark.parametrize(("room", "opened"), [(True, "abcd" + "b"), (False, "abadacab")])
def test_models_stay_open_as_far_as_there_is_room(tmp_path: Path, room: bool, opened: str) -> None:
    """Going back to a model finds what it has read. Three stay; where memory is short, the last one."""
    box, found = Box(), []

    def open_teller(name: str, progress: object, strength: float | None) -> FakeTeller:
        found.append(name)
        return FakeTeller(name, [" x"], [])

    thread = TellingThread(box.post, box.handle, open_teller, lambda: 0.0, lambda: room)
    for number, name in enumerate("abacadab" if room else "abadacab"):
        thread.begin(Telling(number, name, None))
        while not any(isinstance(m, messages.TellingEnded) and m.number == number for m in box.messages):
            time.sleep(0.001)
    assert "".join(found) == opened
    thread.forget("b")
    thread.begin(Telling(99, "b", None))
    while not any(isinstance(m, messages.TellingEnded) and m.number == 99 for m in box.messages):
        time.sleep(0.001)
    assert "".join(found) == opened + "b"


def test_a_run_that_has_ended_since_is_opened_anew(tmp_path: Path) -> None:
    """It has other weights and another strength by then."""
    box, opened = Box(), []

    def open_teller(name: str, progress: object, strength: float | None) -> FakeTeller:
        opened.append(FakeTeller(name, [" x"], [], strength=1.0 if not opened else 1.15))
        return opened[-1]

    thread = TellingThread(box.post, box.handle, open_teller, lambda: 0.0)
    for number in range(3):
        thread.begin(Telling(number, "a", None))
        box.wait()
        opened[-1].outdated = not number
        box.messages.clear()
    assert len(opened) == 2
    thread.begin(Telling(3, "a", None))
    assert [m.strength for m in box.wait() if isinstance(m, messages.TellerReady)] == [1.15]


def test_stopping_keeps_the_text_and_the_next_telling_waits_its_turn(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    setting = Setting(tmp_path, FakeTeller("m", [" a", " b", " c"], [], gate=gate))
    setting.tell(1)
    gate.release()
    while not setting.box.messages or not isinstance(setting.box.messages[-1], messages.TellerReady):
        time.sleep(0.001)
    setting.thread.stop()
    ended = setting.box.wait()[-1]
    assert ended.number == 1
    assert ended.told.stopped_by == "you"
    before = setting.told()
    assert setting.store.text(setting.story.id) == before
    gate.release(10)
    setting.tell(2)
    setting.box.wait()
    assert setting.store.text(setting.story.id) == before + " a b c"
    assert {m.number for m in setting.box.messages if isinstance(m, messages.TextTold)} <= {1, 2}


async def test_errands_give_back_results_and_errors() -> None:
    assert await in_thread(lambda: 7) == 7
    with pytest.raises(ModelError):
        await in_thread(_refuse)


def _refuse() -> int:
    raise ModelError("No.")
