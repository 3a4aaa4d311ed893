"""The question before a download: asked on a terminal, said without one. `--yes` answers it."""

import argparse
import contextlib
import os
import select
import sys
from collections.abc import Iterator

from storytime_tui.commands.output import say
from storytime_tui.jobs import downloads
from storytime_tui.terminal import printable_line

_TICK = 0.1  # seconds between two looks whether the answer is still waited for


def add_yes_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option that answers the question before a download."""
    parser.add_argument(
        "--yes", action="store_true", help="download a model that is not on this machine without asking"
    )


@contextlib.contextmanager
def asked(yes: bool) -> Iterator[None]:
    """Say the size of each download of the block, and ask on a terminal, unless `yes`."""

    def ask(wanted: downloads.Wanted, cancelled: downloads.Cancelled) -> bool:
        terminal = sys.stderr.isatty()
        if terminal:
            sys.stderr.write("\r\x1b[2K")  # over a progress line
        say(printable_line(" ".join(downloads.in_words(wanted))))
        if yes or not terminal or not _can_answer():
            return True
        print("Download it? [Y/n] ", end="", file=sys.stderr, flush=True)
        answer = _answer(cancelled)
        return answer is not None and answer.strip().lower() in ("", "y", "yes")

    with downloads.asked_first(ask):
        yield


def _can_answer() -> bool:
    """Whether somebody types here: a job in the background would be stopped if it read from the terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    try:
        return os.name == "nt" or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True


def _answer(cancelled: downloads.Cancelled) -> str | None:
    """A line from the terminal; None at the end of the input, or when nobody waits for it any more."""
    while os.name != "nt" and not select.select([sys.stdin], [], [], _TICK)[0]:
        if cancelled():
            print(file=sys.stderr)
            return None
    return sys.stdin.readline() or None
