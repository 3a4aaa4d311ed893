"""The training plan's form: the stories, the base, a few options with good defaults, and one key to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.widgets import Button, Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from storytime_tui.errors import StorytimeError
from storytime_tui.knobs import table, with_values
from storytime_tui.models.catalogue import STARTER, Base, bases, default_base
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.terminal import printable_line
from storytime_tui.training.plan import PRESETS, TrainingPlan, with_preset
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.training_session import RunView
from storytime_tui.tui.widgets.message_line import MessageLine

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Preview
    from storytime_tui.jobs.memory import Room

UNKNOWN = ("set at the start", "at start")  # a value that depends on a base that is not here yet
# the shown options of the plan: the placeholder of an empty field, in a wide and in a narrow form
SHOWN = {
    "epochs": UNKNOWN,
    "max_steps": ("no limit", "no limit"),
    "learning_rate": UNKNOWN,
    "block_size": UNKNOWN,
    "lora_rank": ("0 = whole model", "0 = all"),
    "checkpointing": UNKNOWN,
}
PREVIEWED = ("epochs", "learning_rate", "block_size")  # an empty field shows the value that the run will have
OTHER = ("a model on the Hugging Face Hub, or a folder", "Hub model or folder")
NARROW = 76  # cells; below this width the form has narrow fields
_OF_MEMORY = ("block_size", "lora_rank", "checkpointing")  # the options that change the needed memory


USUAL = "balanced"  # the default preset

WHAT_HAPPENS = """\
After the start, about one story in ten is held out. The model reads the others, predicts each next token, and \
changes a little after every step. From time to time it is evaluated on the held-out stories, and it tells the same \
beginnings again, so that you can watch it improve.

You can leave this screen, and read or write stories during the training. You can stop at any time; checkpoints are \
kept."""


class PlanForm(VerticalScroll, can_focus=False):
    """The plan's form. It reports errors in the screen's message line."""

    class StartRequested(Message):
        """The start button was pressed."""

    class BaseChanged(Message):
        """Another base was chosen, so token counts change."""

    def __init__(self, desk: Desk, message: MessageLine) -> None:
        super().__init__()
        self._desk = desk
        self._bases = bases()
        self._message = message
        self._preview: Preview | None = None
        self._previews: Debounced[Preview] = Debounced(self, self._show_preview, self._no_preview)

    def compose(self) -> ComposeResult:
        """The stories, the base, the options, the start button, errors."""
        yield Static(id="stories", markup=False)
        with Vertical(id="bases-box"):
            with Horizontal(id="bases-row"):
                yield OptionList(
                    *(Option(_base_line(base)) for base in self._bases), id="bases", compact=True
                )
                yield Static(id="base-note", markup=False)
            with Horizontal(classes="field"):
                yield Static(Content("or another"), classes="label")
                yield Input(placeholder=OTHER[0], id="other", compact=True)
        with Vertical(id="knobs"):
            for left, right in (
                ("epochs", "max_steps"),
                ("learning_rate", "block_size"),
                ("lora_rank", "checkpointing"),
            ):
                with Horizontal(classes="field"):
                    for name in (left, right):
                        yield Static(Content(table(TrainingPlan)[name].label), classes="label")
                        yield _field(name)
            with Horizontal(classes="field"):
                yield Static(Content("name"), classes="label")
                yield Input(id="run-name", compact=True)
                yield Static(Content("preset"), classes="label")
                yield Select(
                    [(name, name) for name in PRESETS],
                    value=USUAL,
                    allow_blank=False,
                    id="preset",
                    compact=True,
                )
        with Horizontal(id="start-line"):
            yield Button("Start training", id="start", compact=True)
            with Vertical(id="start-words"):
                yield Static(id="preview", markup=False)
                yield Static(id="unfinished", markup=False)
        yield Static(WHAT_HAPPENS, id="what-happens", markup=False)

    def on_mount(self) -> None:
        """Select the preferred or default base."""
        self.query_one("#bases-box").border_title = "Base: the model to start from"
        self.query_one("#knobs").border_title = "Options (you can skip these)"
        self.query_one("#stories").border_title = "Stories to train on"
        names = [base.name for base in self._bases]
        preferred = self._desk.preferences.now.base
        self.query_one("#bases", OptionList).highlighted = names.index(
            preferred if preferred in names else default_base()
        )
        self.query_one("#other", Input).value = "" if preferred in (*names, STARTER) else preferred
        self._desk.shelf_changed.subscribe(self, self._show_stories)
        self._show_stories(None)

    def on_resize(self) -> None:
        """Choose placeholders that fit the width."""
        self._show_placeholders()

    def _show_placeholders(self) -> None:
        """Show in each empty field the value that the run will have."""
        narrow, preview = self.size.width < NARROW, self._preview
        for field in self.query(Input):
            name = (field.id or "").removeprefix("knob-")
            if preview is not None and preview.plan is not None and name in PREVIEWED:
                field.placeholder = f"{getattr(preview.plan, name):.4g}"
            elif name in SHOWN:
                field.placeholder = SHOWN[name][narrow]
        self.query_one("#run-name", Input).placeholder = printable_line(preview.run) if preview else ""
        self.query_one("#other", Input).placeholder = OTHER[narrow]

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Describe the focused option below the options."""
        field = event.widget.id or ""
        knob = table(TrainingPlan).get(field.removeprefix("knob-"))
        preset = PRESETS[str(self.query_one("#preset", Select).value)][0] if field == "preset" else ""
        self.query_one("#knobs").border_subtitle = knob.line if knob else preset

    @property
    def base(self) -> str:
        """The typed base, or else the one selected in the list."""
        typed = self.query_one("#other", Input).value.strip()
        chosen = self.query_one("#bases", OptionList).highlighted
        return typed or self._bases[chosen or 0].name

    @on(OptionList.OptionHighlighted, "#bases")
    @on(Input.Changed, "#other")
    def _base_changed(self) -> None:
        self.query_one("#bases").set_class(bool(self.query_one("#other", Input).value.strip()), "-unused")
        self._desk.base = self.base
        self._desk.shelf_changed.publish(None)

    @on(Input.Changed, ", ".join(f"#knob-{name}" for name in SHOWN))
    @on(Select.Changed)
    def _option_changed(self) -> None:
        self._show_stories(None)

    def _request_preview(self) -> None:
        """Work out what the plan comes to; an invalid plan keeps the last preview until it is corrected."""
        desk = self._desk
        plan = self._valid_plan()
        if plan is not None:
            stories = [story for _, story in desk.ticks.stories(desk.collections)]
            self._previews.request(lambda: desk.services.preview(stories, plan))

    def _show_preview(self, preview: Preview) -> None:
        self._preview = preview
        self._show_placeholders()
        words, plan = preview.problem, preview.plan
        if plan is not None and plan.epochs:
            exact, room = plan.max_steps == preview.steps, self._desk.room(plan)
            words = wording.plan_preview(plan.epochs, preview.steps, preview.seconds, room, exact=exact)
        self.query_one("#preview", Static).update(Content(printable_line(words)))

    def _no_preview(self, error: Exception) -> None:
        self.query_one("#preview", Static).update(Content(printable_line(sentence_of(error))))

    def _memory_plan(self) -> TrainingPlan | None:
        """The plan's options that change its memory; None while a typed value is invalid."""
        typed = {name: self._typed(name) for name in _OF_MEMORY}
        try:
            return with_values(
                TrainingPlan(base=self.base), {name: value for name, value in typed.items() if value}
            )
        except StorytimeError:
            return None

    @on(Button.Pressed, "#start")
    def _pressed(self) -> None:
        self.post_message(self.StartRequested())

    @on(OptionList.OptionSelected, "#bases")
    def _chosen(self) -> None:
        self.query_one("#other", Input).value = ""

    def _show_stories(self, _: None) -> None:
        self.query_one("#stories", Static).update(Content(printable_line(self.training_text(long=True))))
        base = next((base for base in self._bases if base.name == self.base), None)
        note = (
            Content("The model that you type below.")
            if base is None
            else _base_note(base, self._desk.room(self._memory_plan()))
        )
        self.query_one("#base-note", Static).update(note)
        self._request_preview()

    def training_text(self, *, long: bool = False) -> str:
        """The training text, in words."""
        desk = self._desk
        stories = desk.ticks.stories(desk.collections)
        if not stories:
            return "nothing is ticked: press 1 for the Library, then space to tick" if long else "nothing"
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
            self.complain("No story is ticked: go to the Library (key 1) and tick a collection.")
            return None
        try:
            plan = self._without_options()
            for name in SHOWN:
                plan = self._with_knob(plan, name)
        except StorytimeError as error:
            self.complain(str(error))
            return None
        self.complain("")
        return plan, self.query_one("#run-name", Input).value.strip() or None

    def _without_options(self) -> TrainingPlan:
        """The plan of the stories, the base and the preset. Raises StorytimeError."""
        desk = self._desk
        collections, stories = desk.ticks.for_plan(desk.collections)
        plan = TrainingPlan(
            base=self.base, collections=collections, stories=stories, device=desk.preferences.now.device
        )
        preset = str(self.query_one("#preset", Select).value)
        return with_preset(plan, preset, from_scratch=scratch_shape(self.base) is not None)

    def _valid_plan(self) -> TrainingPlan | None:
        """The plan as typed so far; None if it is invalid."""
        typed = {name: self._typed(name) for name in SHOWN}
        try:
            return with_values(
                self._without_options(), {name: value for name, value in typed.items() if value}
            )
        except StorytimeError:
            return None

    def _typed(self, name: str) -> str:
        """An option's value as text; "" for an empty field."""
        field = self.query_one(f"#knob-{name}")
        return (
            field.value.strip()
            if isinstance(field, Input)
            else str(self.query_one(f"#{field.id}", Select).value)
        )

    def _with_knob(self, plan: TrainingPlan, name: str) -> TrainingPlan:
        """The plan with one typed option. An invalid value is marked and scrolled into view. Raises StorytimeError."""
        field, value = self.query_one(f"#knob-{name}"), self._typed(name)
        try:
            changed = with_values(plan, {name: value}) if value else plan
        except StorytimeError:
            field.add_class("-wrong")
            self.call_after_refresh(field.scroll_visible, animate=False)
            raise
        field.remove_class("-wrong")
        return changed

    @on(Input.Blurred)
    @on(Input.Changed)
    def _check_knob(self, event: Input.Blurred | Input.Changed) -> None:
        """Check an option when the user leaves its field; clear the error when it is corrected."""
        name = (event.input.id or "").removeprefix("knob-")
        wrong = event.input.has_class("-wrong")
        if name not in SHOWN or (isinstance(event, Input.Changed) and not wrong):
            return
        try:
            self._with_knob(TrainingPlan(), name)
        except StorytimeError as error:
            self.complain(str(error))
        else:
            if wrong:
                self.complain("")

    def complain(self, sentence: str) -> None:
        """Show an error, or none if empty; options are named by their labels."""
        for name in SHOWN:
            sentence = sentence.replace(f"{name} is ", f"{table(TrainingPlan)[name].label} is ")
        self._message.complain(sentence)

    def show_last_run(self, run: RunView | None) -> None:
        """Say whether the last run can be resumed or shown."""
        words = ""
        if run is not None and run.can_resume:
            words = f"or press r to resume {run.run} at step {run.done:,} of {run.total:,}"
        elif run is not None:
            words = f"or press v to show the last run, {run.run}"
        self.query_one("#unfinished", Static).update(Content(printable_line(words)))

    @on(Input.Submitted)
    def _field_done(self) -> None:
        self.query_one("#bases").focus()


def _field(name: str) -> Input | Select[str]:
    """The field of an option: a text field, or a list of its choices."""
    knob = table(TrainingPlan)[name]
    if not knob.choices:
        return Input(placeholder=SHOWN[name][0], id=f"knob-{name}", compact=True)
    choices = [(choice, choice) for choice in knob.choices]
    return Select(choices, value=knob.default, allow_blank=False, id=f"knob-{name}", compact=True)


def _base_line(base: Base) -> Content:
    size = f"{base.parameters / 1e6:,.0f} M" if base.parameters else ""
    download = wording.size(base.download) if base.download else "built in"
    return Content.assemble(base.name.ljust(15), (f"{size:>7}  {download:>8}", "$quiet"))


def _base_note(base: Base, room: Room | None) -> Content:
    facts = f"{base.parameters / 1e6:,.0f} million parameters; " if base.parameters else ""
    facts += f"{wording.size(base.download)} download, once." if base.download else "no download."
    note = Content.assemble(
        base.note[:1].upper() + base.note[1:], ".\n\n", (facts[:1].upper() + facts[1:], "$quiet")
    )
    return note if room is None else Content("\n").join([note, _room_note(room)])


def _room_note(room: Room) -> Content:
    needs = f"Memory: peak about {wording.size(room.needed)}, free {wording.size(room.available)}"
    return Content.styled(
        f"{needs}: {room.advice}." if room.advice else f"{needs}.", "$warning" if room.advice else "$quiet"
    )
