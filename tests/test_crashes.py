"""Whatever ends or stops the app, the terminal is left as it was, what is open is saved, and plain words say why."""

import os
import signal
import sqlite3
import sys
import termios
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.crashing_app import SECRET
from tests.terminal import Terminal, app_of, open_app, open_program
from tests.test_journey import journal, learn

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and terminals are POSIX's")

SCREEN = {1049: True, 25: False, 1003: True, 2004: True}  # of what the app sets
SHELL = "shell>"


def tty_modes(terminal: Terminal) -> list[Any]:
    return termios.tcgetattr(terminal.program.fileno())


def opened(terminal: Terminal) -> None:
    terminal.wait_for(r"\[x\] Hedgerow Tales")
    terminal.wait_for(lambda _: SCREEN.items() <= terminal.modes.changed.items())


def log_of(home: Path) -> str:
    return (home / "logs" / "storytime.log").read_text(encoding="utf-8")


def gone(process: int) -> None:
    psutil.wait_procs([psutil.Process(process)] if psutil.pid_exists(process) else [], timeout=30)
    assert not psutil.pid_exists(process)


KILLS = [
    ("app", "SEGV"),
    ("app", "KILL"),
    ("app", "ABRT"),
    ("app", "BUS"),
    ("watcher", "SEGV"),
]


@pytest.mark.parametrize(("who", "name"), KILLS)
def test_whatever_kills_the_app_the_terminal_is_as_it_was(who: str, name: str, home: Path) -> None:
    number = signal.Signals[f"SIG{name}"]
    with open_app(80, 24, home) as terminal:
        before = tty_modes(terminal)
        opened(terminal)
        assert tty_modes(terminal) != before
        assert (
            psutil.Process(terminal.program.pid).memory_info().rss < 40_000_000
        )  # the watcher loads nothing
        os.kill(app_of(terminal) if who == "app" else terminal.program.pid, number)
        text = terminal.wait_for(closed)
        # faulthandler reads the frames of threads that run; that may crash in its turn, in one of a hundred kills
        ended = next((each for each in (name, "SEGV") if f"SIG{each}" in text), "")
        assert ended == name or (ended and name in ("ABRT", "BUS"))
        assert terminal.modes.changed == {}
        assert terminal.modes.kitty_keys == 0
        assert tty_modes(terminal) == before
        said = terminal.text().replace("\n", "")
        assert str(home / "logs" / "storytime.log") in said
        assert "What you wrote is saved" in said and "Traceback" not in said
        assert terminal.wait_for_end() == 128 + signal.Signals[f"SIG{ended}"]
    assert f"the app was ended by SIG{ended}" in log_of(home)
    if name in ("SEGV", "ABRT", "BUS"):
        assert "Fatal Python error" in log_of(home)


def test_where_a_fork_is_not_wanted_the_app_is_watched_too(home: Path) -> None:
    code = (
        "import sys; from storytime_tui import __main__ as m, watcher\n"
        "sys.exit(watcher.watched(m._run, [], fork=False))"
    )
    with open_program(80, 24, home, [sys.executable, "-c", code]) as terminal:
        before = tty_modes(terminal)
        opened(terminal)
        app = app_of(terminal)
        assert app != terminal.program.pid
        assert "STORYTIME_WATCHER" in psutil.Process(app).environ()
        os.kill(app, signal.SIGSEGV)
        terminal.wait_for("Storytime has closed")
        assert terminal.wait_for_end() == 128 + signal.SIGSEGV
        assert terminal.modes.changed == {}
    with open_program(80, 24, home, [sys.executable, "-c", code]) as terminal:
        opened(terminal)
        terminal.keys("\x11")
        assert terminal.wait_for_end() == 0
        assert terminal.modes.changed == {}
    assert before


def test_the_app_leaves_and_saves_when_its_watcher_is_killed(home: Path) -> None:
    with open_app(80, 24, home) as terminal:
        opened(terminal)
        terminal.keys("3")
        terminal.wait_for("A blank page")
        terminal.keys("a hare")
        terminal.wait_for("› a hare")
        app = app_of(terminal)
        os.kill(terminal.program.pid, signal.SIGKILL)
        gone(app)
        terminal.read(0.1)
        assert terminal.modes.changed == {}
    assert draft(home) == "a hare"


def draft(home: Path) -> str:
    with closing(sqlite3.connect(home / "stories.sqlite3")) as db:
        return str(db.execute("SELECT text FROM draft").fetchone()[0])


@pytest.mark.parametrize(("who", "name"), [("app", "INT"), ("app", "HUP"), ("watcher", "TERM")])
def test_a_signal_that_asks_for_the_end_saves_and_ends_well(who: str, name: str, home: Path) -> None:
    with open_app(80, 24, home) as terminal:
        opened(terminal)
        app = app_of(terminal)
        os.kill(app if who == "app" else terminal.program.pid, signal.Signals[f"SIG{name}"])
        assert terminal.wait_for_end() == 0
        assert terminal.modes.changed == {}
        gone(app)


def one(who: str) -> Callable[[Terminal, signal.Signals], None]:
    """Signals the app, its watcher, or both, as a shell does; `terminal` runs a shell that has started the app."""

    def send(terminal: Terminal, number: signal.Signals) -> None:
        (watcher,) = psutil.Process(terminal.program.pid).children()
        (app,) = watcher.children()
        if who == "both":
            os.killpg(watcher.pid, number)
        else:
            os.kill(app.pid if who == "app" else watcher.pid, number)

    return send


def test_stopped_from_outside_the_terminal_is_the_shells_and_the_app_comes_back(home: Path) -> None:
    """By each way in turn, of one app: the fourth time as the first."""
    ways = [("app", "TSTP"), ("watcher", "TSTP"), ("both", "TSTP"), ("app", "STOP")]
    program = Path(sys.executable).with_name("storytime-tui")
    start = str(program) if program.exists() else f"{sys.executable} -m storytime_tui"
    with open_program(80, 24, home, ["bash", "--norc", "--noprofile", "--noediting", "-i"]) as terminal:
        terminal.keys(f"PS1='{SHELL} '\r")
        terminal.wait_for(rf"{SHELL}\s*\Z")
        before = tty_modes(terminal)
        terminal.keys(f"{start}\r")
        opened(terminal)
        for turn, (who, name) in enumerate(ways):
            one(who)(terminal, signal.Signals[f"SIG{name}"])
            terminal.wait_for(rf"(?s)Stopped.*{SHELL}\s*\Z")
            terminal.keys(f"echo word-$((40 + {turn}))\r")
            terminal.wait_for(rf"word-4{turn}")
            assert terminal.modes.changed == {}
            assert terminal.modes.kitty_keys == 0
            assert tty_modes(terminal) == before
            terminal.screen.reset()
            terminal.keys("fg\r")
            opened(terminal)
            assert terminal.modes.kitty_keys == 1
            terminal.keys("4")
            terminal.wait_for("No runs yet")
            terminal.keys("1")
            terminal.wait_for(r"\[x\] Hedgerow Tales")
        terminal.keys("\x11")
        terminal.wait_for(rf"{SHELL}\s*\Z")
        terminal.keys("echo word-$((50 + 1))\r")
        terminal.wait_for("word-51")
        assert terminal.modes.changed == {}
        assert tty_modes(terminal) == before


def closed(text: str) -> bool:
    """Whether the last words on the terminal are there, to their end."""
    said = " ".join(text.split())
    return "Storytime has closed." in said and said.endswith("It holds no story text.")


CRASHING = [sys.executable, "-m", "tests.crashing_app"]


@pytest.mark.parametrize("kind", ["handler", "worker", "thread", "render", "timer"])
def test_a_crash_shows_one_screen_saves_what_is_open_and_opens_again(kind: str, home: Path) -> None:
    with open_program(80, 24, home, [*CRASHING, kind]) as terminal:
        before = tty_modes(terminal)
        opened(terminal)
        terminal.keys("3")
        terminal.wait_for("A blank page")
        terminal.keys(SECRET)
        terminal.wait_for(f"› {SECRET}")
        terminal.keys("\x1bOP")  # F1, before the half second after which a draft is saved
        terminal.wait_for("What you wrote is saved")
        shown = terminal.wait_for(lambda text: "Open again" in text and "hedgehog" not in text)
        assert "Storytime had to close" in shown and "ValueError" in shown and "Traceback" not in shown
        assert "storytime.log" in shown and "report it" in shown
        assert draft(home) == SECRET
        if kind == "handler":
            terminal.keys("\r")
            opened(terminal)  # again
            terminal.keys("3")
            terminal.wait_for(f"› {SECRET}")
            terminal.keys("\x1bOP")
            terminal.wait_for("Storytime had to close")
        terminal.keys("q")
        said = terminal.wait_for(closed)
        assert "hedgehog" not in said and "Traceback" not in said
        assert tty_modes(terminal) == before
        assert terminal.wait_for_end() == 1
        assert terminal.modes.changed == {}
    assert "in stumble" in log_of(home) and "hedgehog" not in log_of(home)


@pytest.mark.needs_torch
def test_a_crash_while_a_run_trains_saves_its_checkpoint_first(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "settings.toml").write_text('base = "scratch-tiny"\ntour = "done"\n')
    with open_program(80, 24, home, [*CRASHING, "handler"]) as terminal:
        learn(terminal, 5000)
        terminal.keys("\x1bOP")
        terminal.wait_for(r"Saving the run's checkpoint|What you wrote is saved")
        terminal.keys("q")  # it waits for the checkpoint
        terminal.wait_for(closed, 120)
        assert terminal.wait_for_end() == 1
    events = journal(home)
    assert events[-1]["event"] == "finished" and events[-1]["stopped_by"] == "stopped"
    saved = max(event["step"] for event in events if event["event"] == "checkpoint_saved")
    assert saved == max(event["step"] for event in events if event["event"] == "step_done")


def test_a_lost_task_ends_nothing_and_is_in_the_log(home: Path) -> None:
    with open_program(80, 24, home, [*CRASHING, "task"]) as terminal:
        opened(terminal)
        terminal.keys("?")
        until = time.monotonic() + 30
        while not (home / "logs" / "storytime.log").exists() or "in stumble" not in log_of(home):
            terminal.read(0.05)
            assert time.monotonic() < until
        terminal.keys("4")
        terminal.wait_for("No runs yet")
        terminal.keys("\x11")
        assert terminal.wait_for_end() == 0
    assert "hedgehog" not in log_of(home)


def test_a_crash_in_a_library_leaves_no_word_of_it_in_the_log_or_on_the_terminal(home: Path) -> None:
    with open_program(80, 24, home, [*CRASHING, "native"]) as terminal:
        opened(terminal)
        terminal.keys("?")
        terminal.wait_for("Storytime has closed")
        assert terminal.wait_for_end() == 128 + signal.SIGSEGV
        assert "hedgehog" not in terminal.text()
    assert "Fatal Python error" in log_of(home) and "in fail" in log_of(home)
    assert "hedgehog" not in log_of(home)


def test_who_asks_for_it_has_the_text_in_the_log(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORYTIME_LOG_TEXT", "1")
    with open_program(80, 24, home, [*CRASHING, "native"]) as terminal:
        opened(terminal)
        terminal.keys("?")
        terminal.wait_for(lambda text: "The log holds story text" in text.replace("\n", " "))
    assert SECRET in log_of(home)
