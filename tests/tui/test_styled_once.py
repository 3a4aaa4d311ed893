"""A screen computes its styles when it is made, and again only when the styles have changed."""

import pytest
from textual.dom import DOMNode
from textual.screen import Screen

from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import SMALL, until

MODES = {
    "f2": "LibraryScreen",
    "f3": "TrainScreen",
    "f4": "StoryScreen",
    "f5": "RunsScreen",
    "f1": "HelpScreen",
}


async def test_no_screen_is_styled_again_as_a_whole_when_it_appears(
    app: StorytimeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[str] = []
    update = StorytimeApp.update_styles

    def noted(app: StorytimeApp, node: DOMNode, animate: bool = True) -> None:
        if isinstance(node, Screen):
            again.append(type(node).__name__)
        update(app, node, animate)

    monkeypatch.setattr(StorytimeApp, "update_styles", noted)
    async with app.run_test(size=SMALL) as pilot:
        for _ in range(2):
            for key, screen in MODES.items():
                await pilot.press(key)
                await until(pilot, lambda screen=screen: type(app.screen).__name__ == screen)
            await pilot.press("escape")
        assert app.screen.styles.background.a == 1  # and it has its own
    assert len(again) == len(set(again))  # at most when it learns its size, which its classes tell


async def test_a_theme_that_is_chosen_elsewhere_reaches_a_screen_that_was_visited_before(
    app: StorytimeApp,
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        seen = []
        for theme in ("textual-light", "textual-dark", "textual-light"):
            await pilot.press("f2")
            app.theme = theme
            await pilot.pause()
            await pilot.press("f4")
            await until(pilot, lambda: app.screen.query(Prompt))
            await pilot.pause()
            seen.append((app.screen.styles.background, app.screen.query_one(Prompt).styles.color))
        assert seen[0] == seen[2] != seen[1]
