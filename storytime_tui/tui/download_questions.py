"""The question before a download: a thread that needs a model asks it, and waits for the user's answer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from textual.message import Message

from storytime_tui.tui.bridge import Post

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.downloads import Cancelled, Wanted

_TICK = 0.1  # seconds between two looks whether the answer is still waited for


class DownloadQuestion(Message):
    """A thread wants to download a model. The answer is given once; `over`: nobody waits for it any more."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__()
        self.wanted = wanted
        self.agreed = False
        self.over = False
        self._answered = threading.Event()

    def answer(self, agreed: bool) -> None:
        """Answer the question; only the first answer counts."""
        if not self._answered.is_set():
            self.agreed = agreed
            self._answered.set()

    def wait(self, cancelled: Cancelled) -> bool:
        """Wait for the answer, in the thread that asks; False if it is cancelled."""
        while not self._answered.wait(_TICK):
            if cancelled():
                break
        self.over = True
        return self.agreed


class DownloadQuestions:
    """Puts the questions of threads to the app, which shows them."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def ask(self, wanted: Wanted, cancelled: Cancelled) -> bool:
        """Whether to download. Called in the thread that needs the model."""
        question = DownloadQuestion(wanted)
        return self._post(question) is not False and question.wait(cancelled)
