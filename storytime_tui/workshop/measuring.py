"""This machine's own figures: how soon the app paints, beside what a bare Textual app takes."""

import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from storytime_tui.errors import StorytimeError

_BARE = """
from textual.app import App, ComposeResult
from textual.widgets import Static

class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("Library")

Bare().run()
"""
_OURS = "import sys; from storytime_tui.cli import main; sys.exit(main([]))"
_PAINTED = b"Library"  # stands in both first frames
_LIMIT = 60.0  # seconds for one start


def measure_ui(rounds: int, say: Callable[[str], None]) -> dict[str, float]:
    """Seconds from the program's start to its first painted frame in a pseudo-terminal of 80 x 24.

    Ours and a bare Textual app's are started in turn, `rounds` times after one warm-up each; the figures
    are medians, the ratio is the median of the pairs'.
    """
    if os.name == "nt":
        raise StorytimeError("bench ui needs a pseudo-terminal, which Windows does not offer to Python.")
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as home:
        environment = {
            **os.environ,
            "STORYTIME_HOME": home,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        for turn in range(rounds + 1):
            pair = [_first_frame(code, environment) for code in (_OURS, _BARE)]
            say(f"{'warm-up' if turn == 0 else f'pair {turn}':<9} ours {pair[0]:.3f} s, bare {pair[1]:.3f} s")
            if turn > 0:
                ours.append(pair[0])
                bare.append(pair[1])
    return {
        "first_frame_seconds": statistics.median(ours),
        "bare_first_frame_seconds": statistics.median(bare),
        "first_frame_ratio": statistics.median(a / b for a, b in zip(ours, bare, strict=True)),
    }


def _first_frame(code: str, environment: dict[str, str]) -> float:
    """Start `code` in a pseudo-terminal; seconds until it has painted."""
    import fcntl
    import struct
    import termios

    terminal, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    began = time.perf_counter()
    program = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=environment,
        start_new_session=True,
    )
    os.close(inside)
    seen = b""
    try:
        while _PAINTED not in seen:
            left = _LIMIT - (time.perf_counter() - began)
            ready, _, _ = select.select([terminal], [], [], max(0.0, left))
            if not ready:
                raise StorytimeError(f"The app painted nothing within {_LIMIT:.0f} s: try it by hand.")
            try:
                seen += os.read(terminal, 65536)
            except OSError:  # Linux says so when the program ended
                raise StorytimeError(f"The app ended before its first frame: {seen[-300:]!r}.") from None
        return time.perf_counter() - began
    finally:
        program.kill()
        program.wait()
        os.close(terminal)
