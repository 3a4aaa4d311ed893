"""The map of a story's branches shows every passage once, and goes to any of them."""

import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from storytime_tui.stories import tree
from storytime_tui.stories.story import Passage
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.story_map import MapScreen
from storytime_tui.tui.story_map import DEEPEST, Stretch, stretches
from storytime_tui.tui.widgets.map_list import MapList
from storytime_tui.tui.widgets.page import Page
from tests.tui.conftest import SMALL, screen_text, until
from tests.tui.fakes import World
from tests.tui.test_story import LINE
from tests.tui.test_story_passages import FIRST, SECOND, retried, told_once


@st.composite
def forests(draw: st.DrawFn) -> tuple[tuple[Passage, ...], int | None]:
    passages: list[Passage] = []
    for number in range(1, draw(st.integers(0, 14)) + 1):
        parent = draw(st.none() | st.integers(1, number - 1)) if number > 1 else None
        pruned = draw(st.booleans()) and draw(st.booleans())
        passages.append(Passage(number, 1, parent, "you", f"w{number} ", "", "", 0.0, pruned=pruned))
    head = draw(st.none() | st.sampled_from([p.id for p in passages])) if passages else None
    return tuple(passages), head


@given(forests())
def test_every_passage_is_in_one_row_and_the_present_text_runs_down_the_left(
    forest: tuple[tuple[Passage, ...], int | None],
) -> None:
    passages, head = forest
    rows = stretches(passages, head, with_pruned=True)
    by_id = {passage.id: passage for passage in passages}
    seen: list[int] = []
    for row in rows:
        at: int | None = row.last
        part = []
        while at is not None:
            part.append(at)
            at = None if at == row.first else by_id[at].parent
        assert part[-1] == row.first and len(part) == row.passages == row.words
        seen += part
    assert sorted(seen) == sorted(by_id)
    path = []
    while head is not None:
        path.append(head)
        head = by_id[head].parent
    current = [row for row in rows if row.current]
    assert all(row.depth == 0 for row in current)
    assert [row.first for row in current] == [id for id in reversed(path) if id in {r.first for r in rows}]
    hidden = stretches(passages, forest[1])
    assert not any(row.pruned for row in hidden)


def test_a_row_says_who_wrote_in_its_whole_stretch() -> None:
    def who(*writers: str) -> str:
        passages = [
            Passage(at, 1, at - 1 or None, "model" if each == "model" else "you", "w ", "", "", 0.0,
                    edited_from=99 if each == "edited" else None)
            for at, each in enumerate(writers, 1)
        ]  # fmt: skip
        (row,) = stretches(passages, len(passages))
        return row.who

    assert (who("you", "you"), who("model"), who("edited")) == ("you", "model", "edited")
    assert who("you", "model") == who("model", "you") == who("model", "edited") == "both"
    assert who("you", "edited") == "edited"


@pytest.mark.parametrize("width", [38, 44, 55, 56, 80, 120])
def test_the_columns_of_the_map_stay_apart_and_in_place(width: int) -> None:
    sizes = (0, 1, 90, 215_817, 999_999)
    rows = [
        Stretch(
            at, at, 0, words, 1, "Once upon a time there was a mouse " * 3, who, "", False, False, at == 1
        )
        for at, (words, who) in enumerate(itertools.product(sizes, ("you", "model", "edited", "both")))
    ]
    listed = MapList(id="list")
    listed.rows = rows
    lines = ["".join(text for text, _ in listed.parts(at, width)) for at in range(len(rows))]
    assert {cell_len(line) for line in lines} == {width}
    assert "you + model 215,817 words" in " ".join(lines) or width < 56
    for line, row in zip(lines, rows, strict=True):
        who, number = ("you + model" if row.who == "both" and width >= 56 else row.who), f"{row.words:,}"
        assert re.search(rf"… +{re.escape(who)} +{number}( words?)? +$", line), line
    ends = {re.search(r"\d\b[^\d]*$", line).start() for line in lines}  # type: ignore[union-attr]
    assert len(ends) == 1  # the numbers stand below each other


def test_a_story_with_five_hundred_edits_is_laid_out_in_a_moment_and_stays_narrow() -> None:
    passages, parent = [], None
    for number in range(1, 1001):
        passages.append(Passage(number, 1, parent, "you", "word " * 50, "", "", 0.0))
        parent = number if number % 2 else parent  # every second one is a branch of one passage
    begun = time.perf_counter()
    rows = stretches(passages, parent)
    assert time.perf_counter() - begun < 1
    assert len([row for row in rows if not row.current]) == 500 and max(row.depth for row in rows) <= DEEPEST


async def test_the_map_goes_to_a_branch_names_marks_and_prunes_it(app: StorytimeApp, world: World) -> None:
    world.pieces = [FIRST]
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        await retried(pilot, app, world, SECOND)
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, MapScreen) and app.screen.query_one(MapList).rows)
        assert "2 branches" in screen_text(app)
        rows = app.screen.query_one(MapList).rows
        assert [(row.current, row.depth) for row in rows] == [(True, 0), (False, 1), (True, 0)]
        await pilot.press("d")
        await until(pilot, lambda: "go to another one first" in screen_text(app))
        await pilot.press("up", "n")
        await until(pilot, lambda: "Name this branch" in screen_text(app))
        await pilot.press(*"buttons", "enter")
        await until(pilot, lambda: isinstance(app.screen, MapScreen) and "○ buttons" in screen_text(app))
        await pilot.press("m")
        await until(pilot, lambda: "◆ buttons" in screen_text(app))
        await pilot.press("d")
        await until(pilot, lambda: "1 branch" in screen_text(app) and "◆" not in screen_text(app))
        await pilot.press("h")
        await until(pilot, lambda: "buttons (pruned)" in screen_text(app))
        await pilot.press("down", "d")
        await until(pilot, lambda: "(pruned)" not in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: page.text == LINE + FIRST and isinstance(app.focused, Page))
        labelled = [p for p in tree.passages_of(world.store(), 1) if p.name]
        assert [(p.name, p.marked, p.pruned, p.text) for p in labelled] == [("buttons", True, False, FIRST)]
        await pilot.press("u")
        await until(pilot, lambda: page.text == LINE + SECOND)
