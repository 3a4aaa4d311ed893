"""The events of a run: frozen dataclasses, the only protocol between the trainer and its observers. Knows no torch.

The command line prints them, `events.jsonl` stores them, the dashboard draws them. In JSON an event is its fields
plus `event`, the class name in snake case.
"""

import dataclasses
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """An event of a run."""


@dataclass(frozen=True)
class Preparing(Event):
    """Progress before the first step, such as downloading or tokenising; not stored in `events.jsonl`.

    `what` is a short phrase ("fetching distilgpt2"); `total` is 0 while unknown.
    """

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Started(Event):
    """The run starts. `token_frequency_loss` (nats per token) is the baseline: the validation loss of predicting by
    the training stories' token frequencies alone. `copies`: duplicate stories that were left out."""

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
    memory_needed: int = 0  # bytes, measured by a trial step; 0 if that was not possible
    memory_available: int = 0
    dropout: float = 0.0  # 0 in journals of older versions too
    evaluate_every: int = 0  # steps; 0 if unknown
    sample_every: int = 0  # steps; 0 for never, or if unknown


@dataclass(frozen=True)
class StepDone(Event):
    """One optimiser step: `loss` in nats per token (mean over the step), `epoch` the fraction of epochs done,
    `elapsed` the seconds of training so far (earlier sessions included, pauses and evaluations excluded),
    `memory` the bytes in use by the process (CPU) or on the device."""

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
    """The validation loss in nats per token, its exponential, and bits per UTF-8 byte. Here and in other events,
    `seconds` is how long it took; 0 in old journals."""

    step: int
    validation_loss: float
    perplexity: float
    bits_per_byte: float
    best: bool  # whether it is the lowest so far
    seconds: float = 0.0


@dataclass(frozen=True)
class VoiceMeasured(Event):
    """The model generated `passages` passages as the run's shelves, and a classifier judged their manner: `of_shelf`
    sound like their own shelf, `of_base` like the base, the rest like another shelf. `copied` is the share (0 to
    1) of their eight-word sequences that occur in the training stories. `shelves`: the titles; `of_each`: each
    one's part of `of_shelf`. At the end of a run, `step` is that of the best checkpoint, which generates at
    `strength` and `contrast`."""

    step: int
    passages: int
    of_shelf: int
    of_base: int
    copied: float = 0.0
    shelves: tuple[str, ...] = ()
    of_each: tuple[int, ...] = ()
    strength: float = 1.0
    contrast: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class StrengthChosen(Event):
    """The run's default strength from now on. It is one of `strengths`; for each of these there is a validation loss
    (nats per token), a share of the voice and a share of copied words (0 to 1)."""

    step: int
    strength: float
    strengths: tuple[float, ...]
    validation_losses: tuple[float, ...]
    voices: tuple[float, ...]
    copied: tuple[float, ...]


@dataclass(frozen=True)
class Sampled(Event):
    """A sample from one of the fixed prompts (or a requested one), with the plan's seed; `text` excludes the prompt.
    `voice`: the shelf whose line came before it; `held_out`: the prompt is the opening of a held-out story."""

    step: int
    prompt: str
    text: str
    voice: str = ""
    held_out: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class CheckpointSaved(Event):
    """A checkpoint was saved. `path` is relative to the run's folder."""

    step: int
    path: str
    best: bool
    seconds: float = 0.0


@dataclass(frozen=True)
class Paused(Event):
    """The run is paused, with everything in memory, until it is resumed or stopped."""

    step: int


@dataclass(frozen=True)
class Resumed(Event):
    """The run continues, after a pause or from a checkpoint; earlier events of later steps are void. `total_steps`
    may have changed by more epochs; it is 0 in old journals."""

    step: int
    from_checkpoint: bool
    total_steps: int = 0


@dataclass(frozen=True)
class Recovered(Event):
    """The run solved a problem by itself; `message` is a sentence for the user."""

    step: int
    message: str


@dataclass(frozen=True)
class Finished(Event):
    """The run is over and its last checkpoint is saved. `stopped_by` is "done", "patience" (no improvement for the
    plan's patience) or "stopped"."""

    run: str
    step: int
    best_validation_loss: float
    best_step: int
    stopped_by: str
    seconds: float


@dataclass(frozen=True)
class Failed(Event):
    """The run cannot continue; `message` is a sentence for the user. The last checkpoint stays."""

    run: str
    step: int
    message: str


EVENTS: dict[str, type[Event]] = {}
_LARGEST = 2**53  # largest integer in a journal; other programs read it too


def event_name(event_class: type[Event]) -> str:
    """`StepDone` -> `step_done`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()


def _read_integer(value: object) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST:
        raise ValueError
    return value


def _read_number(value: object) -> float:
    if value is None:
        return math.nan
    if type(value) is not float and type(value) is not int:
        raise ValueError
    return float(value)


def _read_text(value: object) -> str:
    if type(value) is not str:
        raise ValueError
    return value


def _read_boolean(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _read_texts(value: object) -> tuple[str, ...]:
    if type(value) is not list:
        raise ValueError
    return tuple(map(_read_text, value))


def _read_numbers(value: object) -> tuple[float, ...]:
    if type(value) is not list:
        raise ValueError
    return tuple(map(_read_number, value))


def _read_integers(value: object) -> tuple[int, ...]:
    if type(value) is not list:
        raise ValueError
    return tuple(map(_read_integer, value))


_READERS: dict[object, Callable[[object], object]] = {
    int: _read_integer,
    float: _read_number,
    str: _read_text,
    bool: _read_boolean,
    tuple[str, ...]: _read_texts,
    tuple[int, ...]: _read_integers,
    tuple[float, ...]: _read_numbers,
}
# the fields of each kind of event: name, reader, and whether it may be missing in old journals
_FIELDS: dict[str, tuple[tuple[str, Callable[[object], object], bool], ...]] = {}

for _event_class in Event.__subclasses__():
    EVENTS[event_name(_event_class)] = _event_class
    _FIELDS[event_name(_event_class)] = tuple(
        (field.name, _READERS[field.type], field.default is not dataclasses.MISSING)
        for field in dataclasses.fields(_event_class)
    )


def to_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object; NaN and infinity become null."""
    fields = dataclasses.asdict(event)
    for key, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            fields[key] = None
    return {"event": event_name(type(event)), **fields}


def is_known(record: object) -> bool:
    """Whether a journal record is an event of a known kind."""
    kind = record.get("event") if isinstance(record, dict) else None
    return isinstance(kind, str) and kind in EVENTS


def from_json(record: object) -> Event | None:
    """The event of a record; None if it is not a record, of an unknown kind, or has a missing or invalid field.

    Fields added by later versions are ignored, so that an older program can read a newer run.
    """
    if not isinstance(record, dict) or not is_known(record):
        return None
    kind = record["event"]
    values: dict[str, Any] = {}
    for name, read, may_be_missing in _FIELDS[kind]:
        if name in record:
            try:
                values[name] = read(record[name])
            except (ValueError, OverflowError):  # OverflowError for an integer beyond every float
                return None
        elif not may_be_missing:
            return None
    return EVENTS[kind](**values)
