"""Standard output and standard error, whatever becomes of them: a closed pipe, a full disk, a window that is gone."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

_REASONS = {
    errno.EPIPE: "its reader has left",
    errno.ENOSPC: "the disk is full",
    errno.EIO: "its terminal is gone",
    errno.EBADF: "it is closed",
}


class OutputLost(Exception):
    """What was printed cannot arrive; the message is a sentence. `reader_left`: nobody wants to read on."""

    def __init__(self, stream: str, error: Exception | None = None) -> None:
        number = error.errno if isinstance(error, OSError) else errno.EBADF
        reason = _REASONS.get(number or 0) or getattr(error, "strerror", None) or type(error).__name__
        super().__init__(f"Standard {stream} cannot be written any more: {reason}.")
        self.reader_left = number == errno.EPIPE


class _Guarded:
    """A text stream that fails in one way: standard output raises OutputLost, standard error falls silent."""

    def __init__(self, name: str, stream: TextIO, *, must_arrive: bool, closed: bool = False) -> None:
        self.lost: OutputLost | None = None
        self._name, self._stream, self._must_arrive = name, stream, must_arrive
        self._closed = closed  # from the start: that matters once something is written

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
        return getattr(self._stream, name)  # encoding, fileno, buffer: as they are

    def _try(self, write: Callable[[], object]) -> None:
        if self.lost is None:
            try:
                write()
            except UnicodeError:
                raise  # a ValueError too, but about the text
            except (OSError, ValueError) as error:  # ValueError: the file object is closed
                self.lost = OutputLost(self._name, error)
            except RuntimeError:
                # A signal came in the middle of a write, and its handler writes too: that message is dropped.
                if self._must_arrive:
                    raise
        if self.lost is not None and self._must_arrive:
            raise self.lost

    def let_go(self) -> None:
        """Write what is held back; where that fails, let it go, or Python would report it at its own end."""
        with contextlib.suppress(Exception):
            self.flush()
        if self.lost is None:
            return
        with contextlib.suppress(Exception):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """For the block, let every `print` fail in one way, whatever the system or Python makes of a lost stream.

    What cannot be printed on standard output raises OutputLost. Messages on standard error that nobody can see are
    dropped (see `terminal_lost`). Both streams can be written to afterwards without an exception.
    """
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    with contextlib.ExitStack() as held:
        # Python has None for a stream that was closed from the start
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
            output.let_go()
            messages.let_go()
            sys.stdout, sys.stderr = before


def terminal_lost() -> OutputLost | None:
    """What became of standard error, where something was written to it in vain.

    None where it was closed, or led to /dev/null, from the start: then nobody wanted to see the messages.
    """
    return sys.stderr.lost if isinstance(sys.stderr, _Guarded) else None


def _fill_closed_descriptors() -> None:
    """Give descriptors 0 to 2 that are closed to the null device.

    Otherwise the next file opened, a story or a journal, would get the number, and with it what native code prints.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                filled = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
                os.set_inheritable(filled, True)
