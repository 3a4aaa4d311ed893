"""Copied or new on the Story screen: what the model recites is marked, its source is shown, and it can be avoided."""

import threading

import pytest
from textual.widgets import Static

from storytime_tui.jobs.copied import RUN_OF_WORDS, Learned, Source, copied_index
from storytime_tui.reporting import Report
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.copied_words import USUAL_RUN, joined_ranges
from storytime_tui.tui.screens.source import SourceScreen
from storytime_tui.tui.widgets.copied_line import CopiedLine
from storytime_tui.tui.widgets.page import Page
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fake_library import SHELF
from tests.tui.fakes import World
from tests.tui.test_story import go_to_story, send

WIDE = (120, 40)
COPIED = "there lived a hedgehog who owned an umbrella. It was a very old umbrella"
LINE = "Once, at the bottom of the garden,"


def knows_hedgerow(model: str, report: Report) -> Learned:
    stories = SHELF[0].stories
    return Learned(copied_index(stories, report), "", tuple(Source("hedgerow", story) for story in stories))


@pytest.fixture
def reciting(world: World) -> World:
    world.learned_from = knows_hedgerow
    world.pieces = tuple(f" {word}" for word in f"{COPIED} or nobody knew it.".split())
    return world


def marked(app: StorytimeApp) -> list[str]:
    page = app.screen.query_one(Page)
    return [page.text[span.start : span.end] for span in page._paints.get("copied", ())]


def line(app: StorytimeApp) -> str:
    """What is said, in the panel or above the prompt: never in both."""
    shown = [
        each for each in (app.screen.query_one(CopiedLine), app.screen.query_one("#copied")) if each.display
    ]
    shown = [each for each in shown if all(parent.display for parent in each.ancestors_with_self)]
    assert len(shown) < 2
    return " ".join(str(each.render()) for each in shown).removeprefix("Copied  ")


async def tell(pilot, app: StorytimeApp) -> None:  # type: ignore[no-untyped-def]
    await go_to_story(pilot, app)
    await send(pilot, LINE)
    await until(pilot, lambda: "tokens told" in screen_text(app))


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_a_recited_passage_is_marked_and_its_source_is_said_and_shown(
    reciting: World, size: tuple[int, int]
) -> None:
    app = make_app(reciting)
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        await tell(pilot, app)
        await until(pilot, lambda: marked(app))
        assert marked(app) == [COPIED]
        assert line(app).startswith("78%: 14 words from “The Hedgehog's Umbrella” (Hedgerow Tales), word 12")
        assert "Copied" in flat(app) and app.screen.query_one(CopiedLine).display == (size == SMALL)
        await pilot.press("escape", "C")
        await until(pilot, lambda: isinstance(app.screen, SourceScreen) and "Primrose" in screen_text(app))
        source = app.screen.query_one("#source-text", Static)
        await until(pilot, lambda: COPIED in " ".join(str(source.content).split()))
        assert "word 12" in flat(app) and "run 1 of" not in flat(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "library" and "The Hedgehog's Umbrella" in flat(app))


async def test_without_the_panel_it_stands_above_the_prompt(reciting: World) -> None:
    app = make_app(reciting)
    async with app.run_test(size=WIDE) as pilot:
        await tell(pilot, app)
        await until(pilot, lambda: line(app))
        await pilot.press("escape", "p")
        await until(pilot, lambda: app.screen.query_one(CopiedLine).display and line(app).startswith("78%"))
        await pilot.press("p")
        await until(
            pilot, lambda: not app.screen.query_one(CopiedLine).display and line(app).startswith("78%")
        )


async def test_new_words_are_said_to_be_new(reciting: World) -> None:
    reciting.pieces = (" lived", " a", " hedgehog", " who", " owned", " a", " very", " small", " hat.")
    app = make_app(reciting)
    async with app.run_test(size=SMALL) as pilot:
        await tell(pilot, app)
        await until(pilot, lambda: "longest run 5 words: new" in flat(app))
        assert not marked(app)
        await pilot.press("escape", "C")
        await until(pilot, lambda: "No 8 words in a row of this passage" in flat(app))


async def test_c_takes_the_marks_away_and_they_stay_away_at_the_next_start(reciting: World) -> None:
    kept: dict[str, object] = {}
    app = make_app(reciting)
    app.desk.preferences._keep = lambda changed: kept.update(changed) or ""
    async with app.run_test(size=SMALL) as pilot:
        await tell(pilot, app)
        await until(pilot, lambda: marked(app) and line(app))
        await pilot.press("escape", "c")
        await until(pilot, lambda: not marked(app) and not line(app))
        assert "are not marked now; c marks them again" in flat(app)
        await until(pilot, lambda: kept == {"copied_marks": False})
        await pilot.press("c")
        await until(pilot, lambda: marked(app) == [COPIED])


async def test_marks_stay_where_they_belong_when_the_story_is_opened_undone_and_redone(
    reciting: World,
) -> None:
    app = make_app(reciting)
    async with app.run_test(size=SMALL) as pilot:
        await tell(pilot, app)
        await until(pilot, lambda: marked(app) == [COPIED])
        await pilot.press("escape", "u")
        await until(pilot, lambda: "hedgehog" not in screen_text(app))
        assert not marked(app)
        await pilot.press("y")
        await until(pilot, lambda: marked(app) == [COPIED])
    again = make_app(reciting)
    async with again.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, again)
        await until(pilot, lambda: marked(again) == [COPIED])


async def test_what_is_not_known_is_said_once(world: World) -> None:
    sentence = "Copies cannot be looked for: it is not recorded what hedgerow-1 learned from."
    world.learned_from = lambda model, report: Learned(None, sentence)
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await tell(pilot, app)
        await until(pilot, lambda: line(app) == sentence)
        await pilot.press("enter")
        await until(pilot, lambda: len(world.told) == 2 and not app.desk.busy and not line(app))
        await pilot.press("escape")
        for key in ("C", "A"):
            await pilot.press("k", key)  # another message, then this one again
            await until(pilot, lambda: sentence in flat(app))
        assert not app.desk.preferences.now.avoid_copying


async def test_a_turns_avoiding_on_and_off(reciting: World) -> None:
    app = make_app(reciting)
    async with app.run_test(size=SMALL) as pilot:
        await tell(pilot, app)
        await pilot.press("escape", "A")
        await until(pilot, lambda: "tells no 8 words in a row" in flat(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: len(reciting.told) == 2)
        assert reciting.told[1][1].avoid_copying == RUN_OF_WORDS == USUAL_RUN
        assert app.desk.preferences.now.avoid_copying == 8
        await until(pilot, lambda: not app.desk.busy)
        await pilot.press("escape", "A")
        await until(pilot, lambda: "may tell words" in flat(app))
        assert app.desk.preferences.now.avoid_copying == 0


async def test_making_the_index_shows_how_far_it_is_and_ends_when_the_screen_is_left(reciting: World) -> None:
    go_on = threading.Event()
    looking: list[int] = []  # a second look may begin before the first has ended

    def slowly(model: str, report: Report) -> Learned:
        if go_on.is_set():
            return knows_hedgerow(model, report)
        looking.append(1)
        try:
            report("indexing the stories", 4_000_000, 10_000_000)
            while not go_on.wait(0.005):
                report("indexing the stories", 4_500_000, 10_000_000)
        finally:
            looking.pop()
        raise AssertionError("not stopped")

    reciting.learned_from = slowly
    app = make_app(reciting)
    async with app.run_test(size=SMALL) as pilot:
        await tell(pilot, app)
        await until(pilot, lambda: "Reading what hedgerow-1 learned from: indexing the stories" in flat(app))
        await pilot.press("f2")
        await until(pilot, lambda: not looking)
        go_on.set()
        await pilot.press("f4")
        await until(pilot, lambda: marked(app) == [COPIED])


async def test_looking_never_runs_on_the_event_loop(reciting: World) -> None:
    threads: list[threading.Thread] = []

    def learned(model: str, report: Report) -> Learned:
        threads.append(threading.current_thread())
        return knows_hedgerow(model, report)

    reciting.learned_from = learned
    app = make_app(reciting)
    async with app.run_test(size=SMALL) as pilot:
        await tell(pilot, app)
        await until(pilot, lambda: marked(app))
    assert threads and threading.main_thread() not in threads


def test_ranges_are_joined_where_they_touch() -> None:
    assert joined_ranges([(5, 9), (0, 2), (8, 12), (12, 13)]) == [(0, 2), (5, 13)]
