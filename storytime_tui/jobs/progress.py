"""Turns work that reports through a callback into a stream of `Preparing` events."""

import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from storytime_tui.errors import StorytimeError
from storytime_tui.reporting import Report
from storytime_tui.training.control import Control
from storytime_tui.training.events import Preparing

Result = TypeVar("Result")


class Stopped(StorytimeError):
    """The user stopped the preparation; `left` says what state was left behind."""

    def __init__(self, left: str = "nothing was started.") -> None:
        super().__init__(f"Stopped; {left}")


def with_progress(work: Callable[[Report], Result], control: Control) -> Generator[Preparing, None, Result]:
    """Run `work(report)` in its own thread, yield its reports as events and return its result.

    Exceptions of the work are raised here. After `control` is stopped, the next report raises `Stopped` in the work.
    """
    reports: queue.SimpleQueue[Preparing | None] = queue.SimpleQueue()
    outcome: list[Result] = []
    errors: list[BaseException] = []

    def report(what: str, done: int, total: int) -> None:
        if control.stopped:
            raise Stopped
        reports.put(Preparing(what, done, total))

    def body() -> None:
        try:
            outcome.append(work(report))
        except BaseException as error:  # raised again below, in the caller's thread
            errors.append(error)
        finally:
            reports.put(None)

    thread = threading.Thread(target=body, name="storytime-preparing", daemon=True)
    thread.start()
    while (event := reports.get()) is not None:
        yield event
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]


def in_background(work: Callable[[], Result]) -> "Future[Result]":
    """Begin `work` in a thread of its own; the future's `result` waits for it, and raises what it raised."""
    pool = ThreadPoolExecutor(1, "storytime-background")
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future
