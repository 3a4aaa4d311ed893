"""The settings: all preferences and how stories are told, in groups, each checked while it is typed.

A change holds at once and is written to the settings file by a thread.
"""

from __future__ import annotations

from dataclasses import replace

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from storytime_tui.generation.sampling.presets import PRESETS
from storytime_tui.settings import Settings, parsed
from storytime_tui.tui import settings_rows, theme
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.clipboard import copy
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.sampler_draft import SamplerDraft, draft_of, settings_of
from storytime_tui.tui.settings_mistakes import theme_in_use
from storytime_tui.tui.settings_rows import Values
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.themed_app import NO_COLOURS
from storytime_tui.tui.widgets.knob_editor import Edited, KnobEditor


class SettingsScreen(StyledOnce, ModalScreen[None]):
    """Opened with the cursor on the setting `name`, or on the first one."""

    CSS_PATH = "knobs.tcss"
    AUTO_FOCUS = "#knobs"
    BINDINGS = [
        Binding("comma", "close", "Back", show=False, id="settings.close", tooltip="Close the settings"),
    ]

    def __init__(self, desk: Desk, name: str = "") -> None:
        super().__init__()
        self._desk, self._first = desk, name
        self._places = {place.name: place for place in desk.services.places()}
        self._draft, self._usual = draft_of(desk.sampler), Settings()
        knobs = settings_rows.knobs_of(tuple(self._places.values()))
        self._groups = {name: knob.group.partition(":")[0] for name, knob in knobs.items()}
        self._editor = KnobEditor(
            Edited(
                noun="setting",
                knobs=knobs,
                typed=lambda name: settings_rows.typed(name, self._now),
                value=lambda name: settings_rows.value_in_words(name, self._now),
                usual=lambda name: settings_rows.usual_in_words(name, self._now),
                choices=lambda name: settings_rows.choices(name, self._now),
                problem=settings_rows.problem,
                change=self._change,
                reset_all=self._reset_group,
                next_preset=self._next_preset,
                close=self.action_close,
                all_word="Reset group",
                preset_word="Telling preset",
                instead=self._copy_path,
            )
        )

    def compose(self) -> ComposeResult:
        """The editor of all settings."""
        yield self._editor

    def on_mount(self) -> None:
        """Show the settings."""
        self._show()
        if self._first:
            self._editor.go_to(self._first)

    @property
    def _now(self) -> Values:
        held = self._desk.preferences.now
        held = replace(held, theme=theme_in_use(held.theme))
        return Values(held, self._draft, self._places, self._usual)

    def _show(self) -> None:
        kept = self._places.get("settings_file")
        changed = sum(bool(settings_rows.typed(name, self._now)) for name in self._groups)
        title = f"Settings · {changed} changed" if changed else "Settings"
        self._editor.show(title, f"kept in {kept.path}" if kept else "")

    # -- changing -------------------------------------------------------------------------------------

    def _change(self, name: str, text: str) -> None:
        if name in self._places:
            return  # only shown
        before = settings_rows.typed(name, self._now)
        if name in settings_rows.SAMPLER:
            self._set_draft(self._draft.with_value(name, text))
        elif name == "preset":
            self._set_draft(self._draft.with_preset(text or self._usual.preset))
        else:
            self._prefer(name, text)
        self._show()
        without = f" {NO_COLOURS}" if name == "theme" and self.app.no_color else ""
        self._editor.message.say(settings_rows.said(name, self._now) + without)
        if name in ("device", "precision") and text:
            self._check_machine(name, before)

    def _prefer(self, name: str, text: str) -> None:
        value = parsed(name, text) if text else getattr(self._usual, name)
        self._desk.prefer(**{name: value})
        if name == "theme":
            self.app.theme = theme.fitting(value, self.app.console.color_system)
        self._desk.settings_changed.publish(None)

    def _set_draft(self, draft: SamplerDraft) -> None:
        self._draft = draft
        self._desk.set_sampler(settings_of(draft), draft.preset)

    def _reset_group(self) -> None:
        """Give the settings of the group under the cursor their usual values."""
        group = self._groups.get(self._editor.chosen, "")
        if not group:
            return
        changed = [
            name
            for name, its in self._groups.items()
            if its == group and settings_rows.typed(name, self._now)
        ]
        for name in changed:
            self._change(name, "")
        if changed:
            self._editor.message.say(f"The usual values hold again for “{group}”.")
        else:
            self._editor.message.say(f"Nothing is changed in “{group}”.")

    def _next_preset(self) -> str:
        names = list(PRESETS)
        name = names[(names.index(self._draft.preset) + 1) % len(names)]
        self._change("preset", name)
        return f"{name}: {PRESETS[name][0]}"

    @work(exclusive=True, group="machine")
    async def _check_machine(self, name: str, before: str) -> None:
        """Take a device or a precision back that this computer does not have, and say so."""
        settings = self._desk.preferences.now
        try:
            wrong = await in_thread(
                lambda: self._desk.services.machine_problem(settings.device, settings.precision)
            )
        except Exception as error:
            wrong = sentence_of(error)
        if wrong:
            self._prefer(name, before)
            self._show()
            stays = settings_rows.value_in_words(name, self._now)
            self._editor.message.complain(f"{wrong} The {name} stays {stays}.")

    # -- files and folders ----------------------------------------------------------------------------

    def _copy_path(self, name: str) -> bool:
        """Copy the path of a row that only shows one. Returns whether it is such a row."""
        place = self._places.get(name)
        if place is not None:
            self._copy(place.path, place.how)
        return place is not None

    @work(exclusive=True, group="copy")
    async def _copy(self, path: str, how: str) -> None:
        await copy(self.app, path)
        self._editor.message.say(f"Copied the path. {how}")

    def action_close(self) -> None:
        """Go back to where the settings were opened."""
        self.dismiss(None)
