"""The one place where a screen says what came of a wish: always as high, so that nothing moves when it speaks."""

from textual.app import RenderResult
from textual.content import Content
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted, wrapped


class Remark(Static):
    """A notice, and in red what went wrong; both are data, never markup. What has no room ends with an ellipsis."""

    DEFAULT_CSS = "Remark { height: 1; padding: 0 1; text-wrap: nowrap; }"  # a screen may give it more
    ALLOW_SELECT = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self.said = ("", "")

    def say(self, notice: str, trouble: str = "") -> None:
        """Show this in place of what was said before."""
        said = printable_line(notice), printable_line(trouble)
        if said != self.said:
            self.said = said
            self.refresh()

    @property
    def cut(self) -> bool:
        """Whether more was said than there is room for."""
        return len(self._lines()) > self._height

    @property
    def _height(self) -> int:
        return max(1, self.content_size.height)

    def _lines(self) -> list[str]:
        text = " ".join(filter(None, self.said))
        return list(wrapped(text, max(20, self.content_size.width))) if text else []

    def render(self) -> RenderResult:
        """Draw as much of it as fits."""
        lines = self._lines()
        if len(lines) > self._height:
            last = f"{lines[self._height - 1]} {lines[self._height]}"
            more = " (l)"
            kept = fitted(last + " " * 200, max(20, self.content_size.width) - len(more)).rstrip()
            lines = [*lines[: self._height - 1], kept.removesuffix("…").rstrip() + "…" + more]
        notice = len(self.said[0])
        text = "\n".join(lines)
        return (
            Content(text).stylize("$error", notice) if notice < len(text) and self.said[1] else Content(text)
        )
