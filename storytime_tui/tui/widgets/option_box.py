"""The options in the plan's form: a few fields, the run's name, the preset, and the keys to all the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus, Resize
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Select, Static

from storytime_tui.knobs import table
from storytime_tui.terminal import printable_line
from storytime_tui.training.plan import PRESETS, TrainingPlan
from storytime_tui.tui.plan_draft import AT_START, USUAL, Draft, problem_of, value_in_words
from storytime_tui.tui.widgets.key_line import KeyLine

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Preview

FIELDS = (("epochs", "max_steps"), ("learning_rate", "block_size"), ("lora_rank", "checkpointing"))
SHOWN = tuple(name for row in FIELDS for name in row)
_SHORT = {  # in a narrow field
    AT_START: "at start",
    "off; on if memory runs low": "off",
}
_TWO_IN_A_ROW = 60  # cells
_PAUSE = 0.4  # seconds after the last letter until a wrong value is explained


class OptionBox(Vertical):
    """Holds the draft's preset and options; an empty field shows the value that the run will have."""

    class Changed(Message):
        """The draft is another one."""

    class PresetChosen(Message):
        """Another preset was chosen."""

        def __init__(self, preset: str) -> None:
            super().__init__()
            self.preset = preset

    class Problem(Message):
        """A sentence on a wrong value; "" when it is corrected."""

        def __init__(self, sentence: str) -> None:
            super().__init__()
            self.sentence = sentence

    def __init__(self, keys: Callable[[], Mapping[str, str]]) -> None:
        """`keys`: the actions of the form to offer in the last line, each with its words."""
        super().__init__(id="knobs")
        self._keys = keys
        self.draft = Draft("")  # its base is chosen elsewhere
        self._explaining: Timer | None = None

    def compose(self) -> ComposeResult:
        """The fields, two in a row."""
        for row in FIELDS:
            with Horizontal(classes="field"):
                for name in row:
                    yield Static(Content(table(TrainingPlan)[name].label), classes="label")
                    yield Input(id=f"knob-{name}", compact=True)
        with Horizontal(classes="field"):
            yield Static(Content("name"), classes="label")
            yield Input(id="run-name", compact=True)
            yield Static(Content("preset"), classes="label")
            yield Select(
                [(name, name) for name in PRESETS], value=USUAL, allow_blank=False, id="preset", compact=True
            )
        yield KeyLine(
            shows=lambda action: action in self._keys(), words=lambda action: self._keys().get(action)
        )

    def on_mount(self) -> None:
        """Set the title."""
        self.border_title = "Options (you can skip these)"

    def _field(self, name: str) -> Input:
        return self.query_one(f"#knob-{name}", Input)

    @property
    def run_name(self) -> str:
        """The typed name of the run."""
        return self.query_one("#run-name", Input).value.strip()

    def show_values(self, base: str, preview: Preview | None) -> None:
        """Show in each empty field the value that the run will have."""
        draft = Draft(base, self.draft.preset, self.draft.typed)
        for name in SHOWN:
            value = printable_line(value_in_words(name, draft.with_option(name, ""), preview))
            field = self._field(name)
            field.placeholder = value if len(value) < field.size.width else _SHORT.get(value, value)
        self.query_one("#run-name", Input).placeholder = printable_line(preview.run) if preview else ""

    def fill(self, draft: Draft) -> None:
        """Show another draft."""
        self.draft = draft
        with self.prevent(Input.Changed, Select.Changed):
            for name in SHOWN:
                field = self._field(name)
                field.value = draft.typed.get(name, "")
                field.set_class(bool(field.value and problem_of(name, field.value)), "-wrong")
            self.query_one("#preset", Select).value = draft.preset

    def show_wrong(self) -> None:
        """Scroll the first wrong field into view."""
        for field in self.query(".-wrong").results(Input):
            self.call_after_refresh(field.scroll_visible, animate=False)
            break

    # -- changes --------------------------------------------------------------------------------------

    def on_resize(self, event: Resize) -> None:
        """One field in a row, where two would cut their values."""
        self.set_class(event.size.width < _TWO_IN_A_ROW, "-slim")

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Describe the focused option below the options."""
        name = (event.widget.id or "").removeprefix("knob-")
        knob = table(TrainingPlan).get(name)
        self.border_subtitle = (
            knob.line if knob else PRESETS[self.draft.preset][0] if name == "preset" else ""
        )

    @on(Input.Changed, ", ".join(f"#knob-{name}" for name in SHOWN))
    def _typed(self, event: Input.Changed) -> None:
        """Take over what is typed; mark a wrong value at once, and explain it after a pause."""
        name, text = (event.input.id or "").removeprefix("knob-"), event.value.strip()
        self.draft = self.draft.with_option(name, text)
        problem, was_wrong = problem_of(name, text) if text else "", event.input.has_class("-wrong")
        event.input.set_class(bool(problem), "-wrong")
        if self._explaining is not None:
            self._explaining.stop()
        if problem:
            self._explaining = self.set_timer(_PAUSE, partial(self._explain, event.input))
        elif was_wrong:
            self._complain("")
        self.post_message(self.Changed())

    @on(Input.Blurred)
    def _left(self, event: Input.Blurred) -> None:
        self._explain(event.input)

    def _explain(self, field: Input) -> None:
        """Say what is wrong with a field now; a timer that was stopped too late may call this after a correction."""
        if field.has_class("-wrong"):
            self._complain(problem_of((field.id or "").removeprefix("knob-"), field.value.strip()))

    def _complain(self, sentence: str) -> None:
        self.post_message(self.Problem(sentence))

    @on(Select.Changed, "#preset")
    def _selected(self, event: Select.Changed) -> None:
        preset = str(event.value)
        if preset != self.draft.preset:
            self.border_subtitle = PRESETS[preset][0]
            self.post_message(self.PresetChosen(preset))
