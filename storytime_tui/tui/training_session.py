"""The training session: the current or displayed run, and the thread that trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.tui.bridge import Post, TrainingThread, in_thread
from storytime_tui.tui.messages import RunEnded
from storytime_tui.tui.run_view import (
    RunView,
    _called,
    asked_view,
    ended_view,
    new_view,
    resumed_view,
    stopping_view,
    view_after,
    view_of,
)

if TYPE_CHECKING:  # see services
    from storytime_tui.training.plan import TrainingPlan
    from storytime_tui.tui.services import Services


class TrainingSession:
    """The current or displayed run as `view`; `last` is the run to return to. Used on the event loop only."""

    def __init__(
        self,
        services: Services,
        post: Post,
        *,
        titles: Callable[[], Mapping[str, str]],
        changed: Callable[[RunView], object],
    ) -> None:
        """`titles`: by name. `changed` gets each new view."""
        self._services, self._titles = services, titles
        self._changed = changed
        self._thread = TrainingThread(post, self._handle)
        self._plans_anew = False  # whether other stories were ticked since the app was opened
        self._last_run_loaded = False  # whether `last` was loaded from the disk
        self.view = RunView()
        self.last: RunView | None = None

    @property
    def control(self) -> Control | None:
        """The control of the current run; None without one."""
        return self._thread.control

    @property
    def at_work(self) -> bool:
        """Whether a started run is in its thread: true until its checkpoint is saved, even if nobody hears its end."""
        return self._thread.at_work and self.view.started is not None

    def start(self, plan: TrainingPlan, run: str | None, subject: str) -> None:
        """Start a run. No run may be active."""
        self._thread.start(lambda control: self._services.learn(plan, control, run))
        self._set_view(new_view(subject))

    def resume(self, more_epochs: float | None = None) -> None:
        """Resume the displayed run, or train it for more epochs. No run may be active."""
        run = self.view.run
        self._thread.start(lambda control: self._services.resume(run, control, more_epochs))
        self._set_view(resumed_view(self.view))

    def stop(self) -> None:
        """Ask the current run to save and stop."""
        if self.control is not None:
            self.control.stop()
            self._set_view(stopping_view(self.view))

    def ask(self, asked: Literal["checkpoint", "sample"]) -> None:
        """Ask the current run for a checkpoint or a sample; it goes on."""
        if self.control is not None:
            (self.control.checkpoint if asked == "checkpoint" else self.control.sample)()
            self._set_view(asked_view(self.view, asked))

    def clear(self) -> None:
        """Return to the plan. No run of this app may be active."""
        if self.view.run and not self.view.busy:  # else another process trains it
            self.last = self.view
        self._set_view(RunView())

    def plan_anew(self) -> None:
        """Return to the plan from a run that has ended, since other stories are ticked now."""
        self._plans_anew = True
        if self.control is None and self.view.phase in ("finished", "failed", "interrupted"):
            self.clear()

    def show_last(self) -> None:
        """Display the last run. No run may be active."""
        if self.last is not None:
            self._set_view(self.last)

    async def show_run(self, name: str) -> None:
        """Load a run from the disk and display it, unless a run is active. Raises what reading it raises."""
        titles = self._titles()
        self.show_view(await in_thread(lambda: view_of(self._services.run_events(name), titles)))

    def show_view(self, view: RunView) -> None:
        """Display the view of a run that this app does not train, unless it trains one."""
        if self.control is None:
            self.last = view if view.run and not view.busy else self.last
            self._set_view(view)

    def renamed(self, old: str, new: str) -> None:
        """Call a run by its new name. It may not be active."""
        self.last = self.last and _called(self.last, old, new)
        self._set_view(_called(self.view, old, new))

    def forget(self, run: str) -> None:
        """Return to the plan if this run is displayed: it is gone."""
        if self.last is not None and self.last.run == run:
            self.last = None
        if self.control is None and self.view.phase != "idle" and self.view.run in ("", run):
            self._set_view(RunView())

    async def load_last_run(self) -> None:
        """Load the last run from the disk and display it, unless a run is active. Raises what reading it raises."""
        if self._last_run_loaded:
            return
        self._last_run_loaded = True
        titles = self._titles()
        try:
            earlier = await in_thread(lambda: self._earlier(titles))
        except Exception:
            self._last_run_loaded = False  # so that the next call reports it too
            raise
        if earlier is None or self.last is not None:
            return
        self.last = earlier
        if self.view.phase == "idle" and not self.view.error and not self._plans_anew:
            self.show_last()

    def _earlier(self, titles: Mapping[str, str]) -> RunView | None:
        """The last run's view, from its journal. Blocks."""
        last = self._services.last_run()
        return view_of(last.events, titles) if last is not None else None

    def _handle(self, events: Sequence[ev.Event | RunEnded]) -> None:
        """Handle a batch of the training thread's events."""
        view, now = self.view, self._services.wall_clock()
        for each in events:
            if isinstance(each, RunEnded):
                self._thread.release()
                view = ended_view(view, each.refusal)
            else:
                view = view_after(view, each, now)
        self._set_view(view)

    def _set_view(self, view: RunView) -> None:
        self.view = view
        self._changed(view)
