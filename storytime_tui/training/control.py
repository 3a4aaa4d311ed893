"""How a run is steered from outside its thread: `threading` primitives, checked each micro-step. Knows no torch."""

import threading


class Control:
    """Requests to one run. Every method may be called from any thread and returns at once.

    The trainer reads the requests between micro-steps and answers with events; a request that it cannot
    meet any more (the run is over) is simply never answered.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._paused = False
        self._stopped = False
        self._checkpoint = False
        self._prompts: list[str | None] = []

    # -- asked by the user ---------------------------------------------------------------------------

    def pause(self) -> None:
        """Wait before the next micro-step, keeping everything in memory."""
        with self._changed:
            self._paused = True
            self._changed.notify_all()

    def resume(self) -> None:
        """Go on after a pause."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def stop(self) -> None:
        """Save a checkpoint at the next step boundary and finish."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def checkpoint(self) -> None:
        """Save a checkpoint at the next step boundary and go on."""
        with self._changed:
            self._checkpoint = True
            self._changed.notify_all()

    def sample(self, prompt: str | None = None) -> None:
        """Tell a sample at the next step boundary, of `prompt` or of the plan's own."""
        with self._changed:
            self._prompts.append(prompt)
            self._changed.notify_all()

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

    def take_checkpoint(self) -> bool:
        """Whether a checkpoint was asked for since the last call."""
        with self._lock:
            asked, self._checkpoint = self._checkpoint, False
            return asked

    def take_prompts(self) -> list[str | None]:
        """The samples asked for since the last call."""
        with self._lock:
            prompts, self._prompts = self._prompts, []
            return prompts

    def wait_for_request(self, any_request: bool = True) -> None:
        """While paused, sleep until the run may go on or end; with `any_request`, also until a checkpoint or a
        sample is asked for."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    not self._paused
                    or self._stopped
                    or (any_request and (self._checkpoint or bool(self._prompts)))
                )
            )
