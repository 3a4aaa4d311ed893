"""Plain signs where the terminal lacks the others: which terminals, which signs, and never another width."""

import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

import storytime_tui.tui
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.braille import line_through
from storytime_tui.tui.plain_signs import PlainSigns, Signs, signs_for
from tests.tui.conftest import screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED, World, a_run

CONSOLE_FONT = set("─│┌┐└┘├┤┬┴┼═║█▄▀▌▐░▒▓•♦►▼▲◄→←↑↓√■")


@pytest.mark.parametrize(
    ("environment", "asked", "signs"),
    [
        ({"TERM": "xterm-256color", "LANG": "en_GB.UTF-8"}, False, "all"),
        ({"TERM": "tmux-256color", "LANG": "C.UTF-8", "TMUX": "x"}, False, "all"),
        ({"TERM": "linux", "LANG": "de_DE.UTF-8"}, False, "console"),
        ({"TERM": "vt220", "LC_ALL": "C.utf8"}, False, "console"),
        ({"TERM": "linux", "LANG": "C"}, False, "ascii"),
        ({"TERM": "xterm", "LANG": "de_DE.ISO-8859-1"}, False, "ascii"),
        ({"TERM": "xterm"}, False, "ascii"),
        ({"TERM": "xterm"}, True, "all"),  # a container without a locale, in a usual terminal
        ({"TERM": "xterm", "LC_CTYPE": "C.UTF-8"}, False, "ascii"),  # set by Python itself
        ({"TERM": "screen", "STY": "1.x"}, True, "ascii"),  # screen goes by the locale, too
        ({"TERM": "tmux", "TMUX": "x", "LANG": "C"}, True, "ascii"),
    ],
)
def test_the_terminal_and_the_locale_decide(environment: dict[str, str], asked: bool, signs: Signs) -> None:
    assert signs_for(environment, lambda: asked) == signs


@given(st.text(), st.sampled_from(["console", "ascii"]))
def test_the_width_stays_and_only_signs_of_the_terminal_are_left(text: str, signs: Signs) -> None:
    plain = PlainSigns(signs).plain(text)
    assert cell_len(plain) == cell_len(text)
    allowed = CONSOLE_FONT if signs == "console" else set()
    assert all(ord(sign) < (0x180 if signs == "console" else 0x80) or sign in allowed for sign in plain)


def test_every_sign_of_the_app_has_one_that_says_the_same() -> None:
    """No question mark stands where the app's own words have a sign."""
    signs = {sign for path in Path(storytime_tui.tui.__file__).parent.rglob("*.py") for sign in _drawn(path)}
    assert len(signs) > 30
    for plain in (PlainSigns("console"), PlainSigns("ascii")):
        assert {sign for sign in signs if plain.plain(sign) in ("?", "??")} == set()


def _drawn(path: Path) -> set[str]:
    """The arrows, lines, blocks and stars of a module; letters and their marks are tested with the widths."""
    return {
        sign for sign in path.read_text(encoding="utf-8") if 0x2190 <= ord(sign) < 0x2800 and sign not in "␊␉"
    }


def test_a_curve_of_dots_becomes_strokes_of_the_same_course() -> None:
    rows = line_through([(0, 10), (10, 0)], 5, 5, across=(0, 10), up=(0, 10))
    plain = [PlainSigns("ascii").plain(row) for row in rows]
    assert [row.strip() for row in plain] == ["\\"] * 5
    assert [row.index("\\") for row in plain] == [0, 1, 2, 3, 4]
    flat = line_through([(0, 1), (10, 1)], 5, 1, across=(0, 10), up=(0, 2))
    assert PlainSigns("ascii").plain(flat[0]) in ("-----", "_____", '"""""')


def test_letters_lose_their_accents_only_where_they_must_and_styles_stay() -> None:
    bold = Style(bold=True)
    line = [Segment("“Où?” … ", bold), Segment("龍 naïve", None)]
    black = Color.parse("black")
    assert PlainSigns("console").apply(line, black) == [Segment('"Où?" ~ ', bold), Segment("?? naïve", None)]
    assert PlainSigns("ascii").apply(line, black) == [Segment('"Ou?" ~ ', bold), Segment("?? naive", None)]


async def test_a_run_is_drawn_with_plain_signs_and_enter_is_a_word(world: World) -> None:
    app = StorytimeApp(world.services(), signs="ascii")
    app.animation_level = "none"
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "enter Read" in screen_text(app))
        await until(pilot, lambda: "`export LANG=C.UTF-8`" in " ".join(screen_text(app).split()))
        await pilot.press("2")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))
        await pilot.press("s")
        world.run.say(*a_run(100), FINISHED)
        await until(pilot, lambda: "Finished after" in screen_text(app))
        await until(pilot, lambda: "training" in screen_text(app) and "\\" in screen_text(app))
        assert screen_text(app).isascii()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminal")
@pytest.mark.parametrize(("answer", "takes"), [(b"\x1b[1;2R", True), (b"\x1b[1;3R", False), (b"", False)])
def test_the_terminal_itself_is_asked_and_left_as_it_was(answer: bytes, takes: bool) -> None:
    """A terminal that takes UTF-8 has moved by one cell after a letter of two bytes."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    words = "from storytime_tui.tui.ask_terminal import takes_utf8\nprint(takes_utf8())"
    program = subprocess.Popen(
        [sys.executable, "-c", words], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE
    )
    try:
        asked = b""
        while b"\x1b[6n" not in asked:
            assert select.select([ours], [], [], 30)[0], "it asks nothing"
            asked += os.read(ours, 100)
        assert asked == b"\r\xc3\xa9\x1b[6n"
        os.write(ours, answer)
        assert program.communicate(timeout=30)[0].decode().strip() == str(takes)
        assert termios.tcgetattr(theirs) == before
        assert os.read(ours, 100).endswith(b"\r  \r")  # the letter goes
    finally:
        program.kill()
        os.close(ours)
        os.close(theirs)
