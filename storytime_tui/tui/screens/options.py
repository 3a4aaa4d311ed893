"""All options of a plan, one level below its form: in groups, with a filter, each checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import ModalScreen

from storytime_tui.training.plan import PRESETS
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.knob_lines import choices_of
from storytime_tui.tui.plan_draft import OPTIONS, Draft, problem_of, value_in_words, with_labels
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.knob_editor import Edited, KnobEditor

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Preview


class OptionsScreen(StyledOnce, ModalScreen[Draft]):
    """Gives the changed draft; all its values are valid. An option is typed in the field below the list."""

    CSS_PATH = "knobs.tcss"
    AUTO_FOCUS = "#knobs"

    def __init__(
        self, draft: Draft, previewed: Callable[[Draft], Preview], preview: Preview | None = None
    ) -> None:
        """`previewed` may block. `preview`: that of the draft so far."""
        super().__init__()
        self._draft, self._previewed, self._preview = draft, previewed, preview
        self._editor = KnobEditor(
            Edited(
                noun="option",
                knobs=OPTIONS,
                typed=lambda name: self._draft.typed.get(name, ""),
                value=lambda name: value_in_words(name, self._draft, self._preview),
                usual=lambda name: value_in_words(name, self._draft.with_option(name, ""), self._preview),
                choices=lambda name: choices_of(OPTIONS[name], OPTIONS[name].default),
                problem=problem_of,
                change=lambda name, text: self._show(self._draft.with_option(name, text)),
                reset_all=lambda: self._show(Draft(self._draft.base, self._draft.preset)),
                next_preset=self._next_preset,
                close=self._close,
            )
        )
        self._previews: Debounced[Preview] = Debounced(self, self._show_preview, self._no_preview)

    def compose(self) -> ComposeResult:
        """The editor of all options."""
        yield self._editor

    def on_mount(self) -> None:
        """Show the draft."""
        self._show(self._draft)

    def _show(self, draft: Draft) -> None:
        self._draft = draft
        self._show_values()
        self._previews.request(lambda: self._previewed(draft))

    def _show_values(self) -> None:
        """Show the values, and below them what the plan comes to."""
        changed, words = len(self._draft.typed), ""
        title = f"Options ({len(OPTIONS)}) · preset {self._draft.preset}"
        preview, plan = self._preview, self._preview.plan if self._preview is not None else None
        if preview is not None and plan is not None and plan.epochs:
            exact = plan.max_steps == preview.steps
            words = wording.plan_preview(plan.epochs, preview.steps, preview.seconds, None, exact=exact)
        self._editor.show(f"{title} · {changed} changed" if changed else title, words)

    def _show_preview(self, preview: Preview) -> None:
        self._preview = preview
        self._show_values()
        self._editor.message.complain(with_labels(preview.problem))

    def _no_preview(self, error: Exception) -> None:
        self._editor.message.complain(sentence_of(error))

    def _next_preset(self) -> str:
        names = list(PRESETS)
        name = names[(names.index(self._draft.preset) + 1) % len(names)]
        self._show(self._draft.with_preset(name))
        return f"{name}: {PRESETS[name][0]}"

    def _close(self) -> None:
        self.dismiss(self._draft)
