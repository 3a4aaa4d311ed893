"""Turning SQLite's errors into sentences for people, and into exceptions that say whether a retry may help."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from storytime_tui import small_files
from storytime_tui.errors import StoryError, StoryUnavailable

# mistakes of the caller: a retry would fail too
_CALLERS = frozenset(
    {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_ERROR}
)


def newer(path: Path) -> str:
    """The message for a file that a newer version wrote."""
    return (
        f"The stories in {path} were written by a newer version of Storytime: install that one to open them. "
        "Nothing was changed."
    )


@contextlib.contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a StoryError with a sentence for people; StoryUnavailable if a retry may help."""
    try:
        yield
    except OverflowError as error:
        raise StoryError("There is no story or passage with so large a number.") from error
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # a mistake in our use of sqlite3
            raise
        sentence = _sentence(code & 0xFF, path, error)
        is_our_mistake = code & 0xFF in _CALLERS
        raise (StoryError if is_our_mistake else StoryUnavailable)(sentence) from error


def _sentence(code: int, path: Path, error: sqlite3.Error) -> str:
    if str(path) != ":memory:" and os.path.lexists(path) and not small_files.is_regular(path):
        kind = small_files.kind_of(path)
        return f"The stories file {path} cannot be opened: it is {kind}, not a file. Move that away."
    match code:
        case sqlite3.SQLITE_FULL:
            return (
                f"The disk is full: the story could not be saved to {path}. Make room and try again; nothing "
                "saved before is lost."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return (
                f"The stories file {path} is damaged. Try again: it is then set aside, and what can be read is "
                "recovered into a new one."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"Another program is writing to the stories file {path}: try again when it is done."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return (
                f"The stories file {path} cannot be opened for writing: check that you may write to it and "
                "to its folder."
            )
        case _:
            return f"The stories file {path} could not be used: {error}."
