"""Copies a text to the clipboard, also through SSH, tmux and GNU screen, and says so.

A terminal takes a text by the escape sequence OSC 52. Inside tmux the sequence goes out twice: plainly, for a tmux
whose option `set-clipboard` is on, and wrapped, for one that passes it through. Where the `tmux` command is there, it
gets the text, too: then at least tmux itself has it, to paste with prefix ]. GNU screen gets it wrapped, in pieces.
No terminal answers, and some take nothing. On one's own desktop its program for the clipboard gets the text as well.
Where nothing is certain, the sentence says how else a text is copied.
"""

import base64
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from textual.app import App

from storytime_tui.formatting import count
from storytime_tui.stories.story import storable
from storytime_tui.terminal_kind import is_console
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.word_count import count_words

LIMIT = 100_000  # bytes of the sequence; xterm, and others after it, take no more
_SCREEN_PIECE = 240  # bytes; GNU screen drops a longer string
_SECONDS = 2.0  # for a program that takes the text
_END = "\x1b\\"
_REMOTE = ("SSH_CONNECTION", "SSH_TTY")


async def copy(app: App[object], text: str) -> str:
    """Copy a text; returns a sentence about it."""
    text = storable(text)
    words = count(count_words(text), "word")
    if not text.strip():
        return "There is nothing to copy yet."
    environment = dict(os.environ)
    App.copy_to_clipboard(app, text)  # for the app's own fields, and the plain sequence
    driver = app._driver  # as Textual's own method does
    if driver is not None:
        for sequence in wrapped_sequences(text, environment):
            driver.write(sequence)
        driver.flush()
    command = () if app.is_headless or app.is_web else desktop_command(environment)
    on_desktop = bool(command) and await in_thread(lambda: _run(command, text))
    in_tmux = bool(environment.get("TMUX")) and await in_thread(lambda: _load_into_tmux(text))
    if on_desktop:
        return f"Copied {words}."
    where = " tmux has it (prefix ] pastes)." if in_tmux else ""
    if len(_encoded(text)) > LIMIT:
        return f"Copied {words}.{where} Your terminal may not take more than 100 kB; export it instead."
    return f"Copied {words}.{_way_out(environment, where)}"


async def copy_and_say(app: App[Any], text: str) -> None:
    """Copy what is marked, and say so on the screen's message line, or beside it where there is none."""
    said = await copy(app, text)
    for line in app.screen.query(MessageLine):
        line.say(said)
        return
    app.notify(said, markup=False)


def desktop_command(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The desktop's own program that takes a text for its clipboard; none over SSH: it would be the wrong desktop."""
    if any(environment.get(name) for name in _REMOTE):
        return ()
    offered: list[tuple[str, ...]] = [("pbcopy",)] if sys.platform == "darwin" else []
    if environment.get("WAYLAND_DISPLAY"):
        offered.append(("wl-copy",))
    if environment.get("DISPLAY"):
        offered += [("xclip", "-selection", "clipboard"), ("xsel", "-ib")]
    path = environment.get("PATH")
    return next((command for command in offered if shutil.which(command[0], path=path)), ())


def _way_out(environment: Mapping[str, str], tmux: str) -> str:
    """What to do where the terminal may not have taken the text; "" where it very likely has."""
    if is_console(environment):
        return " This terminal has no clipboard: ctrl+v pastes it here."
    known_to_refuse = environment.get("TERM_PROGRAM") == "Apple_Terminal" or environment.get("VTE_VERSION")
    if known_to_refuse or any(environment.get(name) for name in _REMOTE):
        return tmux or " Does it not paste? Hold shift and drag, and copy with the terminal."
    return ""


def wrapped_sequences(text: str, environment: Mapping[str, str]) -> Iterator[str]:
    """What the terminal gets besides the plain sequence: in tmux or GNU screen, the same wrapped for the terminal."""
    if environment.get("TMUX"):
        yield f"\x1bPtmux;{_plain(text).replace(chr(27), chr(27) * 2)}{_END}"
    elif environment.get("STY"):
        sequence = _plain(text)
        for start in range(0, len(sequence), _SCREEN_PIECE):
            yield f"\x1bP{sequence[start : start + _SCREEN_PIECE]}{_END}"


def _plain(text: str) -> str:
    return f"\x1b]52;c;{_encoded(text)}\a"


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _load_into_tmux(text: str) -> bool:
    """Give the text to tmux, which gives it to the terminal (-w, since 3.2). Returns whether tmux has it."""
    return any(_run(("tmux", "load-buffer", *options, "-"), text) for options in (["-w"], []))


def _run(command: Sequence[str], text: str) -> bool:
    """Give the text to a program. Returns whether it took it."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            command,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
        return done.returncode == 0
    return False
