"""Textual's pilot asks every widget of a screen to answer before it goes on; here only those that have work to do.

A widget whose loop waits for its next message has none: its answer would take two messages and tell nothing. On a
screen of a hundred widgets that is a good part of each key of a test.
"""

import asyncio
from typing import Any

from textual.css.model import RuleSet
from textual.message_pump import MessagePump
from textual.pilot import Pilot, WaitForScreenTimeout


def ask_only_the_busy() -> None:
    """From now on pilots do not wait for widgets that are at rest. Rules are told apart without a call each time."""
    Pilot._wait_for_screen = _wait_for_screen  # type: ignore[method-assign]
    RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]  # textual's own is `id`, written in Python


async def _wait_for_screen(pilot: Pilot[Any], timeout: float = 30.0) -> bool:
    """Wait until the app, its screen and each widget with work to do have done what they were asked before this."""
    app = pilot.app
    try:
        screen = app.screen
    except Exception:  # none is open any more
        return False
    done, left = asyncio.Event(), 0

    def answer() -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    for each in (app, screen, *(widget for widget in screen.walk_children() if not _at_rest(widget))):
        left += each.call_later(answer)
    if not left:
        return True
    waits = [asyncio.create_task(done.wait()), asyncio.create_task(app._exception_event.wait())]
    _, pending = await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if len(pending) == len(waits):
        raise WaitForScreenTimeout("Timed out while waiting for widgets to process pending messages.")
    return not left


def _at_rest(pump: MessagePump) -> bool:
    """Whether this widget has done all that it was asked to do, and waits for the next message."""
    queue = pump._message_queue
    return queue.empty() and bool(queue.ready_event._waiters)  # type: ignore[attr-defined]
