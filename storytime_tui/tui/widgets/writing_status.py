"""The line below the prompt: the story's length, the model's state, and the sampler settings."""

from textual.content import Content
from textual.widgets import Static

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.terminal import cells, printable
from storytime_tui.tui import wording
from storytime_tui.tui.wording import model_keys
from storytime_tui.tui.writing_session import Writer
from storytime_tui.word_count import WordCount


class WritingStatus(Static):
    """Counts words as they stream, without reading the whole story again."""

    def __init__(self, settings: SamplerSettings, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self.settings = settings
        self._count = WordCount()
        self.state = ""
        self.saving = False  # saving the typed line takes long
        self.model_state = ""  # the model's activity before it can tell; hides the state
        self.no_model = False
        self.strength: float | None = None  # None if unknown
        self.panel_says_how = False  # the panel beside the page shows strength and settings
        self.step: int | None = None  # of a run that is still training

    @property
    def words(self) -> int:
        """The number of words counted so far."""
        return self._count.words

    def count(self, text: str) -> None:
        """Count the words of this text."""
        self._count = WordCount()
        self.add(text)

    def add(self, text: str) -> None:
        """Count more text of the story."""
        self._count.add(text)

    def set_saving(self, slow: bool) -> None:
        """Set whether saving the typed line takes long."""
        if self.saving != slow:
            self.saving = slow
            self.show()

    def show_with(self, writer: Writer, *, finding: bool) -> None:
        """Show the writer's state; while a model is being looked for, none is missing."""
        self.model_state = f"{writer.model}: {writer.progress}" if writer.progress else ""
        self.no_model = not writer.model and not finding
        self.strength = writer.effective_strength
        self.step = writer.opened.step if writer.opened else None
        self.show()

    def on_resize(self) -> None:
        """Adapt the line to the width."""
        self.show()

    def show(self) -> None:
        """Show the line; the sampler settings only if they fit."""
        no_model = f"no model yet: {model_keys()}" if self.no_model else ""
        state = "saving…" if self.saving else self.model_state or self.state or no_model
        temperature = f"temperature {self.settings.temperature:g}"
        end = self.settings.end_after
        most = wording.count(self.settings.max_tokens, "token")
        length = f"up to {most}" if end == "length" else f"a {end} at once"
        strength = f"strength {self.strength:g}" if self.strength not in (None, 1) else ""
        words = wording.count(self.words, "word")
        step = f"the run at step {self.step:,}" if self.step is not None else ""
        how = () if self.panel_says_how else (strength, temperature, length)
        parts = [part for part in (words, state, step, *how) if part]
        needed = 2 if state else 1
        while len(parts) > needed and cells(" · ".join(parts)) > self.content_size.width > 0:
            parts.pop()
        # it is one row high: a layout of the whole screen would take half of the time of each token
        self.update(Content(printable(" · ".join(parts))), layout=False)
