"""Story: how strongly the model has what it learned, chosen with a key and kept with the story."""

import json
from pathlib import Path

import pytest

from storytime_tui.jobs.told_record import last_strength
from storytime_tui.stories.story import Passage
from storytime_tui.tui import messages
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.choice_list import ChoiceList
from tests.tui.conftest import SMALL, make_app, screen_text, until
from tests.tui.fakes import FakeTeller, World
from tests.tui.test_bridge import Setting
from tests.tui.test_story import go_to_story, send


async def choose(pilot, app: StorytimeApp, *keys: str) -> None:  # type: ignore[no-untyped-def]
    await pilot.press("escape", "s")
    await until(pilot, lambda: isinstance(app.focused, ChoiceList))
    await pilot.press(*keys, "enter")


async def test_another_strength_is_chosen_told_with_and_kept(app: StorytimeApp, world: World) -> None:
    world.usual = 1.25
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: "strength 1.25 · temperature" in screen_text(app))
        await send(pilot)
        await until(pilot, lambda: "tokens told" in screen_text(app))
        await pilot.press("escape", "s")
        await until(pilot, lambda: "1.25, the run's usual one" in screen_text(app))
        assert "the run as trained" in screen_text(app)
        await pilot.press("down", "enter")  # 0
        await until(pilot, lambda: world.opened == ["hedgerow-1", "hedgerow-1 at 0"])
        await until(pilot, lambda: "strength 0 · temperature" in screen_text(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: len(world.told) == 2 and "tokens told" in screen_text(app))
        kept = [json.loads(p.settings)["strength"] for p in world.store().passages(1) if p.settings]
        assert kept == [1.25, 0.0]
        await choose(pilot, app, "up")  # the default: it is open still
        await until(pilot, lambda: "strength 1.25 ·" in screen_text(app))
        assert len(world.opened) == 2


async def test_a_story_is_gone_on_with_at_its_own_strength(world: World) -> None:
    store = world.store()
    for title, strength in (("First", 0.5), ("Second", 1.5)):
        story = store.new_story(title)
        store.add_passage(story.id, "model", "Long ago.", "hedgerow-1", json.dumps({"strength": strength}))
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: "strength 1.5 ·" in screen_text(app))
        await until(pilot, lambda: world.opened == ["hedgerow-1 at 1.5"])
        await pilot.press("escape", "o")
        await until(pilot, lambda: "First" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: world.opened == ["hedgerow-1 at 1.5", "hedgerow-1 at 0.5"])
        await until(pilot, lambda: "strength 0.5 ·" in screen_text(app))


async def test_a_strength_that_cannot_be_is_said_and_the_one_before_stays(
    app: StorytimeApp, world: World
) -> None:
    world.refused = (2.0,)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: world.opened)
        await choose(pilot, app, "end")
        await until(pilot, lambda: "can be told at strength 1 only" in screen_text(app))
        assert "strength 2 ·" not in screen_text(app)
        await pilot.press("enter")
        await send(pilot)
        await until(pilot, lambda: world.told)
        assert world.opened == ["hedgerow-1"]


async def test_a_base_has_no_strength_and_another_model_begins_at_its_own(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await choose(pilot, app, "end")
        await until(pilot, lambda: "strength 2 ·" in screen_text(app))
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.focused, ChoiceList) and app.focused.rows)
        await pilot.press("down", "enter")
        await until(pilot, lambda: world.opened[-1] == "distilgpt2")
        assert "strength 2 ·" not in screen_text(app)
        await pilot.press("s")
        await until(pilot, lambda: "distilgpt2 is a base" in screen_text(app))


def test_each_strength_has_a_teller_of_its_own_and_all_are_forgotten_together(tmp_path: Path) -> None:
    setting = Setting(tmp_path, None)
    opened: list[float | None] = []

    def open_teller(name: str, progress: object, strength: float | None) -> FakeTeller:
        opened.append(strength)
        return FakeTeller(name, [" a"], [], strength=1.25 if strength is None else strength)

    setting.thread._open_teller = open_teller
    for number, strength in enumerate((None, 0.5, None, 1.25, 0.5)):
        setting.tell(number, strength=strength)
        setting.box.wait()
    assert opened == [None, 0.5]
    ready = [m.strength for m in setting.box.messages if isinstance(m, messages.TellerReady)]
    assert ready == [1.25, 0.5, 1.25, 1.25, 0.5]
    setting.thread.forget("m")
    for number, strength in enumerate((None, 0.5), 5):
        setting.tell(number, strength=strength)
        setting.box.wait()
    assert opened == [None, 0.5, None, 0.5]


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ('{"strength": 1.5}', 1.5),
        ('{"strength": 2}', 2.0),
        ("{}", None),
        ("", None),
        ("[1]", None),
        ('{"strength": 7}', None),
        ('{"strength": NaN}', None),
        ('{"strength": true}', None),
        ('{"strength": "much"}', None),
    ],
)
def test_what_a_record_says_of_the_strength_may_be_anything(settings: str, found: float | None) -> None:
    passages = [
        Passage(1, 1, None, "model", "", "run", settings, 0.0),
        Passage(2, 1, 1, "you", "", "", "", 0.0),
    ]
    assert last_strength(passages, "run") == found
    assert last_strength(passages, "another") is None
    assert last_strength([], "run") is None
