"""Imports the other screens and their styles in advance, so that the first key press to each is answered fast."""

import importlib
from pathlib import Path
from typing import Any

from textual.app import App

from storytime_tui.garbage import nothing_collected
from storytime_tui.tui import screens
from storytime_tui.tui.bridge import in_thread

_SCREENS = (
    "story",
    "train",
    "runs",
    "bookshelf",
    "help",
    "settings",
    "dialogs",
    "how_it_learns",
    "options",
    "plan_files",
    "find_rate",
)
_MODES = ("train", "story", "runs")  # made in this order
_KEPT = ("bookshelf",)  # installed by the screens that they belong to
_WIDGETS = ("run_panel",)
_STYLES = (
    "story.tcss",
    "side_by_side.tcss",
    "train.tcss",
    "runs.tcss",
    "bookshelf.tcss",
    "help.tcss",
    "dialogs.tcss",
    "how_it_learns.tcss",
    "knobs.tcss",
    "find_rate.tcss",
)


async def preload_screens(app: App[Any]) -> None:
    """Import the other screens, read their styles, and make those that have a key of their own."""
    with nothing_collected():
        await in_thread(_import)
    folder = Path(screens.__file__).parent
    wanted = [folder / name for name in _STYLES]
    new = [path for path in wanted if not app.stylesheet.has_source(str(path), "")]
    for path in new:
        app.stylesheet.read(path)
    if new:
        app.stylesheet.reparse()
    for mode in _MODES:
        await app._init_mode(mode)  # as `switch_mode` does at a first visit, without showing it
    for name in _KEPT:
        await app._get_screen(name)[1]  # as `push_screen` does


def _import() -> None:
    for kind, names in (("screens", _SCREENS), ("widgets", _WIDGETS)):
        for name in names:
            importlib.import_module(f"storytime_tui.tui.{kind}.{name}")
