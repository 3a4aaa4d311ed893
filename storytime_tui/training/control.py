"""Steers a run from other threads, with `threading` primitives checked at each micro-step. Knows no torch."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class Control:
    """Requests to one run. Every method may be called from any thread and returns at once.

    The trainer reads the requests between micro-steps and responds with events; requests after the end of the run
    are ignored.
    """

    def __init__(self) -> None:
        # reentrant, because a signal's handler may call `stop` in the middle of any method of its own thread
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._paused = False
        self._stopped = False
        self._checkpoint = False
        self._prompts: list[str | None] = []
        self._prompt: str | None = None
        self._snapshots: list[Future[Any]] = []
        self._ended = False

    # -- requests by the user ---------------------------------------------------------------------------

    def pause(self) -> None:
        """Wait before the next micro-step, keeping everything in memory."""
        with self._changed:
            self._paused = True
            self._changed.notify_all()

    def resume(self) -> None:
        """Continue after a pause."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def stop(self) -> None:
        """Save a checkpoint at the next step boundary and finish."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def checkpoint(self) -> None:
        """Save a checkpoint at the next step boundary and continue."""
        with self._changed:
            self._checkpoint = True
            self._changed.notify_all()

    def sample(self, prompt: str | None = None) -> None:
        """Generate a sample at the next step boundary, from `prompt` or the run's usual prompts."""
        with self._changed:
            self._prompts.append(prompt)
            self._changed.notify_all()

    def change_prompt(self, prompt: str) -> None:
        """From now on sample from `prompt` instead of the plan's, the first time at the next step boundary."""
        with self._changed:
            self._prompt = prompt
            self._prompts.append(prompt)
            self._changed.notify_all()

    def snapshot(self) -> Future[Any]:
        """Ask for a copy of the model as it is between two micro-steps, also while the run is paused.

        The future is cancelled if the run ends before that.
        """
        asked: Future[Any] = Future()
        with self._changed:
            if self._ended:
                asked.cancel()
            else:
                self._snapshots.append(asked)
            self._changed.notify_all()
        return asked

    # -- read by the trainer -------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        """Whether the run should wait."""
        with self._lock:
            return self._paused and not self._stopped

    @property
    def stopped(self) -> bool:
        """Whether the run should end."""
        with self._lock:
            return self._stopped

    @property
    def prompt(self) -> str | None:
        """The prompt that takes the place of the plan's, if it was changed."""
        with self._lock:
            return self._prompt

    def take_checkpoint(self) -> bool:
        """Whether a checkpoint was requested since the last call."""
        with self._lock:
            requested, self._checkpoint = self._checkpoint, False
            return requested

    def take_prompts(self) -> list[str | None]:
        """The samples requested since the last call."""
        with self._lock:
            prompts, self._prompts = self._prompts, []
            return prompts

    def give_snapshots(self, copy: Callable[[int], Any] | None, step: int) -> None:
        """Answer each request for a snapshot by a new `copy(step)`, or by the error that it raises.

        Call it where the weights rest. Without `copy` the requests wait for the end of the run, which cancels them.
        """
        if copy is None:
            return
        with self._lock:
            asked, self._snapshots = self._snapshots, []
        for each in asked:
            if not each.set_running_or_notify_cancel():
                continue
            try:
                each.set_result(copy(step))
            except Exception as error:
                each.set_exception(error)

    def end(self) -> None:
        """The run is over: snapshots that were not given yet never will be."""
        with self._changed:
            self._ended = True
            asked, self._snapshots = self._snapshots, []
        for each in asked:
            each.cancel()

    def wait_for_request(self, any_request: bool = True) -> None:
        """While paused, block until the run is resumed or stopped, or a snapshot is requested; with `any_request`, also
        until a checkpoint or a sample is requested."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    not self._paused
                    or self._stopped
                    or bool(self._snapshots)
                    or (any_request and (self._checkpoint or bool(self._prompts)))
                )
            )
