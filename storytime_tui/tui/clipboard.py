"""Copies a text to the clipboard of the terminal, also through tmux and GNU screen, and says so.

A terminal takes a text by the escape sequence OSC 52. Inside tmux the sequence goes out twice: plainly, for a tmux
whose option `set-clipboard` is on, and wrapped, for one that passes it through. Where the `tmux` command is there, it
gets the text, too: then at least tmux itself has it, to paste with prefix ]. GNU screen gets it wrapped, in pieces.
"""

import base64
import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping

from textual.app import App

from storytime_tui.formatting import count
from storytime_tui.stories.story import storable
from storytime_tui.tui.bridge import in_thread
from storytime_tui.word_count import count_words

LIMIT = 100_000  # bytes of the sequence; xterm, and others after it, take no more
_SCREEN_PIECE = 240  # bytes; GNU screen drops a longer string
_TMUX_SECONDS = 2.0
_END = "\x1b\\"


async def copy(app: App[object], text: str) -> str:
    """Copy a text; returns a sentence about it."""
    text = storable(text)
    words = count(count_words(text), "word")
    if not text.strip():
        return "There is nothing to copy yet."
    environment = dict(os.environ)
    app.copy_to_clipboard(text)  # for the app's own fields, and the plain sequence
    driver = app._driver  # as Textual's own method does
    if driver is not None:
        for sequence in wrapped_sequences(text, environment):
            driver.write(sequence)
        driver.flush()
    in_tmux = bool(environment.get("TMUX")) and await in_thread(lambda: _load_into_tmux(text))
    if len(_encoded(text)) > LIMIT:
        where = " tmux has it (prefix ] pastes)." if in_tmux else ""
        return f"Copied {words}.{where} Your terminal may not take more than 100 kB; export it instead."
    return f"Copied {words}."


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
    for options in (["-w"], []):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(
                ["tmux", "load-buffer", *options, "-"],
                input=text.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_TMUX_SECONDS,
                check=False,
            )
            if done.returncode == 0:
                return True
    return False
