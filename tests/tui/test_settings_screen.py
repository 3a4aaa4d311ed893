"""The settings screen: one key on every screen, every row works, and what is changed holds, is said and is kept."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from storytime_tui import paths
from storytime_tui.generation.computing import Computing
from storytime_tui.knobs import table
from storytime_tui.settings import Loaded, Settings, change_settings, load_settings
from storytime_tui.tui import theme
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.plan_draft import plan_of
from storytime_tui.tui.screens.palette import PaletteScreen
from storytime_tui.tui.screens.settings import SettingsScreen
from storytime_tui.tui.settings_rows import PREFERENCES, SAMPLER, knobs_of
from storytime_tui.tui.widgets.knob_list import KnobList
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.plan_form import PlanForm
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fakes import PLACES, World
from tests.tui.test_how_it_learns import open_screen


def without_tour() -> Loaded:
    """What is on the disk, for somebody who has left the tour."""
    loaded = load_settings()
    return dataclasses.replace(loaded, settings=dataclasses.replace(loaded.settings, tour="done"))


@pytest.fixture
def kept(world: World, home: Path) -> StorytimeApp:
    """An app whose settings are on the disk."""
    app = StorytimeApp(
        dataclasses.replace(world.services(), load_settings=without_tour, save_settings=change_settings)
    )
    app.animation_level = "none"
    return app


async def open_settings(pilot: Pilot[Any], name: str = "theme") -> None:
    app = pilot.app
    await shelf_is_open(pilot)
    await pilot.press("comma")
    await until(pilot, lambda: isinstance(app.focused, KnobList) and app.focused.chosen)
    app.screen.query_one(KnobList).go_to(name)
    await until(pilot, lambda: app.screen.query_one(KnobList).chosen == name)


async def test_one_key_opens_the_settings_on_every_screen_and_closes_them(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        for key, first in (("1", "theme"), ("2", "theme"), ("3", "preset"), ("4", "theme")):
            await pilot.press(key)
            await until(pilot, lambda key=key: app.current_mode == _mode(key))
            if key == "3":
                await until(pilot, lambda: app.screen.query(Page))
                await pilot.press("escape")  # a comma is a comma where one writes
            depth = len(app.screen_stack)
            await pilot.press("comma")
            await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
            await until(pilot, lambda first=first: app.screen.query_one(KnobList).chosen == first)
            await pilot.press("comma")
            await until(pilot, lambda depth=depth: len(app.screen_stack) == depth)
        await pilot.press("3", "escape", "o")
        await until(pilot, lambda: type(app.screen).__name__ == "BookshelfScreen")
        await pilot.press("comma")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))


def _mode(key: str) -> str:
    return {"1": "library", "2": "train", "3": "story", "4": "runs"}[key]


async def test_on_how_it_learns_it_is_the_same_key(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await pilot.press("comma")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))


async def test_the_palette_has_the_settings_once(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        for mode in ("library", "story"):
            await app.action_mode(mode)
            await until(pilot, lambda mode=mode: app.current_mode == mode)
            titles = [command.title for command in app.get_system_commands(app.screen)]
            assert titles.count("Settings") == 1
        await pilot.press("escape", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, PaletteScreen))
        await pilot.press(*"settings", "enter")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))


def test_every_preference_and_every_setting_of_telling_has_a_row() -> None:
    rows = knobs_of(PLACES)
    assert set(table(Settings)) | {"seed"} == {*PREFERENCES, *SAMPLER, "tour"}  # which the palette begins
    assert set(rows) == {*PREFERENCES, *SAMPLER, *(place.name for place in PLACES)}
    groups = list(dict.fromkeys(knob.group.partition(":")[0] for knob in rows.values()))
    assert groups == ["the app", "this computer", "training", "added texts", "telling", "files and folders"]


async def test_of_a_theme_that_does_not_exist_the_one_that_holds_is_shown(world: World, home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text('theme = "storytime-papr"\n')
    app = StorytimeApp(
        dataclasses.replace(world.services(), load_settings=without_tour, save_settings=change_settings)
    )
    async with app.run_test(size=SMALL) as pilot:
        await open_settings(pilot)
        row = next(line for line in screen_text(app).split("\n") if " theme " in line)
        assert theme.TITLES["storytime"] in row and "storytime-papr" not in screen_text(app)
        assert (
            load_settings().settings.theme == "storytime-papr"
        )  # the file is the user's until it is changed
        await pilot.press("r")
        await until(pilot, lambda: load_settings().settings.theme == "storytime")


async def test_a_theme_holds_at_once_is_said_and_is_kept_with_the_comments(
    kept: StorytimeApp, home: Path
) -> None:
    home.mkdir(parents=True, exist_ok=True)
    paths.settings_file().write_text("# mine\nmax_tokens = 50  # short\n\n[later]\nx = 1\n")
    async with kept.run_test(size=SMALL) as pilot:
        await open_settings(pilot)
        for name, title in list(theme.TITLES.items())[1:]:
            await pilot.press("right")
            await until(pilot, lambda name=name: kept.theme == name)
            await until(pilot, lambda title=title: f"Theme: {title}." in screen_text(kept))
        await until(pilot, lambda: load_settings().settings.theme == "storytime-16")
        await pilot.press("left", "left")
        await until(pilot, lambda: load_settings().settings.theme == "storytime-paper")
        assert kept.theme == "storytime-paper"
    text = paths.settings_file().read_text()
    assert text == '# mine\nmax_tokens = 50  # short\ntheme = "storytime-paper"\n\n[later]\nx = 1\n'


async def test_switches_numbers_and_choices_are_changed_with_few_keys(kept: StorytimeApp) -> None:
    async with kept.run_test(size=(120, 40)) as pilot:
        await open_settings(pilot, "stay_awake")
        assert "keep awake         ━● on" in screen_text(kept)
        await pilot.press("space")
        await until(pilot, lambda: "keep awake         ●━ off" in screen_text(kept))
        await until(pilot, lambda: "Keep awake: off, for new runs." in screen_text(kept))
        for name, typed, shown in (
            ("words_per_minute", "180", "Reading speed: 180 words/min, for the next words."),
            ("threads", "2", "Threads: 2, for the next words and for new runs."),
            ("device", "cpu", "Device: cpu, for the next words and for new runs."),
            ("banned", "kettle, pond", "Banned: kettle, pond."),
        ):
            kept.screen.query_one(KnobList).go_to(name)
            await pilot.press("enter", *typed, "enter")
            await until(pilot, lambda shown=shown: shown in flat(kept))
        kept.screen.query_one(KnobList).go_to("precision")
        await pilot.press("left")
        await until(pilot, lambda: "Precision: fp32" in screen_text(kept))
        kept.screen.query_one(KnobList).go_to("quotes")
        await pilot.press("enter")
        await until(pilot, lambda: "Quotes: as written, for texts that you add from now on" in flat(kept))
        wanted = Settings(
            stay_awake=False, words_per_minute=180, threads=2, device="cpu", precision="fp32",
            quotes="as written", banned=("kettle", "pond"),
        )  # fmt: skip
        await until(pilot, lambda: load_settings().settings == wanted)
        assert kept.desk.preferences.computing() == wanted.computing
        assert kept.desk.sampler.banned == ("kettle", "pond")
        await pilot.press("r")
        await until(pilot, lambda: load_settings().settings.quotes == "plain")


async def test_a_wrong_value_is_said_while_it_is_typed_and_changes_nothing(kept: StorytimeApp) -> None:
    async with kept.run_test(size=(120, 40)) as pilot:
        await open_settings(pilot, "device")
        for name, typed, said in (
            ("device", "gpu", "device is 'gpu', but must be one of auto, cpu, cuda, mps."),
            ("threads", "many", "threads is 'many', but must be a whole number from 0 (all free) to 1,024."),
            ("base", "/nowhere/at/all", "The model folder /nowhere/at/all does not exist"),
            ("temperature", "9", "temperature is 9.0, but must be from 0 to 5."),
        ):
            kept.screen.query_one(KnobList).go_to(name)
            await pilot.press("enter", *typed)
            await until(pilot, lambda said=said: said in flat(kept))
            await pilot.press("enter")
            assert isinstance(kept.focused, Input)  # it is not taken
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(kept.focused, KnobList))
        assert kept.desk.preferences.now == Settings(tour="done")
    assert not paths.settings_file().exists()


async def test_a_device_that_this_computer_lacks_is_said(app: StorytimeApp, world: World) -> None:
    def problem(device: str, precision: str) -> str:
        return f"There is no device {device!r} here; available: cpu." if device == "cuda" else ""

    app.desk.services = dataclasses.replace(app.desk.services, machine_problem=problem)
    async with app.run_test(size=SMALL) as pilot:
        await open_settings(pilot, "device")
        await pilot.press("enter", *"cuda", "enter")
        await until(pilot, lambda: "There is no device 'cuda' here; available: cpu." in flat(app))
        assert "The device stays auto." in flat(app) and app.desk.preferences.now.device == "auto"
        await pilot.press("enter", *"cpu", "enter")
        await until(pilot, lambda: "Device: cpu" in flat(app) and "no device" not in flat(app))


async def test_device_precision_and_threads_reach_the_apps_telling_and_training(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("3")
        await until(pilot, lambda: world.wanted is not None)
        assert world.wanted is not None and world.wanted() == Computing()
        app.desk.prefer(device="cpu", precision="fp32", threads=2, stay_awake=False)
        assert world.wanted() == Computing("cpu", "fp32", 2)  # so an open model is outdated
        await pilot.press("escape", "1", "down", "space", "2")
        await until(pilot, lambda: app.screen.query(PlanForm))
        plan = plan_of(app.screen.query_one(PlanForm).draft, **app.screen.query_one(PlanForm)._chosen)
        assert (plan.device, plan.precision, plan.threads, plan.stay_awake) == ("cpu", "fp32", 2, False)


async def test_a_group_gets_its_usual_values_and_no_other_does(kept: StorytimeApp) -> None:
    change_settings({"threads": 2, "stay_awake": False, "copied_marks": False, "temperature": 1.0})
    kept = StorytimeApp(kept.desk.services)
    async with kept.run_test(size=SMALL) as pilot:
        await open_settings(pilot, "threads")
        assert "Settings · 4 changed" in screen_text(kept)
        await pilot.press("a")
        await until(pilot, lambda: "The usual values hold again for “this computer”." in flat(kept))
        await until(pilot, lambda: load_settings().settings == Settings(copied_marks=False, temperature=1.0))
        await pilot.press("a")
        await until(pilot, lambda: "Nothing is changed in “this computer”." in flat(kept))


async def test_settings_are_found_by_their_words(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_settings(pilot)
        for letters, name in (("colours", "theme"), ("folder", "settings_file"), ("awake", "stay_awake")):
            await pilot.press("slash", *letters, "enter")
            await until(pilot, lambda name=name: app.screen.query_one(KnobList).chosen == name)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen.query_one("#filter", Input).value == "")
        await pilot.press("slash", *"xyz")
        await until(pilot, lambda: "No setting has this." in screen_text(app))


async def test_a_folder_shows_its_place_and_what_moves_it(
    app: StorytimeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_settings(pilot, "runs_folder")
        assert "~/.local/share/storytime/runs" in screen_text(app)
        assert "Set STORYTIME_HOME to move it." in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Copied the path. Set STORYTIME_HOME to move it." in flat(app))
        assert app.clipboard == "~/.local/share/storytime/runs"
        assert app.desk.preferences.now == Settings(tour="done")


async def test_in_a_terminal_of_sixteen_colours_dark_gives_way_and_is_not_overwritten(
    kept: StorytimeApp,
) -> None:
    async with kept.run_test(size=SMALL) as pilot:
        kept.console._color_system = None  # as Rich has it where there are no colours
        await open_settings(pilot)
        await pilot.press("right")
        await until(pilot, lambda: load_settings().settings.theme == "storytime-paper")
        await pilot.press("left")
        await until(pilot, lambda: kept.theme == "storytime-16")
        await until(pilot, lambda: load_settings().settings.theme == "storytime")
        await pilot.pause(0.05)
        assert load_settings().settings.theme == "storytime"


def words_in_frame(app: StorytimeApp) -> str:
    """What stands in the frame, as one line."""
    return " ".join(" ".join(line.strip(" │") for line in screen_text(app).split("\n")).split())


async def test_help_and_notice_are_both_whole_at_60_by_20(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")  # the longest notice: no theme has colours then
    app = make_app(world)
    async with app.run_test(size=(60, 20)) as pilot:
        await open_settings(pilot)
        await pilot.press("right")
        for words in (
            "the colours of the app",
            "all themes look the same. `unset NO_COLOR` brings colours back.",
            "esc Back",
        ):
            await until(pilot, lambda words=words: words in words_in_frame(app))


async def test_resetting_a_row_that_only_shows_a_path_changes_nothing(kept: StorytimeApp) -> None:
    async with kept.run_test(size=SMALL) as pilot:
        await open_settings(pilot, PLACES[0].name)
        await pilot.press("r", "home")
        await until(pilot, lambda: kept.screen.query_one(KnobList).chosen == "theme")
