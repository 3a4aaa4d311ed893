"""What the screen "How it learns" needs from the jobs, as plain callables, so that tests can use fakes.

All of them block, and load torch where they read a model: call them in a thread. See `services`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storytime_tui.generation.sampling.settings import SamplerSettings
    from storytime_tui.jobs.guesses import Round
    from storytime_tui.jobs.one_step import OneStep
    from storytime_tui.jobs.passages import Checkpoint, Passage
    from storytime_tui.jobs.readings import Chances, Reading


def _passages(run: str) -> Sequence[Passage]:
    from storytime_tui.jobs import passages

    return passages.held_out_passages(run)


def _checkpoints(run: str) -> Sequence[Checkpoint]:
    from storytime_tui.jobs import passages

    return passages.checkpoints_of(run)


def _read(run: str, which: str, passage: Passage) -> Reading:
    from storytime_tui.jobs import readings

    return readings.read_passage(run, which, passage)


def _chances(reading: Reading, place: int, settings: SamplerSettings) -> Chances:
    from storytime_tui.jobs import readings

    return readings.chances_at(reading, place, settings)


def _make_game(run: str, which: str, passage: Passage) -> Sequence[Round]:
    from storytime_tui.jobs import guesses

    return guesses.make_game(run, which, passage)


def _one_step(run: str, which: str, number: int) -> OneStep:
    from storytime_tui.jobs import one_step

    return one_step.take_one_step(run, which, number)


@dataclass(frozen=True)
class LearningServices:
    """The services, by default the jobs of this machine. `which` is "base" or a checkpoint such as "step-20"."""

    passages: Callable[[str], Sequence[Passage]] = _passages  # of a run
    checkpoints: Callable[[str], Sequence[Checkpoint]] = _checkpoints
    read: Callable[[str, str, Passage], Reading] = _read  # run, which, passage
    chances: Callable[[Reading, int, SamplerSettings], Chances] = _chances
    make_game: Callable[[str, str, Passage], Sequence[Round]] = _make_game
    one_step: Callable[[str, str, int], OneStep] = _one_step  # run, which, number of the story
