"""What lets keys answer at once: a walk over all screens has its answers, lists of any length, a run that gives way."""

import json
import os
import re
import sys
import threading
from pathlib import Path

import pytest

from storytime_tui import tui
from storytime_tui.jobs.bench.keys import fill_home
from storytime_tui.jobs.generate import ModelChoice
from storytime_tui.stories.store import StoryStore
from storytime_tui.training import runs
from storytime_tui.tui import preload_screens, walk
from storytime_tui.tui.help_words import EVERYWHERE, HELP
from storytime_tui.tui.low_priority import NICE, SWITCH, low_priority
from storytime_tui.tui.widgets.choice_list import ChoiceList
from storytime_tui.tui.widgets.help_lines import KEYS, lines_of
from storytime_tui.tui.widgets.story_list import StoryList
from tests.tui.conftest import SMALL, make_app, screen_text, shelf_is_open, until
from tests.tui.fakes import World, a_run

pytestmark = pytest.mark.usefixtures("every_frame")


async def test_every_key_of_the_walk_has_its_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "BETWEEN", 0.0)
    store = world.services().open_store()
    story = store.new_story("The Mouse")
    store.add_passage(story.id, "you", "Once.")
    store.close()
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await preload_screens.preload_screens(app)
        assert set(app._screen_stacks) == {"library", "train", "story", "runs"}  # made, and not yet at work
        assert app.current_mode == "library" and not world.opened
        await pilot.press("2", "s")
        world.run.say(*a_run(50))
        await until(pilot, lambda: app.desk.training.view.done == 50)
        took = await walk.take_walk(app, walk.keys_of_walk(), 2)
        assert len(took) == 2 * len(walk.keys_of_walk())
        assert all(seconds > 0 for _, seconds in took)
        world.run.say(None)


async def test_lists_of_any_length_are_open_before_they_are_read(world: World) -> None:
    """500 stories and 100 runs: the dialog does not wait for them, and draws only those in view."""
    store = world.services().open_store()
    for number in range(500):
        store.new_story(f"Story {number}")
    store.close()
    known = tuple(ModelChoice(f"run-{i}", f"run-{i}", "taught hedgerow") for i in range(100))
    asked, go = threading.Event(), threading.Event()

    def choices() -> tuple[ModelChoice, ...]:
        if asked.is_set():
            go.wait(10)
        asked.set()
        return known

    world.choices = known
    services = world.services()
    object.__setattr__(services, "model_choices", choices)
    world.services = lambda: services  # type: ignore[method-assign]
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: app.desk.writing.now.model)
        await pilot.press("escape", "m")
        await until(pilot, lambda: isinstance(app.focused, ChoiceList))
        # with the one for another
        assert len(app.focused.rows) == 101  # as they were last known, while they are looked for again
        go.set()
        await pilot.press("end")
        await until(pilot, lambda: "run-99" in screen_text(app))
        await pilot.press("escape", "o")
        await until(pilot, lambda: isinstance(app.focused, StoryList) and len(app.focused.rows) == 500)
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 1 and "Story 498" in screen_text(app))


def test_every_screen_with_a_help_of_its_own_has_one() -> None:
    screens = Path(tui.__file__).parent / "screens"
    found = [
        re.findall(r'help_topic = "(.*)"', file.read_text(encoding="utf-8")) for file in screens.glob("*.py")
    ]
    topics = {topic for each in found for topic in each}
    assert {"bookshelf", "book", "map"} <= topics <= set(HELP)


def test_the_help_is_laid_out_in_lines_that_fit() -> None:
    for mode in HELP:
        for width in (40, 74):
            lines = lines_of((*HELP[mode], *EVERYWHERE), width)
            texts = ["".join(text for text, _ in line) for line in lines]
            assert max(len(text.rstrip()) for text in texts) <= max(width, KEYS + 10)
            words = " ".join(texts).split()
            for title, introduction, rows in HELP[mode]:
                for said in (title, introduction, *(meaning for _, meaning in rows)):
                    assert set(said.split()) <= set(words)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own there")
def test_a_run_gives_way_to_the_screen_and_nothing_else_does() -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def run() -> None:
        with low_priority():
            look()
            assert sys.getswitchinterval() == pytest.approx(SWITCH)
            inner = threading.Thread(target=look)
            inner.start()
            inner.join()

    own, interval = os.getpriority(os.PRIO_PROCESS, 0), sys.getswitchinterval()
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [max(own, NICE)] * 2  # its own threads, such as torch's, come after it
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
    assert sys.getswitchinterval() == interval


def test_a_home_to_measure_by_has_what_it_says(home: Path) -> None:
    fill_home(home, stories=3, runs=2)
    store = StoryStore(home / "stories.sqlite3")
    assert len(store.stories()) == 3
    store.close()
    assert [(run.state, run.step, bool(run.checkpoints)) for run in runs.list_runs()] == [
        ("finished", 100, True)
    ] * 2
    assert (
        json.loads((home / "runs" / "hedgerow-0" / "events.jsonl").read_text().splitlines()[0])["event"]
        == "started"
    )
