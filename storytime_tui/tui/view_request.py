"""A request to say what the model sees of a story: answered in the telling thread, because it needs the tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.generation.voice import Voice, known
from storytime_tui.stories.steering import Steering, handed
from storytime_tui.tui.messages import InView

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import Teller


@dataclass(frozen=True, eq=False)
class ViewRequest:
    """A story's text, its memory and note, and the chosen voice."""

    text: str
    steering: Steering
    voice: Voice | None

    def answer(self, teller: Teller, number: int) -> InView:
        """What `teller` sees; `number` is the message's."""
        seen = teller.see(self.text, voice=known(self.voice, teller.voices), **handed(self.steering))
        return InView(number, self, seen)
