"""The training plan's form: the stories, the base, a few options with good defaults, and one key to start.

What the user set is one `Draft`; the fields show a part of it. Its other options are one level deeper (`options`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Static

from storytime_tui.errors import StorytimeError
from storytime_tui.terminal import printable_line
from storytime_tui.training.plan import TrainingPlan, first_look
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.plan_draft import OPTIONS, Draft, plan_of, problem_of, with_labels
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.widgets.base_box import BaseBox
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.option_box import OptionBox

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Preview
    from storytime_tui.tui.screens.plan_files import PlanFiles

NARROW = 76  # cells; below this width the field for a base is narrow


class PlanForm(VerticalScroll, can_focus=False):
    """The plan's form. It reports errors in the screen's message line."""

    BINDINGS = [
        Binding(
            "o", "options", "All options", show=False, id="plan.options", tooltip="Every option, in groups"
        ),
        Binding(
            "f",
            "past",
            "From a run or file",
            show=False,
            id="plan.past",
            tooltip="Start from an earlier plan",
        ),
        Binding(
            "l", "rate", "Find the rate", show=False, id="plan.rate", tooltip="Test which learning rates work"
        ),
        Binding(
            "e", "save", "Save plan", show=False, id="plan.save", tooltip="Save this plan to a TOML file"
        ),
        Binding(
            "0",
            "first_look",
            "Watch one learn",
            show=False,
            id="plan.first_look",
            tooltip="Watch a tiny new model learn from nothing, in about a minute",
        ),
    ]

    class StartRequested(Message):
        """The start button was pressed."""

    def __init__(self, desk: Desk, message: MessageLine) -> None:
        super().__init__()
        self._desk = desk
        self._message = message
        self._preview: Preview | None = None
        self._unknown = ""  # why it could not be worked out what the plan comes to
        self._previews: Debounced[Preview] = Debounced(self, self._show_preview, self._no_preview)

    def compose(self) -> ComposeResult:
        """The stories, the base, the options, the start button."""
        yield Static(id="stories", markup=False)
        yield BaseBox()
        yield OptionBox(self._keys)
        with Horizontal(id="start-line"):
            yield Button("Start training", id="start", compact=True)
            with Vertical(id="start-words"):
                yield Static(id="preview", markup=False)
                yield Static(id="unfinished", markup=False)
        with Horizontal(id="look-line"):
            yield Button("Watch one learn", id="look", compact=True)
            yield Static(Content(wording.first_look()), id="look-words")
        yield Static(wording.WHAT_HAPPENS, id="what-happens", markup=False)

    def _keys(self) -> dict[str, str]:
        """The keys of the form, and what they do."""
        count = len(self._options.draft.typed)
        changed = f", {count} changed" if count else ""
        return {
            "options": f"Options ({len(OPTIONS)}{changed})",
            "past": "From a run or file",
            "rate": "Find rate",
            "save": "Save plan",
        }

    def on_mount(self) -> None:
        """Select the preferred or default base."""
        self.query_one("#stories").border_title = "Stories to train on"
        self.query_one(BaseBox).choose(self._desk.preferences.now.base)
        self._desk.shelf_changed.subscribe(self, self._show_stories)
        self._show_stories(None)

    def on_resize(self) -> None:
        """Choose placeholders that fit the width, once the fields have theirs."""
        self.call_after_refresh(self._show_placeholders)

    def _show_placeholders(self) -> None:
        self._options.show_values(self.base, self._preview)
        self._show_sum()
        self.query_one(BaseBox).show_width(narrow=self.size.width < NARROW)

    @property
    def _options(self) -> OptionBox:
        return self.query_one(OptionBox)

    @property
    def base(self) -> str:
        """The chosen base."""
        return self.query_one(BaseBox).base

    @property
    def draft(self) -> Draft:
        """What the user set."""
        return replace(self._options.draft, base=self.base)

    # -- changes --------------------------------------------------------------------------------------

    @on(BaseBox.Changed)
    def _base_changed(self) -> None:
        self._desk.base = self.base
        self._desk.shelf_changed.publish(None)

    @on(OptionBox.Changed)
    def _options_changed(self) -> None:
        self.refresh_bindings()  # the number of changed options
        self._show_stories(None)

    @on(OptionBox.PresetChosen)
    def _preset_chosen(self, event: OptionBox.PresetChosen) -> None:
        self.fill(self.draft.with_preset(event.preset))

    @on(OptionBox.Problem)
    def _problem(self, event: OptionBox.Problem) -> None:
        self.complain(event.sentence)

    def fill(self, draft: Draft) -> None:
        """Show another draft."""
        if draft.base != self.base:
            self.query_one(BaseBox).choose(draft.base)
        self._options.fill(draft)
        self.complain("")
        self.refresh_bindings()  # the number of changed options
        self._show_stories(None)

    # -- keys -----------------------------------------------------------------------------------------

    def action_options(self) -> None:
        """Open all options."""
        from storytime_tui.tui.screens.options import OptionsScreen

        draft = self.draft
        for name, text in draft.typed.items():
            if problem_of(name, text):  # it is in sight here
                draft = draft.with_option(name, "")

        def take(changed: Draft | None) -> None:
            if changed is not None:
                self.fill(changed)

        self.app.push_screen(OptionsScreen(draft, self._previewed, self._preview), take)

    def action_past(self) -> None:
        """Fill the form from a run or a file."""
        self._files.ask()

    def action_save(self) -> None:
        """Save the plan to a file."""
        planned = self.plan()
        if planned is not None:
            self._files.save(planned[0], planned[1] or (self._preview.run if self._preview else ""))

    def action_rate(self) -> None:
        """Test learning rates on a copy of the base, and take over the suggestion."""
        from storytime_tui.tui.screens.find_rate import FindRateScreen

        planned = self.plan()
        if planned is None:
            return

        def take(rate: float | None) -> None:
            if rate is not None:
                self.fill(self.draft.with_option("learning_rate", f"{rate:g}"))
                self._message.say(f"The learning rate is {rate:g}.")

        find, plan = self._desk.services.find_rate, planned[0]
        self.app.push_screen(FindRateScreen(lambda control: find(plan, control)), take)

    @on(Button.Pressed, "#look")
    def action_first_look(self) -> None:
        """Start a tiny new model on the ticked stories, or on the bundled ones."""
        desk, chosen = self._desk, self._chosen
        if desk.training.control is not None:
            self.complain("The previous run is still saving. Try again in a moment.")
            return
        if not chosen["collections"]:
            chosen["collections"] = tuple(each.name for each in desk.collections if each.bundled)
        plan = first_look(**chosen)
        titles = [each.title for each in desk.collections if each.name in plan.collections]
        desk.training.start(plan, None, f"{plan.base} → {', '.join(titles)}")

    @property
    def _files(self) -> PlanFiles:
        from storytime_tui.tui.screens.plan_files import PlanFiles

        preferred = {
            name: value for name, value in self._chosen.items() if name not in ("collections", "stories")
        }
        return PlanFiles(self.screen, self._desk, self._message, self.fill, preferred, self._previewed)

    # -- what it comes to -----------------------------------------------------------------------------

    @property
    def _chosen(self) -> dict[str, Any]:
        """The plan's stories, and what the user prefers."""
        collections, stories = self._desk.ticks.for_plan(self._desk.collections)
        return {
            "collections": collections,
            "stories": stories,
            **self._desk.preferences.now.plan,
        }

    def _previewed(self, draft: Draft) -> Preview:
        """Work out what a draft comes to; called in a thread. Raises PlanError."""
        desk = self._desk
        ticked = desk.ticks.stories(desk.collections)
        stories, shelves = [story for _, story in ticked], [collection.name for collection, _ in ticked]
        return desk.services.preview(stories, plan_of(draft, **self._chosen), shelves)

    def _valid_draft(self) -> Draft | None:
        """The draft; None while a typed value is wrong."""
        draft = self.draft
        return None if any(problem_of(name, text) for name, text in draft.typed.items()) else draft

    def refresh_preview(self) -> None:
        """Work out what the plan comes to; an invalid plan keeps the last preview until it is corrected."""
        draft = self._valid_draft()
        if draft is not None:
            self._previews.request(lambda: self._previewed(draft))

    def _show_preview(self, preview: Preview) -> None:
        self._preview, self._unknown = preview, ""
        self._show_placeholders()
        self._show_note()

    def _show_sum(self) -> None:
        """Say what the plan comes to, in the width that the line has."""
        line = self.query_one("#preview", Static)
        line.update(Content(printable_line(self._unknown or self._sum(line.size.width))))

    def _sum(self, width: int) -> str:
        preview = self._preview
        plan = preview.plan if preview is not None else None
        if preview is None or plan is None or not plan.epochs:
            return with_labels(preview.problem) if preview is not None else ""
        room, exact = self._desk.room(plan), plan.max_steps == preview.steps
        return wording.plan_preview(
            plan.epochs, preview.steps, preview.seconds, room, exact=exact, width=width
        )

    def _no_preview(self, error: Exception) -> None:
        self._unknown = sentence_of(error)
        self._show_sum()

    def _show_note(self) -> None:
        draft = self._valid_draft()
        plan = plan_of(draft, **self._chosen) if draft is not None else None
        preview = self._preview
        of_this = preview is not None and (preview.plan is None or preview.plan.base == self.base)
        self.query_one(BaseBox).show_note(preview if of_this else None, self._desk.room(plan))

    @on(Button.Pressed, "#start")
    def _pressed(self) -> None:
        self.post_message(self.StartRequested())

    def _show_stories(self, _: None) -> None:
        self.query_one("#stories", Static).update(Content(printable_line(self.training_text(long=True))))
        self._show_note()
        self.refresh_preview()

    def training_text(self, *, long: bool = False) -> str:
        """The training text, in words."""
        desk = self._desk
        stories = desk.ticks.stories(desk.collections)
        if not stories:
            return (
                f"nothing is ticked: press {own_key('app.library', '1')} for the "
                f"Library, then {own_key('library.tick', 'space')} to tick"
                if long
                else "nothing"
            )
        titles = list(dict.fromkeys(collection.title for collection, _ in stories))
        text = wording.training_text(titles, len(stories))
        if long:
            words = sum(story.words for _, story in stories)
            tokens = desk.tokens_of([story for _, story in stories])
            text += f" · {wording.count(words, 'word')} · about {tokens:,} tokens"
        return text

    def plan(self) -> tuple[TrainingPlan, str | None] | None:
        """The plan and the run's name; None if the plan is invalid, which is reported."""
        if not self._desk.ticks.for_plan(self._desk.collections)[0]:
            self.complain(
                f"No story is ticked: go to the Library (key {own_key('app.library', '1')}) and tick a collection."
            )
            return None
        try:
            plan = plan_of(self.draft, **self._chosen)
        except StorytimeError as error:
            self.complain(str(error))
            self._options.show_wrong()
            return None
        self.complain("")
        return plan, self._options.run_name or None

    def complain(self, sentence: str) -> None:
        """Show an error, or none if empty; options are named by their labels."""
        self._message.complain(with_labels(sentence))

    def show_last_run(self, run: RunView | None) -> None:
        """Say whether the last run can be resumed or shown."""
        words = ""
        if run is not None and run.can_resume:
            words = f"or press {own_key('train.resume', 'r')} to resume {run.run} at step {run.done:,} of {run.total:,}"
        elif run is not None:
            words = f"or press {own_key('train.last', 'v')} to show the last run, {run.run}"
        line = self.query_one("#unfinished", Static)
        line.display = bool(words)
        line.update(Content(printable_line(words)))

    @on(Input.Submitted)
    def _field_done(self) -> None:
        self.query_one("#bases").focus()
