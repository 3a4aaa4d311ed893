"""Textual's driver for a terminal, made to survive what happens to terminals: stops, hang-ups and another owner.

It tells the watcher when it has the screen. Signals are handled on the event loop, because Textual's own handlers may
interrupt a write and then wait for its lock forever. A write or a read that fails means that the terminal is gone.
"""

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver
from textual.events import Callback

from storytime_tui import watcher

if TYPE_CHECKING:
    from storytime_tui.tui.app import StorytimeApp


class TerminalDriver(LinuxDriver):
    """Draws on a terminal that may be taken away at any moment."""

    def __init__(self, app: "StorytimeApp", **options: Any) -> None:
        super().__init__(app, **options)
        self._out = _Patient(cast(TextIO, self._file), lambda: self._tell(app.terminal_lost))
        self._file = cast(Any, self._out)
        self._has_screen = False
        self._asleep = False  # stopped by a SIGTSTP, until its SIGCONT

    def start_application_mode(self) -> None:
        """Take the screen."""
        self._loop.add_signal_handler(signal.SIGTSTP, self._sigtstp_application)
        self._loop.add_signal_handler(signal.SIGCONT, self._sigcont_application)
        before = self._writer_thread
        watcher.screen_taken(True)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._has_screen = self._writer_thread is not before
        watcher.screen_taken(self._has_screen)  # in the background the driver starts nothing

    def stop_application_mode(self) -> None:
        """Give the screen back."""
        if self._has_screen:
            super().stop_application_mode()
            self._has_screen = False

    def close(self) -> None:
        """Write what is waiting to be written."""
        super().close()
        watcher.screen_taken(False)

    def _sigtstp_application(self, *_: object) -> None:
        if not self._asleep:  # else the same request came twice, from a shell and from the watcher
            self._asleep = True
            super()._sigtstp_application()

    def _sigcont_application(self, *_: object) -> None:
        self._asleep = False
        if self._auto_restart:
            if self._has_screen:  # stopped by a SIGSTOP, which comes without a warning
                self.suspend_application_mode()
            self.resume_application_mode()
            self._app.post_message(Callback(self._paint))

    def _paint(self) -> None:
        """Paint everything: the terminal may show another program's last words."""
        self._app.screen.refresh(layout=True)

    def abandon(self) -> None:
        """Give the screen back at once, and write no more: another program has the terminal."""
        self._out.gone = True
        with contextlib.suppress(OSError):
            os.write(self._out.fileno(), watcher.RESTORE)

    def _run_input_thread(self) -> None:
        app = cast("StorytimeApp", self._app)
        try:
            self.run_input_thread()
        except OSError:
            self._tell(app.terminal_lost)
        except Exception as error:
            self._tell(app._handle_exception, error)

    def _tell(self, call: Any, *values: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(call, *values)


class _Patient:
    """A terminal's stream. The first failure calls `lost`; what is written after it is dropped."""

    def __init__(self, stream: TextIO, lost: Any) -> None:
        self._stream, self._lost = stream, lost
        self.gone = False

    def write(self, text: str) -> int:
        if not self.gone:
            with self._noticing():
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        if not self.gone:
            with self._noticing():
                self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return not self.gone and self._stream.isatty()

    @contextlib.contextmanager
    def _noticing(self) -> Any:
        try:
            yield
        except (OSError, ValueError):
            if not self.gone:
                self.gone = True
                self._lost()
