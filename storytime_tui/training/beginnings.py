"""The prompts of a run's samples: the opening of a held-out story, and the plan's own prompt. Loads no torch.

Every sampling uses the same prompts and seed, so that only the training progress changes the samples.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.headers import voice_in
from storytime_tui.training.plan import TrainingPlan

OPENING = 8  # words
_LONGER = (12, 16)  # words, if the first eight also occur in a training story
_CANDIDATES = 12  # held-out stories to choose from
_HEAD = 1_000  # characters of a story searched for its opening
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class Beginning:
    """The prompt of a sample. `voice`: the shelf whose hidden header line comes before it; "" for none.

    `held_out`: the prompt is the opening of a held-out story.
    """

    prompt: str
    voice: str = ""
    held_out: bool = False


def opening_of(text: str, words: int = OPENING) -> str:
    """The first `words` words of a text; "" if the text has fewer than twice as many."""
    head = text[:_HEAD].lstrip()
    matches = list(_WORD.finditer(head))
    return head[: matches[words - 1].end()] if len(matches) >= 2 * words else ""


def held_out_opening(
    held_out: Sequence[Story], training: Sequence[Story], seed: int, *, unlike: str = ""
) -> tuple[Story, str] | None:
    """A held-out story and its opening words, chosen by `seed` alone, whatever the order of the stories.

    The words occur in no training story. If possible they do not begin like `unlike`, which is sampled anyway.
    None if no opening is left. Reads the training stories; raises CorpusError if one is missing.
    """
    stories = sorted(held_out, key=lambda story: _rank(story, seed))[:_CANDIDATES]
    candidates = [
        (opening.lower().startswith(unlike.lower().rstrip()) and bool(unlike.strip()), length, place, opening)
        for place, story in enumerate(stories)
        for length in (OPENING, *_LONGER)
        if (opening := opening_of(story.text, length))
    ]
    for story in training:
        if not candidates:
            return None
        text = story.text
        candidates = [each for each in candidates if each[-1] not in text]
    if not candidates:
        return None
    _, _, place, opening = min(candidates)
    return stories[place], opening


def beginnings_of(
    plan: TrainingPlan, held_out: Sequence[Story], training: Sequence[Story]
) -> tuple[Beginning, ...]:
    """The prompts of a run's samples: a held-out story's (or chapter's) opening with its own shelf's line, and the
    plan's prompt with the first shelf's. Raises CorpusError as `held_out_opening` does."""
    default = Beginning(plan.sample_prompt, first_voice(plan))
    chosen = held_out_opening(held_out, training, plan.seed, unlike=plan.sample_prompt)
    if chosen is None:
        return (default,)
    story, opening = chosen
    return Beginning(opening, voice_in(story.header), held_out=True), default


def first_voice(plan: TrainingPlan) -> str:
    """The shelf whose line comes before a text that belongs to no shelf."""
    return plan.voices[0] if plan.voices else ""


def requested_beginnings(
    prompts: Sequence[str | None], usual: Sequence[Beginning], plan: TrainingPlan, changed: str | None = None
) -> Iterator[Beginning]:
    """The prompts for the requested samples: the user's own prompt, or (None) the run's usual ones.

    `changed`: the prompt that takes the place of the plan's.
    """
    usual = usual or (Beginning(plan.sample_prompt, first_voice(plan)),)
    if changed is not None:
        usual = (*(each for each in usual if each.held_out), Beginning(changed, first_voice(plan)))
    for prompt in prompts:
        yield from usual if prompt is None else (Beginning(prompt, first_voice(plan)),)


def _rank(story: Story, seed: int) -> bytes:
    return hashlib.sha256(f"opening {seed}\n{story.facts.digest}".encode()).digest()
