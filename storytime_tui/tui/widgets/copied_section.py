"""The panel's section on copied words: what the line above the prompt says where there is no panel."""

from textual.content import Content
from textual.widgets import Static


class CopiedSection(Static):
    """Hidden while there is nothing to say."""

    def __init__(self, *, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes, markup=False)
        self.border_title = " Copied "
        self.display = False
        self._words = ""

    def say(self, words: str) -> None:
        """Show the words."""
        if words != self._words:
            self._words = words
            self.display = bool(words)
            self.update(Content(words))
