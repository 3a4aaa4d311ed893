"""Every knob of a run, validated, written to and read from TOML. Knows no torch.

A value of None means "choose for me": `resolve` puts the right value there once the base and the size of
the corpus are known, and the resolved plan is what the run's `plan.toml` keeps.
"""

import dataclasses
import math
import tomllib
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from storytime_tui import files
from storytime_tui.errors import PlanError

PRECISIONS = ("auto", "bf16", "fp32")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class TrainingPlan:
    """What to learn, from what, and how. Raises PlanError for a value that cannot work."""

    base: str = "scratch-small"
    collections: tuple[str, ...] = ()  # names, or paths of folders and files
    stories: tuple[str, ...] = ()  # `collection/title` of those picked; empty takes all of them
    tokenizer: str | None = None  # another model's, for a scratch base; None trains one on the stories
    block_size: int | None = None  # tokens in one training window
    stride: int | None = None  # tokens from one window's start to the next; None is block_size
    batch_size: int | None = None  # windows in one micro-batch
    accumulation: int | None = None  # micro-batches in one step
    epochs: float | None = None
    max_steps: int | None = None  # an upper bound on steps, whatever the epochs say
    learning_rate: float | None = None
    warmup_fraction: float = 0.05  # of all steps
    weight_decay: float = 0.1
    clip: float = 1.0  # largest norm of the gradient
    dropout: float = 0.1  # on residuals and embeddings
    precision: str = "auto"
    device: str = "auto"
    validation_fraction: float = 0.1  # of the stories
    evaluate_every: int | None = None  # steps
    sample_every: int | None = None  # steps; 0 for never
    sample_prompt: str = "Once upon a time"
    sample_tokens: int = 60
    keep: int = 3  # checkpoints kept, the best and the last among them
    seed: int = 0

    def __post_init__(self) -> None:
        """Check each value by itself; what depends on the base and the corpus is checked by `resolve`."""
        for name in ("block_size", "stride", "batch_size", "accumulation", "max_steps", "evaluate_every"):
            value = getattr(self, name)
            _check(value is None or value >= 1, name, value, "1 or more")
        _check(self.block_size is None or self.block_size >= 8, "block_size", self.block_size, "8 or more")
        _check(
            self.sample_every is None or self.sample_every >= 0,
            "sample_every",
            self.sample_every,
            "0 (never) or a number of steps",
        )
        _check(self.epochs is None or 0 < self.epochs <= 100_000, "epochs", self.epochs, "above 0")
        rate = self.learning_rate
        _check(rate is None or 0 < rate <= 1, "learning_rate", rate, "above 0 and at most 1, such as 5e-5")
        _check(0 <= self.warmup_fraction < 1, "warmup_fraction", self.warmup_fraction, "from 0 to below 1")
        _check(0 <= self.weight_decay <= 10, "weight_decay", self.weight_decay, "between 0 and 10")
        _check(self.clip > 0, "clip", self.clip, "above 0")
        _check(0 <= self.dropout < 1, "dropout", self.dropout, "from 0 to below 1")
        _check(self.precision in PRECISIONS, "precision", self.precision, f"one of {', '.join(PRECISIONS)}")
        _check(self.device.split(":")[0] in DEVICES, "device", self.device, f"one of {', '.join(DEVICES)}")
        _check(
            0 < self.validation_fraction <= 0.5,
            "validation_fraction",
            self.validation_fraction,
            "above 0 and at most 0.5",
        )
        _check(1 <= self.sample_tokens <= 10_000, "sample_tokens", self.sample_tokens, "from 1 to 10,000")
        _check(self.keep >= 2, "keep", self.keep, "2 or more (the best and the last)")
        _check(0 <= self.seed < 2**63, "seed", self.seed, "a whole number from 0")


def _check(holds: bool, name: str, value: object, allowed: str) -> None:
    if not holds:
        raise PlanError(f"{name} is {value}, but must be {allowed}.")


def _kinds() -> dict[str, tuple[type, bool]]:
    """Each knob's type, and whether it may be left to the program."""
    kinds = {}
    for name, hint in typing.get_type_hints(TrainingPlan).items():
        optional = isinstance(hint, types.UnionType)
        base = next(a for a in typing.get_args(hint) if a is not type(None)) if optional else hint
        kinds[name] = (typing.get_origin(base) or base, optional)
    return kinds


_KINDS = _kinds()
_KIND_WORDS = {int: "a whole number", float: "a number", str: "a text", tuple: "a list of texts"}


def with_values(plan: TrainingPlan, values: dict[str, str]) -> TrainingPlan:
    """`plan` with knobs set from strings, as `--set key=value` gives them; "auto" leaves one to the program.

    Raises PlanError for an unknown knob or a value of the wrong kind.
    """
    changed: dict[str, Any] = {}
    for name, text in values.items():
        kind, optional = _kind_of(name)
        if optional and text == "auto":
            changed[name] = None
        elif kind is tuple:
            changed[name] = tuple(part.strip() for part in text.split(",") if part.strip())
        else:
            try:
                changed[name] = kind(text)
            except ValueError:
                raise PlanError(f"{name} is {text!r}, but must be {_KIND_WORDS[kind]}.") from None
    return dataclasses.replace(plan, **changed)


def _kind_of(name: str) -> tuple[type, bool]:
    if name not in _KINDS:
        raise PlanError(f"There is no setting {name!r} in a plan; there are {', '.join(_KINDS)}.")
    return _KINDS[name]


def write_plan(plan: TrainingPlan, path: Path) -> None:
    """Write the plan as TOML, atomically; knobs left to the program are left out."""
    values = {k: v for k, v in dataclasses.asdict(plan).items() if v is not None}
    files.write_atomically(path, tomli_w.dumps(values).encode())


def read_plan(path: Path) -> TrainingPlan:
    """Read a plan. Raises PlanError naming the file for what is missing, not TOML, unknown or wrong."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"The plan {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"The plan {path} is not valid TOML: {error}.") from error
    checked: dict[str, Any] = {}
    try:
        for name, value in values.items():
            kind, _ = _kind_of(name)
            if kind is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
                value = tuple(value)
            elif kind is float and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise PlanError(f"{name} is {value!r}, but must be {_KIND_WORDS[kind]}.")
            checked[name] = value
        return TrainingPlan(**checked)
    except PlanError as error:
        raise PlanError(f"In {path}: {error}") from None


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
    # about 4,000 tokens a step while a corpus is small, 8,000 from a million tokens on
    wanted = 8192 if training_tokens > 1_000_000 else 4096 if training_tokens > 40_000 else 1024
    accumulation = plan.accumulation or max(1, min(round(wanted / (batch * block)), windows // batch or 1))
    epochs = plan.epochs or (10.0 if from_scratch else 3.0)
    if plan.max_steps and not plan.epochs:
        epochs = plan.max_steps * batch * accumulation / windows
    rate = plan.learning_rate or (1e-3 if from_scratch else 1e-5 if parameters > 1_000_000_000 else 5e-5)
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
    per_epoch = max(1, math.floor(min(steps.steps_per_epoch, steps.total_steps)))
    every = plan.evaluate_every or max(1, per_epoch // 4, steps.total_steps // 12)
    return dataclasses.replace(
        resolved, evaluate_every=every, sample_every=every if plan.sample_every is None else plan.sample_every
    )


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
    warmup = round(total * plan.warmup_fraction)
    if plan.warmup_fraction > 0:  # a very short run needs a few gentle steps too, or its first ones undo it
        warmup = max(warmup, min(10, total // 5))
    return Schedule(windows, steps_per_epoch, total, warmup)
