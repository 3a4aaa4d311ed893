"""The bottom of the Story screen: the prompt and its status."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.view_bar import ViewBar
from storytime_tui.tui.widgets.writing_status import WritingStatus


class PromptArea(Vertical):
    """The prompt and its status."""

    def __init__(self, settings: SamplerSettings, *, id: str) -> None:
        super().__init__(id=id)
        self._settings = settings

    def compose(self) -> ComposeResult:
        """The prompt with a mark before it, the status, and what the model sees."""
        with Horizontal(id="line"):
            yield Static(Content("›"), id="sign")
            yield Prompt(id="prompt")
        yield WritingStatus(self._settings, id="status")
        yield ViewBar(id="view")
