"""Drawing with dots: by property."""

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.tui.dots import HIGH, WIDE, Grid

places = st.tuples(st.integers(-5, 45), st.integers(-5, 45))


def lit(grid: Grid) -> int:
    """How many dots are drawn."""
    return sum((ord(sign) - 0x2800).bit_count() for row in grid.rows() for sign, _ in row if sign != " ")


@given(st.sets(st.tuples(st.integers(0, 19), st.integers(0, 39))))
def test_each_dot_is_one_dot(dots: set[tuple[int, int]]) -> None:
    grid = Grid(10, 10)
    for x, y in dots:
        grid.dot(x, y, 0)
    assert lit(grid) == len(dots)
    cells = {(x // WIDE, y // HIGH) for x, y in dots}
    rows = grid.rows()
    assert {(x, y) for y, row in enumerate(rows) for x, (sign, _) in enumerate(row) if sign != " "} == cells


@given(places, places)
def test_a_line_is_whole_and_stays_in_the_grid(start: tuple[int, int], end: tuple[int, int]) -> None:
    grid = Grid(20, 10)
    grid.line(*start, *end, 0)
    assert [len(row) for row in grid.rows()] == [20] * 10
    if all(0 <= x < 40 and 0 <= y < 40 for x, y in (start, end)):
        assert lit(grid) == max(abs(start[0] - end[0]), abs(start[1] - end[1])) + 1


def test_a_cell_shows_its_highest_layer_alone() -> None:
    grid = Grid(1, 1)
    grid.dot(0, 0, 1)
    grid.dot(1, 3, 0)  # below: not seen
    assert grid.rows() == [[("⠁", 1)]]
    grid.dot(0, 1, 1)
    assert grid.rows() == [[("⠃", 1)]]
    grid.dot(1, 0, 2)  # above: alone
    assert grid.rows() == [[("⠈", 2)]]
    grid.sign(0, 0, "★", 3)
    grid.sign(0, 0, "●", 2)
    assert grid.rows() == [[("★", 3)]]
    grid.sign(5, 5, "★", 3)  # outside
