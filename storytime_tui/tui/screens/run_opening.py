"""Leaves the Runs screen with a run: to see it, to train it further, to write with it."""

from __future__ import annotations

from typing import Literal

from textual.screen import Screen

from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.run_rows import RunRow
from storytime_tui.tui.widgets.message_line import MessageLine


class RunOpening:
    """Shows a run on another screen, or says why it cannot."""

    def __init__(self, screen: Screen[None], desk: Desk, message: MessageLine) -> None:
        self._screen, self._desk, self._message = screen, desk, message
        self._training = desk.training
        self.visits = 0  # how often the screen was shown

    def trains_here(self, run: RunRow) -> bool:
        """Whether this app trains the run."""
        return self._training.control is not None and self._training.view.run == run.name

    def open(self, run: RunRow) -> None:
        """Show the run on the Train screen: as it looked when it trained; live if it trains."""
        if self.trains_here(run) or self._desk.watching.run == run.name:
            self._screen.post_message(GoTo("train", back="runs"))
        elif self._training.control is not None:
            self._message.complain("A run is training: you can open other runs when it has ended.")
        elif run.elsewhere:
            self._desk.watching.watch(run.name)
            self._screen.post_message(GoTo("train", back="runs"))
        else:
            self._screen.run_worker(self._show(run.name), group="open", exclusive=True)

    def train_on(self, run: RunRow, action: Literal["resume", "more"]) -> None:
        """Show the run on the Train screen and do there what this key does."""
        refusal = ""
        if run.elsewhere or self.trains_here(run):
            refusal = f"“{run.name}” is training already."
        elif self._training.control is not None:
            refusal = "A run is training: you can train another one when it has ended."
        elif action == "more" and run.can_resume:
            refusal = f"“{run.name}” has not finished: {own_key('runs.resume', 'r')} resumes it."
        elif action == "resume" and run.state == "finished":
            refusal = f"“{run.name}” has finished: {own_key('runs.more', 'm')} adds epochs."
        if refusal:
            self._message.complain(refusal)
        else:
            self._screen.run_worker(self._show(run.name, action), group="open", exclusive=True)

    async def _show(self, name: str, then: str = "") -> None:
        visit = self.visits
        with self._message.saying():
            await self._training.show_run(name)
            if not self._screen.is_current or self.visits != visit:
                return  # the user has gone elsewhere meanwhile
            app = self._screen.app
            await app.run_action("mode('train', 'runs')", default_namespace=app)
            if then:
                await app.run_action(f"screen.{then}", default_namespace=app)

    def how_it_learns(self, run: RunRow) -> None:
        """Show what the run learned, word by word."""
        from storytime_tui.tui.screens.how_it_learns import HowItLearnsScreen

        self._screen.app.push_screen(HowItLearnsScreen(self._desk, run.name))

    def write(self, run: RunRow) -> None:
        """Write with the run; if it trains here, with its weights of now."""
        if run.saved or self.trains_here(run):
            self._desk.writing.write_with(run.name)
            self._screen.post_message(GoTo("story"))
        else:
            self._message.complain(f"“{run.name}” has no checkpoint to write with.")
