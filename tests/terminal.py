"""A real pseudo-terminal with a screen that can be read: the program as a person meets it, keys only."""

import contextlib
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pexpect
import psutil
import pyte.screens

from tests.quick_screen import QuickScreen, QuickStream


class Modes:
    """The modes that a terminal is in, as programs set them by escape sequences."""

    FRESH = {7: True, 25: True}  # it wraps lines and shows its cursor

    def __init__(self) -> None:
        self._set = dict(self.FRESH)
        self.kitty_keys = 0  # how often kitty's keyboard protocol was begun and not ended
        self._part = b""

    def feed(self, data: bytes) -> None:
        data = self._part + data
        end = data.rfind(b"\x1b")
        whole = re.match(rb"\x1b\[[<>=?]?[0-9;]*[^0-9;<>=?]", data[end:]) if end >= 0 else True
        self._part = b"" if whole or len(data) - end > 32 else data[end:]
        for numbers, switch in re.findall(rb"\x1b\[\?([0-9;]+)([hl])", data[: len(data) - len(self._part)]):
            for number in numbers.split(b";"):
                self._set[int(number)] = switch == b"h"
        for sign in re.findall(rb"\x1b\[([<>])[0-9]*u", data[: len(data) - len(self._part)]):
            self.kitty_keys = max(0, self.kitty_keys + (1 if sign == b">" else -1))

    @property
    def changed(self) -> dict[int, bool]:
        """Each mode that is not as in a fresh terminal; 1049 is the alternate screen, 1000 to 1016 the mouse."""
        return {number: on for number, on in self._set.items() if on != self.FRESH.get(number, False)}


class Terminal:
    """One program on one screen. Waiting reads what the program writes: it never sleeps."""

    def __init__(
        self, columns: int, rows: int, environment: dict[str, str], argv: list[str], folder: str | None = None
    ) -> None:
        self.screen = QuickScreen(columns, rows)
        self._stream = QuickStream(self.screen)
        self.program = pexpect.spawn(
            argv[0],
            argv[1:],
            dimensions=(rows, columns),
            env=environment,
            timeout=None,
            maxread=65536,
            cwd=folder,
        )
        self.program.delaybeforesend = None  # what answers a key is waited for
        self.modes = Modes()

    def take(self, data: bytes) -> None:
        """Show what the program has written."""
        self.modes.feed(data)
        # pyte knows one screen: what a program did on the other one is wiped when it comes back
        self._stream.feed(known(data.replace(b"\x1b[?1049l", b"\x1b[2J\x1b[H")))

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self.screen.resize(rows, columns)
        self.program.setwinsize(rows, columns)

    def keys(self, text: str) -> None:
        """Press keys, one after another."""
        self.program.send(text)

    def press(self, key: str, seconds: float = 30.0, at: str = "") -> None:
        """Press one key and wait until the screen answers, in signs or in colours, as a person would.

        `at` matches what answers, in one row: elsewhere a cursor may blink, or an earlier key be answered.
        """
        before = self._look(at)
        self.keys(key)
        self.wait_for(lambda text: self._look(at) not in ([], before), seconds)

    def _look(self, at: str) -> list[pyte.screens.Char]:
        """The cells of the first match of `at`, all of them where it is empty."""
        for y, line in enumerate(self.screen.display if at else ()):
            if found := re.search(at, line):
                return [self.screen.buffer[y][x] for x in range(*found.span())]
        every = [(y, x) for y in range(self.screen.lines) for x in range(self.screen.columns)]
        return [] if at else [self.screen.buffer[y][x] for y, x in every]

    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def row(self, number: int) -> str:
        """What is in one row of the screen now; negative numbers count from the foot."""
        return str(self.screen.display[number]).rstrip()

    def wait_for(
        self, wanted: str | Callable[[str], object], seconds: float = 60.0, row: int | None = None
    ) -> str:
        """Read until the screen matches a regular expression, or a function of its text; return that text.

        With `row`, only that row is looked at. A screen that shows a story may show any word somewhere.
        """
        holds = (lambda text: re.search(wanted, text)) if isinstance(wanted, str) else wanted

        def look() -> str:
            return self.text() if row is None else self.row(row)

        until = time.monotonic() + seconds
        while not holds(text := look()):
            left = until - time.monotonic()
            place = "the screen" if row is None else f"row {row} of the screen"
            assert left > 0, f"after {seconds:.0f} s {place} does not show {wanted}:\n{self.text()}"
            try:
                data = self.program.read_nonblocking(65536, timeout=left)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                raise AssertionError(f"the program ended; its last screen was\n{self.text()}") from None
            self.take(data)
        return text

    def read(self, seconds: float) -> None:
        """Take what the program writes until it is silent for so long."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            while True:
                self.take(self.program.read_nonblocking(65536, timeout=seconds))

    def wait_for_end(self, seconds: float = 60.0) -> int:
        """Read until the program ends; return its exit code."""
        until = time.monotonic() + seconds
        with contextlib.suppress(pexpect.EOF):
            while True:
                left = max(0.0, until - time.monotonic())
                try:
                    self.take(self.program.read_nonblocking(65536, timeout=left))
                except pexpect.TIMEOUT:
                    raise AssertionError(f"after {seconds:.0f} s it has not ended:\n{self.text()}") from None
        self.program.close()
        assert self.program.exitstatus is not None, f"ended by signal {self.program.signalstatus}"
        return int(self.program.exitstatus)


def app_of(terminal: Terminal) -> int:
    """The process that runs the app; the program that was started only watches it."""
    watcher = psutil.Process(terminal.program.pid)
    return next((child.pid for child in watcher.children()), watcher.pid)


def kill_app(terminal: Terminal) -> None:
    """`kill -9`, for the app and its watcher."""
    os.killpg(terminal.program.pid, signal.SIGKILL)
    terminal.program.wait()


def known(data: bytes) -> bytes:
    """Without the modern sequences that pyte does not know and would print: kitty's keys, mode queries."""
    return re.sub(rb"\x1b\[[<>=?][0-9;]*(?:u|\$p)|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", b"", data)


@contextmanager
def open_app(
    columns: int, rows: int, home: Path, *words: str, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """`storytime-tui` in a terminal of this size; killed at the end if it still runs.

    It runs in a folder of its own: keys pressed at random may save a file, which must not lie in the working copy.
    """
    installed = Path(sys.executable).with_name("storytime-tui")
    argv = [str(installed)] if installed.exists() else [sys.executable, "-m", "storytime_tui"]
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        open_program(columns, rows, home, [*argv, *words], environment, folder) as terminal,
    ):
        yield terminal


@contextmanager
def open_program(
    columns: int,
    rows: int,
    home: Path,
    argv: list[str],
    changed: Mapping[str, str] | None = None,
    folder: str | None = None,
) -> Iterator[Terminal]:
    """Any program in a terminal of this size, with our files in `home`; killed at the end if it still runs.

    `changed`: variables of its environment that have other values; "" takes one away. `folder`: where it runs.
    """
    # a snapshot test leaves its own size in the environment, which the program would take for this terminal's
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    usual = {
        **inherited,
        "STORYTIME_HOME": str(home),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "TEXTUAL_ANIMATIONS": "none",
    }
    environment = {name: value for name, value in {**usual, **(changed or {})}.items() if value}
    terminal = Terminal(columns, rows, environment, argv, folder)
    try:
        yield terminal
    finally:
        terminal.program.close(force=True)
