"""What a crash says, in plain words: what happened, what is kept, where the log is, and how to report it."""

import os
import textwrap

from storytime_tui import log

KEPT = "What you wrote is saved. A run keeps its checkpoints: open it in Runs and press r to resume it."
KEPT_AT_ONCE = KEPT.replace(" is saved.", " is saved, but for the last half second.")
_NATIVE = "It crashed in code that is not Python"
_KINDS = {
    "SIGSEGV": _NATIVE,
    "SIGABRT": _NATIVE,
    "SIGBUS": _NATIVE,
    "SIGFPE": _NATIVE,
    "SIGILL": "It needs another processor",
    "SIGKILL": "It was killed, as the system does when the memory is full",
}


def report() -> str:
    """How to report a crash."""
    holds = "The log holds story text, as you asked." if log.holds_text() else "It holds no story text."
    return f"If it happens again, report it: say what you did, and send the log. {holds}"


def of_signal(name: str, place: str) -> str:
    """The lines for an app that a signal ended; `place` is the sentence on the log."""
    return _block(f"{_KINDS.get(name, 'A signal ended it')} ({name}).", KEPT_AT_ONCE, place)


def of_error(kind: str) -> str:
    """The sentence for an exception of this type."""
    return f"An unexpected error occurred in the app ({kind})."


def after_error(kind: str, place: str) -> str:
    """The lines that stay in the terminal after an exception of this type."""
    return _block(of_error(kind), KEPT, place)


def wrapped(lines: str) -> str:
    """The lines for the terminal at standard error, none broken within a word; as they are where there is none."""
    try:
        columns = os.get_terminal_size(2).columns
    except OSError:
        return lines
    wrap = textwrap.TextWrapper(max(20, columns), break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrap.fill(line) for line in lines.split("\n"))


def _block(what: str, kept: str, place: str) -> str:
    return "\n".join(("", "Storytime has closed.", what, "", kept, place, report(), ""))
