"""Suggests a title: the model is asked in its own thread, and the answer stands in a field to be changed."""

from __future__ import annotations

from collections.abc import Callable

from storytime_tui.generation.titles import READ, made_title
from storytime_tui.stories.joining import title_from
from storytime_tui.stories.shelf import beginning
from storytime_tui.stories.story import Story
from storytime_tui.terminal import printable_line
from storytime_tui.tui import messages
from storytime_tui.tui.bridge import from_store, in_thread
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.writing_session import Stage

Rename = Callable[[Story, str, str], object]  # the story, the suggestion, where it comes from


class Titling:
    """Asks the model for a title of one story at a time."""

    def __init__(self, desk: Desk, message: MessageLine, rename: Rename) -> None:
        """`rename` asks the user, with the suggestion in the field."""
        self._desk, self._message, self._rename = desk, message, rename
        self._story: Story | None = None
        self._text = ""  # its beginning
        self._number = 0  # of the telling; 0 without one

    async def suggest(self, story: Story) -> None:
        """Ask the model, if there is one; else make a title of the story's own words."""
        writing = self._desk.writing
        with self._message.saying():
            text = await from_store(self._desk.store_thread, lambda store: beginning(store, story.id, READ))
            self._story, self._text = story, text
            if not text.strip():
                self._message.say("This story has no words yet to make a title of.")
            elif writing.now.stage is Stage.TELLING:
                self._message.say(
                    "The model is writing: let it end, or stop it on the page, then "
                    f"press {own_key('bookshelf.title', 't')} again."
                )
            elif writing.now.can_tell:
                self._message.say(f"{printable_line(writing.now.model)} reads the beginning…")
                self._number = writing.tell_title(text)
            else:
                title = await in_thread(lambda: made_title(text))
                self._offer(title, "")

    def on_telling(self, message: messages.TellingMessage) -> None:
        """Take the model's answer."""
        if message.number != self._number or not self._number:
            return
        match message:
            case messages.TitleTold():
                self._offer(message.title, message.model)
            case messages.TellingEnded():
                self._number = 0
                if message.failure:
                    self._message.complain(message.failure)

    def _offer(self, title: str, model: str) -> None:
        story, self._story = self._story, None
        if story is None:
            return
        self._message.clear()
        if model:
            where = f"Suggested by {printable_line(model)} from the story's beginning. Change it as you like:"
        elif title:
            where = "Made of words that the story uses most, as no model had a title that fits. Change it as you like:"
        else:
            title, where = title_from(self._text), "The story's first words, as nothing better was found:"
        self._rename(story, title, where)
