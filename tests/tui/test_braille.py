"""A line of braille dots."""

from storytime_tui.tui.braille import line_through


def test_a_line_goes_through_its_points_and_has_no_gap() -> None:
    flat = line_through([(0, 1), (10, 1)], 5, 2, across=(0, 10), up=(0, 2))
    assert flat[1] == " " * 5 or flat[0] == " " * 5  # one row of dots
    assert "⠀" not in "".join(flat) and any(row == row[0] * 5 != " " * 5 for row in flat)
    up = line_through([(0, 0), (10, 10)], 5, 5, across=(0, 10), up=(0, 10))
    assert [row.strip() != "" for row in up] == [True] * 5
    assert up[0].rstrip()[-1] != " " and up[0].startswith("    ") and up[-1].endswith("    ")


def test_what_lies_beyond_the_edges_is_drawn_at_them() -> None:
    rows = line_through([(-5, -5), (20, 99)], 4, 3, across=(0, 10), up=(0, 10))
    assert [len(row) for row in rows] == [4, 4, 4]
    assert rows[0][-1] != " " and rows[-1][0] != " "


def test_one_point_and_no_range_are_no_error() -> None:
    assert "".join(line_through([(1, 1)], 3, 1, across=(1, 1), up=(1, 1))).strip()
    assert line_through([], 3, 1, across=(0, 1), up=(0, 1)) == ["   "]
