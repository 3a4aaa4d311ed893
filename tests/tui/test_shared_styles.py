"""The styles that the tests' apps share are those that Textual works out for each alone."""

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from storytime_tui.tui.screens.help import HelpScreen
from tests.tui.conftest import make_app, until
from tests.tui.fakes import World
from tests.tui.shared_styles import own_styles, share_styles


def styles(pilot: Pilot[Any]) -> list[tuple[str, str, dict[str, str]]]:
    """Of all that stands on the screen, and of its parts."""
    return [
        (
            node.css_identifier,
            node.styles.base.css,
            {part: s.css for part, s in node._component_styles.items()},
        )
        for node in (pilot.app, *pilot.app.screen.walk_children(with_self=True))
    ]


async def walk(folder: Path) -> list[Any]:
    """What each screen looks like, with another widget in the focus, with a dialog over it, and in other colours."""
    seen = []
    world = World(folder)
    app = make_app(world)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.desk.collections)
        for key, mode in (("f3", "train"), ("f5", "runs"), ("f4", "story"), ("f2", "library")):
            await pilot.press(key)
            await until(pilot, lambda mode=mode: app.current_mode == mode and app.focused is not None)
            await pilot.press("tab")
            await pilot.pause()
            seen.append((mode, styles(pilot)))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        seen.append(("help", styles(pilot)))
        app.theme = "storytime-paper"
        await pilot.pause()
        seen.append(("paper", styles(pilot)))
    world.end()
    return seen


async def test_shared_styles_are_those_of_textual(tmp_path: Path) -> None:
    own_styles()
    try:
        alone = await walk(tmp_path / "alone")
    finally:
        share_styles()
    first, second = [await walk(tmp_path / name) for name in ("first", "second")]
    assert len(alone) == 6 and len(alone[0][-1]) > 20
    assert alone == first
    assert alone == second  # of which all was known
