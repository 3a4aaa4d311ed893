"""Fills the plan's form from an earlier run or a TOML file, and saves the plan to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.screen import Screen

from storytime_tui.terminal import printable_line
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.plan_draft import Draft, draft_of
from storytime_tui.tui.saved_names import file_stem
from storytime_tui.tui.screens.ask_path import AskPathScreen
from storytime_tui.tui.screens.dialogs import ChooseScreen, Row
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.wording import number

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Preview
    from storytime_tui.jobs.past_plans import PastPlan
    from storytime_tui.training.runs import RunSummary

_FILE = Row("", "a TOML file…", "a plan.toml of a run folder, or a plan that you saved")


class PlanFiles:
    """Asks where a plan comes from or goes to; reads and writes in a thread."""

    def __init__(
        self,
        screen: Screen[object],
        desk: Desk,
        message: MessageLine,
        fill: Callable[[Draft], None],
        preferred: dict[str, object],
        previewed: Callable[[Draft], Preview],
    ) -> None:
        """`fill` shows a draft in the form. `preferred`: what a plan has that says nothing else.

        `previewed` works out what a draft comes to; it may block.
        """
        self._screen, self._desk, self._message = screen, desk, message
        self._fill, self._preferred, self._previewed = fill, preferred, previewed

    def ask(self) -> None:
        """Offer the runs and a file, and fill the form with the chosen plan."""

        def take(source: str | None) -> None:
            if source == "":
                self._ask_path()
            elif source is not None:
                self._screen.run_worker(self._take(source))

        runs = ChooseScreen("Start from the plan of a run or a file", [_FILE], find=self._rows)
        self._screen.app.push_screen(runs, take)

    def _rows(self) -> Sequence[Row]:
        titles = {collection.name: collection.title for collection in self._desk.collections}
        runs = [run for run in self._desk.services.runs() if run.state != "damaged"]
        return [_FILE, *(Row(run.name, run.name, _note(run, titles)) for run in runs)]

    def _ask_path(self) -> None:
        ask = AskPathScreen(
            "Plan from a file",
            "The path of a plan in TOML, or of a run's folder. Its base and options fill the form.",
            self._desk.services.list_folder,
            enter="Read",
            placeholder="~/plan.toml",
            attempt=lambda path: self._desk.services.past_plan(path.strip()) if path.strip() else None,
        )

        def take(path: str | None) -> None:
            if path and path.strip():
                self._screen.run_worker(self._take(path.strip()))

        self._screen.app.push_screen(ask, take)

    async def _take(self, source: str) -> None:
        with self._message.saying():
            found = await in_thread(lambda: self._desk.services.past_plan(source))
            self._fill(await in_thread(lambda: self._draft_of(found.plan)))
            titles = {collection.name: collection.title for collection in self._desk.collections}
            self._message.say(filled(source, found, titles))

    def _draft_of(self, plan: TrainingPlan) -> Draft:
        return draft_of(plan, lambda draft: self._previewed(draft).plan, **self._preferred)

    def save(self, plan: TrainingPlan, name: str) -> None:
        """Ask for a path, and write the plan there. `name`: of the run that would have this plan."""
        ask = AskPathScreen(
            "Save the plan",
            "A TOML file with the base, the stories and all options, for `storytime-tui train --plan FILE`.",
            self._desk.services.list_folder,
            enter="Save",
            value=f"{file_stem(name, 'plan')}.toml",
        )

        def write(path: str | None) -> None:
            if path and path.strip():
                self._screen.run_worker(self._write(plan, path.strip()))

        self._screen.app.push_screen(ask, write)

    async def _write(self, plan: TrainingPlan, path: str) -> None:
        with self._message.saying():
            file = await in_thread(lambda: self._desk.services.save_plan(plan, path))
            self._message.say(f"The plan is saved as {file}.")


def _note(run: RunSummary, titles: dict[str, str]) -> str:
    shelves = ", ".join(titles.get(name, name) for name in run.collections)
    loss = "" if run.best_validation_loss is None else f"; loss {number(run.best_validation_loss)}"
    return f"{run.base} on {shelves}{loss}"


def filled(source: str, found: PastPlan, titles: dict[str, str]) -> str:
    """What was filled in, which collections that plan had, and which are missing."""
    if not found.plan.collections:
        return (
            f"The plan of {printable_line(source)} is filled in; it names no stories. The ticked ones stay."
        )
    shelves = [titles.get(name, name) for name in found.plan.collections]
    missing = [titles.get(name, name) for name in found.missing]
    sentence = (
        f"The plan of {source} is filled in. It had {_listed(shelves)}; the ticked stories stay as they are."
    )
    if missing:
        are = "is" if len(missing) == 1 else "are"
        sentence += f" {_listed(missing)} {are} no longer on this machine."
    return sentence


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
