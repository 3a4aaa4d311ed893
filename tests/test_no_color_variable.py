"""NO_COLOR in a real pseudo-terminal: no colour is sent, and what colours say is said by other marks."""

import io
import os
import re
import sys
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.stories.store import StoryStore
from tests.terminal import Terminal, open_program

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminal")

MINE, TOLD = "An owl sat up late.", "The moon laughed at her."


@pytest.fixture
def story(home: Path) -> None:
    store = StoryStore(paths.stories_file())
    new = store.new_story("The Owl")
    store.add_passage(new.id, "you", MINE)
    store.add_passage(new.id, "model", f" {TOLD}", model="starter")
    store.close()


def cell(terminal: Terminal, text: str) -> object:
    """The first cell of a text on the screen."""
    for row, line in enumerate(terminal.screen.display):
        if text in line:
            return terminal.screen.buffer[row][line.index(text)]
    raise AssertionError(f"{text} is not on the screen:\n{terminal.text()}")


def colours_in(sent: bytes) -> set[str]:
    """Every sequence that chooses a colour; those of bold, dim, italic, underlined and reversed letters choose none."""
    found = set()
    for sequence in re.findall(rb"\x1b\[([0-9;:]*)m", sent):
        for code in re.split(rb"[;:]", sequence):
            number = int(code or b"0")
            if 30 <= number <= 49 or 90 <= number <= 107:
                found.add(sequence.decode())
    return found


@pytest.mark.parametrize("colours", ["truecolor", ""])
def test_with_no_color_no_colour_is_sent_and_place_and_writers_are_seen(
    colours: str, story: None, home: Path
) -> None:
    environment = {"NO_COLOR": "1", "COLORTERM": colours}
    argv = [sys.executable, "-m", "storytime_tui"]
    with open_program(80, 24, home, argv, environment) as terminal:
        terminal.program.logfile_read = written = io.BytesIO()

        def go(keys: str, shows: str, reversed_: str = "") -> None:
            terminal.keys(keys)
            terminal.wait_for(
                lambda text: re.search(shows, text) and (not reversed_ or is_reversed(reversed_))
            )

        def is_reversed(text: str) -> bool:
            """False while a dialog that is about to close still covers it."""
            return text in terminal.text() and bool(cell(terminal, text).reverse)  # type: ignore[attr-defined]

        go("", r"\[x\] Hedgerow Tales", "[x] Hedgerow Tales")
        go("\x1b[B", "A Letter for Nobody", "[x] A Letter for Nobody")  # the selected row
        assert not is_reversed("[x] Hedgerow Tales")
        go("?", "You are here: the shelf")
        go("\x1b", "1 Library", "[x] A Letter for Nobody")
        go("2", "Base: the model to start from")
        terminal.wait_for(lambda text: cell(terminal, "2 Train").underscore)  # type: ignore[attr-defined]
        go("4", "No runs yet")
        go(",", "Settings", "theme")
        go("\x1b", "No runs yet")
        go("D", "Disk")
        go("\x1b", "No runs yet")
        go("\x10", "On this screen")
        go("\x1b", "No runs yet")
        go("3", TOLD)
        terminal.wait_for(lambda text: cell(terminal, TOLD).italics)  # type: ignore[attr-defined]
        assert not cell(terminal, MINE).italics  # type: ignore[attr-defined]
        terminal.keys("\x1b")
        terminal.wait_for(lambda text: "Write" in text.splitlines()[-1])
        go("o", r"(?s)Bookshelf.*The Owl", "The Owl")
        terminal.keys("\x11")
        assert terminal.wait_for_end(30) == 0
    assert b"\x1b[" in written.getvalue()
    assert colours_in(written.getvalue()) == set()
