"""The terminal: colours, signs, size, and what tmux and GNU screen pass on."""

import subprocess
from collections.abc import Callable, Iterator, Mapping

from storytime_tui.jobs.checkup.finding import Finding
from storytime_tui.terminal_kind import LEAST, colours, is_console, is_dumb, says_utf8

_SECONDS = 2.0
_OLDEST_TMUX = (3, 2)  # it has -w, which gives a copied text to the terminal
_SLOW_ESCAPE = 100  # milliseconds

AskTmux = Callable[[str], str]


def ask_tmux(question: str) -> str:
    """What tmux says to a format, such as `#{version}`; "" if it does not answer."""
    try:
        done = subprocess.run(
            ["tmux", "display-message", "-p", question],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def terminal_findings(
    environment: Mapping[str, str], size: tuple[int, int] | None, ask: AskTmux = ask_tmux
) -> Iterator[Finding]:
    """Everything about the terminal. `size`: its columns and rows; None without a terminal."""
    if size is None:
        yield Finding("terminal", "none here: the app needs one, the other commands do not")
        return
    yield _kind(environment)
    yield _colours(environment)
    yield _text(environment)
    yield _size(size)
    if environment.get("TMUX"):
        yield from _tmux(environment, ask)
    elif environment.get("STY"):
        yield Finding("screen", "GNU screen: what is copied goes to the terminal in pieces")


def _kind(environment: Mapping[str, str]) -> Finding:
    term = environment.get("TERM", "")
    if not term:
        return Finding(
            "terminal",
            "TERM is not set",
            advice="`export TERM=xterm-256color` says that it is a usual terminal.",
        )
    if is_dumb(environment):
        return Finding(
            "terminal",
            f"{term}: it cannot show the app",
            well=False,
            advice="Open another terminal; if this is a usual one, `export TERM=xterm-256color` says so.",
        )
    if is_console(environment):
        return Finding(
            "terminal",
            f"{term}, a text console or an old terminal: plain signs, and no mouse",
            advice="A window on a desktop shows more; if this is one, `export TERM=xterm-256color` says so.",
        )
    return Finding("terminal", term)


def _colours(environment: Mapping[str, str]) -> Finding:
    number = colours(environment)
    if environment.get("NO_COLOR"):
        return Finding("colours", "none: NO_COLOR is set", advice="`unset NO_COLOR` brings them back.")
    if number == 0:
        return Finding("colours", "none")
    if number > 256:
        return Finding("colours", "16 million")
    if number == 256:
        return Finding("colours", "256, which is enough")
    if is_console(environment):
        return Finding("colours", "16, those of the console")
    if environment.get("STY"):
        return Finding("colours", "16", advice="`term screen-256color` in ~/.screenrc gives 256.")
    if environment.get("TMUX"):
        return Finding(
            "colours", "16", advice='`set -g default-terminal "tmux-256color"` in ~/.tmux.conf gives 256.'
        )
    return Finding(
        "colours",
        "16, the terminal's own",
        advice="Nearly every terminal has 256: `export TERM=xterm-256color` says so.",
    )


def _text(environment: Mapping[str, str]) -> Finding:
    if says_utf8(environment):
        return Finding("letters", "UTF-8")
    return Finding(
        "letters",
        "the locale does not say UTF-8; plain signs may stand for others",
        advice="`export LANG=C.UTF-8` (or `en_US.UTF-8`) says it; inside tmux or screen, before those start.",
    )


def _size(size: tuple[int, int]) -> Finding:
    found = f"{size[0]}×{size[1]}"
    if size[0] < LEAST[0] or size[1] < LEAST[1]:
        return Finding(
            "size",
            f"{found}: parts of the screens are out of sight",
            advice=f"Make the window larger, or its font smaller: {LEAST[0]}×{LEAST[1]} shows everything.",
        )
    return Finding("size", found)


def _tmux(environment: Mapping[str, str], ask: AskTmux) -> Iterator[Finding]:
    version, features, copying, escape = (
        ask(question)
        for question in (
            "#{version}", "#{client_termfeatures}", "#{set-clipboard}", "#{escape-time}",
        )
    )  # fmt: skip
    yield _tmux_version(version)
    if features and "RGB" not in features.split(",") and colours(environment) > 256:
        yield Finding(
            "tmux colours",
            "256 of 16 million: tmux does not know that the terminal has more",
            advice='`set -as terminal-features ",*:RGB"` in ~/.tmux.conf tells it.',
        )
    if copying == "off":
        yield Finding(
            "tmux copying",
            "a copied text stays in tmux (set-clipboard is off)",
            advice="`set -s set-clipboard on` in ~/.tmux.conf gives it to the terminal.",
        )
    if escape.isdecimal() and int(escape) >= _SLOW_ESCAPE:
        yield Finding(
            "tmux escape key",
            f"comes {escape} ms late",
            advice="`set -s escape-time 10` in ~/.tmux.conf makes it quick.",
        )


def _tmux_version(version: str) -> Finding:
    digits = "".join(each if each.isdecimal() or each == "." else " " for each in version).split()
    numbers = tuple(int(part) for part in digits[0].split(".") if part) if digits else ()
    if numbers and numbers < _OLDEST_TMUX:
        return Finding(
            "tmux", version, advice="Update tmux: from 3.2 on it gives a copied text to the terminal."
        )
    return Finding("tmux", version or "it does not answer")
