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
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.training_session import RunView
from storytime_tui.tui.widgets.message_line import MessageLine

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.memory import Room

CHOSEN = ("chosen for you", "auto")
# the shown options of the plan: the placeholder of an empty field, in a wide and in a narrow form
SHOWN = {
    "epochs": CHOSEN,
    "max_steps": ("no limit", "no limit"),
    "learning_rate": CHOSEN,
    "block_size": CHOSEN,
    "lora_rank": ("0 = whole model", "0 = all"),
    "checkpointing": CHOSEN,
}
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
                yield Input(placeholder=CHOSEN[0], id="run-name", compact=True)
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
        narrow = self.size.width < NARROW
        for field in self.query(Input):
            name = (field.id or "").removeprefix("knob-")
            if name in SHOWN:
                field.placeholder = SHOWN[name][narrow]
        self.query_one("#run-name", Input).placeholder = CHOSEN[narrow]
        self.query_one("#other", Input).placeholder = OTHER[narrow]

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Describe the focused option below the options."""
        knob = table(TrainingPlan).get((event.widget.id or "").removeprefix("knob-"))
        self.query_one("#knobs").border_subtitle = knob.line if knob else ""

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

    @on(Input.Changed, ", ".join(f"#knob-{name}" for name in _OF_MEMORY))
    @on(Select.Changed, "#knob-checkpointing")
    def _knob_of_memory_changed(self) -> None:
        self._show_stories(None)

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
        desk = self._desk
        collections, stories = desk.ticks.for_plan(desk.collections)
        if not collections:
            self.complain("No story is ticked: go to the Library (key 1) and tick a collection.")
            return None
        try:
            plan = TrainingPlan(
                base=self.base,
                collections=collections,
                stories=stories,
                device=desk.preferences.now.device,
            )
            preset = str(self.query_one("#preset", Select).value)
            plan = with_preset(plan, preset, from_scratch=scratch_shape(self.base) is not None)
            for name in SHOWN:
                plan = self._with_knob(plan, name)
        except StorytimeError as error:
            self.complain(str(error))
            return None
        self.complain("")
        return plan, self.query_one("#run-name", Input).value.strip() or None

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
