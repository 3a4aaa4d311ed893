"""The table of runs and its comparison as pure functions: order, columns, curves of dots, figures side by side."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.jobs.run_curve import RunCurve
from storytime_tui.jobs.run_details import RunDetails
from storytime_tui.tui.braille import AXIS, Line, drawn
from storytime_tui.tui.run_comparison import (
    HERE,
    MARKS,
    PINNED,
    comparison_lines,
    lines_of,
    picks_of,
    remark,
    table_of,
)
from storytime_tui.tui.run_rows import ORDERS, Order, RunRow, about, columns_of, in_order, row_of
from tests.tui.fakes import FINISHED_RUN

TITLES = {"hedgerow": "Hedgerow Tales"}
PLAN = {"learning_rate": 5e-4, "epochs": 4.0, "batch_size": 4, "collections": ("hedgerow",), "seed": 0}
DETAILS = RunDetails(PLAN, tokens=483_328, size=14_200_000, note="the best one")


def plan(**changed: object) -> dict[str, object]:
    """A whole plan, as a run's details have it."""
    from storytime_tui.training.plan import TrainingPlan

    return dataclasses.asdict(TrainingPlan(**{**PLAN, **changed}))  # type: ignore[arg-type]


def row(name: str, **changed: object) -> RunRow:
    return dataclasses.replace(row_of(FINISHED_RUN, TITLES, DETAILS), name=name, plan=plan(), **changed)  # type: ignore[arg-type]


def names(rows: tuple[RunRow, ...]) -> list[str]:
    return [each.name for each in rows]


# -- order and columns -------------------------------------------------------------------------------------


def test_the_table_is_sorted_by_any_of_its_columns_with_the_best_first() -> None:
    rows = (
        row("b", loss=3.0, voice=0.5, step=5, started=30.0, state="finished", base="gpt2"),
        row("a", loss=None, voice=None, step=9, started=10.0, state="training", base="starter"),
        row("Ä", loss=2.0, voice=0.9, step=1, started=20.0, state="failed", base="distilgpt2"),
    )
    expected = {
        "date": "abÄ",
        "name": "aÄb",
        "base": "Äba",
        "loss": "Äba",
        "voice": "Äba",
        "steps": "abÄ",
        "state": "Äba",
    }
    order = Order()
    for field in ORDERS:
        assert order.field == field
        assert "".join(names(in_order(rows, order))) == expected[field]
        order = order.following
    assert order == Order()
    assert names(in_order(rows, Order("loss").by("loss"))) == ["Ä", "b", "a"]  # what is unknown stays last
    assert Order("loss", False).by("loss").sign == "▼"


@given(
    st.lists(st.tuples(st.text("ab", max_size=2), st.none() | st.floats()), max_size=8),
    st.sampled_from(ORDERS),
)
def test_sorting_keeps_every_run(some: list[tuple[str, float | None]], field: str) -> None:
    rows = [row(name, loss=number, voice=number, started=number or 0.0) for name, number in some]
    for order in (Order(field), Order(field).turned):
        assert sorted(names(in_order(rows, order))) == sorted(each.name for each in rows)


def test_wide_terminals_show_more_columns_and_the_line_below_says_all_of_them() -> None:
    shown = {width: {column.field for column in columns_of(width)} for width in (77, 117, 197)}
    assert shown[77] == {"name", "base", "loss", "voice", "steps", "date", "state"}
    assert shown[117] - shown[77] == {"shelves", "time"}
    assert shown[197] - shown[117] == {"perplexity", "tokens", "size", "note"}
    words = about(row("hedgerow-1"))
    assert words.split("\n") == [
        "hedgerow-1 “the best one”: scratch-small → Hedgerow Tales",
        "118 steps of 118 · perplexity 22.3 · 3:32 · 483k tokens · 14.2 MB · 2023-11-15",
    ]
    assert "in another process" in about(row("x", elsewhere=True))


# -- curves of dots ----------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.floats()), max_size=20).map(sorted),
    st.integers(0, 80),
    st.integers(0, 20),
)
def test_a_curve_fills_its_room_exactly_or_is_not_drawn(points, width: int, height: int) -> None:  # type: ignore[no-untyped-def]
    lines = drawn([Line(points, "here", "●")], width, height)
    some = any(abs(value) < 1e6 for _, value in points)
    if not some or width < AXIS + 8 or height < 4:
        assert lines == []
        return
    assert len(lines) == height
    assert {sum(len(text) for text, _ in line) for line in lines} == {width}
    assert sum(text.count("●") for line in lines for text, _ in line) == 1


def test_a_falling_curve_falls_and_a_gap_stays_a_gap() -> None:
    lines = drawn([Line([(0, 4.0), (50, 3.0), (100, 2.0)], "here")], 40, 12)
    places = [
        [x for x, sign in enumerate("".join(text for text, _ in line)[AXIS:]) if sign != " "]
        for line in lines[:-2]
    ]
    firsts = [min(place) for place in places if place]
    assert firsts == sorted(firsts)
    assert places[0]
    whole = drawn([Line([(0, 4.0), (50, 3.0), (100, 2.0)], "here")], 40, 12)
    broken = drawn([Line([(0, 4.0), (50, math.nan), (100, 2.0)], "here")], 40, 12)
    assert sum(len(t.split()) for line in whole for t, _ in line) > sum(
        len(t.split()) for line in broken for t, _ in line
    )


# -- side by side ------------------------------------------------------------------------------------------


def test_the_pinned_run_comes_first_and_the_one_under_the_cursor_last() -> None:
    rows = [row(name) for name in "abcdef"]
    picks = picks_of(rows, "c", "e", {"a": "▲", "c": "■", "gone": "▼", "e": "○"})
    assert [(pick.row.name, pick.sign) for pick in picks] == [("e", PINNED), ("a", "▲"), ("c", HERE)]
    assert [pick.row.name for pick in picks_of(rows, "e", "e", {})] == ["e"]
    assert picks_of((), "a", "b", {"c": "▲"}) == ()


def test_a_comparison_has_figures_and_only_the_options_that_differ() -> None:
    rows = [row("a", loss=3.5), dataclasses.replace(row("b"), plan=plan(learning_rate=1e-3, lora_rank=8))]
    table = [[text.strip() for text, _ in line] for line in table_of(picks_of(rows, "b", "a", {}), 60, 40)]
    assert table[0] == ["", "◆ a", "● b"]
    assert ["best loss", "3.500", "3.104"] in table
    assert ["voice", "19/24", "19/24"] in table
    assert table[3:5] == [["learning rate", "5.0e-4", "1.0e-3"], ["LoRA rank", "0", "8"]]
    assert [line[0] for line in table[5:]] == ["perplexity", "steps", "tokens", "time"]
    said = comparison_lines(picks_of(rows, "b", "a", {}))
    assert said[0] == "◆ a, ● b"
    assert "LoRA rank: 0 · 8" in said


@pytest.mark.parametrize("width", [36, 45, 80])
@pytest.mark.parametrize("height", [3, 8, 30])
def test_a_comparison_fits_its_room(width: int, height: int) -> None:
    rows = [dataclasses.replace(row(f"a-run-with-a-long-name-{i}"), plan=plan(seed=i)) for i in range(6)]
    table = table_of(
        picks_of(
            rows, rows[5].name, rows[0].name, dict(zip([each.name for each in rows[1:5]], MARKS, strict=True))
        ),
        width,
        height,
    )
    assert 1 < len(table) <= height
    assert all(sum(len(text) for text, _ in line) <= width for line in table)
    assert HERE in table[0][-1][0]


def test_losses_of_other_validation_stories_are_not_compared_in_silence() -> None:
    rows = [row("a"), dataclasses.replace(row("b"), plan=plan(seed=1)), row("c")]
    assert (
        remark(picks_of(rows, "b", "a", {}))
        == "Not the same validation stories: their losses are not comparable."
    )
    assert remark(picks_of(rows, "c", "a", {})) == ""
    assert remark(()) == ""


def test_one_run_has_two_curves_and_several_have_their_validation_only() -> None:
    rows = [row("a"), row("b")]
    curves = {name: RunCurve(((1, 4.0), (2, 3.0)), ((0, 5.0), (2, 3.5))) for name in "ab"}
    assert [line.style for line in lines_of(picks_of(rows, "a", "", {}), curves)] == ["training", "here"]
    assert [line.sign for line in lines_of(picks_of(rows, "a", "b", {}), curves)] == [PINNED, HERE]
    untested = {"a": RunCurve(((1, 4.0), (2, 3.0)), ((0, 5.0),))}  # before its first check
    assert [len(line.points) for line in lines_of(picks_of(rows, "a", "", {}), untested)] == [2, 1]
