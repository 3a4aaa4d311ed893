"""All options of a plan, one level below its form: in groups, with a filter, each checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from storytime_tui.knobs import table
from storytime_tui.terminal import printable_line
from storytime_tui.training.plan import PRESETS, TrainingPlan
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.plan_draft import (
    OPTIONS,
    Draft,
    choices_of,
    lines_with,
    problem_of,
    value_in_words,
    with_labels,
)
from storytime_tui.tui.widgets.filter_field import FilterField
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.plan_options import PlanOptions

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Preview


class OptionsScreen(ModalScreen[Draft]):
    """Gives the changed draft; all its values are valid. An option is typed in the field below the list."""

    CSS_PATH = "options.tcss"
    AUTO_FOCUS = "#options"
    BINDINGS = [
        Binding("slash", "filter", "Find", id="options.filter", tooltip="Find an option by its letters"),
        Binding("space", "change", "Change", show=False, id="options.space", tooltip="Change this option"),
        Binding("r", "reset", "Reset", id="options.reset", tooltip="Give this option its usual value"),
        Binding("a", "reset_all", "Reset all", id="options.reset_all", tooltip="Give all their usual values"),
        Binding("p", "preset", "Next preset", id="options.preset", tooltip="Take the next preset's values"),
        Binding("escape", "back", "Back", id="options.back", tooltip="Back to the plan; changes are kept"),
        Binding("up", "tree(-1)", "Up", show=False, id="options.up", tooltip="The line above"),
        Binding("down", "tree(1)", "Down", show=False, id="options.down", tooltip="The line below"),
    ]

    def __init__(
        self, draft: Draft, previewed: Callable[[Draft], Preview], preview: Preview | None = None
    ) -> None:
        """`previewed` may block. `preview`: that of the draft so far."""
        super().__init__()
        self._draft, self._previewed, self._preview = draft, previewed, preview
        self._list = PlanOptions(draft, id="options")
        self._message = MessageLine()
        self._previews: Debounced[Preview] = Debounced(self, self._show_preview, self._no_preview)

    def compose(self) -> ComposeResult:
        """The filter, the list, and the field for the option under the cursor."""
        with Vertical(id="options-box"):
            yield FilterField(placeholder="find an option", id="filter", compact=True)
            yield self._list
            with Horizontal(id="option-field"):
                yield Static(id="option-label", markup=False)
                yield Input(id="option-value", compact=True)
                yield Static(id="option-allowed", markup=False)
            yield Static(id="option-line", markup=False)
            yield self._message
            yield KeyLine(("preset", "reset_all"), words=self._word)

    def _word(self, action: str) -> str | None:
        typing = self.focused is not None and self.focused.id == "option-value"
        names = {"submit": "Keep" if typing else "List", "back": "Undo" if typing else "Back"}
        return {**names, "change": "" if typing else "Change"}.get(action) or None

    def on_mount(self) -> None:
        """Show all options."""
        self._list.show_lines(lines_with(""))
        self._show(self._draft)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a value is typed, letters are letters; `back` then leaves the field."""
        if action in ("filter", "reset", "reset_all", "preset", "change"):
            return not isinstance(self.focused, Input)
        return True

    # -- what is shown --------------------------------------------------------------------------------

    def _show(self, draft: Draft) -> None:
        self._draft = draft
        changed = len(draft.typed)
        title = f"Options ({len(OPTIONS)}) · preset {draft.preset}"
        box = self.query_one("#options-box")
        box.border_title = f"{title} · {changed} changed" if changed else title
        self._list.show_values(draft, self._preview)
        self._show_option()
        self._previews.request(lambda: self._previewed(draft))

    def _show_preview(self, preview: Preview) -> None:
        self._preview = preview
        plan, words = preview.plan, ""
        if plan is not None and plan.epochs:
            exact = plan.max_steps == preview.steps
            words = wording.plan_preview(plan.epochs, preview.steps, preview.seconds, None, exact=exact)
        self.query_one("#options-box").border_subtitle = words
        self._list.show_values(self._draft, preview)
        self._show_option()
        self._message.complain(with_labels(preview.problem))

    def _no_preview(self, error: Exception) -> None:
        self._message.complain(sentence_of(error))

    @on(LineList.Moved)
    def _show_option(self) -> None:
        """Show the option under the cursor below the list."""
        name, field = self._list.option, self.query_one("#option-value", Input)
        if self.focused is field:
            return
        self.query_one("#option-field").display = bool(name)
        knob = table(TrainingPlan).get(name)
        self.query_one("#option-line", Static).update(Content(knob.line if knob else "No option has this."))
        if knob is None:
            return
        self.query_one("#option-label", Static).update(Content(knob.label))
        allowed = "enter: on or off" if knob.kind is bool else knob.allowed.removeprefix("text in UTF-8")
        self.query_one("#option-allowed", Static).update(Content(allowed))
        with self.prevent(Input.Changed):
            field.value = self._draft.typed.get(name, "")
        field.placeholder = printable_line(
            value_in_words(name, self._draft.with_option(name, ""), self._preview)
        )
        field.remove_class("-wrong")

    # -- changing -------------------------------------------------------------------------------------

    @on(PlanOptions.ChangeRequested)
    def action_change(self) -> None:
        """Take the option's next value if it has few; else go to its field."""
        name = self._list.option
        choices = choices_of(name) if name else ()
        if choices:
            now = self._draft.typed.get(name, "")
            place = choices.index(now) if now in choices else -1
            self._show(self._draft.with_option(name, choices[(place + 1) % len(choices)]))
        elif name:
            self.query_one("#option-value", Input).focus()

    @on(Input.Changed, "#option-value")
    def _check(self, event: Input.Changed) -> None:
        """Mark a wrong value and say why while it is typed."""
        problem = problem_of(self._list.option, event.value.strip()) if event.value.strip() else ""
        event.input.set_class(bool(problem), "-wrong")
        self._message.complain(problem)

    @on(Input.Submitted, "#option-value")
    def _keep(self, event: Input.Submitted) -> None:
        """Keep a valid value and return to the list; a wrong one stays in the field."""
        if not event.input.has_class("-wrong"):
            self.set_focus(self._list)
            self._show(self._draft.with_option(self._list.option, event.value.strip()))

    @on(Input.Blurred, "#option-value")
    def _left(self, event: Input.Blurred) -> None:
        """The field was left with the mouse or Tab: a valid value is kept, a wrong one dropped."""
        name, text = self._list.option, event.value.strip()
        if name and text != self._draft.typed.get(name, "") and not event.input.has_class("-wrong"):
            self._draft = self._draft.with_option(name, text)
        self._message.clear()
        self.call_after_refresh(lambda: self._show(self._draft))

    def action_reset(self) -> None:
        """Reset the option under the cursor."""
        if self._list.option:
            self._show(self._draft.with_option(self._list.option, ""))

    def action_reset_all(self) -> None:
        """Reset every option; the preset stays."""
        self._show(Draft(self._draft.base, self._draft.preset))

    def action_preset(self) -> None:
        """Take the next preset's values."""
        names = list(PRESETS)
        name = names[(names.index(self._draft.preset) + 1) % len(names)]
        self._show(self._draft.with_preset(name))
        self._message.say(f"{name}: {PRESETS[name][0]}")

    # -- moving ---------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Go to the filter."""
        self.query_one(FilterField).focus()

    @on(Input.Changed, "#filter")
    def _narrow(self, event: Input.Changed) -> None:
        self._list.show_lines(lines_with(event.value))

    @on(Input.Submitted, "#filter")
    def _leave_filter(self) -> None:
        self.set_focus(self._list)

    def action_tree(self, by: int) -> None:
        """Move in the list while the filter is typed."""
        if self.focused is self.query_one(FilterField):
            self._list.action_move(by)

    def action_all(self) -> None:
        """Drop the filter."""
        self.query_one(FilterField).value = ""
        self.set_focus(self._list)

    def action_back(self) -> None:
        """Leave the field without its value; from the list, return to the plan."""
        field = self.query_one("#option-value", Input)
        if self.focused is field:
            field.value = self._draft.typed.get(self._list.option, "")
            self.set_focus(self._list)
        elif self.query_one(FilterField).value:
            self.action_all()
        else:
            self.dismiss(self._draft)
