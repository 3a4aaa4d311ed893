"""What our apps have in common: the themes, and a filter for what the terminal lacks or the user does not want."""

import os
from typing import TypeVar

from textual.app import App
from textual.driver import Driver
from textual.filter import Monochrome, NoColor

from storytime_tui.tui import theme
from storytime_tui.tui.no_colour import NoColours
from storytime_tui.tui.plain_signs import PlainSigns, Signs

Result = TypeVar("Result")
NO_COLOURS = (
    "The variable NO_COLOR is set, so all themes look the same. `unset NO_COLOR` brings colours back."
)


class ThemedApp(App[Result]):
    """An app with our themes. `signs`: what the terminal can show."""

    def __init__(self, driver_class: type[Driver] | None, signs: Signs) -> None:
        """`driver_class`: see `drivers`; None leaves the choice to Textual."""
        super().__init__(driver_class)
        self.no_color = bool(os.environ.get("NO_COLOR"))  # an empty one means nothing (no-color.org)
        self._filters = [each for each in self._filters if not isinstance(each, Monochrome | NoColor)]
        if self.no_color:
            self._filters.append(NoColours())
        if signs != "all":
            self._filters.append(PlainSigns(signs))
        for own in theme.THEMES:
            self.register_theme(own)

    def validate_theme(self, chosen: str) -> str:
        """Without colours every theme looks like the one with the terminal's own, which also says things otherwise."""
        return theme.SIXTEEN.name if self.no_color else chosen

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give themes that lack them the app's own colour names."""
        return {**super().get_theme_variable_defaults(), **theme.FALLBACKS}
