"""How a passage became likelier, in words. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from storytime_tui.jobs.passages import BASE, words_of
from storytime_tui.tui import wording
from storytime_tui.tui.widgets.likeliest import percent, visible_token

if TYPE_CHECKING:
    from storytime_tui.generation.sampling.settings import SamplerSettings
    from storytime_tui.jobs.explain import TokenExplained
    from storytime_tui.jobs.guesses import Round
    from storytime_tui.jobs.passages import Checkpoint

# the values that a key steps through, from low to high
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0)
TOP_PS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
MIN_PS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)


def stepped(values: Sequence[float], now: float, by: int) -> float:
    """The next value above (`by` 1) or below (-1) `now`; the outermost one stays."""
    if by > 0:
        return next((value for value in values if value > now + 1e-9), values[-1])
    return next((value for value in reversed(values) if value < now - 1e-9), values[0])


def settings_words(settings: SamplerSettings) -> str:
    """The settings that the bars are under: `temp. 0.6 · top-p 0.9 · min-p 0.1`."""
    return f"temp. {settings.temperature:g} · top-p {settings.top_p:g} · min-p {settings.min_p:g}"


def model_name(which: str, checkpoints: Sequence[Checkpoint]) -> str:
    """A model of the run: `base (step 0)`, `step 60 (best, last)`."""
    if which == BASE:
        return "base (step 0)"
    found = next((each for each in checkpoints if each.which == which), None)
    marks = f" ({', '.join(found.marks)})" if found is not None and found.marks else ""
    step = found.step if found is not None else int(which.removeprefix("step-") or 0)
    return f"step {step:,}{marks}"


def nearest_kept(which: str, checkpoints: Sequence[Checkpoint]) -> str:
    """The model itself if it is among the run's, else the checkpoint nearest in steps; the base if there is none."""
    if which == BASE or any(each.which == which for each in checkpoints):
        return which
    step = int(which.removeprefix("step-"))
    saved = [each for each in checkpoints if each.which != BASE]
    # of two that are equally near, the later one: the trainer keeps it longer
    return min(saved, key=lambda each: (abs(each.step - step), -each.step)).which if saved else BASE


def moved_words(gone: str, shown: str) -> str:
    """That a checkpoint was deleted and what is shown instead: `Step 160 is no longer kept: showing step 200.`"""
    return f"{model_name(gone, ()).capitalize()} is no longer kept: showing {model_name(shown, ())}."


def likelier(before: Sequence[TokenExplained], after: Sequence[TokenExplained]) -> tuple[int, int]:
    """How many words of a text are likelier under the second model, and how many words it has.

    A word's logprob is the sum of its tokens'; punctuation and line ends are not counted.
    """
    texts = [token.text for token in before]
    words = [word for word in words_of(texts) if any(texts[place].strip()[:1].isalnum() for place in word)]

    def total(tokens: Sequence[TokenExplained], word: range) -> float:
        return math.fsum(tokens[place].logprob for place in word)

    return sum(total(after, word) > total(before, word) for word in words), len(words)


def comparison(before: Sequence[TokenExplained], after: Sequence[TokenExplained]) -> str:
    """What changed from one model to the other: `98 of 141 words became likelier`."""
    more, words = likelier(before, after)
    return f"{more} of {wording.count(words, 'word')} became likelier"


def mean_loss(tokens: Sequence[TokenExplained]) -> float:
    """The mean loss in nats per token."""
    return -math.fsum(token.logprob for token in tokens) / max(1, len(tokens))


def token_words(texts: Sequence[str], place: int) -> str:
    """The token at a place: `“umbrella”`, or as a part of its word: `“rose” in “Primrose”`."""
    shown = _quoted(texts[place])
    word = next((word for word in words_of(texts) if place in word), range(place, place + 1))
    return shown if len(word) == 1 else f"{shown} in {_quoted(''.join(texts[part] for part in word))}"


def _quoted(text: str) -> str:
    return (
        f"“{text.strip()}”"
        if text.strip()
        else f"“{visible_token(text)}”"
        if text
        else "a part of a character"
    )


def found_words(logprob: float, rank: int) -> str:
    """How a model found a token: `31.0%, rank 1`."""
    return f"{percent(math.exp(logprob))}, rank {rank:,}"


# -- the guessing game --------------------------------------------------------------------------------------


def is_right(guess: str, word: str) -> bool:
    """Whether a guess is the word, ignoring case and signs around it."""
    return bool(_bare(guess)) and _bare(guess) == _bare(word)


def _bare(word: str) -> str:
    return "".join(
        sign for sign in word.casefold().replace("’", "'") if sign.isalnum() or sign in "'-"
    ).strip("'-")


def scores(rounds: Sequence[Round], guesses: Sequence[str]) -> tuple[int, int, int]:
    """The right guesses so far: yours, the base's and the run's."""
    played = list(zip(rounds, guesses, strict=False))
    return (
        sum(is_right(guess, each.word) for each, guess in played),
        sum(is_right(each.base, each.word) for each, _ in played),
        sum(is_right(each.run, each.word) for each, _ in played),
    )


def game_over(rounds: Sequence[Round], guesses: Sequence[str]) -> str:
    """The game's outcome in two sentences."""
    you, base, run = scores(rounds, guesses)
    outcome = f"You guessed {you} of {wording.count(len(rounds), 'word')}, the base {base}, the run {run}."
    if run > base:
        meaning = "The run expects this story better than its base, though it never read it."
    elif run == base:
        meaning = "Here training made no difference: most words of any story are easy or impossible to guess."
    else:
        meaning = "Here the base guessed better: one passage says little, so play another."
    return f"{outcome} {meaning}"
