"""The computer stays awake around a run, however the run ends, and a run never suffers from it."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storytime_tui.errors import StorytimeError
from storytime_tui.jobs import awake
from storytime_tui.jobs.train import learn, resume
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from tests.jobs.test_train import plan_for
from tests.tiny import write_collection


class Inhibitor:
    """Notes when it is entered and left."""

    def __init__(self) -> None:
        self.entered, self.left = threading.Event(), threading.Event()
        self.times = 0

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        self.times += 1
        self.entered.set()
        try:
            yield
        finally:
            self.left.set()


@pytest.fixture
def inhibitor(monkeypatch: pytest.MonkeyPatch) -> Inhibitor:
    made = Inhibitor()
    monkeypatch.setattr(awake, "_inhibitor", made)
    return made


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "tales")


def test_it_is_kept_awake_from_the_preparation_to_the_end(tales: Path, inhibitor: Inhibitor) -> None:
    events = learn(plan_for(tales, max_steps=2, sample_every=0), Control())
    next(events)
    assert inhibitor.entered.wait(20)
    for event in events:
        assert not inhibitor.left.is_set(), event
    assert inhibitor.left.is_set()


def test_it_may_sleep_again_when_a_run_fails_is_refused_or_left(
    tales: Path, inhibitor: Inhibitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorytimeError):
        list(learn(plan_for(tales, block_size=2048), Control()))
    assert inhibitor.entered.is_set() and inhibitor.left.is_set()

    inhibitor.left.clear()
    events = learn(plan_for(tales, max_steps=4, sample_every=0), Control(), "left")
    assert any(isinstance(event, ev.StepDone) for event in events)
    assert not inhibitor.left.is_set()
    events.close()  # type: ignore[attr-defined]
    assert inhibitor.left.is_set()

    inhibitor.left.clear()
    from storytime_tui.training.trainer import Trainer

    def fails(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(Trainer, "_update", fails)
    assert isinstance(list(resume("left", Control()))[-1], ev.Failed)
    assert inhibitor.left.is_set() and inhibitor.times == 3


def test_it_can_be_turned_off(tales: Path, inhibitor: Inhibitor) -> None:
    plan = plan_for(tales, max_steps=1, sample_every=0)
    list(learn(dataclasses.replace(plan, stay_awake=False), Control()))
    assert inhibitor.times == 0


def test_where_it_is_not_possible_nothing_is_printed_and_nothing_waits(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tried = threading.Event()

    def impossible() -> contextlib.AbstractContextManager[None]:
        tried.set()
        raise OSError("no session bus")

    monkeypatch.setattr(awake, "_inhibitor", impossible)
    with awake.kept_awake(True):
        assert tried.wait(20)
    waits = threading.Event()

    def slow() -> contextlib.AbstractContextManager[None]:
        waits.wait(20)
        return contextlib.nullcontext()

    monkeypatch.setattr(awake, "_inhibitor", slow)
    with awake.kept_awake(True):
        assert not waits.is_set()  # the block has begun
        waits.set()
    assert capfd.readouterr() == ("", "")


def test_wakepy_itself_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own fake method, since no test machine has a desktop."""
    monkeypatch.undo()
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "yes")
    with awake._inhibitor() as mode:
        assert mode.active
    assert not mode.active
