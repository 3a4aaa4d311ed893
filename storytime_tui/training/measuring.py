"""Measuring the loss: how far a long measurement is, and stopping in the middle of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

from storytime_tui.training import events as ev
from storytime_tui.training.evaluate import Score, score_in_batches

if TYPE_CHECKING:
    import torch

MOST_TOKENS = 2**18  # of the held-out stories, each time: the loss is then known to about 0.01
_SILENT, _EVERY = 2.0, 0.5  # seconds until it is said, and between two times


def measured(
    scoring: Generator[tuple[int, int], None, Score], stopped: Callable[[int, int], bool]
) -> Generator[ev.Preparing, None, Score | None]:
    """Go through `evaluate.score_in_batches`, and return its score.

    `stopped(windows_done, windows)` is asked after each batch; if it is true, the result is None.
    """
    say_at = time.monotonic() + _SILENT
    with contextlib.closing(scoring):
        while True:
            try:
                done, windows = next(scoring)
            except StopIteration as end:
                score: Score = end.value
                return score
            if stopped(done, windows):
                return None
            if time.monotonic() >= say_at:
                say_at = time.monotonic() + _EVERY
                yield ev.Preparing("measuring the loss on the held-out stories", done, windows)


def score_stream(
    objective: torch.nn.Module,
    ids: Any,
    text_bytes: int,
    *,
    block: int,
    batch: int,
    device: torch.device,
    precision: str,
    stride: int | None = None,
    skipped: Any = None,
    most: int | None = None,
    on_batch: Callable[[int, int], bool] = lambda done, windows: True,
) -> Score | None:
    """The score of a token stream, measured here and now, in one process.

    The arguments are those of `evaluate.score_in_batches`. `on_batch(windows_done, windows)`: if it returns False, the
    result is None.
    """
    scoring = score_in_batches(
        objective,
        ids,
        text_bytes,
        block=block,
        batch=batch,
        device=device,
        precision=precision,
        stride=stride,
        skipped=skipped,
        most=most,
    )
    score: Score | None = None

    def to_its_end() -> Iterator[ev.Preparing]:
        nonlocal score
        score = yield from measured(scoring, lambda done, windows: not on_batch(done, windows))

    for _ in to_its_end():
        pass  # `on_batch` has heard it
    return score
