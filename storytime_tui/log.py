"""The log file: where something broke, for whoever mends it. It holds no story text, and only its owner reads it.

A message may quote a prompt or a story: of an exception the log keeps its kind and where it was raised, of what a
library says where that was said. Messages of the program's own loggers are kept whole: they name runs and deeds.
"""

import contextlib
import faulthandler
import logging
import logging.handlers
import os
import traceback
import warnings
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from storytime_tui import files, paths
from storytime_tui.errors import StorytimeError
from storytime_tui.terminal import printable_path

_OURS = "storytime_tui"


class _WithoutText(logging.Formatter):
    """Lines without what a message of somebody else may quote."""

    def format(self, record: logging.LogRecord) -> str:
        ours = record.name.split(".")[0] == _OURS
        message = record.getMessage() if ours else f"said in {record.pathname}, line {record.lineno}"
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {message}"
        error = record.exc_info[1] if record.exc_info else None
        return f"{line}\n{traced(error)}" if error is not None else line


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """Each file that it begins, the first one and those after it is full, is its owner's alone."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        files.make_folder(path.parent)
        files.make_private(path)
        if not path.is_file():
            raise OSError("the log is no file")  # opening a pipe would wait for its reader
        return super()._open()


def start() -> None:
    """Send log records, and warnings of libraries, to the log file; where it cannot be written there is none."""
    root = logging.getLogger()
    warnings.showwarning = _warned  # they are for whoever mends the program, not for the user's screen
    logging.raiseExceptions = False  # a log that cannot be written must not tear the screen
    try:
        path = paths.log_file().absolute()
        for old in list(root.handlers):
            if isinstance(old, logging.handlers.RotatingFileHandler):
                if old.baseFilename == str(path):
                    return
                root.removeHandler(old)  # the home has changed
                old.close()
        handler = _PrivateFile(path, maxBytes=2_000_000, backupCount=2, encoding="utf-8")
    except (OSError, ValueError, StorytimeError):
        root.addHandler(logging.NullHandler())
        return
    handler.setFormatter(_WithoutText())
    root.addHandler(handler)
    root.setLevel(logging.WARNING)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    logging.getLogger(_OURS).warning("%s in %s, line %d", category.__name__, filename, lineno)


def keep(error: BaseException, doing: str) -> str:
    """Write where an exception came from. Returns a sentence that says where, or that nothing could be written.

    Raises nothing: whoever reports one fault must not meet another.
    """
    with contextlib.suppress(Exception):
        start()
        logging.getLogger(_OURS).error("%s", doing, exc_info=error)
    return place_in_words()


def place_in_words() -> str:
    """A sentence for whoever was told of an error that nobody foresaw."""
    with contextlib.suppress(StorytimeError, OSError, ValueError):
        if any(isinstance(handler, _PrivateFile) for handler in logging.getLogger().handlers):
            return f"The details are in {printable_path(paths.log_file())}."
    return "There are no details: the log cannot be written."


def told(error: BaseException, doing: str) -> str:
    """Keep an error that nobody foresaw; give the sentence to show for it."""
    details = keep(error, doing)
    if isinstance(error, OSError) and (sentence := files.sentence_of(error)):
        return sentence
    if isinstance(error, MemoryError):
        return "The memory is full: close other programs, or choose a smaller model or text."
    try:
        said = str(error)[:500]
    except Exception:
        said = ""
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return f"Something unexpected went wrong ({what}). {details}"


def watch_for_crashes() -> None:
    """Let the log have the line that was reached, where native code ends the program without an exception."""
    try:
        path = paths.log_file()
        files.make_folder(path.parent)
        files.make_private(path)
        if path.is_file():
            # open as long as the program runs
            faulthandler.enable(os.open(path, os.O_WRONLY | os.O_APPEND))
    except (OSError, ValueError, StorytimeError):
        return


def traced(error: BaseException) -> str:
    """Where an exception, and those before it, came from: as Python prints it, without their messages."""
    parts: list[str] = []
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        frames = "".join(traceback.format_tb(link.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{_kind(link)}")
        if isinstance(link, BaseExceptionGroup):
            parts[-1] += "".join(f"\n  with {_kind(each)}" for each in link.exceptions)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n\nwhich led to\n\n".join(reversed(parts))


def _kind(error: BaseException) -> str:
    """The type, and of the message what cannot be text: a system's reason, a name in the code."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{name}: {os.strerror(error.errno)}{_place(error.filename)}"
    if isinstance(error, AttributeError | NameError | ImportError):
        missing = getattr(error, "name", None)
        return f"{name}: {missing}" if isinstance(missing, str) else name
    return name


def _place(filename: object) -> str:
    """A file of ours; another's name may be anything that was typed."""
    try:
        path = Path(os.fsdecode(filename))  # type: ignore[arg-type]  # a TypeError where there is none
        ours = (
            paths.data_folder(),
            paths.cache_folder(),
            paths.settings_file().parent,
            paths.log_file().parent,
        )
        return f": {path}" if any(path.is_relative_to(folder) for folder in ours) else ""
    except (TypeError, ValueError, StorytimeError):
        return ""
