"""NO_COLOR: every screen is drawn through the filter that takes the colours away, and stays in view."""

import pytest
from rich.style import Style

from storytime_tui.jobs.records import LastRun
from storytime_tui.tui.no_colour import NoColours, plain
from tests.tui.conftest import make_app, screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED, World, a_run

pytestmark = pytest.mark.usefixtures("every_frame")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_screen_is_drawn_without_colours(
    world: World, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """In a terminal the app would end at the first line that cannot be drawn."""
    monkeypatch.setenv("NO_COLOR", "1")
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    app = make_app(world)
    assert app.no_color
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        for key, shown in (
            ("1", "Hedgerow Tales"),
            ("question_mark", "You are here"),
            ("escape", "Hedgerow Tales"),
            ("2", "Finished after 118 steps"),
            ("3", "A blank page"),
            ("f5", "No runs yet"),
        ):
            await pilot.press(key)
            await until(pilot, lambda shown=shown: shown in screen_text(app))
            for widget in app.screen.walk_children():
                widget.refresh()
            await pilot.pause()
            app.export_screenshot()
    assert app._exception is None


def test_a_style_without_colours_keeps_what_it_means() -> None:
    """A ground of its own is reversed, marked letters are bold, frames dim; a click still finds its place."""
    for given, shown in (
        (Style(color="bright_magenta"), Style(bold=True)),
        (Style(color="bright_black"), Style(dim=True)),
        (Style(color="default", bgcolor="yellow"), Style(reverse=True)),
        (Style(color="black", bgcolor="yellow", reverse=True, bold=True), Style(reverse=True, bold=True)),
        (Style(color="default", bgcolor="default", italic=True), Style(italic=True)),
        (Style(), Style()),
    ):
        assert plain(given) == shown
    assert plain(Style(color="red", meta={"offset": (1, 2)})).meta == {"offset": (1, 2)}


async def test_every_theme_is_shown_without_colours_and_choosing_one_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(world)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shelf_is_open(pilot)
        for name in ("storytime", "storytime-paper", "nord"):
            app.theme = name
            assert app.theme == "storytime-16"
        app.action_change_theme()
        await until(pilot, lambda: any("NO_COLOR is set" in each.message for each in app._notifications))


def test_an_empty_variable_means_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    app = make_app(world)
    assert not app.no_color and app.theme == "storytime"
    assert not any(isinstance(each, NoColours) for each in app.get_line_filters())
