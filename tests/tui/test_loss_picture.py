"""The drawn loss chart: every point is seen, nothing is clipped, a loss that is no number is a gap."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.tui.chart_axis import Scale, Window
from storytime_tui.tui.dots import Grid
from storytime_tui.tui.loss_picture import LEFT, Curves, Picture, picture, whole_window

SIZES = [(20, 8), (53, 12), (91, 30)]


def drawn(curves: Curves, size: tuple[int, int] = (53, 12), log: bool = False, **window: float) -> Picture:
    shown = Window(**window) if window else whole_window(curves, Scale())
    return picture(curves, Scale(), shown, size, log=log)


def cells(shown: Picture, name: str) -> list[tuple[int, int, str]]:
    """The cells of one curve: column, row, sign."""
    return [
        (x, y, sign) for y, row in enumerate(shown.rows) for x, (sign, each) in enumerate(row) if each == name
    ]


def text(shown: Picture) -> list[str]:
    return ["".join(sign for sign, _ in row) for row in shown.rows]


losses = st.floats(0.01, 50) | st.sampled_from([math.nan, math.inf, 1e9])
curve = st.lists(st.tuples(st.integers(0, 300), losses), max_size=60).map(
    lambda said: sorted(dict(said).items())
)


@given(curve, curve, curve, st.sampled_from(SIZES), st.booleans(), st.integers(0, 400))
def test_any_curves_give_a_picture_of_the_size(
    raw: list[tuple[int, float]],
    line: list[tuple[int, float]],
    checks: list[tuple[int, float]],
    size: tuple[int, int],
    log: bool,
    total: int,
) -> None:
    curves = Curves(raw, line, checks, checks[0][0] if checks else None, 5.9, total)
    for window in ({}, {"first": 20.0, "last": 30.0}):
        shown = drawn(curves, size, log, **window)
        assert [len(row) for row in shown.rows] == [size[0]] * size[1]


@given(st.lists(st.tuples(st.integers(1, 118), st.floats(0.5, 9)), min_size=1, max_size=40), st.booleans())
def test_every_point_is_seen_where_it_belongs(said: list[tuple[int, float]], log: bool) -> None:
    points = sorted(dict(said).items())
    shown = drawn(Curves(raw=points, total=118), log=log)
    columns = {x for x, _, _ in cells(shown, "raw")}
    assert columns == {shown.column_of(step) for step, _ in points}
    if len({loss for _, loss in points}) > 1:  # the highest stands above the lowest
        rows = [y for _, y, _ in cells(shown, "raw")]
        assert (
            max(rows) > min(rows) or max(loss for _, loss in points) < min(loss for _, loss in points) * 1.2
        )


@given(st.integers(0, 40), st.integers(1, 6))
def test_a_loss_that_is_no_number_is_a_gap(at: int, wide: int) -> None:
    """Its columns are empty: no line leads over them."""
    line = [(step, math.nan if at <= step < at + wide else 3.0) for step in range(47)]
    shown = drawn(Curves(line=line, total=46), size=(47 + LEFT, 8))
    columns = {x - LEFT for x, _, _ in cells(shown, "training")}
    assert columns == {step for step, loss in line if not math.isnan(loss)}


@given(st.floats(0.5, 12), st.floats(1e-4, 3), st.sampled_from([8, 12, 30]), st.booleans())
def test_no_two_labels_of_the_loss_axis_are_the_same(low: float, span: float, rows: int, log: bool) -> None:
    shown = drawn(Curves(raw=[(1, low + span), (10, low)], total=10), size=(53, rows), log=log)
    labels = [line[: LEFT - 1].strip() for line in text(shown)[:-2]]
    labels = [label for label in labels if label]
    assert labels and len(set(labels)) == len(labels)
    assert [float(each) for each in labels] == sorted(map(float, labels), reverse=True)


def test_the_axis_ends_at_the_last_planned_step() -> None:
    curves = Curves(raw=[(1, 5.0), (10, 4.0)], total=100)
    assert whole_window(curves, Scale()) == Window(0.0, 100)
    assert max(x for x, _, _ in cells(drawn(curves), "raw")) < LEFT + 6
    assert "100" in text(drawn(curves))[-1]
    assert whole_window(Curves(raw=[(1, 5.0), (10, 4.0)]), Scale()) == Window(0.0, 10)  # nothing is planned


def test_an_estimated_time_moves_the_axis_seldom() -> None:
    curves = Curves(raw=[(10, 4.0)], total=100)
    ends = {whole_window(curves, Scale("time", pace=[(10, 15 + at / 40)])) for at in range(9)}
    assert len(ends) <= 2
    assert all(end.last >= 150 for end in ends)


def test_the_best_check_has_a_star_and_the_others_a_dot() -> None:
    checks = [(0, 8.0), (25, 4.0), (50, 3.0), (75, 3.5)]
    shown = drawn(Curves(checks=checks, best=50, total=100))
    assert [x for x, _, sign in cells(shown, "best") if sign == "★"] == [shown.column_of(50)]
    dots = [x for x, _, sign in cells(shown, "validation") if sign == "●"]
    assert sorted(dots) == [shown.column_of(step) for step in (0, 25, 75)]
    many = drawn(Curves(checks=[(step, 3.0 + step / 99) for step in range(0, 99)], best=0, total=100))
    assert {sign for _, _, sign in cells(many, "validation")}.isdisjoint("●")  # a line of its own


def test_a_spike_is_seen_however_long_the_run_is() -> None:
    raw = [(step, 9.0 if step == 7_777 else 3.0) for step in range(1, 10_001)]
    shown = drawn(Curves(raw=raw, total=10_000))
    assert shown.column_of(7_777) in {x for x, y, _ in cells(shown, "raw") if y == 0}


def test_the_baseline_is_drawn_where_it_does_not_press_the_curves_flat() -> None:
    near, far = (
        Curves(raw=[(1, 5.0), (9, 4.0)], baseline=5.2),
        Curves(raw=[(1, 5.0), (9, 4.0)], baseline=11.0),
    )
    assert drawn(near).has_baseline
    assert not drawn(far).has_baseline
    assert "┄" in "".join(text(drawn(near)))


def test_a_picture_costs_what_its_columns_do_however_many_points_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[int] = []
    draw = Grid.line
    monkeypatch.setattr(Grid, "line", lambda grid, *where: (lines.append(where[-1]), draw(grid, *where)))
    for number in (2_000, 20_000):
        points = [(step * 500, 3 + 5 * 0.99 ** (step / 9) + step % 7 / 9) for step in range(1, number + 1)]
        lines.clear()
        drawn(Curves((), points, points[::2], points[-1][0], 5.9, points[-1][0]), size=(120, 20))
        # a column of dots and the way to the next, for each of two lines
        assert 200 < len(lines) <= 2 * 2 * 2 * 120


@pytest.mark.parametrize("size", [(0, 0), (3, 1), (6, 2), (7, 3)])
def test_no_room_is_no_error(size: tuple[int, int]) -> None:
    shown = drawn(Curves(raw=[(1, 5.0), (9, 4.0)]), size=size)
    assert [len(row) for row in shown.rows] == [size[0]] * size[1]


@given(st.floats(0, 100), st.floats(0.1, 100), st.integers(0, 46))
def test_a_column_and_its_place_are_the_same(first: float, width: float, column: int) -> None:
    window = Window(first, first + width)
    shown = picture(Curves(raw=[(1, 5.0)]), Scale(), window, (47 + LEFT, 8), log=False)
    assert shown.column_of(shown.place_of(column + LEFT)) == column + LEFT
    assert shown.column_of(window.last + 1) is None
