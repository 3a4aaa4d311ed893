"""The line of keys: what each key does here. It is the footer of every screen and the last line of every dialog."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from textual.content import Content
from textual.events import Click, MouseMove, Resize
from textual.screen import Screen
from textual.widgets import Input, Static, TextArea

from storytime_tui.tui.key_signs import sign

# the keys that work while single keys are letters; where there is little room, all but the help become one entry
FUNCTIONS = ("f1", "f2", "f3", "f4", "f5")


@dataclass(frozen=True)
class Shown:
    """One key: what is pressed, how that is written, what it does in a word and in a sentence."""

    key: str
    sign: str
    word: str
    sentence: str
    action: str

    @property
    def width(self) -> int:
        """Its cells, with the space between."""
        return len(self.sign) + len(self.word) + 1


SCREENS = Shown("", "f2-5", "Go to", "F2 Library, F3 Train, F4 Story, F5 Runs", "screens")
MORE = Shown(
    "ctrl+p", "ctrl+p", "More", "All commands of this screen, with their keys", "app.command_palette"
)
KEPT = ("f1", "escape", SCREENS.key, MORE.key)  # these do not give way: the way out, and the ways to more


def fitting(keys: Sequence[Shown], seldom: Sequence[str], width: int) -> list[Shown]:
    """The keys that fit: the seldom actions give way first, the last of them before the others."""

    def too_many(kept: Sequence[Shown]) -> bool:
        return sum(key.width + 1 for key in kept) - 1 > width  # a space between two

    kept = list(keys)
    for action in reversed(seldom):
        if too_many(kept):
            kept = [key for key in kept if key.action != action]
    while kept and too_many(kept):
        # the very last is the help, or the way out of a dialog
        others = [place for place, key in enumerate(kept[:-1]) if key.key not in KEPT]
        kept.pop(others[-1] if others else -2 if len(kept) > 1 else -1)
    return kept


def fitted_line(keys: Sequence[Shown], seldom: Sequence[str], width: int) -> list[Shown]:
    """The keys that fit. Where some do not, the last but one says how to find them: in the palette."""
    if (all_of_them := fitting(keys, (), width)) == list(keys):
        return all_of_them
    modes = [key for key in keys if key.key in FUNCTIONS[1:]]
    shorter = [key for key in keys if key not in modes] + ([SCREENS] if modes else [])
    if (all_of_them := fitting(shorter, (), width)) == shorter:
        return all_of_them
    kept = fitting(shorter, seldom, width - MORE.width - 1)
    first = next((place for place, key in enumerate(kept) if key.key in FUNCTIONS), len(kept) - 1)
    return [*kept[:first], MORE, *kept[first:]] if len(kept) > 1 else kept


class KeyLine(Static):
    """One widget for all keys, made from the bindings; Textual's footer makes one for each at every change of focus."""

    DEFAULT_CSS = "KeyLine { height: 1; width: 1fr; text-wrap: nowrap; }"
    ALLOW_SELECT = False

    def __init__(
        self,
        seldom: Sequence[str] = (),
        shows: Callable[[str], bool] = lambda action: True,
        words: Callable[[str], str | None] = lambda action: None,
    ) -> None:
        """Make the line.

        `seldom`: the actions that give way where there is little room. `shows`: whether an action is of use now.
        `words`: what an action is called here; it is then always shown. None: as its binding says.
        """
        super().__init__(markup=False)
        self._seldom, self._shows, self._words = seldom, shows, words
        self._gap = 2  # spaces between two keys
        self._all: list[Shown] = []
        self._kept: list[Shown] = []

    def on_mount(self) -> None:
        """Follow what the keys mean."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        keys: dict[str, Shown] = {}
        typing = isinstance(screen.focused, Input | TextArea)
        for _, binding, enabled, tooltip in screen.active_bindings.values():
            action = binding.action
            word = self._words(action)
            shown_now = binding.show or word or (typing and binding.key in FUNCTIONS)
            if shown_now and enabled and action not in keys and self._shows(action):
                written = self.app.get_key_display(binding)
                keys[action] = Shown(binding.key, written, word or binding.description, tooltip or "", action)
        self._all = sorted(keys.values(), key=lambda shown: shown.key if shown.key in FUNCTIONS else "")
        self._fit()

    def on_resize(self, event: Resize) -> None:
        """Show more keys, or fewer."""
        self._fit()

    @property
    def _lead(self) -> int:
        """The spaces before the first key; a dialog has its own padding."""
        return self._gap - 1 if self.parent is self.screen else 0

    def _fit(self) -> None:
        kept = [self._own(key) for key in fitted_line(self._all, self._seldom, self.size.width)]
        roomy = sum(key.width + 2 for key in kept) <= self.size.width
        gap = 2 if roomy and len(kept) >= len(self._all) else 1
        if (kept, gap) != (self._kept, self._gap):
            self._kept, self._gap = kept, gap
            parts: list[str | tuple[str, str]] = [" " * self._lead]
            for key in kept:
                parts += [(key.sign, "bold $primary"), (f" {key.word}", "$quiet"), " " * gap]
            self.update(Content.assemble(*parts), layout=False)

    def _own(self, shown: Shown) -> Shown:
        """`MORE` with the user's own key; the other keys come from the bindings."""
        own = self.app._keymap.get("app.commands") if shown is MORE else None
        return replace(shown, key=own.split(",")[0], sign=sign(own.split(",")[0])) if own else shown

    def _key_at(self, x: int) -> Shown | None:
        x -= self._lead
        for key in self._kept:
            if x < key.width + self._gap:
                return key
            x -= key.width + self._gap
        return None

    def on_click(self, event: Click) -> None:
        """Do what the clicked key does."""
        key = self._key_at(event.x)
        if key is not None and key.key:
            self.app.simulate_key(key.key)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Explain the key under the pointer."""
        key = self._key_at(event.x)
        self.tooltip = key.sentence if key is not None else None
