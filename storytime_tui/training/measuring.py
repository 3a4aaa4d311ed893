"""Measuring the loss: how far a long measurement is, and stopping in the middle of it."""

import contextlib
import time
from collections.abc import Callable, Generator

from storytime_tui.training import events as ev
from storytime_tui.training.evaluate import Score

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


def score_to_end(
    scoring: Generator[tuple[int, int], None, Score],
    on_batch: Callable[[int, int], bool] = lambda done, windows: True,
) -> Score | None:
    """Go through `evaluate.score_in_batches` here and now, and return its score.

    `on_batch(windows_done, windows)`: if it returns False, the result is None.
    """
    measuring = measured(scoring, lambda done, windows: not on_batch(done, windows))
    while True:
        try:
            next(measuring)  # `on_batch` has heard how far it is
        except StopIteration as end:
            score: Score | None = end.value
            return score
