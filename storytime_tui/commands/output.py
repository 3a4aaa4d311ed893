"""Output of the commands: results on stdout, messages on stderr. `streams` makes only stdout errors fail."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from storytime_tui import knobs
from storytime_tui.errors import Misused
from storytime_tui.formatting import progress
from storytime_tui.models.voices import check_strength
from storytime_tui.terminal import printable_line


def print_json(record: dict[str, Any]) -> None:
    """Print one object on one line, unbuffered."""
    print(json.dumps(record), flush=True)


def say(line: str) -> None:
    """Print a message for the user on stderr; stdout is for results."""
    print(line, file=sys.stderr, flush=True)


class StatusLine:
    """A progress line that is overwritten; silent if stderr is not a terminal."""

    def __init__(self) -> None:
        self._shown = False
        self._terminal = sys.stderr.isatty()

    def show(self, text: str) -> None:
        """Replace the line with `text`."""
        if self._terminal:
            sys.stderr.write("\r\x1b[2K" + printable_line(text)[:100])
            sys.stderr.flush()
            self._shown = True

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False


@contextmanager
def progress_shown() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a `Report` that shows progress on a status line, which is removed at the end."""
    status = StatusLine()
    try:
        yield lambda what, done, total: status.show(progress(what, done, total))
    finally:
        status.clear()


def add_set_argument(parser: argparse.ArgumentParser, of_what: str, *classes: type) -> None:
    """Add the repeatable option `--set key=value`; the help lists all keys of the classes below the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    listings = "\n\n".join(map(knobs.listing, classes))
    parser.epilog = f"settings for --set:\n\n{listings}"
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="values",
        help=f"set an option {of_what}; may be repeated, all are listed below",
    )


def values_of(assignments: list[str]) -> dict[str, str]:
    """`["seed=7"]` -> `{"seed": "7"}`. Raises Misused for an assignment without "="."""
    values = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip():
            raise Misused(f"--set takes KEY=VALUE, such as --set seed=7, not {assignment!r}.")
        values[key.strip().replace("-", "_")] = value.strip()
    return values


def strength_of(given: str | None) -> float | None:
    """Parse a strength. Raises Misused."""
    if given is None:
        return None
    try:
        strength = float(given)
    except ValueError:
        told = repr(given) if given.strip() else "empty"
        raise Misused(f"--strength is {told}, but must be a number from 0 to 2.") from None
    check_strength(strength)
    return strength
