"""How often an epoch reads each training story: the plan's `repeats`. Loads no torch."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

from storytime_tui.corpus.collection import Story
from storytime_tui.errors import PlanError
from storytime_tui.training.plan import TrainingPlan, repeats_of

NO_STORY_LEFT = "repeats leaves no story to train on: set higher numbers."


def checked_repeats(plan: TrainingPlan, chosen: Sequence[str]) -> Mapping[str, float]:
    """How often an epoch reads each of the chosen collections, where it is not once, by name.

    Raises PlanError if `repeats` names a collection that was not chosen.
    """
    times = repeats_of(plan)
    unknown = times.keys() - set(chosen)
    if unknown:
        raise PlanError(f"repeats names {min(unknown)}, but the chosen collections are {', '.join(chosen)}.")
    return times


def times_read(story: Story, repeats: float, seed: int) -> int:
    """How often an epoch reads this story of a collection that it reads `repeats` times.

    A part of a time is a part of the stories: a story's text and the seed decide whether it is among them.
    """
    whole = math.floor(repeats)
    return whole + (_rank(story, seed) < repeats - whole)


def _rank(story: Story, seed: int) -> float:
    """A pseudo-random number in [0, 1) that depends on the story's text and the seed only."""
    digest = hashlib.sha256(f"repeats {seed}\n{story.facts.digest}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
