"""What the terminal can show, as far as the environment says it. Pure functions."""

import os
from collections.abc import Mapping

LEAST = (60, 20)  # columns and rows into which every screen fits

_UTF8 = ("utf-8", "utf8")
_COERCED = ("c.utf-8", "c.utf8", "utf-8")
_PLAIN_LOCALES = ("", "c", "posix")
# a text console or an old terminal: its font has lines and blocks, but no dots of Braille, no stars, no round corners
_CONSOLES = ("linux", "vt", "cons25", "ansi", "wsvt25", "bsdos", "pcansi")


def says_utf8(environment: Mapping[str, str]) -> bool:
    """Whether the locale says that the terminal's text is UTF-8.

    Where the locale is C, Python itself puts a UTF-8 one into LC_CTYPE when it starts (PEP 538). That says nothing
    about the terminal.
    """
    everything, signs, usual = (environment.get(name, "").lower() for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    if not everything and signs in _COERCED and usual in _PLAIN_LOCALES:
        return False
    return any(sign in (everything or signs or usual) for sign in _UTF8)


def is_console(environment: Mapping[str, str]) -> bool:
    """Whether TERM names a text console or an old terminal, whose font has few signs."""
    return environment.get("TERM", "").lower().startswith(_CONSOLES)


def is_dumb(environment: Mapping[str, str]) -> bool:
    """Whether TERM says that the terminal cannot place the cursor: no screen can be drawn on it."""
    return environment.get("TERM", "").lower() in ("dumb", "unknown")


def is_divided(environment: Mapping[str, str]) -> bool:
    """Whether tmux or GNU screen stands between the program and the terminal."""
    return bool(environment.get("TMUX") or environment.get("STY"))


def colours(environment: Mapping[str, str]) -> int:
    """How many colours are used: 0, 16, 256 or 16,777,216. An old console shows eight of the sixteen."""
    if environment.get("NO_COLOR") or is_dumb(environment):
        return 0
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return 1 << 24
    return 256 if environment.get("TERM", "").lower().endswith(("-256color", "-kitty")) else 16


def size(descriptor: int) -> tuple[int, int] | None:
    """Columns and rows of the terminal at a descriptor; None if there is none, or it does not say."""
    try:
        columns, rows = os.get_terminal_size(descriptor)
    except OSError:
        return None
    return (columns, rows) if columns and rows else None
