"""The line under the page: how long the story is, who writes and how fast, and how the next word is chosen."""

from textual.content import Content
from textual.widgets import Static

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.terminal import cells, printable
from storytime_tui.tui import wording
from storytime_tui.tui.writing_session import Writer


class WritingStatus(Static):
    """Counts words as they stream, without looking at the whole story again."""

    def __init__(self, settings: SamplerSettings, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self.settings = settings
        self.words = 0
        self._in_word = False  # the text ends within a word, so that more letters make no new one
        self.state = ""
        self.saving = False  # what is typed is not on the disk yet, and that takes long
        self.model_state = ""  # what the model is doing before it can write; hides the state
        self.no_model = False
        self.strength: float | None = None  # that the model is told with, where that is known

    def count(self, text: str) -> None:
        """Begin with this text."""
        self.words, self._in_word = 0, False
        self.add(text)

    def add(self, text: str) -> None:
        """More of the story."""
        if text:
            grows = self._in_word and not text[0].isspace()
            self.words += len(text.split()) - (1 if grows else 0)
            self._in_word = not text[-1].isspace()

    def set_saving(self, slow: bool) -> None:
        """Whether what is typed takes long to reach the disk."""
        if self.saving != slow:
            self.saving = slow
            self.show()

    def show_with(self, writer: Writer, *, finding: bool) -> None:
        """Say it, with what the model does; while one is still being found, none is missed."""
        self.model_state = f"{writer.model} {writer.doing}" if writer.doing else ""
        self.no_model = not writer.model and not finding
        self.strength = writer.told_at
        self.show()

    def on_resize(self) -> None:
        """More of it, or less, finds room."""
        self.show()

    def show(self) -> None:
        """Say it: how it tells only where there is room for all of that."""
        no_model = "no model yet: escape, then m" if self.no_model else ""
        state = "saving…" if self.saving else self.model_state or self.state or no_model
        temperature = f"temperature {self.settings.temperature:g}"
        length = f"up to {wording.count(self.settings.max_tokens, 'token')}"
        strength = f"strength {self.strength:g}" if self.strength not in (None, 1) else ""
        words = wording.count(self.words, "word")
        parts = [part for part in (words, state, strength, temperature, length) if part]
        needed = 2 if state else 1
        while len(parts) > needed and cells(" · ".join(parts)) > self.content_size.width > 0:
            parts.pop()
        self.update(Content(printable(" · ".join(parts))))
