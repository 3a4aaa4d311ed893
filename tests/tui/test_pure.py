"""The parts of the app that are plain functions and values."""

import math
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.stories.joining import joined, title_from
from storytime_tui.training import events as ev
from storytime_tui.tui import wording
from storytime_tui.tui.append_only import AppendOnly
from storytime_tui.tui.pace import POINTS, curve_after, thinned
from storytime_tui.tui.run_view import RunView, ended_view, view_after
from storytime_tui.tui.theme import theme_for
from storytime_tui.tui.ticks import Ticks
from storytime_tui.tui.widgets.run_panel import RunPanel
from tests.tui.fake_library import SHELF
from tests.tui.fakes import FINISHED, STARTED, a_run, evaluated, sampled, step

# -- ticks --------------------------------------------------------------------------------------------


def test_a_tick_has_three_states_and_some_becomes_all() -> None:
    first = SHELF[0]
    ticks = Ticks().toggled(first, 2)
    assert ticks.state(first) == "some"
    assert ticks.toggled(first).state(first) == "all"
    assert ticks.toggled(first).toggled(first).state(first) == "none"
    assert ticks.toggled(first, 2) == Ticks()


def test_a_plan_lists_stories_only_where_a_collection_is_ticked_in_part() -> None:
    whole = Ticks().with_all_of(SHELF[0]).with_all_of(SHELF[2])
    assert whole.for_plan(SHELF) == (("hedgerow", "attic"), ())
    names, stories = whole.toggled(SHELF[0], 0).for_plan(SHELF)
    assert names == ("hedgerow", "attic")
    assert len(stories) == 9 + 15
    assert "hedgerow/The Hedgehog's Umbrella" not in stories
    assert "attic/Nonsense 1" in stories


# -- the curve ----------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=400), st.integers(2, 60))
def test_thinning_keeps_order_ends_of_the_range_and_the_limit(losses: list[float], limit: int) -> None:
    points = list(enumerate(losses))
    kept = thinned(points, limit)
    assert len(kept) <= max(limit, 2)
    assert kept == sorted(kept)
    assert set(kept) <= set(points)
    assert max(loss for _, loss in kept) == max(losses)
    assert min(loss for _, loss in kept) == min(losses)


def test_a_long_run_stays_small_and_keeps_its_spike() -> None:
    curve: AppendOnly[tuple[int, float]] = AppendOnly()
    for number in range(20_000):
        curve = curve_after(curve, step(number, 50.0 if number == 777 else 3.0 + 1 / (number + 1)))
    assert len(curve) <= POINTS
    assert (777, 50.0) in curve
    assert curve[-1][0] == 19_999


def test_what_is_no_number_is_not_drawn() -> None:
    curve: AppendOnly[tuple[int, float]] = AppendOnly()
    for loss in (math.nan, math.inf, -math.inf, 2.0):
        curve = curve_after(curve, step(1, loss))
    assert list(curve) == [(1, 2.0)]


# -- joining ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "added"),
    [
        ("", "Once upon a time", "Once upon a time"),
        ("It rained.", "The frog came in.", "\n\nThe frog came in."),
        ("It rained.\n", "The frog came in.", "\nThe frog came in."),
        ("It rained.\n\n", "The frog came in.", "The frog came in."),
        ("It rained and", "the frog came in.", " the frog came in."),
        ("It rained and ", "the frog", "the frog"),
        ('"Come in," said the', "Frog", " Frog"),
        ("It rained.", "and how it rained", " and how it rained"),
        ("It rained", ", and the frog came in", ", and the frog came in"),
        ('"It rained."', "Nobody came.", "\n\nNobody came."),
        ("It rained.", "   ", ""),
        ("It rained and", "\nthe frog", "\n\nthe frog"),
        ("It rained.\n", " \n The frog", "\nThe frog"),
        ("It rained.", "\n", "\n\n"),
        ("It rained.\n\n", "\n", ""),
        ("", "\nOnce", "Once"),
    ],
)
def test_a_line_joins_the_story(text: str, line: str, added: str) -> None:
    assert joined(text, line) == added


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_typed_word_is_lost_or_glued_to_another(text: str, line: str) -> None:
    added = joined(text, line)
    assert added.split() == line.split()
    assert added.strip() == line.strip()
    if added.strip() and text.strip() and line.strip()[0].isalnum():
        assert (text + added).split() == text.split() + line.split()


@given(st.text())
def test_a_title_is_short_and_never_empty(line: str) -> None:
    assert 0 < len(title_from(line)) <= 43


# -- words and the run --------------------------------------------------------------------------------


def test_numbers_in_words() -> None:
    assert wording.count(1, "story", "stories") == "1 story"
    assert wording.count(1200, "word") == "1,200 words"
    assert wording.duration(92) == "1:32"
    assert wording.duration(7500) == "2:05:00"
    assert wording.duration(math.nan) == "–"
    assert wording.rate(5e-5) == "5.0e-5"
    assert wording.number(math.nan) == "–"
    assert wording.progress_of(ev.Preparing("fetching distilgpt2", 120_000_000, 353_000_000)) == (
        "fetching distilgpt2 120 of 353 MB"
    )
    assert wording.progress_of(ev.Preparing("turning the stories into tokens", 5_000, 12_000)) == (
        "turning the stories into tokens 5 of 12 kB"
    )
    assert wording.progress_of(ev.Preparing("loading the model", 0, 0)) == "loading the model…"


def test_a_voice_that_was_measured_is_said_at_the_end_and_void_after_an_earlier_checkpoint() -> None:
    view = view_after(RunView(), STARTED)
    heard = ev.VoiceMeasured(100, 24, 19, 5, 0.0, ("Hedgerow Tales",), (19,))
    view = view_after(view_after(view, heard), FINISHED)
    assert view.status.endswith("19 of 24 told passages sound like the shelf.")
    view = view_after(view, ev.Resumed(100, from_checkpoint=True, total_steps=200))
    assert view.voice == heard
    view = view_after(view, ev.Resumed(50, from_checkpoint=True, total_steps=200))
    assert view.voice is None
    view = view_after(view, FINISHED)
    assert "sound like" not in view.status


def test_the_outcome_says_when_the_baseline_is_better() -> None:
    outcome = wording.outcome(FINISHED, STARTED, 8.0)
    assert "fell from 8.00 to 3.10. It used to hesitate among 2,981 words; now among 22." in outcome
    assert "baseline" not in outcome
    worse = ev.Finished("r", 3, 7.0, 3, "stopped", 9.0)
    assert "The word-frequency baseline is lower, 5.91" in wording.outcome(worse, STARTED, 8.0)
    assert wording.outcome(worse, STARTED, 8.0).startswith("Stopped after 3 steps")


def test_a_run_is_folded_from_its_events() -> None:
    view = RunView(phase="preparing")
    view = reduce(view_after, a_run(50), view)
    assert view.phase == "training"
    assert view.saved_step == 50
    assert [e.step for e in view.evaluations] == [0, 25, 50]
    assert view.seconds_left == pytest.approx(68 * 1.5)
    view = view_after(view, ev.Paused(50))
    assert view.phase == "paused"
    view = view_after(view, ev.Resumed(50, from_checkpoint=False))
    assert view.phase == "training"
    view = view_after(view, FINISHED)
    assert view.phase == "finished"
    assert ended_view(view, "") == view


def test_going_back_to_a_checkpoint_voids_what_came_later() -> None:
    view = view_after(RunView(), STARTED)
    said = (evaluated(25), sampled(25, "a"), evaluated(50), sampled(50, "b"), step(60, 3.0))
    view = reduce(view_after, said, view)
    view = view_after(view, ev.Resumed(30, from_checkpoint=True))
    assert [e.step for e in view.evaluations] == [25]
    assert [s.step for s in view.samples] == [25]
    view = view_after(view, step(40, 2.9))
    assert view.seconds_left == pytest.approx((118 - 40) * 60 / 10)


def test_a_run_that_ends_without_a_word_has_failed() -> None:
    view = ended_view(view_after(RunView(), STARTED), "")
    assert view.phase == "failed"
    assert view.error


def test_sixteen_colours_get_the_terminals_own() -> None:
    assert theme_for("standard") == "storytime-16"
    assert theme_for("truecolor") == "storytime"


def test_a_panel_that_is_not_composed_yet_shows_no_samples() -> None:
    assert not RunPanel(None).shows_both  # type: ignore[arg-type] # the footer asks at any time
