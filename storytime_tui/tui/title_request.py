"""A request to the telling thread: a title for a story."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.generation.titles import suggest_title
from storytime_tui.generation.voice import Voice, known
from storytime_tui.tui.messages import TitleTold

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import Teller


@dataclass(frozen=True)
class TitleRequest:
    """A request for a title of the story that begins with `text`; nothing is saved."""

    text: str
    seed: int
    voice: Voice | None = None  # the chosen one; the model may not know it

    def answer(self, teller: Teller, number: int, stop: threading.Event) -> TitleTold:
        """Ask the model. Called by the telling thread."""
        voice = known(self.voice, teller.voices)
        suggested = suggest_title(
            lambda text, settings, stop: teller.tell(text, settings, stop, voice=voice),
            self.text,
            self.seed,
            stop,
        )
        return TitleTold(number, suggested.title, teller.name if suggested.told else "")
