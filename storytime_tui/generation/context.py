"""Which part of a story the model sees when not all of it fits its window. Knows no torch."""

from collections.abc import Callable, Sequence


def fit(ids: Sequence[int], window: int, room: int, is_break: Callable[[int], bool]) -> int:
    """Where the newest part of `ids` starts that leaves `room` of the `window` (tokens) free.

    0 when everything fits. Otherwise the cut is moved on to just after a break (a token that ends a line or
    a paragraph), so that the view begins where a reader could begin, if one is within a quarter of the
    window and half of the view. The view is never empty, however much room is asked for.
    """
    kept = max(1, window - room)
    start = max(0, len(ids) - kept)
    if start == 0:
        return 0
    for candidate in range(start, start + min(window // 4, kept // 2) + 1):
        if candidate < len(ids) and is_break(ids[candidate - 1]):
            return candidate
    return start
