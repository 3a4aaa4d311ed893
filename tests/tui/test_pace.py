"""The small charts of a run's pace: by table."""

import math
from functools import reduce

import pytest

from storytime_tui.tui.append_only import AppendOnly
from storytime_tui.tui.pace import KEPT, bars, binned, pace_after
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
