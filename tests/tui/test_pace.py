"""The small charts of a run's pace: by table."""

import dataclasses
import math
from functools import reduce
from itertools import pairwise

import pytest

from storytime_tui.training import events as ev
from storytime_tui.tui.append_only import AppendOnly
from storytime_tui.tui.pace import KEPT, POINTS, Line, bars, binned, line_after, pace_after
from tests.tui.fakes import step


def test_a_long_run_keeps_some_steps_from_its_first_to_its_last() -> None:
    pace = reduce(pace_after, [step(number, 3.0) for number in range(1, 5 * KEPT)], AppendOnly())
    assert KEPT // 2 <= len(pace) <= KEPT
    assert pace[0].step == 1
    assert pace[-1].step > 5 * KEPT - 5
    assert [each.step for each in pace] == sorted(each.step for each in pace)


@pytest.mark.parametrize(
    ("points", "width", "values"),
    [
        ([], 9, []),
        ([(1, 5.0)], 9, [5.0]),
        ([(1, 1.0), (2, 3.0), (3, 5.0), (4, 7.0)], 2, [2.0, 6.0]),
        ([(1, 1.0), (2, 1.0), (9, 5.0)], 3, [1.0, 1.0, 5.0]),  # no point in the middle
        ([(1, math.nan), (2, 3.0), (3, math.inf)], 9, [3.0]),
        ([(1, 1.0)], 0, []),
    ],
)
def test_values_are_means_of_equal_stretches(
    points: list[tuple[int, float]], width: int, values: list[float]
) -> None:
    assert binned(points, width) == values


@pytest.mark.parametrize(
    ("values", "height", "rows"),
    [
        ([], 1, [""]),
        ([0.0, 0.0], 1, ["  "]),
        ([0.5, 1.0], 1, ["▄█"]),
        ([0.5, 0.75, 1.0], 2, [" ▄█", "███"]),
        ([-1.0, 8.0], 1, [" █"]),
    ],
)
def test_bars_begin_at_zero(values: list[float], height: int, rows: list[str]) -> None:
    assert bars(values, height) == rows


def losses(count: int, every: int = 1) -> list[ev.StepDone]:
    return [step(number, 3 + 5 * 0.999**number + number % 7 / 9) for number in range(every, count + 1, every)]


def line_of(steps: list[ev.StepDone], total: int) -> Line:
    return reduce(lambda line, each: line_after(line, each, total), steps, AppendOnly())


def test_the_smoothed_line_follows_the_curve_without_its_noise() -> None:
    line = line_of(losses(1_900), 1_900)
    assert [point.step for point in line] == list(range(1, 1_901))
    late = [abs(point.smoothed - (3 + 5 * 0.999**point.step + 3 / 9)) for point in line[100:]]
    assert max(late) < 0.15  # the noise is up to 0.33 from its middle


def test_a_run_that_is_read_in_part_has_nearly_the_same_line() -> None:
    whole, part = line_of(losses(1_900), 1_900), line_of(losses(1_900, every=5), 1_900)
    ends = {point.step: point.smoothed for point in whole}
    assert max(abs(ends[point.step] - point.smoothed) for point in part[40:]) < 0.3


def test_a_long_line_keeps_its_shape_its_last_point_and_its_breaks() -> None:
    steps = [
        dataclasses.replace(each, loss=math.nan) if 4_000 <= each.step < 4_010 else each
        for each in losses(9_000)
    ]
    line = line_of(steps, 9_000)
    assert POINTS // 4 < len(line) <= POINTS
    assert (line[0].step, line[-1].step) == (1, 9_000)
    assert [point.step for point in line if math.isnan(point.loss)] == [4_000]
    gaps = [later.step - point.step for point, later in pairwise(line)]
    assert max(gaps) < 100  # evenly over the steps
    assert line_after(line, step(9_000, 1.0), 9_000) is line  # a damaged journal says it again


def test_breaks_without_end_are_bounded() -> None:
    steps = [step(number, math.nan if number % 2 else 3.0) for number in range(1, 9_001)]
    assert len(line_of(steps, 9_000)) <= POINTS
