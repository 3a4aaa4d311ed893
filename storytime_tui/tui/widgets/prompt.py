"""Where you write: Enter sends, ctrl+j makes a new line, Escape leaves (or stops the model)."""

from textual.binding import Binding
from textual.message import Message
from textual.widgets import TextArea


class Prompt(TextArea):
    """A small text area that grows with what is typed; pasted paragraphs stay whole."""

    BINDINGS = [
        # priority: the text area would take these keys for itself
        Binding(
            "enter",
            "send",
            "Send, go on",
            priority=True,
            id="prompt.send",
            tooltip="Add your line and let the model go on; with an empty line, just go on",
        ),
        Binding(
            "ctrl+j",
            "new_line",
            "New line",
            show=False,
            priority=True,
            id="prompt.new_line",
            tooltip="Begin a new line in what you write",
        ),
        Binding(
            "escape",
            "leave",
            "More keys",
            priority=True,
            id="prompt.leave",
            tooltip="Stop the model; or leave the line, so that single keys work",
        ),
        Binding("f1", "app.help", "Help", id="prompt.help", tooltip="What this screen does"),
    ]

    class Sent(Message):
        """Enter was pressed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Escape was pressed."""

    def __init__(self, *, id: str) -> None:
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            soft_wrap=True,
            tab_behavior="focus",
            placeholder="and what happened next…",
        )

    def action_send(self) -> None:
        """Send what is written."""
        self.post_message(self.Sent(self.text))

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    def action_leave(self) -> None:
        """Leave the line."""
        self.post_message(self.Left())
