"""What the keys do here, in one line that always fits: where it is narrow, the seldom keys are left to the help."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Click, MouseMove, Resize
from textual.screen import Screen
from textual.widgets import Input, Static, TextArea

# the way to the other screens while single keys are letters; seldom enough to give way where there is little room
FUNCTIONS = ("f1", "f2", "f3", "f4")
WHILE_TYPING = ("mode('story')", "mode('library')", "mode('train')")


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


def fitting(keys: Sequence[Shown], seldom: Sequence[str], width: int) -> list[Shown]:
    """The keys that have room: the seldom actions give way first, the last of them before the others."""

    def too_many(kept: Sequence[Shown]) -> bool:
        return sum(key.width + 1 for key in kept) - 1 > width  # a space between two

    kept = list(keys)
    for action in reversed(seldom):
        if too_many(kept):
            kept = [key for key in kept if key.action != action]
    while kept and too_many(kept):
        kept.pop(-2 if len(kept) > 1 else -1)  # the very last is the help
    return kept


class KeyLine(Static):
    """The footer. One widget, where Textual's own has one for each key and makes them anew at every change of focus."""

    DEFAULT_CSS = "KeyLine { dock: bottom; height: 1; width: 1fr; text-wrap: nowrap; }"
    ALLOW_SELECT = False

    def __init__(
        self, seldom: Sequence[str] = (), shows: Callable[[str], bool] = lambda action: True
    ) -> None:
        """`seldom`: the actions that give way where there is little room; `shows`: whether one is of use now."""
        super().__init__(markup=False)
        self._seldom, self._shows = seldom, shows
        self._gap = 2  # spaces between two keys
        self._all: list[Shown] = []
        self._kept: list[Shown] = []

    def on_mount(self) -> None:
        """Follow what the keys mean."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        keys: dict[str, Shown] = {}
        typing = isinstance(screen.focused, Input | TextArea)
        for _, binding, enabled, tooltip in screen.active_bindings.values():
            shown_now = binding.show or (typing and binding.key in FUNCTIONS)
            if shown_now and enabled and binding.action not in keys and self._shows(binding.action):
                sign = self.app.get_key_display(binding)
                shown = Shown(binding.key, sign, binding.description, tooltip or "", binding.action)
                keys[binding.action] = shown
        self._all = sorted(keys.values(), key=lambda shown: shown.key if shown.key in FUNCTIONS else "")
        self._fit()

    def on_resize(self, event: Resize) -> None:
        """There is more room, or less."""
        self._fit()

    def _fit(self) -> None:
        kept = fitting(self._all, (*self._seldom, *WHILE_TYPING), self.size.width)
        roomy = sum(key.width + 2 for key in kept) <= self.size.width
        gap = 2 if roomy and len(kept) == len(self._all) else 1
        if (kept, gap) != (self._kept, self._gap):
            self._kept, self._gap = kept, gap
            parts: list[str | tuple[str, str]] = [" " * (gap - 1)]
            for key in kept:
                parts += [(key.sign, "bold $primary"), (f" {key.word}", "$quiet"), " " * gap]
            self.update(Content.assemble(*parts), layout=False)

    def _key_at(self, x: int) -> Shown | None:
        x -= self._gap - 1
        for key in self._kept:
            if x < key.width + self._gap:
                return key
            x -= key.width + self._gap
        return None

    def on_click(self, event: Click) -> None:
        """A click does what the key does."""
        key = self._key_at(event.x)
        if key is not None:
            self.app.simulate_key(key.key)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Say more of the key under the pointer."""
        key = self._key_at(event.x)
        self.tooltip = key.sentence if key is not None else None
