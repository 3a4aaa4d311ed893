"""Walks over the real screens while a run trains, and times each key until its answer is painted."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from textual import events
from textual.app import App
from textual.widgets import TextArea

from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.choice_list import ChoiceList

BETWEEN = 0.1  # seconds, like a fast typist
PATIENCE = 30.0  # seconds until a key counts as unanswered
Answered = Callable[[StorytimeApp], object]


@dataclass(frozen=True)
class Step:
    """A key by Textual's name, and a condition that is true when it is answered; `typed` is its letter, if any."""

    key: str
    answer: Answered
    typed: str | None = None


def _shows(mode: str) -> Answered:
    return lambda app: app.current_mode == mode and len(app.screen_stack) == 1


def _screen(name: str) -> Answered:
    return lambda app: type(app.screen).__name__ == name


def _list(app: StorytimeApp) -> bool:
    return any(found.rows for found in app.screen.query(ChoiceList))


def _at_the_line(app: StorytimeApp) -> bool:
    return isinstance(app.focused, TextArea)


def _anything(app: StorytimeApp) -> bool:
    return True


def keys_of_walk() -> list[Step]:
    """The keys in order, from a run's dashboard back to it."""
    return [
        Step("f1", _screen("HelpScreen")),
        Step("down", _anything),
        Step("escape", _shows("train")),
        Step("1", _shows("library"), "1"),
        Step("down", _anything),
        Step("tab", _anything),
        Step("question_mark", _screen("HelpScreen"), "?"),
        Step("escape", _shows("library")),
        Step("4", _shows("runs"), "4"),
        Step("down", _anything),
        Step("3", _shows("story"), "3"),
        Step("escape", lambda app: not _at_the_line(app)),
        Step("enter", _at_the_line),
        Step("a", _anything, "a"),
        Step("backspace", _anything),
        Step("escape", lambda app: not _at_the_line(app)),
        Step("o", _screen("BookshelfScreen"), "o"),
        Step("down", _anything),
        Step("escape", _shows("story")),
        Step("m", _list, "m"),
        Step("end", _anything),
        Step("escape", _shows("story")),
        Step("comma", _screen("SettingsScreen"), ","),
        Step("down", _anything),
        Step("escape", _shows("story")),
        Step("f1", _screen("HelpScreen")),
        Step("escape", _shows("story")),
        Step("2", _shows("train"), "2"),
        Step("left", _anything),
    ]


async def press(app: StorytimeApp, step: Step) -> float:
    """Press the key; returns the seconds until its answer is painted. Raises TimeoutError without an answer."""
    began = time.perf_counter()
    app.post_message(events.Key(step.key, step.typed))
    # this waits behind the key in the app's queue, so the key has been passed on
    await _turn(app)
    while not step.answer(app):
        if time.perf_counter() - began > PATIENCE:
            raise TimeoutError(f"the key {step.key} has no answer")
        await asyncio.sleep(0.001)
    painted = asyncio.Event()
    app.screen.call_after_refresh(painted.set)
    await painted.wait()
    return time.perf_counter() - began


async def _turn(app: App[None]) -> None:
    came = asyncio.Event()
    app.call_later(came.set)
    await came.wait()
    came.clear()
    if app.focused is not None:
        app.focused.call_later(came.set)
        await came.wait()


async def take_walk(app: StorytimeApp, steps: list[Step], walks: int) -> list[tuple[str, float]]:
    """Repeat the walk; returns each key with its seconds. Raises TimeoutError."""
    took: list[tuple[str, float]] = []
    for _ in range(walks):
        for step in steps:
            took.append((step.key, await press(app, step)))
            await asyncio.sleep(BETWEEN)
    return took
