"""A run's view is a fold of what the run said: live or from its journal, and nothing else changes it."""

import dataclasses
import queue
import tempfile
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.training import events as ev
from storytime_tui.training.journal import JOURNAL, Journal, read_thinned
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui.append_only import AppendOnly
from storytime_tui.tui.pace import POINTS
from storytime_tui.tui.run_view import (
    RunView,
    asked_view,
    ended_view,
    new_view,
    resumed_view,
    stopping_view,
    view_after,
    view_of,
)
from storytime_tui.tui.training_session import TrainingSession
from tests.tui.fakes import FINISHED, STARTED, World, a_run, step

VALUES = {
    int: st.integers(0, 300),
    float: st.floats(allow_infinity=False),  # a journal has one word for all that is no number
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    bool: st.booleans(),
    tuple[str, ...]: st.just(("hedgerow",)),
    tuple[int, ...]: st.just((3,)),
    tuple[float, ...]: st.just((1.0,)),
}


def any_of(kind: type[ev.Event]) -> st.SearchStrategy[ev.Event]:
    fields = {field.name: VALUES[field.type] for field in dataclasses.fields(kind)}  # type: ignore[index]
    return st.builds(kind, **fields | ({"run": st.just("run")} if "run" in fields else {}))


SAID = st.lists(st.one_of([any_of(kind) for kind in ev.EVENTS.values()]), max_size=60)


def journal_of(said: Sequence[ev.Event], folder: Path) -> list[ev.Event]:
    """What is read of a run that said this; as a job does, without what it says while it prepares."""
    journal = Journal(folder / JOURNAL)
    for event in said:
        if not isinstance(event, ev.Preparing):
            journal.append(event)
    journal.close()
    return read_thinned(folder)


def fold(said: Sequence[ev.Event], view: RunView | None = None) -> RunView:
    return reduce(view_after, said, view or RunView())


def same(one: RunView, other: RunView) -> bool:
    """`==` would take a NaN for another one."""
    return repr(dataclasses.replace(one, preparing=None)) == repr(dataclasses.replace(other, preparing=None))


@given(SAID)
@settings(deadline=None)
def test_whatever_a_run_says_its_journal_gives_the_view_that_was_folded_live(said: list[ev.Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run").mkdir()
        assert same(fold(said), fold(journal_of(said, Path(folder) / "run")))


@given(SAID, SAID, SAID)
def test_a_view_stays_as_it_is_whatever_is_folded_onto_it(
    before: list[ev.Event], one: list[ev.Event], other: list[ev.Event]
) -> None:
    view = fold(before)
    was = repr(view)
    first = repr(fold(one, view))
    fold(other, view)
    assert repr(view) == was
    assert repr(fold(one, view)) == first


def test_a_long_run_that_went_back_is_replayed_with_its_curve(tmp_path: Path) -> None:
    steps = [step(number, 3.0 + (number * 7919 % 13) / 40) for number in range(1, 3 * POINTS)]
    back = ev.Resumed(POINTS, from_checkpoint=True, total_steps=3 * POINTS)
    said = [STARTED, *steps, back, *steps[POINTS : 2 * POINTS], FINISHED]
    (tmp_path / STARTED.run).mkdir()
    live, read = fold(said), fold(journal_of(said, tmp_path / STARTED.run))
    none: Any = AppendOnly()
    assert same(*(dataclasses.replace(view, curve=none, line=none, pace=none) for view in (live, read)))
    for view in (live, read):  # a long journal is read without most of its steps
        assert view.curve[-1][0] == view.line[-1].step == 2 * POINTS
        assert POINTS // 2 <= len(view.curve) <= POINTS
        assert [point[0] for point in view.curve] == sorted({point[0] for point in view.curve})
        losses = [loss for _, loss in view.curve]
        assert (min(losses), max(losses)) == (
            min(each.loss for each in steps),
            max(each.loss for each in steps),
        )


def test_a_step_costs_the_same_however_long_the_run_is() -> None:
    view = fold(a_run(1000))
    after = view_after(view, step(1001, 2.5))
    assert after.curve._items is view.curve._items  # nothing is copied
    assert (len(view.curve), len(after.curve)) == (1000, 1001)
    assert after.evaluations is view.evaluations
    assert after.samples is view.samples


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(-40, 40), st.integers(-40, 40))
def test_what_has_grown_is_a_sequence_like_others(items: list[int], start: int, stop: int) -> None:
    grown = reduce(AppendOnly.appended, items, AppendOnly[int]())
    longer = grown.appended(99)
    assert grown.appended(98)[-1] == 98
    assert (list(grown), len(grown), grown == AppendOnly(list(items))) == (items, len(items), True)
    assert (list(longer), longer[-1], longer != grown) == ([*items, 99], 99, True)
    assert grown[start:stop] == items[start:stop]
    assert list(reversed(grown)) == items[::-1]
    with pytest.raises(IndexError):
        grown[len(items)]


# -- the transitions that no event makes ------------------------------------------------------------------


def test_a_view_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        new_view("starter → tales").phase = "training"  # type: ignore[misc]


def test_once_asked_to_stop_only_the_end_is_awaited() -> None:
    view = stopping_view(fold([STARTED, step(1, 3.0)], new_view("")))
    assert (view.phase, view.status) == ("stopping", "Saving the checkpoint…")
    view = fold([ev.Paused(1), ev.Resumed(1, from_checkpoint=False, total_steps=118), step(2, 3.0)], view)
    assert (view.phase, view.status) == ("stopping", "Saving the checkpoint…")
    assert view_after(view, FINISHED).phase == "finished"
    assert stopping_view(new_view("")).status == "Stopping…"


def test_what_is_prepared_is_said_until_the_run_says_something_else() -> None:
    view = view_after(new_view("starter → tales"), ev.Preparing("reading the stories", 0, 0))
    assert (view.phase, view.status) == ("preparing", "reading the stories…")
    assert view_after(view, STARTED).status == ""
    listening = fold([*a_run(118), ev.Preparing("listening to what it tells", 0, 0)])
    assert listening.status == "listening to what it tells…"
    assert view_after(listening, FINISHED).status.startswith("Finished after 118 steps")


def test_a_run_that_goes_on_keeps_what_was_seen_and_a_refusal_says_why() -> None:
    view = resumed_view(view_of(a_run(60), {}))
    assert (view.phase, view.done, len(view.curve), view.earlier) == ("preparing", 60, 60, False)
    refused = ended_view(view, "Its stories have changed.")
    assert (refused.phase, refused.error, refused.status) == ("failed", "Its stories have changed.", "")
    assert refused.can_resume
    assert len(refused.curve) == 60


def test_an_earlier_run_is_named_by_the_titles_of_its_shelf() -> None:
    view = view_of(a_run(60), {"hedgerow": "Hedgerow Tales"})
    assert view.subject == "scratch-small → Hedgerow Tales · 10 stories"
    assert view.phase == "interrupted"
    assert view_of([], {}) == RunView(earlier=True)


# -- the session ------------------------------------------------------------------------------------------


class Loop:
    """An event loop by hand: what is posted is done when the test says so."""

    def __init__(self) -> None:
        self._posted: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def post(self, message: Any) -> None:
        self._posted.put(message)

    def until(self, holds: Callable[[], object]) -> None:
        while not holds():
            self._posted.get(timeout=10).callback()


def test_a_session_ends_with_the_view_that_its_journal_gives(world: World, tmp_path: Path) -> None:
    loop, views = Loop(), []
    training = TrainingSession(world.services(), loop.post, titles=dict, changed=views.append)
    said = [*a_run(118), FINISHED]
    training.start(TrainingPlan(), None, "scratch-small → Hedgerow Tales · 10 stories")
    assert views[-1].phase == "preparing"
    world.run.say(ev.Preparing("reading the stories", 0, 0), *said)
    loop.until(lambda: training.control is None)
    (tmp_path / STARTED.run).mkdir()
    earlier = view_of(journal_of(said, tmp_path / STARTED.run), {"hedgerow": "Hedgerow Tales"})
    untimed = tuple(dataclasses.replace(each, time=None) for each in training.view.log)
    assert all(each.time is not None for each in training.view.log)  # a journal has no times of day
    assert dataclasses.replace(training.view, log=untimed) == dataclasses.replace(earlier, earlier=False)
    assert views[-1] is training.view
    training.clear()
    assert (training.view, training.last) == (RunView(), views[-2])


def test_a_run_is_stopped_and_goes_on(world: World) -> None:
    loop = Loop()
    training = TrainingSession(world.services(), loop.post, titles=dict, changed=lambda view: None)
    training.start(TrainingPlan(), None, "")
    world.run.say(STARTED, step(7, 3.0))
    loop.until(lambda: training.view.done == 7)
    training.stop()
    assert training.view.phase == "stopping"
    loop.until(lambda: training.control is None)
    assert training.view.can_resume
    training.resume()
    world.run.say(ev.Resumed(7, from_checkpoint=True, total_steps=118), step(8, 2.9))
    loop.until(lambda: training.view.done == 8)
    assert (world.run.resumed, [number for number, _ in training.view.curve]) == (["hedgerow-1"], [7, 8])
    training.stop()
    loop.until(lambda: training.control is None)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("sample", ev.Sampled(7, "Once", " upon a time")),
        ("checkpoint", ev.CheckpointSaved(7, "step-7", best=False)),
    ],
)
def test_what_was_asked_for_is_noted_until_it_is_there(asked: str, given: ev.Event) -> None:
    view = reduce(lambda view, event: view_after(view, event, 0.0), [STARTED, step(7, 3.0)], RunView())
    noted = asked_view(view, asked)
    assert noted.asked == f"a {asked} follows this step"
    assert view_after(noted, step(8, 2.9), 0.0).asked == noted.asked
    assert view_after(noted, given, 0.0).asked == ""
    assert view_after(noted, FINISHED, 0.0).asked == stopping_view(noted).asked == ""
