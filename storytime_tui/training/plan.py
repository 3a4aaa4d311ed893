"""Every knob of a run, described once; a plan is written to and read from TOML, and resolved. Knows no torch.

A value of None means "choose for me": `resolve` puts the right value there once the base and the size of
the corpus are known, and the resolved plan is what the run's `plan.toml` keeps.
"""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from storytime_tui import files, knobs, small_files
from storytime_tui.errors import PlanError
from storytime_tui.knobs import DEVICE, knob
from storytime_tui.models.catalogue import default_base
from storytime_tui.training.defaults import LORA_RATE, MOST_LORA_RATE, usual_epochs, usual_rate, usual_step

_SWITCH = ("auto", "on", "off")
_MANY = 1_000_000  # tokens, or windows: more than any machine holds
_STEPS = 1_000_000_000  # more than any run has
_MOST_EPOCHS = 100_000
_SAMPLINGS = 8  # at most, behind the one before the first step
_LARGEST_FILE = 16_000_000  # bytes: a plan names every story
_REPEATS = "a collection's name, = and a number above 0 and at most 100, such as tales=2"
_RENAME = "a voice is called by its collection's title (`storytime-tui corpus rename` changes that)"


def _is_repeat(entry: str) -> bool:
    name, _, times = entry.rpartition("=")
    try:
        return bool(name) and 0 < float(times) <= 100
    except ValueError:
        return False


@dataclass(frozen=True)
class TrainingPlan:
    """What to train, on which stories, and how. Raises PlanError for a value out of range."""

    # a table, one knob a line
    # fmt: off
    base: str = knob(default_base, "the model to start from", "model")
    collections: tuple[str, ...] = knob((), "names of collections, or paths of folders and files", "stories")
    stories: tuple[str, ...] = knob((), "only these stories, as collection/title; empty: all", "stories")
    repeats: tuple[str, ...] = knob((), "how often an epoch reads a collection, such as tales=2 or tales=0.25",
        "stories", holds=_is_repeat, allowed=_REPEATS)
    shelf_lines: bool = knob(True, "put a line with the shelf's name before each story, for its voice", "stories")
    voices: tuple[str, ...] = knob((), "the collections' names in those lines", "stories", written=_RENAME)
    headers: float = knob(0.0, "share of the stories that start with title, characters and tone", "stories", 0, 1,
        least="none")
    tokenizer: str | None = knob(None, "another model's tokenizer, for a scratch base", "model")
    block_size: int | None = knob(None, "tokens in one training window", "windows", 8, _MANY, "tokens", label="window")
    stride: int | None = knob(None, "tokens from one window's start to the next; auto is the whole window", "windows",
        1, _MANY, "tokens")
    batch_size: int | None = knob(None, "windows processed at once", "windows", 1, _MANY, "windows")
    accumulation: int | None = knob(None, "batches per step", "windows", 1, _MANY, "batches")
    epochs: float | None = knob(None, "how often it reads all training stories", "length", 0, _MOST_EPOCHS, without=0)
    max_steps: int | None = knob(None, "stop after this many steps, whatever the epochs", "length",
        1, _STEPS, "steps", label="max steps")
    learning_rate: float | None = knob(None, "how much a step changes the weights", "rate", 0, 1, without=0)
    schedule: str = knob("cosine", "the learning rate after the warm-up; wsd holds it, then lowers it", "rate",
        choices=("cosine", "linear", "constant", "wsd"))
    warmup_fraction: float = knob(0.05, "share of the steps in which the learning rate rises", "rate", 0, 1, without=1)
    warmup_steps: int | None = knob(None, "steps in which the learning rate rises, instead of a share", "rate",
        0, _STEPS, "steps")
    optimizer: str = knob("adamw", "adamw8bit takes a quarter of the memory and needs bitsandbytes", "optimizer",
        choices=("adamw", "adamw8bit"))
    weight_decay: float = knob(0.1, "how strongly weights are pulled towards 0", "optimizer", 0, 10)
    clip: float = knob(1.0, "largest norm of the gradient", "optimizer", 0, 1_000_000, without=0)
    dropout: float = knob(0.1, "share of embeddings and residuals dropped at random", "optimizer", 0, 1, without=1)
    frozen_embeddings: bool = knob(False, "do not train the word embeddings", "optimizer")
    lora_rank: int = knob(0, "0 = train the whole model; above 0, only small added matrices", "LoRA", 0, 1024,
        least="the whole model", label="LoRA rank")
    lora_alpha: float | None = knob(None, "weight of the added matrices; auto is twice the rank", "LoRA",
        0, 10_000, without=0, label="LoRA alpha")
    lora_targets: tuple[str, ...] = knob((), "the model's matrices that get one; empty: all of each block", "LoRA",
        label="LoRA targets")
    precision: str = knob("auto", "the number format of the computation", "machine",
        choices=("auto", "bf16", "fp16", "fp32"))
    checkpointing: str = knob("auto", "compute blocks twice to save memory (slower)", "machine", choices=_SWITCH,
        label="save memory")
    compile: str = knob("auto", "compile the blocks: a slow start, then faster steps", "machine", choices=_SWITCH)
    device: str = knob("auto", "the processor to train on; cuda:1 is the second GPU", "machine", **DEVICE)
    threads: int = knob(0, "cores to compute on; 0 takes all", "machine", 0, 1024, least="all")
    sharded: bool = knob(False, "under torchrun, each process holds a part of the model (FSDP2, not DDP)", "machine")
    stay_awake: bool = knob(True, "keep the computer awake while the run trains", "machine")
    validation_fraction: float = knob(0.1, "share of the stories held out for validation", "evaluation",
        0, 0.5, without=0)
    evaluate_every: int | None = knob(None, "steps from one evaluation to the next", "evaluation", 1, _STEPS, "steps")
    patience: int = knob(0, "stop after this many evaluations without a lower loss", "length", 0, 10_000, "evaluations",
        least="never")
    sample_every: int | None = knob(None, "steps from one sample to the next", "evaluation", 0, _STEPS, "steps",
        least="never")
    sample_prompt: str = knob("Once upon a time", "how each sample begins", "evaluation")
    sample_tokens: int = knob(40, "tokens of a sample at most; it ends on a whole sentence", "evaluation", 1, 10_000)
    listen: bool = knob(True, "measure how many told passages sound like the shelf", "evaluation")
    keep: int = knob(3, "number of checkpoints to keep", "evaluation", 2, 10_000, least="the best and the last")
    seed: int = knob(0, "the same seed and plan give the same run", "chance", 0, 2**63 - 1)
    extended_at: tuple[int, ...] = knob((), "steps at which the finished run got more epochs", "length", 0, _STEPS,
        written="give more epochs with --resume RUN --more-epochs N")
    # fmt: on

    def __post_init__(self) -> None:
        """Check each value by itself; what depends on the base and the corpus is checked by `resolve`."""
        knobs.check_all(self)


def repeats_of(plan: TrainingPlan) -> dict[str, float]:
    """How often an epoch reads each collection's training stories, where it is not once."""
    parts = [entry.rpartition("=") for entry in plan.repeats]
    return {name: float(times) for name, _, times in parts}


def write_plan(plan: TrainingPlan, path: Path) -> None:
    """Write the plan as TOML, atomically; knobs left to the program are left out. Raises OSError."""
    values = {k: v for k, v in dataclasses.asdict(plan).items() if v is not None}
    files.write_atomically(path, tomli_w.dumps(values).encode())


def read_plan(path: Path) -> TrainingPlan:
    """Read a plan. Raises PlanError naming the file for what is missing, not TOML, unknown or wrong."""
    try:
        values = small_files.read_toml(path, _LARGEST_FILE)
        return TrainingPlan(**{name: knobs.from_toml(TrainingPlan, name, v) for name, v in values.items()})
    except FileNotFoundError:
        raise PlanError(f"The plan {path} is missing.") from None
    except small_files.UnreadableFile as error:
        raise PlanError(f"The plan cannot be used: {error}") from error
    except PlanError as error:
        raise PlanError(f"In {path}: {error}") from None


PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "quick look": (
        "A short trial run: 1 epoch, or 4 for a scratch base.",
        {"epochs": 1.0},
    ),
    "balanced": (
        "The default: 3 or 4 epochs, or 10 for a scratch base; stops early when the loss stops falling.",
        {"patience": 4},
    ),
    "thorough": (
        "Half as many epochs again, and more patience before it stops early.",
        {"patience": 6, "dropout": 0.15},
    ),
    "by heart": (
        "Overfits on purpose: 25 epochs, a high rate, no dropout; validation rises.",
        {
            "epochs": 25.0,
            "batch_size": 4,  # with large batches a small shelf has too few steps to be memorised
            "accumulation": 1,
            "learning_rate": 1e-3,
            "patience": 0,
            "dropout": 0.0,
            "weight_decay": 0.0,
        },
    ),
    "original notebook": (
        "As in the original notebook: 5 epochs of 256-token windows at a learning rate of 1e-4.",
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
        values["epochs"] = 4.0  # after 1 it is still worse than the word-frequency baseline
    if name == "by heart" and from_scratch:
        values["epochs"] = 60.0  # a new model first has to learn what the stories have in common
    if name == "thorough":
        values["epochs"] = 15.0 if from_scratch else 6.0
    return dataclasses.replace(plan, **values)


def first_look(collections: tuple[str, ...], stories: tuple[str, ...], **preferred: Any) -> TrainingPlan:
    """A plan to watch a new tiny model learn from nothing, in about a minute on two cores, whatever the stories.

    At first it writes noise, after a hundred steps words, at the end scraps of sentences.
    """
    return TrainingPlan(
        base="scratch-tiny",
        collections=collections,
        stories=stories,
        block_size=128,
        batch_size=8,
        accumulation=1,
        max_steps=400,
        learning_rate=3e-3,
        evaluate_every=40,
        sample_every=40,
        listen=False,
        keep=2,
        **preferred,
    )


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
        if epochs > _MOST_EPOCHS:
            raise PlanError(
                f"{plan.max_steps:,} steps of {batch * accumulation:,} windows would read these stories {epochs:,.0f} "
                f"times; at most {_MOST_EPOCHS:,} are possible: set a smaller max_steps, batch_size or accumulation."
            )
    if plan.lora_rank and from_scratch:
        raise PlanError(
            f"lora_rank is {plan.lora_rank}, but {plan.base} is untrained, so LoRA has nothing to adapt: "
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
    """The resolved plan of a run, with this many more epochs; `length`: its steps in all, and those of an epoch.

    Where it had ended, at the step `ended_at`, its learning rate rises again (`schedule.learning_rate_at`).
    Raises PlanError.
    """
    if not 0 < epochs <= _MOST_EPOCHS:
        raise PlanError(f"more epochs is {epochs}, but must be above 0 and at most {_MOST_EPOCHS:,}.")
    total, per_epoch = length
    if not total or not per_epoch:
        raise PlanError("The run has not started: start a new run with the number of epochs that you want.")
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
