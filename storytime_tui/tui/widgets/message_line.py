"""The message line: what was just done, and in red what went wrong. Every screen has one, above its footer."""

import contextlib
from collections.abc import Iterator

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.cells import fitted, wrapped

_NARROWEST = 20  # cells: also stands for a width that is not known yet, before the first layout


class MessageLine(Static):
    """Shows a notice and an error, as plain text, never as markup. A new message replaces the one before.

    The line is as high as its text, within the heights that the screen's styles allow. Text that does not fit ends
    with an ellipsis, followed by `more_key`, the screen's key that shows it in full, if there is one.
    """

    DEFAULT_CSS = "MessageLine { height: auto; max-height: 5; padding: 0 1; text-wrap: nowrap; }"

    def __init__(self, more_key: str = "") -> None:
        super().__init__(id="message", markup=False)
        self.notice, self.error = "", ""
        self.in_full = ""  # the last message that did not fit
        self._more = f" ({more_key})" if more_key else ""

    def say(self, notice: str, error: str = "") -> None:
        """Show a notice and an error; either may be empty."""
        notice, error = printable_line(notice), printable_line(error)
        if (notice, error) != (self.notice, self.error):
            self.notice, self.error = notice, error
            self.refresh(layout=True)
            if len(self._wrapped(self.content_size.width)) > self._most:
                self.in_full = self._text
                self.refresh_bindings()

    def complain(self, error: str) -> None:
        """Show an error; an empty one clears the line."""
        self.say("", error)

    def clear(self) -> None:
        """Show nothing."""
        self.say("")

    def clear_notice(self) -> None:
        """Show nothing, unless there is an error: it stays."""
        if not self.error:
            self.clear()

    def drop(self, sentence: str) -> None:
        """Clear the line if it shows exactly this sentence."""
        if self._text == printable_line(sentence):
            self.clear()

    @contextlib.contextmanager
    def saying(self) -> Iterator[None]:
        """Show an exception raised in the block as an error, and continue after the block."""
        try:
            yield
        except Exception as error:
            self.complain(sentence_of(error))

    @property
    def _text(self) -> str:
        return " ".join(filter(None, [self.notice, self.error]))

    @property
    def _most(self) -> int:
        """The number of lines that the styles allow."""
        for height in (self.styles.height, self.styles.max_height):
            if height is not None and height.cells:
                return height.cells
        return 1

    def _wrapped(self, width: int) -> list[str]:
        return list(wrapped(self._text, max(_NARROWEST, width))) if self._text else []

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The lines of the text, as many as are allowed."""
        return min(len(self._wrapped(width)), self._most)

    def render(self) -> RenderResult:
        """Draw the text, cut with an ellipsis where it does not fit."""
        width, most = max(_NARROWEST, self.content_size.width), self._most
        lines = self._wrapped(width)
        if len(lines) > most:
            last = f"{lines[most - 1]} {lines[most]}".ljust(
                2 * width
            )  # longer than the line: `fitted` cuts it
            kept = fitted(last, width - len(self._more)).removesuffix("…").rstrip()
            lines = [*lines[: most - 1], f"{kept}…{self._more}"]
        text = Content("\n".join(lines))
        return text.stylize("$error", len(self.notice)) if self.error else text
