"""Where you write: Enter sends, ctrl+j makes a new line, Escape leaves (or stops the model)."""

import unicodedata

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import TextArea


class Prompt(TextArea):
    """A small text area that grows with what is typed; pasted paragraphs stay whole."""

    BINDINGS = [
        Binding(
            "enter",
            "send",
            "Send, go on",
            id="prompt.send",
            tooltip="Add your line and let the model go on; with an empty line, just go on",
        ),
        Binding(
            "ctrl+j",
            "new_line",
            "New line",
            show=False,
            id="prompt.new_line",
            tooltip="Begin a new line in what you write",
        ),
        Binding(
            "escape",
            "leave",
            "Commands",
            id="prompt.leave",
            tooltip="Leave the line, so that single keys work",
        ),
        Binding("escape", "stop", "Stop", id="prompt.stop", tooltip="Stop the model; its words stay"),
        Binding("f1", "app.help", "Help", id="prompt.help", tooltip="What this screen does"),
    ]

    class Sent(Message):
        """Enter was pressed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Escape was pressed."""

    class Up(Message):
        """The arrow was pressed, and there is no line above: nothing is written."""

    def __init__(self, *, id: str) -> None:
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            soft_wrap=True,
            tab_behavior="focus",
            placeholder="and what happened next…",
        )
        self._writing = False  # the model, at this moment

    def set_writing(self, writing: bool) -> None:
        """Whether the model writes: Escape stops it then."""
        self._writing = writing
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the one thing that Escape does now."""
        return {"leave": not self._writing, "stop": self._writing}.get(action, True)

    async def _on_key(self, event: events.Key) -> None:
        """Take our keys before the text area does, each after the letters that were typed before it.

        A priority binding would take them at the app's door, and overtake letters that still wait in this
        widget's queue: on a busy machine the end of a line would miss its story.
        """
        own = {"enter": self.action_send, "ctrl+j": self.action_new_line, "escape": self.action_leave}
        if not self.text:
            own["up"] = self.action_up
        if event.key in own:
            event.stop()
            event.prevent_default()
            own[event.key]()
        elif event.character and not event.is_printable and unicodedata.category(event.character) == "Cf":
            # joiners hold an emoji's parts together; the text area would drop them as unprintable
            event.stop()
            event.prevent_default()
            self.insert(event.character)

    def put(self, line: str) -> None:
        """Show this line: nobody typed it."""
        with self.prevent(TextArea.Changed):
            self.load_text(line)
            self.move_cursor(self.document.end)

    def forget(self, sent: str) -> str:
        """Take away what was sent; what was typed since stays, and is given back."""
        if self.text.startswith(sent):
            self.put(self.text[len(sent) :])
        return self.text

    def action_send(self) -> None:
        """Send what is written."""
        self.post_message(self.Sent(self.text))

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    def action_up(self) -> None:
        """Go to what stands above."""
        self.post_message(self.Up())

    def action_stop(self) -> None:
        """Stop the model."""
        self.post_message(self.Left())

    def action_leave(self) -> None:
        """Leave the line."""
        self.post_message(self.Left())
