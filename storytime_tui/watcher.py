"""Watches the app from a small parent process: whatever ends or stops the app, the terminal is left as it was.

A process that is killed, or that crashes in native code, cannot switch its terminal back. So the command runs the app
in a child process. The parent loads nothing: it waits, passes signals on, and stops and ends when the app does. If the
app died with the screen in its hands, the parent leaves the alternate screen, gives back the mouse, the keyboard and
the cursor, and says where the log is. If the parent is killed, the app notices it, saves and leaves.

On Linux the child is a fork, made before anything is loaded, so it costs a millisecond. Elsewhere (macOS's frameworks
do not survive a fork) the child is started anew.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Collection
from typing import Any

# Ends a half-written sequence, then undoes what the app's driver sets: held-back painting, kitty's keys, pasting, the
# mouse, focus, in-band sizes, no line wrap, colours; then the alternate screen, and last the hidden cursor.
RESTORE = (
    b"\x18\x1b[?2026l\x1b[<u\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"
    b"\x1b[?1004l\x1b[?2048l\x1b[?7h\x1b[0m\x1b[?1049l\x1b[?25h"
)
_PASSED_BY = "STORYTIME_WATCHER"  # the descriptors, for a child that is started anew
_LATER = 0.3  # seconds in which the app gets a signal that was sent to both processes

# of the link between the two: in the app, where it says that it has the screen, and where it sees the parent's end
_tells: int | None = None
parent_lives: int | None = None


def watched(run: Callable[[], int], words: list[str], *, fork: bool = sys.platform == "linux") -> int:
    """Run the app in a child process and watch it; run any other command, or one without a terminal, here.

    Returns the exit code: the app's, or 128 and the number of the signal that ended it.
    """
    code = None
    while code is None:
        code = _run(run, words, fork)
    return code


def _run(run: Callable[[], int], words: list[str], fork: bool) -> int | None:
    """Like `watched`, once; None if the app wants to be opened again."""
    if passed := os.environ.pop(_PASSED_BY, ""):
        with contextlib.suppress(ValueError, OSError, TypeError):  # somebody else's
            _join(*(int(number) for number in passed.split(",")))
        return run()
    if words[:1] not in ([], ["app"]) or not _has_terminal() or _has_threads():
        return run()
    import termios

    modes = termios.tcgetattr(0)
    told, tells = os.pipe()
    lives, kept = os.pipe()
    numbers = {number for name in _PASSED_ON + _AT_ONCE + ("SIGCHLD", "SIGALRM") if (number := _number(name))}
    usual = {number: signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGCONT)}
    for number in usual:  # what nobody handles is lost on some systems, although it is blocked
        signal.signal(number, lambda *_: None)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers | {signal.SIGTTOU})
    try:
        app = os.fork() if fork else _started_anew(before, lives, tells)
    except OSError:  # no more processes: then without a watcher
        app = -1
    if app <= 0:
        for number, handler in usual.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(told)
        os.close(kept)
        if app == 0:
            _join(lives, tells)
        else:
            os.close(tells)
            os.close(lives)
        return run()
    os.close(tells)
    os.close(lives)
    os.set_blocking(told, False)
    watch = _Watch(app, told, modes)
    code = watch.until_the_end(numbers)
    os.close(told)
    os.close(kept)
    signal.setitimer(signal.ITIMER_REAL, 0)
    while pending := signal.sigpending() & numbers:  # they were the app's
        signal.sigwait(pending)
    for number, handler in usual.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return None if watch.wanted_again and code == 0 else code


def open_again() -> None:
    """Have the parent open the app again after this process has ended."""
    if _tells is not None:
        with contextlib.suppress(OSError):  # the parent is gone
            os.write(_tells, b"a")


def screen_taken(taken: bool) -> None:
    """Tell the parent whether the terminal has the app's modes now."""
    if _tells is not None:
        with contextlib.suppress(OSError):  # the parent is gone
            os.write(_tells, b"1" if taken else b"0")


_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTSTP", "SIGCONT", "SIGUSR1", "SIGUSR2")
_AT_ONCE = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS")
_QUIET = ("SIGTERM", "SIGHUP", "SIGINT", "SIGPIPE")  # somebody asked for the end: there is nothing to explain


class _Watch:
    """The parent's view of the app."""

    def __init__(self, app: int, told: int, modes: list[Any]) -> None:
        self._app, self._told, self._modes = app, told, modes
        self._taken = self._stopped = False
        self.wanted_again = False
        self._owed: list[int] = []  # signals that the app may have got too

    def until_the_end(self, numbers: Collection[int]) -> int:
        """Wait for the app's end; return the exit code."""
        while True:
            number = signal.sigwait(numbers)
            if number == signal.SIGCHLD:
                if (code := self._news()) is not None:
                    return code
            elif number == signal.SIGALRM:
                if (code := self._news()) is not None:
                    return code
                self._pass_on()
            elif signal.Signals(number).name in _AT_ONCE:
                self._send(number)
            else:
                self._owed.append(number)
                signal.setitimer(signal.ITIMER_REAL, _LATER)

    def _news(self) -> int | None:
        """What happened to the app: follow it, and return the exit code if it has ended."""
        while True:
            app, status = os.waitpid(self._app, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if app == 0:
                return None
            if os.WIFSTOPPED(status):
                self._stop_too()
            elif os.WIFCONTINUED(status):
                self._stopped = False
            else:
                return self._ended(status)

    def _stop_too(self) -> None:
        """Stop, so that the shell takes the terminal: a SIGSTOP from outside left it with the app's modes."""
        self._stopped = True
        self._owed = [number for number in self._owed if number != signal.SIGTSTP]
        if self._has_screen():
            self._restore()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _pass_on(self) -> None:
        """Send what the app did not get: a shell signals both processes, `kill` only one."""
        owed, self._owed = self._owed, []
        for number in owed:
            if number != signal.SIGCONT or self._stopped:
                self._send(number)

    def _send(self, number: int) -> None:
        with contextlib.suppress(OSError):
            os.kill(self._app, number)

    def _ended(self, status: int) -> int:
        has_screen = self._has_screen()
        if has_screen:
            self._restore()
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
        number = os.WTERMSIG(status)
        if has_screen or name_of(number) not in _QUIET:
            with contextlib.suppress(Exception):  # the terminal or the home may be gone
                _explain(number)
        return 128 + number

    def _has_screen(self) -> bool:
        with contextlib.suppress(OSError):
            while states := os.read(self._told, 4096):
                self.wanted_again = self.wanted_again or b"a" in states
                self._taken = (b"0" + states.replace(b"a", b"")).endswith(b"1")
        return self._taken

    def _restore(self) -> None:
        import termios

        with contextlib.suppress(OSError):
            os.write(2, RESTORE)
        with contextlib.suppress(OSError, termios.error):
            if os.tcgetpgrp(0) == os.getpgrp():  # else the terminal is another program's
                termios.tcsetattr(0, termios.TCSADRAIN, self._modes)
                termios.tcflush(0, termios.TCIFLUSH)  # reports of the mouse


def _explain(number: int) -> None:
    """Say on the terminal, and in the log, that a signal ended the app."""
    from storytime_tui import crash_words, log

    log.note(f"the app was ended by {name_of(number)}")
    sys.stderr.write(crash_words.wrapped(crash_words.of_signal(name_of(number), log.place_in_words())) + "\n")
    sys.stderr.flush()


def _has_terminal() -> bool:
    return hasattr(signal, "pthread_sigmask") and os.isatty(0) and os.isatty(2)


def _has_threads() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


def _number(name: str) -> int | None:
    return getattr(signal, name, None)


def name_of(number: int) -> str:
    """The name of a signal, as `kill -l` has it."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _join(lives: int, tells: int) -> None:
    """Be the app: keep its ends of the two pipes."""
    global _tells, parent_lives
    for end in (lives, tells):
        os.set_inheritable(end, False)
    _tells, parent_lives = tells, lives


def _started_anew(mask: set[signal.Signals | int], lives: int, tells: int) -> int:
    for end in (lives, tells):
        os.set_inheritable(end, True)
    environment = {**os.environ, _PASSED_BY: f"{lives},{tells}"}
    return os.posix_spawn(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment, setsigmask=mask)
