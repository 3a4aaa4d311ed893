"""Turning work that reports through a callback into a stream of `Preparing` events."""

import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

from storytime_tui.errors import StorytimeError
from storytime_tui.reporting import Report
from storytime_tui.training.control import Control
from storytime_tui.training.events import Preparing

Result = TypeVar("Result")


class Stopped(StorytimeError):
    """The user stopped what was being made ready: `left` says how things stand."""

    def __init__(self, left: str = "nothing was begun.") -> None:
        super().__init__(f"Stopped; {left}")


def with_progress(work: Callable[[Report], Result], control: Control) -> Generator[Preparing, None, Result]:
    """Run `work(report)` in a thread of its own, yield what it reports, return its result.

    The work's exceptions are raised here. When the control is stopped, the work's next report ends it with
    `Stopped`.
    """
    reports: queue.SimpleQueue[Preparing | None] = queue.SimpleQueue()
    outcome: list[Result] = []
    trouble: list[BaseException] = []

    def report(what: str, done: int, total: int) -> None:
        if control.stopped:
            raise Stopped
        reports.put(Preparing(what, done, total))

    def body() -> None:
        try:
            outcome.append(work(report))
        except BaseException as error:  # raised again below, in the caller's thread
            trouble.append(error)
        finally:
            reports.put(None)

    thread = threading.Thread(target=body, name="storytime-preparing", daemon=True)
    thread.start()
    while (event := reports.get()) is not None:
        yield event
    thread.join()
    if trouble:
        raise trouble[0]
    return outcome[0]
