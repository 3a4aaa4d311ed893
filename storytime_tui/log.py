"""The log file, for fixing errors. It holds no story text unless the user asks, and only its owner can read it.

A message of an exception or a library may quote a prompt or a story. So the log keeps an exception's type and traceback
without its message, and only the place of a library's log call. Messages of the program's own loggers are kept whole.
With STORYTIME_LOG_TEXT=1 in the environment everything is kept, and what native libraries print too.
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
_crash_file: int | None = None  # the descriptor that native crashes write to, as long as the program runs


class _WithoutText(logging.Formatter):
    """Formats records without the messages of exceptions and libraries."""

    def format(self, record: logging.LogRecord) -> str:
        if holds_text():
            return super().format(record)
        ours = record.name.split(".")[0] == _OURS
        message = record.getMessage() if ours else f"logged in {record.pathname}, line {record.lineno}"
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {message}"
        error = record.exc_info[1] if record.exc_info else None
        return f"{line}\n{traced(error)}" if error is not None else line


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating log whose files only their owner can read."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        files.make_folder(path.parent)
        files.make_private(path)
        if not path.is_file():
            raise OSError("the log is not a file")  # opening a pipe would wait for its reader
        return super()._open()

    def doRollover(self) -> None:  # noqa: N802 - the library's name
        super().doRollover()
        if _crash_file is not None:  # into the new file from now on
            watch_for_crashes()


def holds_text() -> bool:
    """Whether the user asked for a log with the messages of exceptions and libraries, which may quote a story."""
    return os.environ.get("STORYTIME_LOG_TEXT", "") not in ("", "0")


def for_native_output() -> Path:
    """Where the output of native libraries goes while the app runs: nowhere, since a message may quote a story."""
    return paths.log_file() if holds_text() else Path(os.devnull)


def start() -> None:
    """Send log records and libraries' warnings to the log file. Without a writable log file they are dropped."""
    root = logging.getLogger()
    warnings.showwarning = _log_warning  # warnings do not concern the user
    logging.raiseExceptions = False  # a failed write must not print into the app's screen
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
    handler.setFormatter(_WithoutText("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    logging.getLogger(_OURS).warning("%s in %s, line %d", category.__name__, filename, lineno)


def keep(error: BaseException, doing: str) -> str:
    """Write an exception's traceback to the log. Returns a sentence that names the log, or says that there is none.

    Raises nothing: reporting one error must not cause another.
    """
    with contextlib.suppress(Exception):
        start()
        logging.getLogger(_OURS).error("%s", doing, exc_info=error)
    return place_in_words()


def note(sentence: str) -> None:
    """Write a sentence of ours to the log. Raises nothing."""
    with contextlib.suppress(Exception):
        start()
        logging.getLogger(_OURS).error("%s", sentence)


def place_in_words() -> str:
    """A sentence that says where the details of an unexpected error are."""
    with contextlib.suppress(StorytimeError, OSError, ValueError):
        if any(isinstance(handler, _PrivateFile) for handler in logging.getLogger().handlers):
            return f"The details are in {printable_path(paths.log_file())}."
    return "There are no details: the log cannot be written."


def sentence_for(error: BaseException, doing: str) -> str:
    """Log an unexpected error and return the sentence to show for it."""
    details = keep(error, doing)
    if isinstance(error, OSError) and (sentence := files.sentence_of(error)):
        return sentence
    if isinstance(error, MemoryError):
        return "The memory is full: close other programs, or choose a smaller model or text."
    try:
        message = str(error)[:500]
    except Exception:
        message = ""
    what = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return f"Something unexpected went wrong ({what}). {details}"


def watch_for_crashes() -> None:
    """Have native crashes, which raise no exception, write their Python traceback to the log."""
    global _crash_file
    try:
        path = paths.log_file()
        files.make_folder(path.parent)
        files.make_private(path)
        if path.is_file():
            before, _crash_file = _crash_file, os.open(path, os.O_WRONLY | os.O_APPEND)
            faulthandler.enable(_crash_file)
            if before is not None:
                os.close(before)
    except (OSError, ValueError, StorytimeError):
        return


def traced(error: BaseException) -> str:
    """The tracebacks of an exception and of those before it, as Python prints them, without their messages."""
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
    """The exception's type, plus details that cannot be story text: the system's reason, or a name in the code."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{name}: {os.strerror(error.errno)}{_place(error.filename)}"
    if isinstance(error, AttributeError | NameError | ImportError):
        missing = getattr(error, "name", None)
        return f"{name}: {missing}" if isinstance(missing, str) else name
    return name


def _place(filename: object) -> str:
    """The path if it is in one of our folders; any other name may be text that the user typed."""
    try:
        path = Path(os.fsdecode(filename))  # type: ignore[arg-type]  # None raises TypeError
        ours = (
            paths.data_folder(),
            paths.cache_folder(),
            paths.settings_file().parent,
            paths.log_file().parent,
        )
        return f": {path}" if any(path.is_relative_to(folder) for folder in ours) else ""
    except (TypeError, ValueError, StorytimeError):
        return ""
