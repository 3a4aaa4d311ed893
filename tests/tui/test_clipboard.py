"""Copying to the clipboard: what a terminal, tmux and GNU screen get, to the byte."""

import base64
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.color import Color

from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.clipboard import LIMIT, copy, desktop_command, wrapped_sequences
from storytime_tui.tui.theme import THEMES
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.writing_session import Stage
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import World

TEXT = "“Yes,” said the [b]frog[/b]. קול 龍\n\nThe end."


def texts_in(sequence: str) -> list[str]:
    return [base64.b64decode(found).decode() for found in re.findall(r"\x1b\]52;c;([\w+/=]*)\a", sequence)]


def test_tmux_gets_the_sequence_wrapped_for_the_terminal() -> None:
    (sequence,) = wrapped_sequences(TEXT, {"TMUX": "/tmp/tmux,1,0"})
    assert sequence.startswith("\x1bPtmux;") and sequence.endswith("\x1b\\")
    inner = sequence.removeprefix("\x1bPtmux;").removesuffix("\x1b\\")
    assert texts_in(inner.replace("\x1b\x1b", "\x1b")) == [TEXT]
    assert "\x1b" not in inner.replace("\x1b\x1b", "")  # every escape is doubled


def test_gnu_screen_gets_it_in_pieces() -> None:
    pieces = list(wrapped_sequences(TEXT * 40, {"STY": "1.pts"}))
    assert len(pieces) > 2
    assert all(
        piece.startswith("\x1bP") and piece.endswith("\x1b\\") and len(piece) < 256 for piece in pieces
    )
    assert texts_in("".join(piece[2:-2] for piece in pieces)) == [TEXT * 40]


def test_a_plain_terminal_needs_no_more() -> None:
    assert list(wrapped_sequences(TEXT, {"TERM": "xterm"})) == []


@pytest.fixture
def written(app: StorytimeApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the app writes to its terminal itself."""
    kept: list[str] = []
    for name in ("TMUX", "STY", "SSH_CONNECTION", "SSH_TTY", "TERM_PROGRAM", "VTE_VERSION", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(App, "copy_to_clipboard", lambda _, text: kept.append(f"plain {text}"))
    return kept


def watch(app: StorytimeApp, kept: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app._driver, "write", kept.append)


async def test_it_says_how_much_was_copied(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        assert await copy(app, TEXT) == "Copied 8 words."
        assert written[0] == f"plain {TEXT}"
        written.clear()
        assert await copy(app, " \n") == "There is nothing to copy yet."
        assert not written


async def test_a_text_that_terminals_may_refuse_is_said(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        said = await copy(app, "word " * (LIMIT // 5))
        assert "Your terminal may not take more than 100 kB; export it instead." in said
        assert said.startswith("Copied 20,000 words.")


async def test_in_tmux_its_own_command_gets_the_text_too(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An older tmux knows no -w: then it gets the text without."""
    command = tmp_path / "tmux"
    command.write_text(f'#!/bin/sh\n[ "$2" = -w ] && exit 1\ncat >"{tmp_path}/buffer"\n')
    command.chmod(0o755)
    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        assert await copy(app, TEXT) == "Copied 8 words."
        assert (tmp_path / "buffer").read_text(encoding="utf-8") == TEXT
        assert any(part.startswith("\x1bPtmux;") for part in written)


async def test_a_tmux_that_does_not_answer_does_not_matter(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("tmux", 2.0)

    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
        monkeypatch.setattr(subprocess, "run", late)
        assert await copy(app, TEXT) == "Copied 8 words."


# -- what is marked with the mouse ------------------------------------------------------------------------


def plain(written: list[str]) -> list[str]:
    """The texts that were copied."""
    return [part.removeprefix("plain ") for part in written if part.startswith("plain ")]


async def drag(pilot: Any, widget: type, start: tuple[int, int], end: tuple[int, int]) -> None:
    await pilot.mouse_down(widget, offset=start)
    await pilot.hover(widget, offset=end)
    await pilot.mouse_up(widget, offset=end)


async def test_what_is_marked_with_the_mouse_is_copied_and_said(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the screen's line for messages, and beside it where there is none."""
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        watch(app, written, monkeypatch)
        await shelf_is_open(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "cleaned, as used" in screen_text(app))
        await drag(pilot, Reading, (3, 1), (14, 2))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: re.search(r"Copied \d+ words?\.", screen_text(app)))
        (text,) = plain(written)
        assert text.strip() and flat(app).count(text.split()[0])
        await pilot.press("question_mark")
        await until(pilot, lambda: "Library: choose" in screen_text(app))
        app.copy_to_clipboard("two words")  # the help has no line for messages
        await until(pilot, lambda: "Copied 2 words." in flat(app))


async def test_a_marked_part_of_the_story_is_copied_as_it_is_written(
    app: StorytimeApp, world: World, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        watch(app, written, monkeypatch)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await type_text(pilot, "The [b]fox[/b] said 龍 to the owl.")
        await pilot.press("enter")
        await until(pilot, lambda: "said 龍 to the owl." in screen_text(app).split("›")[0])
        await until(pilot, lambda: app.desk.writing.now.stage is Stage.READY)
        row = next(y for y, line in enumerate(screen_text(app).split("\n")) if "The [b]fox" in line and y > 3)
        page = app.screen.query_one(Page)
        top = row - page.region.y
        for start, end, wanted in (  # from the margin on; over a line's end; over the title
            ((0, top), (25, top), "The [b]fox[/b] said 龍"),
            ((67, top), (13, top + 1), "acorns, a thimble"),
            ((0, 1), (6, top), "The [b]fox[/b] said 龍 to the owl\n\nThe"),
        ):
            written.clear()
            await drag(pilot, Page, start, end)
            await pilot.press("ctrl+c")
            await until(pilot, lambda: plain(written))
            assert plain(written)[0].rstrip(", ") == wanted
            await until(pilot, lambda: "Copied" in screen_text(app))


@pytest.mark.parametrize("theme", [each.name for each in THEMES])
async def test_marked_text_is_legible_in_every_theme(app: StorytimeApp, theme: str) -> None:
    async with app.run_test(size=SMALL) as pilot:
        before = app.screen.get_component_rich_style("screen--selection")
        app.theme = theme
        await until(
            pilot,
            lambda: (
                theme == "storytime" or app.screen.get_component_rich_style("screen--selection") != before
            ),
        )
        style = app.screen.get_component_rich_style("screen--selection")
        assert style.bgcolor is not None and not style.bgcolor.is_default
        if app.current_theme.ansi:  # the terminal chooses what its colours are: two that differ in every set
            assert style.color is not None
            assert (style.bgcolor.number, style.color.number) == (3, 0)  # black on yellow
            return
        ground = Color.from_rich_color(style.bgcolor)
        text = Color.parse(app.current_theme.foreground or "")
        assert contrast(ground, text) >= 4.5  # what WCAG asks of text
        assert contrast(ground, Color.parse(app.current_theme.background or "")) >= 1.25  # it is seen


def contrast(one: Color, other: Color) -> float:
    """As WCAG 2 defines it, 1 to 21."""

    def light(color: Color) -> float:
        parts = [part / 255 for part in color.rgb]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([light(one), light(other)])
    return (high + 0.05) / (low + 0.05)


# -- where nobody knows whether it worked -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "Hold shift and drag, and copy with the terminal."),
        ({"SSH_TTY": "/dev/pts/1"}, "Hold shift and drag, and copy with the terminal."),
        ({"TERM_PROGRAM": "Apple_Terminal"}, "Hold shift and drag, and copy with the terminal."),
        ({"VTE_VERSION": "7402"}, "Hold shift and drag, and copy with the terminal."),
        ({"TERM": "linux"}, "This terminal has no clipboard: ctrl+v pastes it here."),
        ({"TERM": "xterm-kitty"}, ""),
    ],
)
async def test_where_it_is_not_known_whether_the_terminal_took_it_another_way_is_said(
    environment: dict[str, str],
    hint: str,
    app: StorytimeApp,
    written: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        said = await copy(app, TEXT)
        assert said.startswith("Copied 8 words.") and said.endswith(hint or "words.")
        assert written[0] == f"plain {TEXT}"  # over SSH, too, the terminal gets it


def test_the_desktops_own_program_is_used_but_never_over_ssh(tmp_path: Path) -> None:
    for name in ("wl-copy", "xclip"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    desktop = {"PATH": str(tmp_path), "DISPLAY": ":0"}
    assert desktop_command(desktop) == ("xclip", "-selection", "clipboard")
    assert desktop_command({**desktop, "WAYLAND_DISPLAY": "wayland-0"}) == ("wl-copy",)
    assert desktop_command({**desktop, "SSH_CONNECTION": "x"}) == ()
    assert desktop_command({"PATH": str(tmp_path)}) == ()


async def test_with_the_desktops_program_it_is_known_that_it_worked(
    app: StorytimeApp, written: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "wl-copy"
    program.write_text(f'#!/bin/sh\ncat >"{tmp_path}/clipboard"\n')
    program.chmod(0o755)
    async with app.run_test(size=SMALL):
        watch(app, written, monkeypatch)
        monkeypatch.setattr(StorytimeApp, "is_headless", False)
        monkeypatch.setattr("sys.platform", "linux")
        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
        monkeypatch.setenv("VTE_VERSION", "7402")
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        assert await copy(app, TEXT) == "Copied 8 words."
        assert (tmp_path / "clipboard").read_text(encoding="utf-8") == TEXT
        monkeypatch.setattr(StorytimeApp, "is_headless", True)
