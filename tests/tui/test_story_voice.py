"""The voice that a story is told in: chosen, mixed, turned off, shown, and kept with the story."""

import json
from typing import Any

import pytest
from textual.pilot import Pilot

from storytime_tui.jobs.told_record import last_voice
from storytime_tui.stories.story import Passage
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.dialogs import AskScreen, ChooseScreen
from storytime_tui.tui.widgets.header import state_words
from tests.tui.conftest import SMALL, flat, make_app, screen_text, until
from tests.tui.fakes import World
from tests.tui.test_said import learning
from tests.tui.test_story import LINE, go_to_story, send

TALES, GRIMM = "Hedgerow Tales", "Grimm"
BOTH = ((TALES, 0.75), (GRIMM, 0.25))


async def choose(pilot: Pilot[Any], app: StorytimeApp, *rows: str) -> None:
    """Choose these rows in one dialog after another."""
    await pilot.press("v")
    for row in rows:
        await until(
            pilot, lambda row=row: isinstance(app.screen, ChooseScreen) and f" {row}" in screen_text(app)
        )
        titles = [each.title for each in app.screen.query_one("#choices").rows]  # type: ignore[attr-defined]
        await pilot.press("home", *["down"] * titles.index(row), "enter")


async def tell(pilot: Pilot[Any], world: World, app: StorytimeApp) -> Any:
    """Send a line; the voice that it was told in, and what is kept of that."""
    before = len(world.last_voice)
    await send(pilot)
    await until(pilot, lambda: len(world.last_voice) == before + 1 and not app.desk.busy)
    await until(pilot, lambda: "tokens told" in screen_text(app))
    await pilot.press("escape")
    return world.last_voice[-1]


def kept(world: World) -> list[Any]:
    return [
        json.loads(passage.settings).get("voice", "nothing")
        for passage in world.store().passages(1)
        if passage.author == "model"
    ]


async def test_a_voice_is_chosen_in_the_middle_of_a_story_and_taken_up_again_with_it(world: World) -> None:
    world.voices = {"hedgerow-1": (TALES, GRIMM)}
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: f"hedgerow-1 · {TALES}" in screen_text(app))
        assert await tell(pilot, world, app) == ((TALES, 1.0),)  # the first, unasked
        await until(pilot, lambda: "? Help" in screen_text(app))
        await choose(pilot, app, GRIMM)
        await until(pilot, lambda: f"hedgerow-1 · {GRIMM} · cpu" in screen_text(app))
        await pilot.press("enter")
        assert await tell(pilot, world, app) == ((GRIMM, 1.0),)
        await choose(pilot, app, "No voice")
        await until(pilot, lambda: "hedgerow-1 · no voice · cpu" in screen_text(app))
        await pilot.press("enter")
        assert await tell(pilot, world, app) == ()
        await choose(pilot, app, "A mixture of two", TALES, GRIMM)
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("0", "enter")  # 500 per cent
        await until(pilot, lambda: "Type a number from 1 to 99" in flat(app))
        await pilot.press("backspace", "backspace", "backspace", *"25", "enter")
        await until(pilot, lambda: "75% Hedg" in screen_text(app))
        await pilot.press("enter")
        assert await tell(pilot, world, app) == BOTH
        assert "Shelf" not in screen_text(app)
    assert kept(world) == [[[TALES, 1.0]], [[GRIMM, 1.0]], [], [list(part) for part in BOTH]]
    assert "Shelf" not in world.store().text(1) and TALES not in world.store().text(1)
    again = make_app(world)
    async with again.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, again)
        await until(pilot, lambda: "75% Hedg" in screen_text(again))
        assert again.desk.writing.now.voice == BOTH


async def test_a_model_without_voices_is_asked_as_before_and_the_key_says_why(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        app.desk.writing.choose_voice(((GRIMM, 1.0),))  # as another model's story left it
        await until(pilot, lambda: "hedgerow-1 · cpu" in screen_text(app))
        assert await tell(pilot, world, app) == ()
        assert "v Voice" not in screen_text(app)
        await pilot.press("v")
        await until(pilot, lambda: "This model has no voices" in screen_text(app))
    assert kept(world) == ["nothing"]


def test_the_voice_stands_beside_the_models_name_as_far_as_there_is_room() -> None:
    def said(room: int, voice: str = TALES) -> str:
        return state_words(view, "hedgerow-tales-1", "cpu", "story", room, voice).plain

    view = type(learning())()
    assert said(60) == "hedgerow-tales-1 · Hedgerow Tales · cpu"
    assert said(38) == "hedgerow-tales-1 · Hedgerow Tales"
    for room in (20, 25, 30):
        assert len(said(room, f"75% {TALES} + 25% {GRIMM}")) <= room
        assert " · 75%" in said(room, f"75% {TALES} + 25% {GRIMM}")
    assert state_words(view, "starter", "cpu", "train", 60, TALES).plain == "starter · cpu"


@pytest.mark.parametrize(
    ("settings", "voice"),
    [
        ("{}", None),
        ("", None),
        ("[1]", None),
        ('{"voice": "Grimm"}', None),
        ('{"voice": []}', ()),
        ('{"voice": [["Grimm", 1.0]]}', ((GRIMM, 1.0),)),
    ],
)
def test_a_storys_voice_is_its_last_tellings(settings: str, voice: Any) -> None:
    told = Passage(2, 1, 1, "model", " a mouse", "hedgerow-1", settings, 0.0)
    yours = Passage(1, 1, None, "you", LINE, "", "", 0.0)
    assert last_voice([yours, told, yours]) == voice
    assert last_voice([yours]) is None
