"""What ends the app from outside or by an error, and how what is open is saved then."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import App

from storytime_tui import watcher
from storytime_tui.tui.writing_session import Stage

if TYPE_CHECKING:
    from storytime_tui.tui.desk import Desk


def listen(app: App[Any], leave: Callable[[bool], object]) -> None:
    """Leave on signals and when the watching parent is gone; treat errors outside the app's messages as crashes.

    `leave` gets whether the terminal is gone.
    """
    loop = asyncio.get_running_loop()
    # Windows lacks the signals; threads other than the main one (in tests) cannot set handlers
    for name, gone in (("SIGINT", False), ("SIGTERM", False), ("SIGHUP", True)):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError, AttributeError):
            loop.add_signal_handler(getattr(signal, name), leave, gone)
    if watcher.parent_lives is not None:
        loop.add_reader(watcher.parent_lives, _left_alone, app, leave, watcher.parent_lives)
    loop.set_exception_handler(_kept)
    if not app.is_headless:  # tests have their own
        threading.excepthook = partial(_thread_failed, app, loop)


def _left_alone(app: App[Any], leave: Callable[[bool], object], parent_lives: int) -> None:
    """The parent is gone, and the shell has the terminal: give it back, save and leave."""
    asyncio.get_running_loop().remove_reader(parent_lives)
    abandon = getattr(app._driver, "abandon", None)
    if abandon is not None:
        abandon()
    leave(True)


def _kept(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep an error that no task has taken: nobody waits for it, so the app goes on."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        from storytime_tui import log

        log.keep(error, "in a task of the app")


def _thread_failed(app: App[Any], loop: asyncio.AbstractEventLoop, failed: threading.ExceptHookArgs) -> None:
    """A thread has ended by an error: whatever waits for it would wait forever."""
    error = failed.exc_value
    if error is None or isinstance(error, SystemExit):
        return
    known = error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
    with contextlib.suppress(RuntimeError):  # the loop is closed: the app is gone
        loop.call_soon_threadsafe(app._handle_exception, known)
        return
    from storytime_tui import log

    log.keep(error, "in a thread after the app")


def save_after_crash(error: BaseException | None, desk: Desk) -> None:
    """Keep the traceback, hand over what was typed, and ask the run and the telling to stop and save.

    Raises nothing: whatever is broken, the rest is saved. `still_saving` says when all is on the disk.
    """
    from storytime_tui import log

    if error is not None:
        log.keep(error, "in the app")
    for save in (desk.writing.stop, desk.training.stop, partial(desk.leaving.publish, None)):
        with contextlib.suppress(Exception):
            save()


def still_saving(desk: Desk) -> str:
    """What is being saved after the app has ended, in words; "" when all is on the disk."""
    if desk.training.at_work:
        return "the run's checkpoint"
    telling = desk.writing.now.stage is Stage.TELLING and desk.writing.thread.at_work
    return "your last words" if telling or desk.store_thread.waiting else ""
