"""Where a run's samples begin: as a held-out story of its shelf does, and with the plan's own words. Loads no torch.

The same beginnings are told at each sampling, with the same seed: what differs is what was learned.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.headers import voice_in
from storytime_tui.training.plan import TrainingPlan

OPENING = 8  # words of a held-out story
_LONGER = (12, 16)  # where the first eight stand in a training story too
_ASKED = 12  # held-out stories that are looked at
_HEAD = 1_000  # characters of a story in which its opening is sought
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class Beginning:
    """What a sample is told from. `voice`: the shelf whose line stands before it, unseen; "" for no line.

    `held_out`: it is the opening of a story that is not learned from.
    """

    prompt: str
    voice: str = ""
    held_out: bool = False


def opening_of(text: str, words: int = OPENING) -> str:
    """The first `words` words of a text, ending on a word; "" where hardly more than that is left of it."""
    head = text[:_HEAD].lstrip()
    found = list(_WORD.finditer(head))
    return head[: found[words - 1].end()] if len(found) >= 2 * words else ""


def held_out_opening(
    held_out: Sequence[Story], training: Sequence[Story], seed: int, *, unlike: str = ""
) -> tuple[Story, str] | None:
    """A held-out story and its opening words, chosen by `seed` alone, whatever the order of the stories.

    The words stand in no training story. Where it can be, they don't begin as `unlike` does: that is told anyway.
    None where no opening is left. Reads the training stories; raises CorpusError where one has gone.
    """
    asked = sorted(held_out, key=lambda story: _rank(story, seed))[:_ASKED]
    found = [
        (opening.lower().startswith(unlike.lower().rstrip()) and bool(unlike.strip()), length, place, opening)
        for place, story in enumerate(asked)
        for length in (OPENING, *_LONGER)
        if (opening := opening_of(story.text, length))
    ]
    for story in training:
        if not found:
            return None
        text = story.text
        found = [each for each in found if each[-1] not in text]
    if not found:
        return None
    _, _, place, opening = min(found)
    return asked[place], opening


def beginnings_of(
    plan: TrainingPlan, held_out: Sequence[Story], training: Sequence[Story]
) -> tuple[Beginning, ...]:
    """What a run's samples are told from: the opening of a held-out story (or chapter), behind its own shelf's line,
    and the plan's prompt, behind the first shelf's. Raises CorpusError as `held_out_opening` does."""
    usual = Beginning(plan.sample_prompt, first_voice(plan))
    found = held_out_opening(held_out, training, plan.seed, unlike=plan.sample_prompt)
    if found is None:
        return (usual,)
    story, opening = found
    return Beginning(opening, voice_in(story.header), held_out=True), usual


def first_voice(plan: TrainingPlan) -> str:
    """The shelf whose line stands before a text that is of no shelf."""
    return plan.voices[0] if plan.voices else ""


def wished(
    prompts: Sequence[str | None], usual: Sequence[Beginning], plan: TrainingPlan
) -> Iterator[Beginning]:
    """What each wish for a sample is told from: a prompt of somebody's own, or (None) the usual beginnings."""
    for prompt in prompts:
        if prompt is not None:
            yield Beginning(prompt, first_voice(plan))
        else:
            yield from usual or (Beginning(plan.sample_prompt, first_voice(plan)),)


def _rank(story: Story, seed: int) -> bytes:
    return hashlib.sha256(f"opening {seed}\n{story.facts.digest}".encode()).digest()
