"""A real pseudo-terminal with a screen that can be read: the program as a person meets it, keys only."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pyte


class Terminal:
    """One program on one screen. Waiting reads what the program writes: it never sleeps."""

    def __init__(self, columns: int, rows: int, environment: dict[str, str], argv: list[str]) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.program = pexpect.spawn(
            argv[0], argv[1:], dimensions=(rows, columns), env=environment, timeout=None, maxread=65536
        )

    def keys(self, text: str) -> None:
        """Press keys, one after another."""
        self.program.send(text)

    def press(self, key: str, seconds: float = 30.0) -> None:
        """Press one key and wait until the screen answers, in signs or in colours, as a person would."""
        before = self._look()
        self.keys(key)
        self.wait_for(lambda text: self._look() != before, seconds)

    def _look(self) -> list[list[pyte.screens.Char]]:
        return [
            [self.screen.buffer[y][x] for x in range(self.screen.columns)] for y in range(self.screen.lines)
        ]

    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, wanted: str | Callable[[str], object], seconds: float = 60.0) -> str:
        """Read until the screen matches a regular expression, or a function of its text; return that text."""
        holds = (lambda text: re.search(wanted, text)) if isinstance(wanted, str) else wanted
        until = time.monotonic() + seconds
        while not holds(self.text()):
            left = until - time.monotonic()
            assert left > 0, f"after {seconds:.0f} s the screen does not show {wanted}:\n{self.text()}"
            try:
                data = self.program.read_nonblocking(65536, timeout=left)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                raise AssertionError(f"the program ended; its last screen was\n{self.text()}") from None
            self._stream.feed(_known(data))
        return self.text()

    def wait_for_end(self, seconds: float = 60.0) -> int:
        """Read until the program ends; return its exit code."""
        self.program.expect(pexpect.EOF, timeout=seconds)
        self.program.close()
        assert self.program.exitstatus is not None, f"ended by signal {self.program.signalstatus}"
        return int(self.program.exitstatus)


def _known(data: bytes) -> bytes:
    """Without the modern sequences that pyte does not know and would print: kitty's keys, mode queries."""
    return re.sub(rb"\x1b\[[<>=?][0-9;]*(?:u|\$p)|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", b"", data)


@contextmanager
def open_app(columns: int, rows: int, home: Path, *words: str) -> Iterator[Terminal]:
    """`storytime-tui` in a terminal of this size; killed at the end if it still runs."""
    installed = Path(sys.executable).with_name("storytime-tui")
    argv = [str(installed)] if installed.exists() else [sys.executable, "-m", "storytime_tui"]
    environment = {
        **os.environ,
        "STORYTIME_HOME": str(home),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "TEXTUAL_ANIMATIONS": "none",
    }
    terminal = Terminal(columns, rows, environment, [*argv, *words])
    try:
        yield terminal
    finally:
        terminal.program.close(force=True)
