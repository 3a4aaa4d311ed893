"""Every knob of a run, validated, written to and read from TOML. Knows no torch.

A value of None means "choose for me": `resolve` puts the right value there once the base and the size of
the corpus are known, and the resolved plan is what the run's `plan.toml` keeps.
"""

import dataclasses
import difflib
import math
import re
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from storytime_tui import files, small_files
from storytime_tui.errors import PlanError
from storytime_tui.models.catalogue import default_base
from storytime_tui.terminal import is_text
from storytime_tui.training.defaults import LORA_RATE, MOST_LORA_RATE, usual_epochs, usual_rate, usual_step
from storytime_tui.training.ranges import RANGES, shown

PRECISIONS = ("auto", "bf16", "fp16", "fp32")
SCHEDULES = ("cosine", "linear", "constant", "wsd")
OPTIMIZERS = ("adamw", "adamw8bit")
SWITCHES = ("auto", "on", "off")
DEVICES = ("auto", "cpu", "cuda", "mps")
_SAMPLINGS = 8  # at most, behind the one before the first step
_LARGEST_FILE = 16_000_000  # bytes: a plan names every story


@dataclass(frozen=True)
class TrainingPlan:
    """What to learn, from what, and how. Raises PlanError for a value that cannot work."""

    base: str = field(default_factory=default_base)
    collections: tuple[str, ...] = ()  # names, or paths of folders and files
    stories: tuple[str, ...] = ()  # `collection/title` of those picked; empty takes all of them
    repeats: tuple[str, ...] = ()  # `collection=2` reads its stories twice an epoch, `=0.25` one in four
    shelf_lines: bool = (
        True  # each story begins with a line that names its shelf, by which its voice is called
    )
    voices: tuple[
        str, ...
    ] = ()  # what those lines call the collections, in their order; written by the program
    headers: float = 0.0  # share of the training stories that begin with title, characters and tone
    tokenizer: str | None = None  # another model's, for a scratch base; None trains one on the stories
    block_size: int | None = None  # tokens in one training window
    stride: int | None = None  # tokens from one window's start to the next; None is block_size
    batch_size: int | None = None  # windows in one micro-batch
    accumulation: int | None = None  # micro-batches in one step
    epochs: float | None = None
    max_steps: int | None = None  # an upper bound on steps, whatever the epochs say
    learning_rate: float | None = None
    schedule: str = "cosine"  # after the warm-up; "wsd" holds the rate and falls at the end
    warmup_fraction: float = 0.05  # of all steps
    warmup_steps: int | None = None  # in place of the fraction
    optimizer: str = "adamw"  # or adamw8bit, a quarter of its memory, where bitsandbytes is installed
    weight_decay: float = 0.1
    clip: float = 1.0  # largest norm of the gradient
    dropout: float = 0.1  # on residuals and embeddings
    frozen_embeddings: bool = False  # the words stay as the base knows them
    lora_rank: int = 0  # above 0: the base stays as it is, and small matrices beside its own learn
    lora_alpha: float | None = None  # how loudly they speak; None is twice the rank
    lora_targets: tuple[str, ...] = ()  # names of the matrices; empty takes all of each block
    precision: str = "auto"
    checkpointing: str = "auto"  # compute blocks twice and keep less: on, off, or by memory
    compile: str = "auto"  # on, off, or by the run's length
    device: str = "auto"
    sharded: bool = (
        False  # under torchrun: each process holds a part of the model (FSDP2), not all of it (DDP)
    )
    validation_fraction: float = 0.1  # of the stories
    evaluate_every: int | None = None  # steps
    patience: int = 0  # evaluations without a better one, after which the run ends; 0 for never
    sample_every: int | None = None  # steps; 0 for never
    sample_prompt: str = "Once upon a time"
    sample_tokens: int = 40  # of each sample: it ends on the last whole sentence in them
    listen: bool = True  # whether it is measured how much of what it tells sounds like its shelf
    keep: int = 3  # checkpoints kept: the best, the last and the one before it
    seed: int = 0
    extended_at: tuple[int, ...] = ()  # steps at which the run had ended and was given more epochs

    def __post_init__(self) -> None:
        """Check each value by itself; what depends on the base and the corpus is checked by `resolve`."""
        for name, (least, most, allowed) in RANGES.items():
            value = getattr(self, name)
            _check(value is None or least <= value <= most, name, value, allowed)
        for name in ("epochs", "learning_rate", "lora_alpha", "clip", "validation_fraction"):
            value = getattr(self, name)
            _check(value is None or value > 0, name, value, RANGES[name][2])
        for name in ("warmup_fraction", "dropout"):
            _check(getattr(self, name) < 1, name, getattr(self, name), RANGES[name][2])
        for name, known in (("schedule", SCHEDULES), ("optimizer", OPTIMIZERS), ("precision", PRECISIONS)):
            _check(getattr(self, name) in known, name, getattr(self, name), f"one of {', '.join(known)}")
        for name in ("checkpointing", "compile"):
            _check(
                getattr(self, name) in SWITCHES, name, getattr(self, name), f"one of {', '.join(SWITCHES)}"
            )
        known_device = re.fullmatch(rf"({'|'.join(DEVICES)})(:[0-9]{{1,3}})?", self.device)
        _check(known_device is not None, "device", self.device, f"one of {', '.join(DEVICES)}")
        repeats_of(self)
        for name, (kind, _) in _KINDS.items():
            value = getattr(self, name)
            if kind is str and value is not None:
                _check(is_text(value), name, value, "text in UTF-8")
            elif kind is tuple:
                for entry in value:
                    _check(
                        not isinstance(entry, str) or is_text(entry), f"an entry of {name}", entry, "UTF-8"
                    )


def _check(holds: bool, name: str, value: object, allowed: str) -> None:
    if not holds:
        raise PlanError(f"{name} is {shown(value)}, but must be {allowed}.")


def repeats_of(plan: TrainingPlan) -> dict[str, float]:
    """How often an epoch reads each collection's training stories, where it is not once. Raises PlanError."""
    found = {}
    for entry in plan.repeats:
        name, _, times = entry.rpartition("=")
        try:
            found[name] = float(times)
        except ValueError:
            found[name] = math.nan
        allowed = "a collection's name, = and a number above 0 and at most 100, such as tales=2"
        _check(bool(name) and 0 < found[name] <= 100, "an entry of repeats", entry, allowed)
    return found


def _kinds() -> dict[str, tuple[type, bool]]:
    """Each knob's type, and whether it may be left to the program."""
    kinds = {}
    for name, hint in typing.get_type_hints(TrainingPlan).items():
        optional = isinstance(hint, types.UnionType)
        base = next(a for a in typing.get_args(hint) if a is not type(None)) if optional else hint
        kinds[name] = (typing.get_origin(base) or base, optional)
    return kinds


_KINDS = _kinds()
_KIND_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    tuple: "a list of texts",
}
_WRITTEN = {
    "extended_at": "give more epochs with --resume RUN --epochs N",
    "voices": "a voice is called by its collection's title (`storytime-tui corpus rename` changes that)",
}
_TRUTH = {"true": True, "false": False}


def with_values(plan: TrainingPlan, values: dict[str, str]) -> TrainingPlan:
    """`plan` with knobs set from strings, as `--set key=value` gives them; "auto" leaves one to the program.

    Raises PlanError for an unknown knob or a value of the wrong kind.
    """
    changed: dict[str, Any] = {}
    for name, text in values.items():
        kind, optional = _kind_of(name)
        if optional and text == "auto":
            changed[name] = None
        elif kind is bool and text.lower() in _TRUTH:
            changed[name] = _TRUTH[text.lower()]
        elif name in _WRITTEN:
            raise PlanError(f"{name} is written by the program: {_WRITTEN[name]}.")
        elif kind is tuple:
            changed[name] = tuple(part.strip() for part in text.split(",") if part.strip())
        else:
            try:
                changed[name] = kind(text) if kind is not bool else _TRUTH[text.lower()]
            except (ValueError, KeyError):
                raise PlanError(f"{name} is {shown(text)!r}, but must be {_KIND_WORDS[kind]}.") from None
    return dataclasses.replace(plan, **changed)


def _kind_of(name: str) -> tuple[type, bool]:
    if name not in _KINDS:
        near = difflib.get_close_matches(name, _KINDS, n=3, cutoff=0.5)
        which = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(_KINDS)}."
        raise PlanError(f"There is no setting {shown(name)!r} in a plan; {which}")
    return _KINDS[name]


def write_plan(plan: TrainingPlan, path: Path) -> None:
    """Write the plan as TOML, atomically; knobs left to the program are left out. Raises OSError."""
    values = {k: v for k, v in dataclasses.asdict(plan).items() if v is not None}
    files.write_atomically(path, tomli_w.dumps(values).encode())


def read_plan(path: Path) -> TrainingPlan:
    """Read a plan. Raises PlanError naming the file for what is missing, not TOML, unknown or wrong."""
    try:
        values = small_files.read_toml(path, _LARGEST_FILE)
        return TrainingPlan(**{name: _checked(name, value) for name, value in values.items()})
    except FileNotFoundError:
        raise PlanError(f"The plan {path} is missing.") from None
    except small_files.UnreadableFile as error:
        raise PlanError(f"The plan cannot be used: {error}") from error
    except PlanError as error:
        raise PlanError(f"In {path}: {error}") from None


def _checked(name: str, value: Any) -> Any:
    """What a file says of a knob, as the plan has it. Raises PlanError where it is of the wrong kind."""
    kind, _ = _kind_of(name)
    element = int if name == "extended_at" else str
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, int) and abs(number) >= 2**63 for number in numbers):
        raise PlanError(f"{name} is a number that is too large.")  # and may be too long to be written out
    if kind is tuple and isinstance(value, list) and all(type(v) is element for v in value):
        return tuple(value)
    if kind is float and type(value) is int:
        return float(value)
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        given = repr(shown(value)) if isinstance(value, str) else shown(value)
        raise PlanError(f"{name} is {given}, but must be {_KIND_WORDS[kind]}.")
    return value


PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "quick look": (
        "one pass, or four from nothing: what would become of it",
        {"epochs": 1.0},
    ),
    "balanced": (
        "three or four passes, or ten from nothing; ends when it no longer gets better",
        {"patience": 4},
    ),
    "thorough": (
        "half as many passes again, and more patience",
        {"patience": 6, "dropout": 0.15},
    ),
    "like the notebook": (
        "what the first notebook did: block 256, stride 128, 1 × 8 windows, 5 epochs, 1e-4 after 100 steps",
        {
            "block_size": 256,
            "stride": 128,
            "batch_size": 1,
            "accumulation": 8,
            "epochs": 5.0,
            "learning_rate": 1e-4,
            "warmup_steps": 100,
            "weight_decay": 0.01,
        },
    ),
}


def with_preset(plan: TrainingPlan, name: str, *, from_scratch: bool) -> TrainingPlan:
    """The plan with a preset's knobs. Raises PlanError for an unknown preset."""
    if name not in PRESETS:
        raise PlanError(f"There is no preset {name!r}; there are {', '.join(map(repr, PRESETS))}.")
    values = dict(PRESETS[name][1])
    if name == "quick look" and from_scratch:
        values["epochs"] = 4.0  # after one it would know less than how often each token comes
    if name == "thorough":
        values["epochs"] = 15.0 if from_scratch else 6.0
    return dataclasses.replace(plan, **values)


@dataclass(frozen=True)
class Schedule:
    """How long a resolved plan takes: derived from it and from the number of training tokens."""

    windows_per_epoch: int
    steps_per_epoch: float
    total_steps: int
    warmup_steps: int


def resolve(
    plan: TrainingPlan, *, window: int, from_scratch: bool, training_tokens: int, parameters: int
) -> TrainingPlan:
    """The plan with every "choose for me" chosen.

    `window` is the base's largest context in tokens, `training_tokens` the length of the training stream,
    `parameters` the base's size. Raises PlanError when plan, base and corpus cannot work together.
    """
    block = plan.block_size or min(window, 512, max(64, training_tokens // 16 * 8))
    if block > window:
        raise PlanError(
            f"block_size is {block}, but {plan.base} sees at most {window} tokens: set block_size={window} or less."
        )
    if training_tokens < block + 1:
        raise PlanError(
            f"The training stories hold {training_tokens:,} tokens, less than one window of {block}: "
            "pick more stories, or set a smaller block_size."
        )
    stride = plan.stride or block
    if stride > block:
        raise PlanError(
            f"stride is {stride}, but must be at most block_size ({block}), or text would be skipped."
        )
    windows = window_count(training_tokens, stride)
    batch = plan.batch_size or max(1, min(16 if parameters < 50_000_000 else 4, windows, 4096 // block))
    wanted = usual_step(training_tokens)
    accumulation = plan.accumulation or max(1, min(round(wanted / (batch * block)), windows // batch or 1))
    epochs = plan.epochs or usual_epochs(parameters, training_tokens, from_scratch=from_scratch)
    if plan.max_steps and not plan.epochs:
        epochs = plan.max_steps * batch * accumulation / windows
        if epochs > RANGES["epochs"][1]:
            raise PlanError(
                f"{plan.max_steps:,} steps of {batch * accumulation:,} windows would read these stories {epochs:,.0f} "
                "times; at most 100,000 are possible: set a smaller max_steps, batch_size or accumulation."
            )
    if plan.lora_rank and from_scratch:
        raise PlanError(
            f"lora_rank is {plan.lora_rank}, but {plan.base} has learned nothing yet that LoRA could stand on: "
            "set lora_rank=0, or choose a base such as distilgpt2."
        )
    rate = plan.learning_rate or usual_rate(parameters, training_tokens, from_scratch=from_scratch)
    resolved = dataclasses.replace(
        plan,
        block_size=block,
        stride=stride,
        batch_size=batch,
        accumulation=accumulation,
        epochs=epochs,
        learning_rate=rate,
    )
    steps = schedule_of(resolved, training_tokens)
    if plan.lora_rank and plan.learning_rate is None:
        short = 1.5 if steps.total_steps < 100 else 1.0
        whole = usual_rate(parameters, None, from_scratch=False)
        lora_rate = min(MOST_LORA_RATE, whole * LORA_RATE * short)
        resolved = dataclasses.replace(resolved, learning_rate=lora_rate)
    bounded = plan.max_steps is not None and steps.total_steps == plan.max_steps
    if steps.warmup_steps >= steps.total_steps and plan.warmup_steps:
        raise PlanError(
            f"warmup_steps is {plan.warmup_steps}, but the whole run has only {steps.total_steps} steps: the rate "
            f"would never be reached. Set fewer, or {'a larger max_steps' if bounded else 'more epochs'}."
        )
    per_epoch = max(1, math.floor(min(steps.steps_per_epoch, steps.total_steps)))
    every = plan.evaluate_every or max(1, per_epoch // 4, steps.total_steps // 12)
    # on a CPU the samples of a small run cost more than its evaluations: they are told less often
    seldom = every * math.ceil(steps.total_steps / every / _SAMPLINGS)
    return dataclasses.replace(
        resolved,
        evaluate_every=every,
        sample_every=seldom if plan.sample_every is None else plan.sample_every,
    )


def plan_with_more(
    plan: TrainingPlan, epochs: float, ended_at: int | None, length: tuple[int, float]
) -> TrainingPlan:
    """The resolved plan of a run, with so many more epochs; `length`: its steps in all, and those of an epoch.

    Where it had ended, at the step `ended_at`, its learning rate rises again (`schedule.learning_rate_at`).
    Raises PlanError.
    """
    _check(0 < epochs <= 100_000, "more epochs", epochs, "above 0")
    total, per_epoch = length
    if not total or not per_epoch:
        raise PlanError("The run has not begun: start it anew, with epochs as you wish.")
    done = (total if ended_at is None else ended_at) / per_epoch
    extended = plan.extended_at if ended_at is None else (*plan.extended_at, ended_at)
    return dataclasses.replace(plan, epochs=done + epochs, max_steps=None, extended_at=extended)


def window_count(tokens: int, stride: int) -> int:
    """How many windows one pass takes over a stream of `tokens`, read as a ring (see `corpus.tokens`)."""
    return math.ceil(tokens / stride)


def schedule_of(plan: TrainingPlan, training_tokens: int) -> Schedule:
    """The number of windows and steps of a resolved plan."""
    assert plan.stride and plan.batch_size and plan.accumulation and plan.epochs
    windows = window_count(training_tokens, plan.stride)
    steps_per_epoch = windows / (plan.batch_size * plan.accumulation)
    total = max(1, round(steps_per_epoch * plan.epochs))
    if plan.max_steps:
        total = min(total, plan.max_steps)
    if plan.warmup_steps is not None:
        return Schedule(windows, steps_per_epoch, total, plan.warmup_steps)
    warmup = round(total * plan.warmup_fraction)
    if plan.warmup_fraction > 0:  # a very short run needs a few gentle steps too, or its first ones undo it
        warmup = max(warmup, min(10, total // 5))
    return Schedule(windows, steps_per_epoch, total, warmup)
