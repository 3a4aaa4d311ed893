"""What a report says, as plain text and rows of tables; the pages escape it. Loads no torch."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui import __version__, knobs
from storytime_tui.formatting import count
from storytime_tui.jobs.report.facts import RunFigures
from storytime_tui.training import events as ev
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.voice_report import of_passages, share_of

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Sampling:
    """The samples of one step."""

    step: int
    samples: tuple[ev.Sampled, ...]


@dataclass(frozen=True)
class Contents:
    """A report. `lead`: sentences; `plan`: rows of setting, value and meaning; `left_out`: a sentence, or ""."""

    title: str
    lead: str
    figures: Rows
    samplings: tuple[Sampling, ...]
    left_out: str
    plan: Rows
    made: str


def contents_of(
    run: str,
    state: str,
    plan: TrainingPlan | None,
    shelves: Sequence[str],
    figures: RunFigures,
    note: str = "",
) -> Contents:
    """Put a report into words. `plan` None: it cannot be read. `shelves`: their titles, or their names."""
    steps = sorted({sample.step for sample in figures.samples})
    samplings = tuple(
        Sampling(step, tuple(sample for sample in figures.samples if sample.step == step)) for step in steps
    )
    kept, told = len(figures.samples), figures.samples_told
    return Contents(
        title=run,
        lead=_lead(plan, shelves, figures),
        figures=((("note", note),) if note else ()) + _figures(state, figures),
        samplings=samplings,
        left_out=f"{kept:,} of its {told:,} samples are shown." if kept < told else "",
        plan=_plan(plan) if plan else (),
        made=f"Made by Storytime {__version__} on {time.strftime('%Y-%m-%d')}.",
    )


def _lead(plan: TrainingPlan | None, shelves: Sequence[str], figures: RunFigures) -> str:
    """The plan in words."""
    started = figures.started
    base = plan.base if plan else started.base if started else "an unknown base"
    from_nothing = base.startswith("scratch-")
    size = f" ({count(started.parameters, 'parameter')})" if started else ""
    on = f" on {_listed(shelves)}" if shelves else ""
    new, trained = ("A new model, ", "trained") if from_nothing else ("", "fine-tuned")
    said = [f"{new}{base}{size}, {trained}{on}."]
    if started:
        said.append(
            f"It trains on {count(started.stories, 'story', 'stories')} ({started.training_tokens:,} tokens) and is "
            f"validated on {started.validation_stories:,} others ({started.validation_tokens:,} tokens)."
        )
    if plan is None:
        return " ".join(said)
    length = count(figures.total_steps, "step") if figures.total_steps else ""
    if plan.batch_size and plan.accumulation and plan.block_size and length:
        windows = count(plan.batch_size * plan.accumulation, "window")
        length += f" of {windows} of {plan.block_size:,} tokens"
    epochs = f"{plan.epochs:.3g} epoch{'' if plan.epochs == 1 else 's'}" if plan.epochs else ""
    planned = " in ".join(filter(None, (epochs, length)))
    if planned:
        said.append(f"The plan is {planned}{_rate(plan)}.")
    if plan.lora_rank:
        said.append(f"Only LoRA matrices of rank {plan.lora_rank:,} are trained.")
    if plan.extended_at:
        ends = ", ".join(f"{step:,}" for step in plan.extended_at)
        said.append(f"It had ended at step {ends} and got more epochs.")
    return " ".join(said)


def _rate(plan: TrainingPlan) -> str:
    if not plan.learning_rate:
        return ""
    rate = f"{plan.learning_rate:.3g} ({plan.schedule})"
    return f", with a learning rate of {rate}, {plan.optimizer} and dropout {plan.dropout:g}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _figures(state: str, figures: RunFigures) -> Rows:
    rows = [
        ("state", "in training" if state == "training" else state),
        ("steps", f"{figures.step:,} of {figures.total_steps:,}"),
    ]
    best, first = figures.best, figures.evaluations[0] if figures.evaluations else None
    if best is not None:
        before = (
            f"; {first.validation_loss:.3f} before training" if first and first.step == 0 < best.step else ""
        )
        rows += [
            (
                "best validation loss",
                f"{best.validation_loss:.3f} nats per token, at step {best.step:,}{before}",
            ),
            ("perplexity", _number(best.perplexity, ",.1f")),
            ("bits per byte", _number(best.bits_per_byte, ".3f")),
        ]
    voice = figures.voice
    if voice is not None and voice.passages:
        rows.append(
            (
                "voice",
                f"{of_passages(share_of(voice), voice.passages)} told passages sound like the shelf; "
                f"{voice.copied:.1%} of their eight-word sequences occur in the training stories",
            )
        )
    if figures.strength is not None and figures.strength.strength != 1:
        rows.append(("strength", f"{figures.strength.strength:g}"))
    rows.append(("time", f"{figures.seconds:,.0f} s of training"))
    started = figures.started
    if started is not None:
        rows += [
            ("device", f"{started.device}, {started.precision}"),
            ("baseline (word frequency)", f"{_number(started.token_frequency_loss, '.3f')} nats per token"),
            ("started", _day(started.time)),
        ]
    if isinstance(figures.last, ev.Failed):
        rows.append(("failure", figures.last.message))
    return tuple(rows)


def _number(value: float, form: str) -> str:
    return format(value, form) if value == value else "-"


def _day(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):  # a journal may say anything
        return "-"


def _plan(plan: TrainingPlan) -> Rows:
    return tuple(
        (name, _value(name, getattr(plan, name)), known.line)
        for name, known in knobs.table(TrainingPlan).items()
    )


def _value(name: str, value: object) -> str:
    if name == "stories":
        return f"{len(value):,} of them" if isinstance(value, tuple) and value else "all"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    return "auto" if value is None else str(value)
