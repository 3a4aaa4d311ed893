"""The model card: what a checkpoint is, in words and figures, for whoever opens its folder."""

import dataclasses
import math

from storytime_tui.training.checkpoints import RunPosition
from storytime_tui.training.dataset import Dataset
from storytime_tui.training.evaluate import Score, perplexity_of
from storytime_tui.training.events import VoiceMeasured
from storytime_tui.training.heard import WHAT_IT_IS
from storytime_tui.training.plan import TrainingPlan

_STORIES_NAMED = 200  # in the card; the run's plan.toml names all

_VOICE, _LEARNED_FROM = "## Voice", "## What it learned from"
_OURS = ("scratch-", "starter")  # bases that nobody else has


def model_card(
    run: str, plan: TrainingPlan, lesson: Dataset, progress: RunPosition, score: Score | None
) -> str:
    """The README.md of a checkpoint, in Markdown with the header that the Hub reads."""
    sections = [
        _header(plan),
        f"# {run}, step {progress.step:,}",
        (
            f"A new GPT-2 ({plan.base}), taught"
            if plan.base.startswith("scratch-")
            else f"{plan.base}, fine-tuned"
        )
        + f" by Storytime on stories: {_listed(plan.collections)}.",
        _opened(plan),
        "## Figures",
        _figures(progress, score),
        _LEARNED_FROM,
        f"{lesson.stories:,} stories ({len(lesson.training_ids):,} tokens), judged by {lesson.validation_stories:,} "
        f"others ({len(lesson.validation_ids):,} tokens)."
        + (f" {lesson.copies:,} were told twice and learned once." if lesson.copies else ""),
        _stories(plan),
        "## The plan",
        _plan(plan),
    ]
    if plan.extended_at:
        ends = ", ".join(f"{step:,}" for step in plan.extended_at)
        sections.append(
            f"The run had ended at step {ends} and was given more epochs: there the learning rate rose again "
            "briefly, to the one that a run of the whole length would have."
        )
    return "\n\n".join(section for section in sections if section) + "\n"


def _told_at(said: VoiceMeasured) -> str:
    """Strength and contrast, where these are not those of the plain weights."""
    strength, contrast = said.strength, said.contrast
    by = []
    if strength != 1:
        by.append(f"strength {strength:g} (base + {strength:g} × (run − base), which Storytime tells it at)")
    if contrast:
        by.append(f"contrast {contrast:g} (each voice leans away from the others)")
    return f" at {' and '.join(by)}" if by else ""


def with_voice(card: str, said: VoiceMeasured) -> str:
    """The card with the measured voice in it, in place of what it said of that before."""
    each = "".join(
        f"\n- {_plain(shelf)}: {right:,}" for shelf, right in zip(said.shelves, said.of_each, strict=False)
    )
    text = (
        f"{_VOICE}\n\nOf {said.passages:,} passages that step {said.step:,} told{_told_at(said)}, "
        f"{said.of_shelf:,} sound like the shelf that they were told as, and {said.of_base:,} like the base; "
        f"{said.copied:.1%} of their runs of eight words stand in the training stories. "
        f"{WHAT_IT_IS}{each if len(said.shelves) > 1 else ''}\n\n"
    )
    before, found, rest = card.partition(_VOICE)
    if found:
        return before + text + rest[max(0, rest.find(_LEARNED_FROM)) :]
    before, found, rest = card.partition(_LEARNED_FROM)
    return before + text + found + rest if found else f"{card.rstrip()}\n\n{text.rstrip()}\n"


def _opened(plan: TrainingPlan) -> str:
    """How other programs open it, and what may be done with it."""
    if plan.lora_rank:
        how = "It is an adapter for peft, and needs its base: `AutoPeftModelForCausalLM.from_pretrained(FOLDER)`."
    else:
        how = "`AutoModelForCausalLM.from_pretrained(FOLDER)` and `AutoTokenizer.from_pretrained(FOLDER)` open it."
    return (
        "## How to open it\n\n"
        f"{how} `storytime-tui tell --model FOLDER` tells with it.\n\n"
        "No licence is given here: what may be done with it depends on those of the base and of the stories."
    )


def _header(plan: TrainingPlan) -> str:
    base = f"base_model: {plan.base}\n" if "/" not in plan.base and not plan.base.startswith(_OURS) else ""
    return f"---\nlibrary_name: transformers\npipeline_tag: text-generation\n{base}tags:\n- storytime\n---"


def _figures(progress: RunPosition, score: Score | None) -> str:
    rows = [
        ("trained for", f"{progress.seconds:,.0f} s"),
        ("device", f"{progress.device}, {progress.precision}"),
    ]
    if score is not None:
        rows += [
            ("validation loss", f"{score.loss:.4f} nats per token"),
            ("perplexity", f"{score.perplexity:,.2f}"),
            ("bits per byte", f"{score.bits_per_byte:.4f}"),
        ]
    best = progress.best_validation_loss
    if best is not None and math.isfinite(best):
        rows.append(
            (
                "best so far",
                f"{best:.4f} (perplexity {perplexity_of(best):,.2f}) at step {progress.best_step:,}",
            )
        )
    return _table(("figure", "value"), rows)


def _plan(plan: TrainingPlan) -> str:
    values = {k: v for k, v in dataclasses.asdict(plan).items() if v not in (None, ()) and k != "stories"}
    return _table(("setting", "value"), [(k, _value(v)) for k, v in values.items()])


def _stories(plan: TrainingPlan) -> str:
    named = [f"- {_plain(story)}" for story in plan.stories[:_STORIES_NAMED]]
    more = len(plan.stories) - len(named)
    return "\n".join([*named, f"- and {more:,} more"] if more > 0 else named)


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {_plain(value)} |" for name, value in rows])


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(_plain(name) for name in names)


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _plain(text: str) -> str:
    """The text with Markdown characters escaped."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in " ".join(text.split()))
