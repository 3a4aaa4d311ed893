"""What is painted on a terminal is the screen that answers the keys, whichever way one came there."""

import itertools
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import Terminal, open_program

ESCAPE = "\x1b"
KEYS = {
    "library": "\x1bOQ",
    "train": "\x1bOR",
    "story": "\x1bOS",
    "runs": "\x1b[15~",
}  # F2 to F5: they work while a line is typed, too
SCREENS = {"library": "LibraryScreen", "train": "TrainScreen", "story": "StoryScreen", "runs": "RunsScreen"}
# what opens on the way from one mode to another, by its key; "" is nothing
HELP, PALETTE = ("\x1bOP", "HelpScreen"), ("\x10", "PaletteScreen")
DIALOGS = {
    ("library", "train"): [("", ""), HELP, ("g", "SearchScreen")],
    ("library", "story"): [("", ""), ("r", "AskScreen"), ("i", "AskPathScreen")],
    ("train", "library"): [("", ""), HELP],
    ("train", "story"): [("", ""), PALETTE],
    ("story", "library"): [("", ""), PALETTE],
    ("story", "train"): [("", ""), HELP],
    ("library", "runs"): [("", "")],
    ("runs", "library"): [("", ""), HELP],
    ("train", "runs"): [("", "")],
    ("runs", "train"): [("", ""), PALETTE],
    ("story", "runs"): [("", ""), HELP],
    ("runs", "story"): [("", "")],
}
PAIRS = list(itertools.permutations(SCREENS, 2))


class Painted:
    """The app in a pseudo-terminal, and what it says that it shows."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self.terminal, self._answer, self._file = terminal, 0, folder / "shown.json"

    def shown(self) -> dict[str, Any]:
        """Ask the app what it means to show now."""
        os.kill(self.terminal.program.pid, signal.SIGUSR1)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            self.terminal.read(0.02)
            if self._file.exists():
                told: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
                if told["answer"] > self._answer:
                    self._answer = told["answer"]
                    return told
        raise AssertionError("the app does not answer")

    def arrives(self, mode: str, screen: str) -> None:
        """Wait until the app is there, and the terminal shows it, letter by letter."""
        until = time.monotonic() + 20
        while True:
            told = self.shown()
            self.terminal.read(0.02)
            rows = self.terminal.text().split("\n")
            if (told["mode"], told["screen"]) == (mode, screen) and told["rows"] == rows:
                return
            if time.monotonic() > until:
                there = f"{told['mode']}/{told['screen']}"
                meant, seen = "\n".join(told["rows"]), "\n".join(rows)
                raise AssertionError(
                    f"wanted {mode}/{screen}, the app shows {there}:\n{meant}\nthe terminal:\n{seen}"
                )


@pytest.mark.skipif(
    not hasattr(signal, "SIGUSR1"), reason="Windows has no such signal, and no pseudo-terminal"
)
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_every_way_from_screen_to_screen_ends_with_the_screen_painted(tmp_path, columns, rows):
    argv = [sys.executable, "-m", "tests.painted_app", str(tmp_path)]
    with open_program(columns, rows, tmp_path, argv) as terminal:
        terminal.wait_for("Hedgerow Tales")
        app = Painted(terminal, tmp_path)
        app.arrives("library", "LibraryScreen")
        terminal.keys("\x1b[B\r")  # a story is read beside the shelf; this is how it was first seen
        for before, after in PAIRS:
            ways = DIALOGS[before, after]
            for key, dialog in ways if columns == 80 else ways[1:]:  # the larger one with dialogs between
                terminal.keys(KEYS[before])
                app.arrives(before, SCREENS[before])
                if dialog:
                    terminal.keys(key)
                    app.arrives(before, dialog)
                    terminal.keys(ESCAPE)
                    app.arrives(before, SCREENS[before])
                terminal.keys(KEYS[after])
                app.arrives(after, SCREENS[after])
