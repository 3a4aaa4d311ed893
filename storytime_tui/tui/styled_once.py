"""Screens that compute their styles when they are made, and again only when the styles change."""

from textual.events import ScreenResume
from textual.screen import Screen


class StyledOnce:
    """The first base of each of our screens.

    Widgets get their styles when they are mounted, and again when their classes, the focus or the theme change. Textual
    8.2.8 computes the styles of the whole screen once more each time it appears, and twice for a new mode: a third of
    the time until a large screen is painted.
    """

    _styled_for: tuple[int, bool] | None = None

    def _on_screen_resume(self, event: ScreenResume) -> None:
        assert isinstance(self, Screen)
        now = self.app._css_update_count, self.app.app_focus
        if self._styled_for is None:
            self.app.stylesheet.apply(self)  # the screen itself is made before its own style sheet is read
        event.refresh_styles = self._styled_for not in (None, now)
        self._styled_for = now
