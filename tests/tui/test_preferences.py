"""Preferences: what was chosen in the app holds the next time."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from storytime_tui.errors import StorytimeError
from storytime_tui.settings import Loaded, Settings, change_settings, load_settings
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.story import StoryScreen
from storytime_tui.tui.settings_mistakes import theme_mistake
from storytime_tui.tui.theme import TITLES as THEME_NAMES
from storytime_tui.tui.widgets.plan_form import PlanForm
from tests.tui.conftest import flat, until
from tests.tui.fakes import World


def app_of(world: World) -> StorytimeApp:
    return StorytimeApp(
        dataclasses.replace(world.services(), load_settings=without_tour, save_settings=change_settings)
    )


def without_tour() -> Loaded:
    """What is on the disk, for somebody who has left the tour."""
    loaded = load_settings()
    return dataclasses.replace(loaded, settings=dataclasses.replace(loaded.settings, tour="done"))


async def test_a_theme_and_the_samplers_settings_are_kept_for_the_next_time(world: World, home: Path) -> None:
    app = app_of(world)
    async with app.run_test(size=(80, 24)) as pilot:
        app.theme = "storytime-paper" if "storytime-paper" in app.available_themes else "textual-light"
        chosen = app.theme
        app.desk.prefer(temperature=1.1, max_tokens=50)
        await until(
            pilot, lambda: load_settings().settings == Settings(theme=chosen, temperature=1.1, max_tokens=50)
        )
    assert app_of(world).theme == chosen


async def test_the_preferred_base_is_chosen(world: World, home: Path) -> None:
    for base in ("scratch-tiny", "somebody/some-model"):
        change_settings({"base": base})
        app = app_of(world)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("2")
            await until(pilot, lambda app=app: app.screen.query(PlanForm))
            assert app.screen.query_one(PlanForm).base == base


async def test_a_settings_file_with_mistakes_is_told_kept_and_stops_nothing(world: World, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    file = home / "settings.toml"
    file.write_text('colour = "[/b]"\ntemperature = 7\ntheme = "no such"\n')
    app = app_of(world)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app._notifications)
        (message,) = (each.message for each in app._notifications)  # several would cover each other
        assert message.startswith(
            "3 entries of the settings file cannot be used: `storytime-tui doctor` lists them."
        )
        assert "The first: " in message and "Unknown setting 'colour'" in message
        await until(pilot, lambda: "doctor" in flat(app) and "'colour'" in flat(app))
        assert app.theme == StorytimeApp(world.services()).theme
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        app.desk.prefer(max_tokens=50)
        await until(pilot, lambda: load_settings().settings == Settings(theme="no such", max_tokens=50))
    assert file.read_text() == 'colour = "[/b]"\ntemperature = 7\ntheme = "no such"\nmax_tokens = 50\n'


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("storytime-papre", "Did you mean 'storytime-paper'?"),
        ("light", "Did you mean 'storytime-paper'?"),  # as the settings call it
        ("nrod", "Did you mean 'nord'?"),
        ("zzz", f"There are {', '.join(THEME_NAMES)}, and more under “All themes” in the palette (ctrl+p)."),
    ],
)
def test_an_unknown_theme_is_said_with_what_may_be_meant(name: str, says: str) -> None:
    mistake = theme_mistake(name)
    assert f"the theme {name!r} does not exist; 'storytime' is used" in mistake and mistake.endswith(says)


def test_every_theme_that_can_be_chosen_is_known(world: World) -> None:
    themes = app_of(world).available_themes
    assert len(themes) > 10 and [theme_mistake(name) for name in themes] == [""] * len(themes)


async def test_one_mistake_alone_is_said_as_it_is(world: World, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text("temperature = 7\n")
    app = app_of(world)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app._notifications)
        (message,) = (each.message for each in app._notifications)
        assert message.startswith("In the settings file ") and "temperature is 7, but must be" in message


async def test_two_apps_keep_what_each_of_them_changed(world: World, home: Path) -> None:
    one, other = app_of(world), app_of(world)
    async with one.run_test(size=(80, 24)) as pilot:
        one.desk.prefer(temperature=1.1)
        other.desk.prefer(max_tokens=50)
        await until(pilot, lambda: load_settings().settings == Settings(temperature=1.1, max_tokens=50))


async def test_settings_that_cannot_be_kept_are_told_and_tried_again(world: World) -> None:
    kept: list[Mapping[str, object]] = []

    def full(changed: Mapping[str, object]) -> str:
        kept.append(changed)
        if len(kept) == 1:
            raise StorytimeError("The disk is full: saving the settings did not finish.")
        return ""

    app = StorytimeApp(dataclasses.replace(world.services(), save_settings=full))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.desk.prefer(temperature=1.1)
        await until(pilot, lambda: any("The disk is full" in n.message for n in app._notifications))
        app.desk.prefer(max_tokens=50)
        await until(pilot, lambda: kept[1:] == [{"temperature": 1.1, "max_tokens": 50}])
