"""Keeps the output of native code (a C library's warning, a progress bar) off the screen.

Textual draws on the terminal's descriptor 2. While the app runs, descriptors 1 and 2 lead to a file: the null
device, because a library's message may quote a story, which no log may contain unless the user asks for it. Textual
gets a duplicate of the terminal through `sys.__stdout__` and `sys.__stderr__`, where its drivers look. Textual itself
catches Python's `print`.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

from storytime_tui.tui.drivers import in_a_browser


@contextlib.contextmanager
def native_output_to(log: Path) -> Iterator[None]:
    """Redirect descriptors 1 and 2 to `log` during the block, if they are a terminal's or lead to a browser's page."""
    target = _opened(log)
    if target is None:
        yield
        return
    kept = os.dup(1), os.dup(2)
    before = sys.__stdout__, sys.__stderr__
    screens = [cast(TextIO, os.fdopen(os.dup(fd), "w", encoding="utf-8", errors="replace")) for fd in kept]
    try:
        _flush()
        os.dup2(target, 1)
        os.dup2(target, 2)
        sys.__stdout__, sys.__stderr__ = screens  # type: ignore[misc, assignment]
        yield
    finally:
        _flush()  # buffered output belongs to the log too
        sys.__stdout__, sys.__stderr__ = before  # type: ignore[misc]
        for fd, original in zip((1, 2), kept, strict=True):
            os.dup2(original, fd)
            os.close(original)
        os.close(target)
        for screen in screens:
            with contextlib.suppress(OSError):
                screen.close()


def _opened(log: Path) -> int | None:
    """The log's descriptor; None without a terminal, or if the log cannot be written."""
    try:
        if os.name == "nt" or not ((os.isatty(1) and os.isatty(2)) or in_a_browser()):
            return None
        log.parent.mkdir(parents=True, exist_ok=True)
        return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return None


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
