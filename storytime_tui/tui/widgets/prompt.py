"""The user's line: Enter sends it, ctrl+j adds a line, Escape leaves it (or stops the model)."""

import unicodedata

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import TextArea


class Prompt(TextArea):
    """A text area that grows with its text; pasted paragraphs stay whole."""

    BINDINGS = [
        Binding(
            "enter",
            "send",
            "Send",
            id="prompt.send",
            tooltip="Add your line, then the model continues; an empty line only continues",
        ),
        Binding(
            "ctrl+j",
            "new_line",
            "New line",
            show=False,
            id="prompt.new_line",
            tooltip="Start a new line in your text; before it, a new paragraph of the story",
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
        """The up arrow was pressed in an empty prompt."""

    def __init__(self, *, id: str) -> None:
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            soft_wrap=True,
            tab_behavior="focus",
            placeholder="write the next line…",
        )
        self._writing = False  # whether the model writes now

    def set_writing(self, writing: bool) -> None:
        """Set whether the model writes: then Escape stops it."""
        self._writing = writing
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the current action of Escape."""
        return {"leave": not self._writing, "stop": self._writing}.get(action, True)

    async def _on_key(self, event: events.Key) -> None:
        """Handle our keys before the text area does, in order with the letters before them.

        A priority binding would overtake letters that still wait in this widget's queue: on a busy machine the end of
        a line would be missing from the story.
        """
        own = {"enter": self.action_send, "ctrl+j": self.action_new_line, "escape": self.action_leave}
        if not self.text:
            own["up"] = self.action_up
        if event.key in own:
            event.stop()
            event.prevent_default()
            own[event.key]()
        elif event.character and not event.is_printable and unicodedata.category(event.character) == "Cf":
            # joiners connect an emoji's parts; the text area would drop them as unprintable
            event.stop()
            event.prevent_default()
            self.insert(event.character)

    def put(self, line: str) -> None:
        """Set the text without a change event."""
        with self.prevent(TextArea.Changed):
            self.load_text(line)
            self.move_cursor(self.document.end)

    def forget(self, sent: str) -> str:
        """Remove the sent text; text typed since then stays and is returned."""
        if self.text.startswith(sent):
            self.put(self.text[len(sent) :])
        return self.text

    def action_send(self) -> None:
        """Send the text."""
        self.post_message(self.Sent(self.text))

    def action_new_line(self) -> None:
        """Insert a line break."""
        self.insert("\n")

    def action_up(self) -> None:
        """Report the up arrow."""
        self.post_message(self.Up())

    def action_stop(self) -> None:
        """Stop the model."""
        self.post_message(self.Left())

    def action_leave(self) -> None:
        """Leave the prompt."""
        self.post_message(self.Left())
