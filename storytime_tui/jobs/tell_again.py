"""Tells a passage again from its record, and says whether it comes out the same. Torch is loaded with the model."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storytime_tui.errors import ModelError, PlanError, RunError
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs import generate
from storytime_tui.jobs.told_record import ToldRecord, read_record, text_hash
from storytime_tui.jobs.told_words import ids_of, parts_of
from storytime_tui.stories.steering import USUAL_DEPTH
from storytime_tui.stories.story import Passage
from storytime_tui.stories.tree import passages_to
from storytime_tui.training.events import Preparing

if TYPE_CHECKING:
    from storytime_tui.jobs.generate import Teller
    from storytime_tui.stories.store import StoryStore

Stop = threading.Event | None


@dataclass(frozen=True)
class ToldAgain:
    """`same`: whether the tokens came out the same; None if the passage cannot be told again. `why`: a sentence if they
    did not, or it cannot. `text`: what was told now."""

    same: bool | None
    why: str = ""
    text: str = ""


def tell_again(
    store: StoryStore,
    passage_id: int,
    on_progress: Callable[[Preparing], None] | None = None,
    stop: Stop = None,
) -> ToldAgain:
    """Tell a passage anew: the same text before it, model, weights, voice, strength, memory, note, settings and seed.

    Changes nothing in the store. Raises StoryError as the store does.
    """
    *before, passage = passages_to(store, passage_id)
    record = read_record(passage)
    why = _cannot(passage, record, before)
    if why or record is None:
        return ToldAgain(None, why)
    try:
        teller, why = _open(record, on_progress)
    except (ModelError, RunError) as error:
        return ToldAgain(None, f"The model cannot be opened: {error}")
    if teller is None:
        return ToldAgain(None, why)
    text = ""
    for way in (_as_kept, _as_in_its_sitting, _as_new):
        if not way(teller, before, record, stop):
            continue
        same, text = _tell(teller, record, passage, before, stop)
        if same:
            return ToldAgain(True, "", text)
        if stop is not None and stop.is_set():
            return ToldAgain(None, "It was stopped before its end.", text)
    return ToldAgain(False, _differs(record, teller), text)


# Ways to read the text before the passage. Its ids, and the last digits of what is computed from them, depend on
# whether it was told just before, or read when the story was opened again. Each returns whether it has prepared that.


def _as_kept(teller: Teller, before: Sequence[Passage], record: ToldRecord, stop: Stop) -> bool:
    """Read at once, with the ids that it was told with."""
    teller.recall(parts_of(before))
    return True


def _as_in_its_sitting(teller: Teller, before: Sequence[Passage], record: ToldRecord, stop: Stop) -> bool:
    """Told passage by passage, from the first one that was told while the model was open."""
    records = [read_record(each) for each in before]
    sitting = [
        (place, each)
        for place, each in enumerate(records)
        if each and record.sitting and each.sitting == record.sitting
    ]
    if not sitting:
        return False
    teller.forget()
    teller.recall(parts_of(before[: sitting[0][0]]))
    return all(_tell(teller, each, before[place], before[:place], stop)[0] for place, each in sitting)


def _as_new(teller: Teller, before: Sequence[Passage], record: ToldRecord, stop: Stop) -> bool:
    """Read at once, as any text."""
    teller.forget()
    return True


def _tell(
    teller: Teller, record: ToldRecord, passage: Passage, before: Sequence[Passage], stop: Stop
) -> tuple[bool, str]:
    """Tell a passage by its record. Returns whether it comes out the same, and what came out."""
    if record.settings is None:
        return False, ""
    ids, settings = ids_of(passage), record.settings
    if ids:  # it may have been stopped anywhere
        settings = dataclasses.replace(
            settings, max_tokens=len(ids), end_after="length", finish_sentence=False
        )
    text, told = "", []
    stream = _stream(teller, record, settings, "".join(each.text for each in before), stop)
    for piece in stream:
        if isinstance(piece, Piece):
            text += piece.text
            told.append(piece.token)
        if len(text) >= len(passage.text) and not ids:
            break
    same = told == ids if ids else text.startswith(passage.text)
    return same, (passage.text if same else text)


def _stream(
    teller: Teller, record: ToldRecord, settings: SamplerSettings, text: str, stop: threading.Event | None
) -> Iterator[Piece | Told]:
    """Tell a take alone, or with the others that it was told with: they change the last digits of its numbers."""
    steering: dict[str, Any] = {
        "memory": record.memory,
        "note": record.note,
        "note_depth": USUAL_DEPTH if record.note_depth is None else record.note_depth,
        "voice": record.voice,
    }
    if record.together == 1:
        return teller.tell(text, settings, stop, **steering)
    first = dataclasses.replace(settings, seed=(settings.seed - record.place) % 2**63)
    several = teller.tell_several(text, first, record.together, stop, **steering)
    return (item for place, item in several if place == record.place)


def _cannot(passage: Passage, record: ToldRecord | None, before: Sequence[Passage]) -> str:
    """A sentence: why the passage cannot be told again; "" if it may."""
    if passage.author != "model":
        return "You wrote this passage: only what a model told can be told again."
    if passage.edited_from is not None:
        return "This passage was edited after it was told, so it is no longer what the model told."
    if record is None or record.settings is None:
        return "It is not known how this passage was told: it was imported, or told by an earlier version of Storytime."
    if record.step is not None and not record.weights:
        return (
            f"It was told by {record.model} while it trained, at step {record.step}, and the weights of that moment "
            "were not saved."
        )
    if record.before and record.before != text_hash("".join(each.text for each in before)):
        return "The text before this passage has changed since it was told."
    return ""


def _open(record: ToldRecord, on_progress: Callable[[Preparing], None] | None) -> tuple[Teller | None, str]:
    """The model with the same weights, or None and a sentence. A run's checkpoint is looked for by its step, too."""
    run = record.model.partition("/")[0]
    names = [record.model] if record.step is None else [f"{run}/step-{record.step}", record.model]
    problem: ModelError | RunError | None = None
    other: Teller | None = None
    # as it was computed then; where that cannot be, as models are computed here
    ways = dict.fromkeys([_as_then(record), Computing()])
    for name, computing in itertools.product(dict.fromkeys(names), ways):
        if other is not None and other.name == name:
            continue  # with other weights
        try:
            other = generate.open_teller(
                name,
                on_progress,
                strength=record.strength,
                blend=record.blend,
                contrast=record.contrast,
                wanted=lambda computing=computing: computing,  # type: ignore[misc]
            )
        except (ModelError, RunError) as error:
            problem = problem or error
            continue
        if not record.weights or other.weights.get() == record.weights:
            return other, ""
    if other is None and problem is not None:
        raise problem
    return None, (
        f"The weights of {record.model} have changed since: their hash is not the one that was kept with the passage."
    )


def _as_then(record: ToldRecord) -> Computing:
    try:
        return Computing(device=record.device or "auto", precision=record.precision or "auto")
    except PlanError:  # a device of another version
        return Computing()


def _differs(record: ToldRecord, teller: Teller) -> str:
    """A sentence: what may be the reason for other words."""
    if record.device and (record.device, record.precision) != (teller.device, teller.precision):
        return (
            f"Other words came out: it was told on {record.device} in {record.precision}, and now on {teller.device} "
            f"in {teller.precision}."
        )
    if not record.weights:
        return "Other words came out: an earlier version of Storytime told it, and its weights are not known."
    return (
        "Other words came out, although all that was kept is the same: rounding can decide between two words."
    )
