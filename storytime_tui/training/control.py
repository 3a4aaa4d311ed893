"""Steers a run from other threads, with `threading` primitives checked at each micro-step. Knows no torch."""

import contextlib
import threading
from collections.abc import Callable, Iterator
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
        self._weights = threading.Lock()  # held while the weights change, or are copied
        self._copy: Callable[[], Any] | None = None

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

    def snapshot(self) -> Any:
        """A copy of the model as it was after its last step; None if there is none yet, or the run is over.

        Made by the caller's thread, at once: it only keeps the next step from changing the weights meanwhile. Raises
        what copying raises.
        """
        with self._weights:
            return self._copy() if self._copy is not None else None

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

    def offer_snapshots(self, copy: Callable[[], Any] | None) -> None:
        """From now on make snapshots by `copy`; None when the run is over."""
        with self._weights:
            self._copy = copy

    @contextlib.contextmanager
    def changing_weights(self) -> Iterator[None]:
        """For the block no snapshot is made: some weights would be newer than others."""
        with self._weights:
            yield

    def wait_for_request(self, any_request: bool = True) -> None:
        """While paused, block until the run is resumed or stopped; with `any_request`, also until a checkpoint or a
        sample is requested."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    not self._paused
                    or self._stopped
                    or (any_request and (self._checkpoint or bool(self._prompts)))
                )
            )
