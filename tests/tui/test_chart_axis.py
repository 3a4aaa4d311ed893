"""The axes of the chart: by property, for any window, tick and line."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.tui.chart_axis import (
    Scale,
    Window,
    clipped,
    count_label,
    loss_axis,
    loss_label,
    nearest,
    tick_distance,
    ticks,
)

numbers = st.floats(-1e6, 1e6, allow_nan=False)
wide = st.floats(1e-3, 1e6)
wholes = st.builds(lambda end: Window(0.0, end), wide)


@st.composite
def within(draw: st.DrawFn) -> tuple[Window, Window]:
    """A whole axis and a part of it."""
    whole = draw(wholes)
    one, other = sorted((draw(st.floats(0, 1)), draw(st.floats(0, 1))))
    return whole, Window(one * whole.last, max(other, one + 1e-3) * whole.last).within(whole)


def inside(window: Window, whole: Window) -> bool:
    return whole.first <= window.first <= window.last <= whole.last * (1 + 1e-12)


@given(within(), st.floats(0.1, 10), st.floats(0, 1), st.floats(-3, 3))
def test_a_window_never_leaves_the_axis(
    both: tuple[Window, Window], factor: float, share: float, by: float
) -> None:
    whole, window = both
    around = window.first + share * window.width
    assert inside(window.zoomed(factor, around, whole, whole.width / 100), whole)
    assert inside(window.moved(by, whole), whole)
    assert inside(window.showing(share * whole.last, whole), whole)


@given(within(), st.floats(0, 1))
def test_zooming_in_keeps_its_place_and_out_again_shows_as_much(
    both: tuple[Window, Window], share: float
) -> None:
    whole, window = both
    around = window.first + share * window.width
    closer = window.zoomed(0.5, around, whole, 0.0)
    assert closer.width == pytest.approx(window.width / 2)
    assert (around - closer.first) / closer.width == pytest.approx(share, abs=1e-3)
    assert closer.zoomed(2, around, whole, 0.0).width == pytest.approx(window.width)


@given(within(), st.floats(0, 1))
def test_what_is_to_be_shown_is_in_the_window(both: tuple[Window, Window], share: float) -> None:
    whole, window = both
    place = share * whole.last
    shown = window.showing(place, whole)
    assert shown.first - 1e-9 * whole.last <= place <= shown.last + 1e-9 * whole.last
    assert shown.width == pytest.approx(window.width)


@given(numbers, wide, st.integers(1, 20), st.sampled_from(["step", "tokens", "time"]))
def test_ticks_are_within_round_and_not_too_many(low: float, span: float, most: int, unit: str) -> None:
    apart = tick_distance(low, low + span, most, unit)  # type: ignore[arg-type]
    shown = ticks(low, low + span, apart)
    assert len(shown) <= most + 1
    assert all(low - 1e-6 * apart <= tick <= low + span + 1e-6 * apart for tick in shown)
    leading = apart / 10 ** math.floor(math.log10(apart) + 1e-9)
    if unit != "time" or apart < 1:
        assert min(abs(leading - each) for each in (1, 2, 5)) < 1e-6


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(1, 12))
def test_two_ticks_have_two_labels(first: int, span: int, most: int) -> None:
    apart = max(1.0, tick_distance(first, first + span, most))
    labels = [count_label(tick, apart) for tick in ticks(first, first + span, apart)]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("number", "apart", "label"),
    [
        (0, 500, "0"),
        (1_250, 250, "1,250"),
        (12_000, 2_000, "12k"),
        (10_500, 500, "10.5k"),
        (2e6, 5e5, "2.0M"),
    ],
)
def test_counts_are_short(number: float, apart: float, label: str) -> None:
    assert count_label(number, apart) == label


def test_a_loss_has_the_decimals_that_tell_two_ticks_apart() -> None:
    assert [loss_label(3.5, 0.5), loss_label(3, 1), loss_label(3.25, 0.05)] == ["3.5", "3.0", "3.25"]


@given(st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=30), st.booleans(), st.integers(1, 12))
def test_the_loss_axis_shows_every_loss(losses: list[float], log: bool, most: int) -> None:
    axis = loss_axis(losses, log=log, most_ticks=most)
    assert axis.low < axis.high
    assert all(axis.low <= loss * (1 + 1e-9) and loss <= axis.high * (1 + 1e-9) for loss in losses)
    rows = axis.rows_of(sorted(losses), 40)
    assert rows == sorted(rows, reverse=True)
    assert all(0 <= row < 40 for row in rows)
    assert axis.rows_of([math.nan, math.inf], 40) == [-1, -1]


@pytest.mark.parametrize("losses", [[], [math.nan], [-1.0], [0.0]])
def test_a_log_axis_without_a_loss_above_zero_is_still_one(losses: list[float]) -> None:
    axis = loss_axis(losses, log=True, most_ticks=4)
    assert 0 < axis.low < axis.high


@given(st.lists(numbers, min_size=1, max_size=50).map(sorted), numbers)
def test_the_nearest_is_nearest(places: list[float], place: float) -> None:
    found = places[nearest(places, place)]
    assert abs(found - place) == min(abs(each - place) for each in places)


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(-9, 9)), max_size=40), within())
def test_a_clipped_line_is_the_line_within_the_window(
    said: list[tuple[int, float]], both: tuple[Window, Window]
) -> None:
    points = sorted({float(x): y for x, y in said}.items())
    window = Window(both[1].first / both[0].last * 100, both[1].last / both[0].last * 100)
    kept = clipped(points, window)
    assert [point for point in points if window.first <= point[0] <= window.last] == [
        point for point in kept if point in points
    ]
    assert all(window.first <= x <= window.last for x, _ in kept)
    if points and points[0][0] < window.first and points[-1][0] > window.last:
        assert (kept[0][0], kept[-1][0]) == (window.first, window.last)  # it runs from edge to edge


def test_nothing_is_drawn_over_a_break() -> None:
    line = [(0.0, 1.0), (5.0, math.nan), (10.0, 2.0)]
    assert clipped(line, Window(1.0, 4.0)) == []
    assert [x for x, _ in clipped(line, Window(4.0, 6.0))] == [5.0]


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0.01, 9)), min_size=1, max_size=30))
def test_time_rises_with_the_steps(gaps: list[tuple[int, float]]) -> None:
    pace: list[tuple[int, float]] = []
    for more, seconds in gaps:
        last, spent = pace[-1] if pace else (0, 0.0)
        pace.append((last + more, spent + seconds))
    scale = Scale("time", pace=pace)
    places = [scale.at(step) for step in range(2 * pace[-1][0] + 2)]
    assert places == sorted(places)
    assert all(scale.at(step) == pytest.approx(seconds) for step, seconds in pace)
    assert scale.at(2 * pace[-1][0]) == pytest.approx(2 * pace[-1][1])


def test_tokens_are_counted_by_the_step() -> None:
    assert Scale("tokens", 4_096.0).at(10) == 40_960
    assert Scale().at(10) == 10
    assert Scale("time").at(10) == 0  # no step is known
    assert Scale("time").label(90, 30) == "1:30"
