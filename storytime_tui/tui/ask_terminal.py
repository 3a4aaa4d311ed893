"""Asks the terminal whether it takes UTF-8, before the app starts: it knows, where the locale does not say."""

import os
import select
import sys
import time

_SECONDS = 0.5  # for the answer, which takes a tenth of it over a slow line
_QUESTION = b"\r\xc3\xa9\x1b[6n"  # a letter of two bytes at the left edge, then: where is the cursor?
_ERASED = b"\r  \r"


def takes_utf8() -> bool:
    """Whether a letter of two bytes takes one cell. A terminal that does not answer is taken for one that does not."""
    if os.name == "nt":
        return True
    import termios
    import tty

    try:
        source, target = sys.__stdin__.fileno(), sys.__stderr__.fileno()  # type: ignore[union-attr]
        before = termios.tcgetattr(source)
        try:
            tty.setraw(source)
            os.write(target, _QUESTION)
            answer = _answer(source)
            os.write(target, _ERASED)
        finally:
            termios.tcsetattr(source, termios.TCSADRAIN, before)
    except (AttributeError, OSError, ValueError, termios.error):
        return False
    return answer.endswith(b";2R")


def _answer(source: int) -> bytes:
    answer, end = b"", time.monotonic() + _SECONDS
    while b"R" not in answer and (left := end - time.monotonic()) > 0:
        if select.select([source], [], [], left)[0]:
            answer += os.read(source, 64)
    return answer
