"""The dialog that asks before a model is downloaded."""

from storytime_tui.jobs.downloads import in_words
from storytime_tui.tui.download_questions import DownloadQuestion
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.screens.dialogs import ListScreen

_TICK = 0.2  # seconds between two looks whether the answer is still waited for


class DownloadScreen(ListScreen):
    """Says how large the download is and where it goes. Closing it in any way but Enter is a no."""

    CSS_PATH = "dialogs.tcss"

    def __init__(self, question: DownloadQuestion) -> None:
        what, where = in_words(question.wanted)
        later = f"After the download, what you began goes on. {own_key('list.close', 'Escape')} downloads nothing."
        super().__init__(f"Download {question.wanted.repo_id}?", [what, where, later], enter="Download")
        self._question = question

    def on_mount(self) -> None:
        """Close when nobody waits for the answer any more."""
        self.set_interval(_TICK, self._look)

    def _look(self) -> None:
        if self._question.over and self.is_current:
            self.dismiss(False)

    def on_unmount(self) -> None:
        """Answer with a no, unless it was answered: another mode was chosen, or the app closes."""
        self._question.answer(False)
