"""The model card of a checkpoint, with its figures."""

import dataclasses
import math

from storytime_tui.formatting import markdown
from storytime_tui.training.checkpoints import RunPosition
from storytime_tui.training.dataset import Dataset
from storytime_tui.training.evaluate import Score, perplexity_of
from storytime_tui.training.events import VoiceMeasured
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.voice_report import WHAT_IT_IS

_STORIES_NAMED = 200  # the run's plan.toml lists all

_VOICE, _LEARNED_FROM = "## Voice", "## What it learned from"
_OWN_BASES = ("scratch-", "starter")  # bases that the Hub does not have


def model_card(
    run: str, plan: TrainingPlan, dataset: Dataset, progress: RunPosition, score: Score | None
) -> str:
    """The README.md of a checkpoint: Markdown with the Hub's metadata header."""
    sections = [
        _header(plan),
        f"# {run}, step {progress.step:,}",
        (
            f"A new GPT-2 ({plan.base}), trained"
            if plan.base.startswith("scratch-")
            else f"{plan.base}, fine-tuned"
        )
        + f" by Storytime on stories: {_listed(plan.collections)}.",
        _how_to_open(plan),
        "## Figures",
        _figures(progress, score),
        _LEARNED_FROM,
        f"{dataset.stories:,} stories ({len(dataset.training_ids):,} tokens), validated on "
        f"{dataset.validation_stories:,} others ({len(dataset.validation_ids):,} tokens)."
        + (f" {dataset.copies:,} copies of other stories were left out." if dataset.copies else ""),
        _stories(plan),
        "## The plan",
        _plan(plan),
    ]
    if plan.extended_at:
        ends = ", ".join(f"{step:,}" for step in plan.extended_at)
        sections.append(
            f"The run had ended at step {ends} and was extended by more epochs: there the learning rate rose again "
            "briefly, to that of a run of the full length."
        )
    return "\n\n".join(section for section in sections if section) + "\n"


def _told_at(measured: VoiceMeasured) -> str:
    """Strength and contrast as words, "" for the plain weights."""
    strength, contrast = measured.strength, measured.contrast
    by = []
    if strength != 1:
        by.append(f"strength {strength:g} (base + {strength:g} × (run − base), which Storytime tells it at)")
    if contrast:
        by.append(f"contrast {contrast:g} (each voice leans away from the others)")
    return f" at {' and '.join(by)}" if by else ""


def with_voice(card: str, measured: VoiceMeasured) -> str:
    """The card with the measured voice, replacing an earlier measurement."""
    details = "".join(
        f"\n- {markdown(shelf)}: {right:,}"
        for shelf, right in zip(measured.shelves, measured.of_each, strict=False)
    )
    text = (
        f"{_VOICE}\n\nOf {measured.passages:,} passages generated at step {measured.step:,}"
        f"{_told_at(measured)}, {measured.of_shelf:,} sound like their shelf and {measured.of_base:,} like "
        f"the base; {measured.copied:.1%} of their eight-word sequences occur in the training stories. "
        f"{WHAT_IT_IS}{details if len(measured.shelves) > 1 else ''}\n\n"
    )
    before, found, rest = card.partition(_VOICE)
    if found:
        return before + text + rest[max(0, rest.find(_LEARNED_FROM)) :]
    before, found, rest = card.partition(_LEARNED_FROM)
    return before + text + found + rest if found else f"{card.rstrip()}\n\n{text.rstrip()}\n"


def _how_to_open(plan: TrainingPlan) -> str:
    """How to open the model in other programs, and a note on licences."""
    if plan.lora_rank:
        how = "It is an adapter for peft, and needs its base: `AutoPeftModelForCausalLM.from_pretrained(FOLDER)`."
    else:
        how = "`AutoModelForCausalLM.from_pretrained(FOLDER)` and `AutoTokenizer.from_pretrained(FOLDER)` open it."
    return (
        "## How to open it\n\n"
        f"{how} `storytime-tui tell --model FOLDER` generates with it.\n\n"
        "No licence is given here: it depends on the licences of the base and of the stories."
    )


def _header(plan: TrainingPlan) -> str:
    base = (
        f"base_model: {plan.base}\n" if "/" not in plan.base and not plan.base.startswith(_OWN_BASES) else ""
    )
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
    named = [f"- {markdown(story)}" for story in plan.stories[:_STORIES_NAMED]]
    if not named:
        return ""
    more = len(plan.stories) - len(named)
    all_of_them = "\n".join([*named, f"- and {more:,} more"] if more > 0 else named)
    return f"All the stories, those for validation among them:\n\n{all_of_them}"


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {markdown(value)} |" for name, value in rows])


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(markdown(name) for name in names)


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
