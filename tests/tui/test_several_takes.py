"""Three ways to go on, told at once: all are saved while they stream, the first one is shown."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from storytime_tui.errors import ModelError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.told_record import read_record
from storytime_tui.stories import tree
from storytime_tui.tui import messages
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.telling_requests import ContinuationRequest, Telling
from storytime_tui.tui.widgets.page import Page
from tests.tui.conftest import SMALL, flat, until
from tests.tui.fakes import FakeTeller, World
from tests.tui.test_bridge import Setting
from tests.tui.test_story import LINE, go_to_story, send, told


class Three(Setting):
    """A telling of three takes after the words "Once"."""

    def __init__(self, folder: Path, teller: Any, clock: Any = lambda: 0.0) -> None:
        super().__init__(folder, teller, clock)
        self.yours = self.store.add_passage(self.story.id, "you", "Once")
        request = ContinuationRequest(
            self.store_thread, self.story.id, "Once", SamplerSettings(seed=81), takes=3
        )
        self.thread.begin(Telling(1, "m", request))

    def takes(self) -> list[str]:
        return [p.text for p in tree.passages_of(self.store, self.story.id) if p.parent == self.yours.id]


def test_all_three_are_kept_and_the_story_goes_on_with_the_first(tmp_path: Path) -> None:
    three = Three(tmp_path, FakeTeller("m", [" a", " b"], []))
    last = three.box.wait()[-1]
    assert three.takes() == [" 1: a b", " 2: a b", " 3: a b"]
    assert three.told() == " 1: a b"  # only the first is shown
    assert three.store.text(three.story.id) == "Once 1: a b"
    assert last.passage == three.store.story(three.story.id).head
    records = [read_record(p) for p in tree.passages_of(three.store, three.story.id)[1:]]
    assert [(r.settings.seed, r.together, r.place) for r in records] == [(81, 3, 0), (82, 3, 1), (83, 3, 2)]
    assert [p.ids for p in tree.passages_of(three.store, three.story.id)[1:]] == ["1,2"] * 3


def test_they_are_saved_while_they_stream_and_a_stop_keeps_what_is_there(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    seconds = iter(range(1_000_000))  # each look at the clock is a second later
    three = Three(tmp_path, FakeTeller("m", [" a", " b", " c"], [], gate=gate), lambda: next(seconds))
    gate.release(2)
    end = time.monotonic() + 60
    while three.takes() != [" 1: a b", " 2: a b", " 3: a b"]:
        assert time.monotonic() < end
        time.sleep(0.001)
    assert not any(isinstance(m, messages.TellingEnded) for m in three.box.messages)
    three.thread.stop()
    assert three.box.wait()[-1].told.stopped_by == "you"
    assert three.takes() == [" 1: a b", " 2: a b", " 3: a b"]
    assert three.store.text(three.story.id) == "Once 1: a b"


def test_a_failure_keeps_the_words_of_all(tmp_path: Path) -> None:
    three = Three(tmp_path, FakeTeller("m", [" a"], [], error=ModelError("The model is gone.")))
    assert three.box.wait()[-1].failure == "The model is gone."
    assert three.takes() == [" 1: a", " 2: a", " 3: a"]


def test_where_the_first_ends_without_a_word_the_story_goes_on_with_the_next(tmp_path: Path) -> None:
    three = Three(tmp_path, FakeTeller("m", [" a"], [], first_is_empty=True))
    last = three.box.wait()[-1]
    assert three.takes() == [" 2: a", " 3: a"]
    assert three.store.text(three.story.id) == "Once 2: a"
    assert last.passage == three.store.story(three.story.id).head


@pytest.mark.parametrize("size", [SMALL, (120, 40)])
async def test_a_key_tells_three_and_two_keys_leaf_through_them(
    app: StorytimeApp, world: World, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: "tokens told" in flat(app))
        app.screen.query_one(Page).focus()
        await pilot.press("a")
        await until(pilot, lambda: "‹ 1 of 3 ›" in flat(app))
        text = LINE + told(world)
        assert world.store().text(1) == f"{text} 1:{told(world)}"
        await pilot.press("alt+right", "alt+right")
        await until(pilot, lambda: "‹ 3 of 3 ›" in flat(app))
        assert world.store().text(1) == f"{text} 3:{told(world)}"
        assert " 3:" in app.screen.query_one(Page).text
        await pilot.press("u", "u", "u")  # the two leaves, and the telling
        await until(pilot, lambda: world.store().text(1) == text)


async def test_a_blank_page_says_how_a_story_begins(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        app.screen.query_one(Page).focus()
        await pilot.press("a")
        await until(pilot, lambda: "press b for three" in flat(app))
        assert not world.told
