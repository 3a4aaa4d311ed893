"""Standard output and error that survive a closed pipe, a full disk or a closed terminal."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

_REASONS = {
    errno.EPIPE: "its reader has closed it",
    errno.ENOSPC: "the disk is full",
    errno.EIO: "its terminal is gone",
    errno.EBADF: "it is closed",
}


class OutputLost(Exception):
    """A stream can no longer be written; the message is a sentence. `reader_left`: the reader closed the pipe."""

    def __init__(self, stream: str, error: Exception | None = None) -> None:
        number = error.errno if isinstance(error, OSError) else errno.EBADF
        reason = _REASONS.get(number or 0) or getattr(error, "strerror", None) or type(error).__name__
        super().__init__(f"Standard {stream} can no longer be written: {reason}.")
        self.reader_left = number == errno.EPIPE


class _Guarded:
    """A text stream with one kind of failure: standard output raises OutputLost, standard error drops the text."""

    def __init__(self, name: str, stream: TextIO, *, must_arrive: bool, closed: bool = False) -> None:
        self.lost: OutputLost | None = None
        self._name, self._stream, self._must_arrive = name, stream, must_arrive
        self._closed = closed  # from the start; an error only once something is written

    def write(self, text: str) -> int:
        if self._closed and self.lost is None:
            self.lost = OutputLost(self._name)
        self._try(lambda: self._stream.write(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        try:
            return self.lost is None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)  # encoding, fileno, buffer

    def _try(self, write: Callable[[], object]) -> None:
        if self.lost is None:
            try:
                write()
            except UnicodeError:
                raise  # a ValueError about the text, not about the stream
            except (OSError, ValueError) as error:  # ValueError: the file object is closed
                self.lost = OutputLost(self._name, error)
            except RuntimeError:
                # A signal handler wrote during a write: its message is dropped.
                if self._must_arrive:
                    raise
        if self.lost is not None and self._must_arrive:
            raise self.lost

    def release(self) -> None:
        """Flush the buffer; if that fails, redirect the stream to the null device.

        Otherwise Python would report the failure when it exits.
        """
        with contextlib.suppress(Exception):
            self.flush()
        if self.lost is None:
            return
        with contextlib.suppress(Exception):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Give both streams one kind of failure for the block, whatever error the system or Python raises.

    Standard output raises OutputLost; standard error drops what cannot be written (see `terminal_lost`). After the
    block both streams can be written to without an exception.
    """
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    with contextlib.ExitStack() as held:
        # a stream that was closed from the start is None
        out = before[0] or held.enter_context(open(os.devnull, "w", encoding="utf-8"))
        err = before[1] or held.enter_context(open(os.devnull, "w", encoding="utf-8"))
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="replace")  # a terminal without UTF-8 shows "?" instead of stopping
        output = _Guarded("output", out, must_arrive=True, closed=before[0] is None)
        messages = _Guarded("error", err, must_arrive=False)
        sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, messages)
        try:
            yield
        finally:
            output.release()
            messages.release()
            sys.stdout, sys.stderr = before


def terminal_lost() -> OutputLost | None:
    """The error of standard error, if a write to it failed.

    None if it was closed or /dev/null from the start: then the user wanted no messages.
    """
    return sys.stderr.lost if isinstance(sys.stderr, _Guarded) else None


def _fill_closed_descriptors() -> None:
    """Open the null device on those of the descriptors 0 to 2 that are closed.

    Otherwise the next file opened (a story, a journal) would get that number, and native code would print into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                filled = os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
                os.set_inheritable(filled, True)
