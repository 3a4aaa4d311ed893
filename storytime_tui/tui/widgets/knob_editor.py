"""An editor of many knobs: a filter, the list of all, and one field for the knob under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.widgets import Input, Static

from storytime_tui.knobs import Knob
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.knob_lines import lines_with
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.knob_list import KnobList
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.message_line import MessageLine


@dataclass(frozen=True)
class Edited:
    """What is edited: functions that ask the screen's draft about a knob, by its name, and that change the draft."""

    noun: str  # what a knob is called here
    knobs: Mapping[str, Knob]  # those that can be changed, in the order of their groups
    typed: Callable[[str], str]  # the text that the user set; "" if the user set none
    value: Callable[[str], str]  # in words
    usual: Callable[[str], str]  # the value without the user's text, in words
    choices: Callable[[str], tuple[str, ...]]  # if they are few; "" resets the knob
    problem: Callable[[str, str], str]  # what is wrong with a text
    change: Callable[[str, str], None]  # set a valid text; "" resets the knob
    reset_all: Callable[[], None]
    next_preset: Callable[[], str]  # returns what to say
    close: Callable[[], None]
    all_word: str = "Reset all"  # what the key for `reset_all` is called
    preset_word: str = "Next preset"  # what the key for `next_preset` is called
    # does something else instead of changing a row that only shows something; returns whether it is such a row
    instead: Callable[[str], bool] = lambda name: False


class _Filter(Input):
    """In a list's filter, up and down move the list's cursor, after the letters typed before."""

    BINDINGS = [
        Binding("up", "move(-1)", "Up", show=False, id="knobs.up", tooltip="The line above"),
        Binding("down", "move(1)", "Move", key_display="↑↓", id="knobs.down", tooltip="The line below"),
    ]

    class Moved(Message):
        """The cursor is to move by this many lines."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def action_move(self, by: int) -> None:
        """Ask for the move."""
        self.post_message(self.Moved(by))


class KnobEditor(Vertical):
    """The screen calls `show` after each change of its draft. All values of the draft are valid at any time."""

    BINDINGS = [
        Binding("enter", "change", "Change", show=False, id="knobs.change", tooltip="Change this value"),
        Binding("space", "change", "Change", show=False, id="knobs.space", tooltip="Change this value"),
        Binding("left", "step(-1)", "Before", show=False, id="knobs.left", tooltip="The value before"),
        Binding("right", "step(1)", "After", show=False, id="knobs.right", tooltip="The next value"),
        Binding("slash", "filter", "Find", key_display="/", id="knobs.filter", tooltip="Find by letters"),
        Binding("r", "reset", "Reset", id="knobs.reset", tooltip="Give this one its usual value"),
        Binding("a", "reset_all", "Reset all", id="knobs.reset_all", tooltip="Give all their usual values"),
        Binding("p", "preset", "Next preset", id="knobs.preset", tooltip="Take the next preset's values"),
        Binding("escape", "back", "Back", id="knobs.back", tooltip="Close; changes are kept"),
    ]

    def __init__(self, edited: Edited) -> None:
        super().__init__(id="knob-editor")
        self._edited = edited
        self.message = MessageLine()
        self._filter = _Filter(placeholder=f"find {_with_article(edited.noun)}", id="filter", compact=True)
        self._field = Input(id="knob-value", compact=True)
        self._list = KnobList(edited.knobs, edited.value, lambda name: bool(edited.typed(name)), id="knobs")
        self._typed_for = ""  # the knob whose value is typed in the field
        self._about = Static(id="knob-about", markup=False)  # its label, what it may be, and its line

    def compose(self) -> ComposeResult:
        """The filter, the list, and the field for the knob under the cursor."""
        yield self._filter
        yield self._list
        with Vertical(id="knob-below"):
            yield self._about
            yield self._field
            yield self.message
        yield KeyLine(("preset", "reset_all"), words=self._word)

    def _word(self, action: str) -> str | None:
        focused = self.screen.focused
        if focused is self._filter:
            words = {"submit": "List", "back": "Show all"}
        elif focused is self._field:
            words = {"submit": "Keep", "back": "Undo"}
        else:
            words = {
                "change": "Change",
                "reset_all": self._edited.all_word,
                "preset": self._edited.preset_word,
            }
        return words.get(action)

    def on_mount(self) -> None:
        """Show all knobs."""
        self._list.show_lines(lines_with("", self._edited.knobs))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While one types, letters are letters."""
        if action in ("filter", "reset", "reset_all", "preset", "change", "step"):
            return not isinstance(self.screen.focused, Input)
        return True

    @property
    def chosen(self) -> str:
        """The name of the knob under the cursor; "" if there is none."""
        return self._list.chosen

    def go_to(self, name: str) -> None:
        """Move the cursor to a knob."""
        self._list.go_to(name)

    # -- what is shown --------------------------------------------------------------------------------

    def show(self, title: str, subtitle: str = "") -> None:
        """Show the draft's values, and these words in the frame."""
        self.border_title, self.border_subtitle = Content(title), Content(subtitle)
        self._list.refresh()
        self._show_knob()

    @on(LineList.Moved)
    def _show_knob(self) -> None:
        """Show the knob under the cursor below the list."""
        if self.screen.focused is self._field:
            return
        name = self._list.chosen
        knob = self._edited.knobs.get(name)
        self._field.visible = knob is not None and not knob.written and not self._edited.choices(name)
        if knob is None:
            nothing = f"No {self._edited.noun} has this. {own_key('knobs.back', 'Escape')} shows all."
            self._tell(Content(nothing))
            return
        allowed = "space: on or off" if knob.kind is bool else knob.allowed.removeprefix("text in UTF-8")
        about = Content.assemble((knob.label, "$foreground bold"), f"  {allowed}\n{knob.line}")
        self._tell(about)
        with self.prevent(Input.Changed):
            self._field.value = self._edited.typed(name)
        self._field.placeholder = printable_line(self._edited.usual(name))
        self._field.remove_class("-wrong")

    def _tell(self, about: Content) -> None:
        """Show what a knob is. The screen is laid out again only for another number of lines."""
        width, height = self._about.content_size
        lines = sum(1 for _ in wrapped(about.plain, max(1, width)))
        self._about.update(about, layout=max(2, lines) != height)

    # -- changing -------------------------------------------------------------------------------------

    @on(KnobList.ChangeRequested)
    def action_change(self) -> None:
        """Take the knob's next value if it has few; else go to its field."""
        name = self._list.chosen
        if name and not self._edited.instead(name) and not self._step(name, 1):
            self.screen.set_focus(self._field)

    def action_step(self, by: int) -> None:
        """Take the knob's next value, or the one before, if it has few."""
        if self._list.chosen:
            self._step(self._list.chosen, by)

    def _step(self, name: str, by: int) -> bool:
        """Change a knob to another of its few values. Returns whether it has few."""
        choices = self._edited.choices(name)
        if choices:
            now = self._edited.typed(name)
            place = choices.index(now) if now in choices else -1
            self._edited.change(name, choices[(place + by) % len(choices)])
        return bool(choices)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Remember whose value is typed: the list may move on before the field is known to be left."""
        if event.widget is self._field:
            self._typed_for = self._list.chosen

    def _problem(self, text: str) -> str:
        return self._edited.problem(self._typed_for, text) if text and self._typed_for else ""

    @on(Input.Changed, "#knob-value")
    def _check(self, event: Input.Changed) -> None:
        """Mark a wrong value and say why while it is typed."""
        problem = self._problem(event.value.strip())
        event.input.set_class(bool(problem), "-wrong")
        self.message.complain(problem)

    @on(Input.Submitted, "#knob-value")
    def _keep(self, event: Input.Submitted) -> None:
        """Keep a valid value and return to the list; a wrong one stays in the field."""
        text = event.value.strip()
        if not self._problem(text):
            self.screen.set_focus(self._list)
            self._take(text)

    @on(Input.Blurred, "#knob-value")
    def _left(self, event: Input.Blurred) -> None:
        """The field was left with the mouse or Tab: a valid value is kept, a wrong one dropped."""
        text = event.value.strip()
        if not self._problem(text):
            self._take(text)
        self._typed_for = ""
        if self.message.error:  # of a value that is dropped; what was said of a kept one stays
            self.message.clear()
        self.call_after_refresh(self._show_knob)

    def _take(self, text: str) -> None:
        name, self._typed_for = self._typed_for, ""
        if name and text != self._edited.typed(name):
            self._edited.change(name, text)

    def action_reset(self) -> None:
        """Reset the knob under the cursor."""
        if self._list.chosen:
            self._edited.change(self._list.chosen, "")

    def action_reset_all(self) -> None:
        """Reset every knob; the preset stays."""
        self._edited.reset_all()

    def action_preset(self) -> None:
        """Take the next preset's values."""
        self.message.say(self._edited.next_preset())

    # -- moving ---------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Go to the filter."""
        self.screen.set_focus(self._filter)

    @on(Input.Changed, "#filter")
    def _narrow(self, event: Input.Changed) -> None:
        self._list.show_lines(lines_with(event.value, self._edited.knobs))

    @on(Input.Submitted, "#filter")
    def _leave_filter(self) -> None:
        self.screen.set_focus(self._list)

    @on(_Filter.Moved)
    def _move(self, event: _Filter.Moved) -> None:
        self._list.action_move(event.by)

    def action_back(self) -> None:
        """Leave the field without its value, or drop the filter; else close."""
        focused = self.screen.focused
        if focused is self._field:
            self._typed_for = ""
            self.screen.set_focus(self._list)
        elif focused is self._filter or self._filter.value:
            self._filter.value = ""
            self.screen.set_focus(self._list)
        else:
            self._edited.close()


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
