"""What a run says: frozen dataclasses, the one protocol of the trainer and all who watch it. Knows no torch.

The headless command prints them, `events.jsonl` keeps them, the dashboard draws them. In JSON an event is
its fields plus `event`, the class name in snake case.
"""

import dataclasses
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that a run says."""


@dataclass(frozen=True)
class Preparing(Event):
    """Work before the first step: fetching a base, tokenising. Shown, not kept in `events.jsonl`.

    `what` is a short phrase for people ("fetching distilgpt2"); `total` is 0 while it is unknown.
    """

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Started(Event):
    """The run begins. `token_frequency_loss` (nats per token) is what the training stories' token
    frequencies alone would give on the validation stories: the line that a model must beat. `copies`: stories
    that tell again what another one tells, and were left out."""

    run: str
    base: str
    collections: tuple[str, ...]
    device: str
    precision: str
    parameters: int
    stories: int
    validation_stories: int
    training_tokens: int
    validation_tokens: int
    total_steps: int
    steps_per_epoch: float
    block_size: int
    token_frequency_loss: float
    time: float  # seconds since the epoch
    copies: int = 0
    memory_needed: int = 0  # bytes, found by a trial step; 0 where none could be made
    memory_available: int = 0


@dataclass(frozen=True)
class StepDone(Event):
    """One optimiser step: `loss` in nats per token (mean over the step's micro-batches), `epoch` a
    fraction of passes over the training tokens so far, `elapsed` seconds of training so far, earlier sittings
    included, pauses and evaluations not, `memory` bytes held by the process (CPU) or by the device."""

    step: int
    loss: float
    learning_rate: float
    tokens_per_second: float
    epoch: float
    gradient_norm: float
    elapsed: float
    memory: int


@dataclass(frozen=True)
class Evaluated(Event):
    """The validation stories were scored: nats per token, its exponential, bits per UTF-8 byte."""

    step: int
    validation_loss: float
    perplexity: float
    bits_per_byte: float
    best: bool  # the lowest so far


@dataclass(frozen=True)
class VoiceMeasured(Event):
    """The model told `passages` passages, each as one of the run's shelves, and a classifier named whose manner each is
    told in: `of_shelf` its shelf's, `of_base` the base's, the others another shelf's. `copied` is the share (0 to 1) of
    their runs of eight words that stand in the training stories. `shelves`: the titles, and `of_each` how many of
    `of_shelf` are each one's. At the end of a run `step` is that of the best checkpoint, which tells at `strength`
    and `contrast`."""

    step: int
    passages: int
    of_shelf: int
    of_base: int
    copied: float = 0.0
    shelves: tuple[str, ...] = ()
    of_each: tuple[int, ...] = ()
    strength: float = 1.0
    contrast: float = 0.0


@dataclass(frozen=True)
class StrengthChosen(Event):
    """How strongly the run is told with from now on, where nobody says otherwise: one of `strengths`, of which each
    had a validation loss (nats per token), a share of the voice and a share of copied words (0 to 1)."""

    step: int
    strength: float
    strengths: tuple[float, ...]
    validation_losses: tuple[float, ...]
    voices: tuple[float, ...]
    copied: tuple[float, ...]


@dataclass(frozen=True)
class Sampled(Event):
    """A sample of one of the fixed beginnings (or of a prompt asked for), with the plan's seed: `text` without the
    prompt. `voice`: the shelf whose line stood before it; `held_out`: the prompt is the opening of a story that is
    not learned from."""

    step: int
    prompt: str
    text: str
    voice: str = ""
    held_out: bool = False


@dataclass(frozen=True)
class CheckpointSaved(Event):
    """A checkpoint is whole on the disk. `path` is relative to the run's folder."""

    step: int
    path: str
    best: bool


@dataclass(frozen=True)
class Paused(Event):
    """The run waits, holding everything in memory, until it is resumed or stopped."""

    step: int


@dataclass(frozen=True)
class Resumed(Event):
    """The run goes on, after a pause or from a checkpoint: what was said of later steps is void. `total_steps`:
    how many there will be, which more epochs change; 0 in old journals."""

    step: int
    from_checkpoint: bool
    total_steps: int = 0


@dataclass(frozen=True)
class Recovered(Event):
    """The run met trouble that it could mend by itself; `message` is a sentence for people."""

    step: int
    message: str


@dataclass(frozen=True)
class Finished(Event):
    """The run is over and its last checkpoint is whole. `stopped_by` is "done", "patience" (it became no better for
    as long as the plan has patience) or "stopped"."""

    run: str
    step: int
    best_validation_loss: float
    best_step: int
    stopped_by: str
    seconds: float


@dataclass(frozen=True)
class Failed(Event):
    """The run cannot go on; `message` is a sentence for people. The last checkpoint stays."""

    run: str
    step: int
    message: str


EVENTS: dict[str, type[Event]] = {}
_LARGEST = 2**53  # of whole numbers in a journal; other programs read it too


def event_name(event_class: type[Event]) -> str:
    """`StepDone` -> `step_done`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST:
        raise ValueError
    return value


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if type(value) is not float and type(value) is not int:
        raise ValueError
    return float(value)


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError
    return value


def _truth(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _texts(value: object) -> tuple[str, ...]:
    if type(value) is not list:
        raise ValueError
    return tuple(map(_text, value))


def _numbers(value: object) -> tuple[float, ...]:
    if type(value) is not list:
        raise ValueError
    return tuple(map(_number, value))


def _wholes(value: object) -> tuple[int, ...]:
    if type(value) is not list:
        raise ValueError
    return tuple(map(_whole, value))


_READERS: dict[object, Callable[[object], object]] = {
    int: _whole,
    float: _number,
    str: _text,
    bool: _truth,
    tuple[str, ...]: _texts,
    tuple[int, ...]: _wholes,
    tuple[float, ...]: _numbers,
}
# of each kind of event, every field: its name, what reads it, and whether it may be missing (in older journals)
_FIELDS: dict[str, tuple[tuple[str, Callable[[object], object], bool], ...]] = {}

for _event_class in Event.__subclasses__():
    EVENTS[event_name(_event_class)] = _event_class
    _FIELDS[event_name(_event_class)] = tuple(
        (field.name, _READERS[field.type], field.default is not dataclasses.MISSING)
        for field in dataclasses.fields(_event_class)
    )


def to_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object; numbers that JSON has no word for (NaN, infinity) become null."""
    fields = dataclasses.asdict(event)
    for key, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            fields[key] = None
    return {"event": event_name(type(event)), **fields}


def is_known(record: object) -> bool:
    """Whether a record of a journal is of a kind that this version knows; false for what is no record at all."""
    kind = record.get("event") if isinstance(record, dict) else None
    return isinstance(kind, str) and kind in EVENTS


def from_json(record: object) -> Event | None:
    """The event that `to_json` gave, or None where it is no record, of a kind that we don't know, or has a field
    that is missing or of the wrong type.

    Fields added by a later version are dropped, so that an older program can read a newer run.
    """
    if not isinstance(record, dict) or not is_known(record):
        return None
    kind = record["event"]
    values: dict[str, Any] = {}
    for name, read, may_be_missing in _FIELDS[kind]:
        if name in record:
            try:
                values[name] = read(record[name])
            except (ValueError, OverflowError):  # the latter from a whole number beyond every float
                return None
        elif not may_be_missing:
            return None
    return EVENTS[kind](**values)
