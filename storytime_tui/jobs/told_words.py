"""Saves the words of a telling while it streams: one passage, which grows, with how it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice
from storytime_tui.jobs.told_record import ToldRecord, text_hash
from storytime_tui.stories.story import Passage
from storytime_tui.stories.takes import NewTake, add_take

if TYPE_CHECKING:  # neither torch nor SQLite is needed before the first frame
    from storytime_tui.jobs.generate import Teller
    from storytime_tui.stories.store import StoryStore

SAVE = 0.5  # seconds of told text that a power cut may cost


class ToldWords:
    """The passage that a telling extends. `after`: the passage that it follows; -1 is the end of
    the story.

    `beside`: it is another take, told at the same time as the one that ends the story's text, after the same passage.
    """

    def __init__(
        self,
        story: int,
        record: Callable[[], ToldRecord],
        after: int | None = -1,
        *,
        beside: bool = False,
    ) -> None:
        """`record` is called with the first words, since it may wait for a hash of the weights."""
        self._story, self._record, self._after, self._beside = story, record, after, beside
        self.passage: Passage | None = None  # once there are words

    def add(self, store: StoryStore, text: str, ids: Sequence[int]) -> None:
        """Save more words, with the ids of their tokens."""
        numbers = ",".join(map(str, ids))
        if self.passage is None:
            record = self._record()
            how = record.to_json()
            if self._beside:
                take = NewTake(text, record.model, how, numbers)
                self.passage = add_take(store, self._story, self._after, take)
                return
            self.passage = store.add_passage(
                self._story, "model", text, record.model, how, ids=numbers, after=self._after
            )
        else:
            self.passage = store.extend_passage(self.passage.id, text, numbers)


def parts_of(passages: Sequence[Passage]) -> list[tuple[str, list[int]]]:
    """The texts of a story's passages, each with the ids it was told with, for `Teller.recall`."""
    return [(passage.text, ids_of(passage)) for passage in passages]


def ids_of(passage: Passage) -> list[int]:
    """The ids that a passage was told with; none for yours, for an edited one, and where they are unknown."""
    numbers = [] if passage.edited_from is not None else passage.ids.split(",")
    return [int(number) for number in numbers] if all(number.isdecimal() for number in numbers) else []


def record_of(
    teller: Teller,
    settings: SamplerSettings,
    voice: Voice,
    *,
    before: str = "",
    memory: str = "",
    note: str = "",
    note_depth: int | None = None,
    together: int = 1,
    place: int = 0,
) -> ToldRecord:
    """The record of what `teller` tells after the text `before`. Waits for the hash of its weights."""
    return ToldRecord(
        model=teller.name,
        settings=settings,
        voice=voice if teller.voices else None,
        strength=teller.strength,
        step=teller.checkpoint if teller.step is None else teller.step,
        weights=teller.weights.get(),
        contrast=teller.contrast,
        blend=teller.blend,
        memory=memory,
        note=note,
        note_depth=note_depth if note else None,
        before=text_hash(before),
        precision=teller.precision,
        device=teller.device,
        sitting=teller.sitting,
        together=together,
        place=place,
    )
