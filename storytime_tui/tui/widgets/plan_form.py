"""What to learn, from what and how, before a run begins: good defaults, a few knobs, one key to start."""

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
# the plan's knobs that are shown: what an empty field means, in a wide and in a narrow one
SHOWN = {
    "epochs": CHOSEN,
    "max_steps": ("no limit", "no limit"),
    "learning_rate": CHOSEN,
    "block_size": CHOSEN,
    "lora_rank": ("0 trains it all", "0: all"),
    "checkpointing": CHOSEN,
}
OTHER = ("a model on the Hugging Face Hub, or a folder", "Hub model, or a folder")
NARROW = 76  # cells of the form, below which fields are narrow
_OF_MEMORY = ("block_size", "lora_rank", "checkpointing")  # what a run takes depends on these


USUAL = "balanced"  # the preset that one begins with

WHAT_HAPPENS = """\
What happens then: about one story in ten is kept aside, whole. The model reads the others, guesses each next \
token, and is changed a little after every guess. Every so often it is asked how well it guesses the stories \
kept aside, and it tells the same beginning again, so that you can watch it learn.

You can leave this screen, write, or read while it learns. Stop it when you like: what it has learned is kept."""


class PlanForm(VerticalScroll, can_focus=False):
    """The plan. Raises nothing: what is wrong with it is said in the screen's message line."""

    class StartWished(Message):
        """The button was pressed."""

    class BaseChanged(Message):
        """Another base was chosen: token counts differ."""

    def __init__(self, desk: Desk, message: MessageLine) -> None:
        super().__init__()
        self._desk = desk
        self._bases = bases()
        self._message = message

    def compose(self) -> ComposeResult:
        """From top to bottom as one reads it."""
        yield Static(id="lesson", markup=False)
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
                        yield Input(placeholder=SHOWN[name][0], id=f"knob-{name}", compact=True)
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
            yield Button("Start learning", id="start", compact=True)
            yield Static(id="unfinished", markup=False)
        yield Static(WHAT_HAPPENS, id="what-happens", markup=False)

    def on_mount(self) -> None:
        """Begin with the default base."""
        self.query_one("#bases-box").border_title = "Begin with"
        self.query_one("#knobs").border_title = "Options (you can skip these)"
        self.query_one("#lesson").border_title = "Learn from"
        names = [base.name for base in self._bases]
        preferred = self._desk.preferences.now.base
        self.query_one("#bases", OptionList).highlighted = names.index(
            preferred if preferred in names else default_base()
        )
        self.query_one("#other", Input).value = "" if preferred in (*names, STARTER) else preferred
        self._desk.shelf_changed.subscribe(self, self._show_lesson)
        self._show_lesson(None)

    def on_resize(self) -> None:
        """What stands in an empty field is never cut."""
        narrow = self.size.width < NARROW
        for name, placeholders in SHOWN.items():
            self.query_one(f"#knob-{name}", Input).placeholder = placeholders[narrow]
        self.query_one("#run-name", Input).placeholder = CHOSEN[narrow]
        self.query_one("#other", Input).placeholder = OTHER[narrow]

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say under the options what the focused one does."""
        knob = table(TrainingPlan).get((event.widget.id or "").removeprefix("knob-"))
        self.query_one("#knobs").border_subtitle = knob.line if knob else ""

    @property
    def base(self) -> str:
        """The typed base, or the one chosen in the list."""
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
    def _knob_of_memory_changed(self) -> None:
        self._show_lesson(None)

    def _memory_plan(self) -> TrainingPlan | None:
        """The plan as far as its memory goes; None while what is typed cannot be."""
        typed = {name: self.query_one(f"#knob-{name}", Input).value.strip() for name in _OF_MEMORY}
        try:
            return with_values(
                TrainingPlan(base=self.base), {name: value for name, value in typed.items() if value}
            )
        except StorytimeError:
            return None

    @on(Button.Pressed, "#start")
    def _pressed(self) -> None:
        self.post_message(self.StartWished())

    @on(OptionList.OptionSelected, "#bases")
    def _chosen(self) -> None:
        self.query_one("#other", Input).value = ""

    def _show_lesson(self, _: None) -> None:
        self.query_one("#lesson", Static).update(Content(printable_line(self.lesson(long=True))))
        base = next((base for base in self._bases if base.name == self.base), None)
        note = (
            Content("The model named below.")
            if base is None
            else _base_note(base, self._desk.room(self._memory_plan()))
        )
        self.query_one("#base-note", Static).update(note)

    def lesson(self, *, long: bool = False) -> str:
        """What is learned from, in words."""
        desk = self._desk
        stories = desk.ticks.stories(desk.collections)
        if not stories:
            return "nothing is ticked yet: key 1 goes to the Library, space ticks" if long else "nothing"
        titles = list(dict.fromkeys(collection.title for collection, _ in stories))
        text = wording.lesson(titles, len(stories))
        if long:
            words = sum(story.words for _, story in stories)
            tokens = desk.tokens_of([story for _, story in stories])
            text += f" · {wording.count(words, 'word')} · about {tokens:,} tokens"
        return text

    def plan(self) -> tuple[TrainingPlan, str | None] | None:
        """The plan and the run's name; None, and a red line, where it cannot work."""
        desk = self._desk
        collections, stories = desk.ticks.for_plan(desk.collections)
        if not collections:
            self.complain("Nothing is ticked to learn from: go to the Library (key 1) and tick a collection.")
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

    def _with_knob(self, plan: TrainingPlan, name: str) -> TrainingPlan:
        """The plan with what is typed for one knob. Where that cannot be, its field is marked and brought into view."""
        field = self.query_one(f"#knob-{name}", Input)
        value = field.value.strip()
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
    def _look_at_knob(self, event: Input.Blurred | Input.Changed) -> None:
        """Say what is wrong with a knob as soon as one has left it, and nothing any more once it is mended."""
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
        """Say what is wrong, or (empty) nothing; knobs are called as they are here."""
        for name in SHOWN:
            sentence = sentence.replace(f"{name} is ", f"{table(TrainingPlan)[name].label} is ")
        self._message.complain(sentence)

    def offer(self, run: RunView | None) -> None:
        """Say that there is a run to go on with, or to look at again."""
        words = ""
        if run is not None and run.can_resume:
            words = f"or r: go on with {run.run}, at step {run.done:,} of {run.total:,}"
        elif run is not None:
            words = f"or v: look at {run.run} again"
        self.query_one("#unfinished", Static).update(Content(printable_line(words)))

    @on(Input.Submitted)
    def _field_done(self) -> None:
        self.query_one("#bases").focus()


def _base_line(base: Base) -> Content:
    size = f"{base.parameters / 1e6:,.0f} M" if base.parameters else ""
    fetch = wording.size(base.download) if base.download else "here"
    return Content.assemble(base.name.ljust(15), (f"{size:>7}  {fetch:>8}", "$quiet"))


def _base_note(base: Base, room: Room | None) -> Content:
    facts = f"{base.parameters / 1e6:,.0f} million numbers to adjust; " if base.parameters else ""
    facts += f"{wording.size(base.download)} are fetched once." if base.download else "nothing to fetch."
    note = Content.assemble(
        base.note[:1].upper() + base.note[1:], ".\n\n", (facts[:1].upper() + facts[1:], "$quiet")
    )
    return note if room is None else Content("\n").join([note, _room_note(room)])


def _room_note(room: Room) -> Content:
    needs = (
        f"Learning takes about {wording.size(room.needed)} of memory, of {wording.size(room.available)} here"
    )
    return Content.styled(
        f"{needs}: {room.advice}." if room.advice else f"{needs}.", "$warning" if room.advice else "$quiet"
    )
