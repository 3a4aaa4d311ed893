"""A made-up passage under the models of a run: what the screen "How it learns" reads in the tests."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from storytime_tui.errors import ModelError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.explain import Likely, TokenExplained
from storytime_tui.jobs.guesses import Round
from storytime_tui.jobs.one_step import OneStep, TokenStep
from storytime_tui.jobs.passages import Checkpoint, Passage
from storytime_tui.jobs.readings import Chance, Chances, Reading
from storytime_tui.tui.learning_services import LearningServices

TEXT = (
    "At the bottom of Primrose Lane, where the hedge is thickest, there lived a hedgehog who owned an umbrella. "
    "Nobody knew where it had come from. It was black, with a handle of yellow wood, and it had been mended twice.\n\n"
    "“It never rains on a Tuesday,” said the hedgehog, and he hung it on its nail. The snail, who had heard this "
    "before, said nothing at all; she was early, and she had the whole of the lane to cross before the sun was over "
    "the mill.\n\nThat night the wind came down from the hill, and by the morning the umbrella was gone."
)
PASSAGES = (
    Passage("The Hedgehog's Umbrella", TEXT, "Hedgerow Tales"),
    Passage(
        "The Snail Who Was Early", "The snail was early. [bold]Nobody[/] saw her come, and nobody saw her go."
    ),
)
CHECKPOINTS = (
    Checkpoint("base", 0),
    Checkpoint("step-25", 25),
    Checkpoint("step-75", 75, ("best",)),
    Checkpoint("step-100", 100, ("last",)),
)
LIKELIEST = (" hedgehog", " little", " the", " mouse", " and", " a", " umbrella", " was", "\n\n", "")
SHARES = (0.4, 0.2, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002)
VOCABULARY = 2048


def pieces(text: str) -> list[str]:
    """The text in made-up tokens: long words are two."""
    found: list[str] = []
    for number, word in enumerate(text.replace("\n\n", " ⏎").split(" ")):
        lead = "" if number == 0 or word.startswith("⏎") else " "
        if word.startswith("⏎"):
            found.append("\n\n")
            word = word[1:]
        body = word.rstrip(".,;”")
        cut = 5 if len(body) > 7 else len(body)
        found += [part for part in (lead + body[:cut], body[cut:], word[len(body) :]) if part]
    return found


def logprob(which: str, place: int, text: str) -> float:
    """How likely a model finds a token: later checkpoints more, and nothing random in it."""
    step = next((each.step for each in CHECKPOINTS if each.which == which), 0)
    hard = (place * 7919 + len(text) * 31) % 97 / 97  # 0 to 1
    return -(0.05 + 9.0 * hard**2 * (1 - 0.6 * step / 100))


@dataclass
class FakeLearning:
    """What was asked of the services, and what they answer."""

    passages: Sequence[Passage] = PASSAGES
    checkpoints: Sequence[Checkpoint] = CHECKPOINTS
    error: Exception | None = None  # of the passages
    flawed: int = 0  # readings that fail before one succeeds
    gone: set[str] = field(default_factory=set)  # checkpoints that cannot be read
    gate: threading.Event | None = None  # readings wait for it
    read: list[tuple[str, str, str]] = field(default_factory=list)
    steps: list[tuple[str, str, int]] = field(default_factory=list)
    games: list[tuple[str, str, str]] = field(default_factory=list)

    def services(self) -> LearningServices:
        return LearningServices(
            passages=self._passages,
            checkpoints=lambda run: self.checkpoints,
            read=self._read,
            chances=chances,
            make_game=self._game,
            one_step=self._step,
        )

    def _passages(self, run: str) -> Sequence[Passage]:
        if self.error is not None:
            raise self.error
        return self.passages

    def _read(self, run: str, which: str, passage: Passage) -> Reading:
        self.read.append((run, which, passage.title))
        if self.gate is not None:
            assert self.gate.wait(60)
        if self.flawed:
            self.flawed -= 1
            raise ModelError("The checkpoint was deleted while it was read.")
        if which in self.gone:
            raise ModelError(f"The run {run!r} keeps no checkpoint {which!r}; it has {run}/step-100.")
        likeliest = tuple(
            Likely(text, math.log(share)) for text, share in zip(LIKELIEST, SHARES, strict=True)
        )
        tokens = tuple(
            TokenExplained(
                place,
                text,
                logprob(which, place, text),
                1 + round(-8 * logprob(which, place, text)),
                likeliest,
            )
            for place, text in enumerate(pieces(passage.text))
        )
        unused: object = None
        return Reading(tokens, np.zeros((len(tokens), 1), np.float32), unused)  # type: ignore[arg-type]

    def _game(self, run: str, which: str, passage: Passage) -> Sequence[Round]:
        self.games.append((run, which, passage.title))
        words = passage.text.split()
        start = 12
        return [
            Round(
                " ".join(words[:at]) + " ",
                words[at],
                "the" if at % 3 else words[at],
                words[at] if at % 2 else "lane",
            )
            for at in range(start, min(start + 10, len(words)))
        ]

    def _step(self, run: str, which: str, number: int) -> OneStep:
        self.steps.append((run, which, number))
        if which in self.gone:
            raise ModelError(f"The run {run!r} keeps no checkpoint {which!r}; it has {run}/step-100.")
        tokens = [TokenStep("Shelf: Hedgerow Tales\n\n", 0.0, 0.0, counts=False)]
        for place, text in enumerate(pieces(TEXT)):
            before = -logprob(which, place, text)
            tokens.append(TokenStep(text, before, before * (0.7 + place % 3 / 8)))
        return OneStep(f"The Kettle That Sang {number + 1}", tuple(tokens), 5e-4, 1.25)


def chances(reading: Reading, place: int, settings: SamplerSettings) -> Chances:
    """Min-p alone decides here; the rest is the jobs' business."""
    least = settings.min_p * SHARES[0]
    rows = tuple(
        Chance(text, share, share if share >= least else 0.0)
        for text, share in zip(LIKELIEST, SHARES, strict=True)
    )
    kept = sum(row.drawn > 0 for row in rows) if settings.min_p else VOCABULARY
    token = reading.tokens[place]
    return Chances(
        rows, kept, VOCABULARY, Chance(token.text, math.exp(token.logprob), math.exp(token.logprob))
    )
