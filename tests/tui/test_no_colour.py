"""NO_COLOR: every screen is drawn through the filter that takes the colours away, and stays in view."""

import pytest

from storytime_tui.jobs.records import LastRun
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
