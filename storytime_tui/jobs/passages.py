"""The held-out passages of a run, and the models that can read them: its base and its checkpoints. Loads no torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.corpus.headers import voice_in
from storytime_tui.errors import RunError
from storytime_tui.jobs.dataset import choose_stories
from storytime_tui.training import runs
from storytime_tui.training.plan import read_plan

LENGTH = 1_000  # characters of a passage at most: about 180 words, or 240 tokens
MOST = 12  # passages of a run
BASE = "base"  # the model before the first step
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*(?=\s|\Z)")
_JOINED = re.compile(r"[\w'’-]")  # a sign that can stand within a word


@dataclass(frozen=True)
class Passage:
    """The opening of a held-out story or chapter. `shelf`: the title in the line before it in training; "" for none."""

    title: str
    text: str
    shelf: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A model of a run: `which` is "base" (step 0), or "step-20". `marks`: "best", "last", both or none."""

    which: str
    step: int
    marks: tuple[str, ...] = ()


def held_out_passages(run: str) -> tuple[Passage, ...]:
    """The openings of the run's held-out stories, in the order of its plan, at most twelve.

    Raises RunError, PlanError, and CorpusError if the stories are not there any more.
    """
    plan = read_plan(runs.run_folder(run) / runs.PLAN)
    held_out = [story for story in choose_stories(plan).validation if not story.continues]
    passages = [Passage(story.title, opening(story.text), voice_in(story.header)) for story in held_out]
    found = tuple(passage for passage in passages if passage.text)
    if not found:
        raise RunError(f"The held-out stories of the run {run!r} are empty.")
    return found[:MOST]


def opening(text: str, length: int = LENGTH) -> str:
    """The whole sentences at the start of a text, at most `length` characters; the first is cut if it is longer."""
    text = text.strip()
    if len(text) <= length:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, length + 1) if match.end() <= length]
    if ends:
        return text[: ends[-1]]
    return text[:length].rsplit(maxsplit=1)[0] if " " in text[:length] else text[:length]


def checkpoints_of(run: str) -> tuple[Checkpoint, ...]:
    """The run's base and its saved checkpoints, in the order of their steps. Raises RunError."""
    folder = runs.run_folder(run)
    marked: dict[str, list[str]] = {}
    for mark in ("best", "last"):
        place = runs.checkpoint_named(folder, mark)
        if place is not None:
            marked.setdefault(place.name, []).append(mark)
    saved = [(f"step-{step}", step) for step in runs.checkpoint_steps(folder)]
    return (
        Checkpoint(BASE, 0),
        *(Checkpoint(which, step, tuple(marked.get(which, ()))) for which, step in saved),
    )


def words_of(texts: Sequence[str]) -> list[range]:
    """The words of a text that is given as its tokens' texts: for each word, the places of its tokens.

    A token continues a word if it begins, and the token before it ends, with a sign that can stand within a word.
    Punctuation and white space are words of their own.
    """
    words: list[range] = []
    before = ""
    for place, text in enumerate(texts):
        joined = bool(before and text and _JOINED.match(text) and _JOINED.match(before[-1]))
        if words and (joined or not text):  # a part of a character has no text
            words[-1] = range(words[-1].start, place + 1)
        else:
            words.append(range(place, place + 1))
        before = text or before
    return words
