"""Shows what one training step does to one window. Works on a model in memory: the run and its files stay as they are.

Loads torch when called.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from storytime_tui.corpus.headers import header_ids
from storytime_tui.errors import RunError
from storytime_tui.generation.detokenizer import Detokenizer
from storytime_tui.jobs.dataset import choose_stories
from storytime_tui.jobs.readings import open_model_of
from storytime_tui.jobs.training_model import freeze_embeddings
from storytime_tui.training import runs
from storytime_tui.training.plan import read_plan

# The step's learning rate, relative to the run's. The optimiser is new: its first step moves every weight by the whole
# rate, whatever its gradient. At the full rate that overshoots, so a run begins with a warm-up, and this step too.
GENTLE = 0.1


@dataclass(frozen=True)
class TokenStep:
    """A token of the window with its loss in nats before and after the step; both are 0 if it does not count."""

    text: str
    before: float
    after: float
    counts: bool = True


@dataclass(frozen=True)
class OneStep:
    """A window and one step on it. The means are those of the tokens that count; `story`: where the window begins."""

    story: str
    tokens: tuple[TokenStep, ...]
    learning_rate: float
    gradient_norm: float

    @property
    def before(self) -> float:
        """The mean loss before the step."""
        return self._mean([token.before for token in self.tokens if token.counts])

    @property
    def after(self) -> float:
        """The mean loss after the step."""
        return self._mean([token.after for token in self.tokens if token.counts])

    @staticmethod
    def _mean(losses: list[float]) -> float:
        return sum(losses) / max(1, len(losses))


def take_one_step(run: str, which: str, number: int) -> OneStep:
    """Take one step on a window of the run's training stories, at a tenth of the run's learning rate.

    `which`: the run's base ("base") or a checkpoint ("step-20") takes it. The window is the beginning of the story
    `number` (counted round), as long as a window of the run. The model is a copy in memory and is dropped afterwards.
    Raises ModelError, RunError, PlanError and CorpusError.
    """
    plan = read_plan(runs.run_folder(run) / runs.PLAN)
    stories = [story for story in choose_stories(plan).training if not story.continues]
    if not stories or not plan.block_size or not plan.learning_rate:
        raise RunError(f"The run {run!r} has no window to show.")
    if plan.lora_rank:
        raise RunError(
            f"The run {run!r} trains LoRA matrices only; one step can be shown of a run without LoRA."
        )
    story = stories[number % len(stories)]
    opened = open_model_of(run, which).model
    import torch

    from storytime_tui.training.one_step import take_step
    from storytime_tui.training.skips import SKIPPED

    if plan.frozen_embeddings:
        freeze_embeddings(opened.model)
    tokenizer = opened.tokenizer
    header = header_ids(story.header, tokenizer)
    block = min(plan.block_size, opened.block)
    ids = [tokenizer.end_of_text, *header, *tokenizer.encode(story.text)][: block + 1]
    labels = [SKIPPED if place < len(header) else token for place, token in enumerate(ids[1:])]
    rate = plan.learning_rate * GENTLE
    step = take_step(
        opened.model,
        torch.tensor([ids[:-1]], device=opened.device),
        torch.tensor([labels], device=opened.device),
        # an optimiser in 8 bits would gain nothing here, and needs a GPU
        dataclasses.replace(plan, optimizer="adamw", learning_rate=rate),
        device=opened.device,
        precision=opened.precision,
    )
    detokenizer = Detokenizer()
    tokens = tuple(
        TokenStep(detokenizer.feed(tokenizer.token_bytes(token)), before, after, label != SKIPPED)
        for token, label, before, after in zip(ids[1:], labels, step.before, step.after, strict=True)
    )
    return OneStep(story.title, tokens, rate, step.gradient_norm)
