"""Measures how long a continuation takes, and closes it with its figures."""

import time
from collections.abc import Iterator

from storytime_tui.generation.continuation import Continuation
from storytime_tui.generation.pieces import Piece, Told


class Watch:
    """Measures the time that generation takes, without the consumer's time between two pieces."""

    def __init__(self) -> None:
        self._started_at = time.perf_counter()
        self._seconds, self._first, self._tokens = 0.0, 0.0, 0  # in all, until the first piece, pieces
        self._first_chosen = self._last_chosen = 0.0
        self._read = self._reused = 0

    def reads(self, tokens: int, reused: int) -> None:
        """Note the tokens in view and how many of them were cached; only the first call counts."""
        if not self._read:
            self._read, self._reused = tokens - reused, reused

    def shown(self, continuation: Continuation) -> Iterator[Piece]:
        """The pieces that may be shown now, after a token was chosen."""
        self._last_chosen = self._seconds + time.perf_counter() - self._started_at
        self._first_chosen = self._first_chosen or self._last_chosen
        for piece in continuation.line.ready():
            self._seconds += time.perf_counter() - self._started_at
            self._first = self._first or self._seconds
            self._tokens += 1
            yield piece
            self._started_at = time.perf_counter()

    def closing(self, continuation: Continuation) -> Told:
        """The final record of the stream."""
        # held-back text comes all at once, so count from choice to choice
        decode_seconds = self._last_chosen - self._first_chosen
        if decode_seconds > 0 and self._tokens > 1:
            speed = (self._tokens - 1) / decode_seconds
        else:
            speed = self._tokens / self._seconds if self._seconds > 0 else 0.0
        return Told(
            tokens=self._tokens,
            first_token_seconds=self._first,
            tokens_per_second=speed,
            stopped_by=continuation.line.stopped_by,
            read=self._read,
            reused=self._reused,
            seen=continuation.seen,
            banned=tuple(continuation.line.banned.most_common()),
        )
