"""The memory and the author's note, as sections of the story's panel: fields that are saved as one types."""

from __future__ import annotations

import dataclasses

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static, TextArea

from storytime_tui.stories.steering import NOTE_DEPTHS, TONE_WORDS, Steering
from storytime_tui.tui.steering_words import left_out_words
from storytime_tui.tui.widgets.panel_row import PanelField, PanelRow, say
from storytime_tui.tui.widgets.panel_state import PanelState

LONGEST_LINE = 500  # characters of a field
LONGEST = 20_000  # characters of the free text, more than any window holds
_PLACEHOLDERS = {
    "characters": "Pip the mouse, a frog",
    "title": "The Button Shop",
    "tone": "funny, gentle, sad, scary…",
}


class _Area(TextArea):
    """A small text area that Tab and Escape leave."""

    # The area handles the key itself; the binding keeps the screen's Enter out of the line of keys.
    BINDINGS = [
        Binding("enter", "new_line", "New line", show=False, id="panel.new_line", tooltip="Start a new line")
    ]

    def __init__(self, *, id: str, placeholder: str) -> None:
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            soft_wrap=True,
            tab_behavior="focus",
            placeholder=placeholder,
        )

    def action_new_line(self) -> None:
        """Insert a line break."""
        self.insert("\n")

    def put(self, text: str) -> None:
        """Show a text."""
        with self.prevent(TextArea.Changed):
            self.load_text(text)
            self.move_cursor(self.document.end)


class _Section(Vertical):
    """Fields of the steering."""

    def __init__(self, state: PanelState, title: str, *, id: str) -> None:
        super().__init__(id=id, classes="section")
        self.border_title = f" {title} "
        self._state = state
        self._known: dict[str, str] = {}  # what each field last showed of the steering, or gave to it

    def is_news(self, name: str, value: str) -> bool:
        """Whether the steering has another value than the field knows; remember it.

        A typed letter is in the field before the steering has it. A field that is compared with the steering
        itself would be put back in between, with the cursor in the wrong place.
        """
        is_news = self._known.get(name, "") != value
        self._known[name] = value
        return is_news

    def take(self, name: str, text: str) -> None:
        """Use what is typed in a field."""
        self._known[name] = text
        self.change(**{name: text})

    def change(self, **values: str | int) -> None:
        """Use another value from the next telling on."""
        now = self._state.steering()
        changed = dataclasses.replace(now, **values)  # type: ignore[arg-type]
        if changed != now:
            self._state.set_steering(changed)

    def warn(self, words: str) -> None:
        """Say what does not fit; nothing if all does."""
        say(self.query_one(".warning", Static), words)

    @on(TextArea.Changed)
    def _area_typed(self, event: TextArea.Changed) -> None:
        event.stop()
        area = event.text_area
        if len(area.text) > LONGEST:  # pasted: the rest could never be in view
            with self.prevent(TextArea.Changed):
                area.load_text(area.text[:LONGEST])
        self.take((area.id or "").removeprefix("steer-"), area.text)


class MemoryFields(_Section):
    """Characters, title, tone, and free text: what the model always sees."""

    def __init__(self, state: PanelState) -> None:
        super().__init__(state, "Memory", id="memory")

    def compose(self) -> ComposeResult:
        """A field for each line, and an area for the rest."""
        for name, placeholder in _PLACEHOLDERS.items():
            with Horizontal(classes="field"):
                yield Static(name, classes="label wide", markup=False)
                yield PanelField(
                    placeholder=placeholder,
                    id=f"steer-{name}",
                    compact=True,
                    max_length=LONGEST_LINE,
                    suggester=SuggestFromList(TONE_WORDS, case_sensitive=False) if name == "tone" else None,
                )
        yield _Area(id="steer-memory", placeholder="anything else to keep in view")
        yield Static(classes="warning", markup=False)

    def show(self) -> None:
        """Show the story's memory."""
        steering = self._state.steering()
        for name in _PLACEHOLDERS:
            if self.is_news(name, value := getattr(steering, name)):
                with self.prevent(Input.Changed):
                    self.query_one(f"#steer-{name}", Input).value = value
        if self.is_news("memory", steering.memory):
            self.query_one("#steer-memory", _Area).put(steering.memory)
        self.warn(left_out_words(self._state.seen())[0])

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.take((event.input.id or "").removeprefix("steer-"), event.input.value)


class NoteFields(_Section):
    """The author's note, and how far from the end it stands."""

    def __init__(self, state: PanelState) -> None:
        super().__init__(state, "Author's note", id="author-note")

    def compose(self) -> ComposeResult:
        """The note and its depth."""
        yield _Area(id="steer-note", placeholder="a hint, such as: it grows dark")
        yield PanelRow("placed", id="row-depth", turns=True)
        yield Static(classes="warning", markup=False)

    def show(self) -> None:
        """Show the story's note."""
        steering: Steering = self._state.steering()
        if self.is_news("note", steering.note):
            self.query_one("#steer-note", _Area).put(steering.note)
        depth = NOTE_DEPTHS.get(steering.note_depth, f"{steering.note_depth} tokens back")
        self.query_one("#row-depth", PanelRow).show(Content.assemble("‹ ", (depth, "bold"), " ›"))
        self.warn(left_out_words(self._state.seen())[1])

    @on(PanelRow.Turned)
    def _turn(self, event: PanelRow.Turned) -> None:
        event.stop()
        depths = list(NOTE_DEPTHS)
        now = self._state.steering().note_depth
        nearest = min(depths, key=lambda depth: abs(depth - now))
        self.change(note_depth=depths[(depths.index(nearest) + event.by) % len(depths)])
