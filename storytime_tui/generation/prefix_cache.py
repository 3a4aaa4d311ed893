"""Key-value caches of a story and its branches, kept for reuse within a memory limit."""

from collections.abc import Sequence
from typing import Any

from storytime_tui.generation.backends.backend import Backend

MOST_BYTES = 256_000_000
_MIN_TOKENS = 8  # prefilling fewer tokens is faster than copying a cache


class PrefixCache:
    """One backend's caches, the most recently used first. Used from one thread at a time."""

    def __init__(self, backend: Backend, most_bytes: int = MOST_BYTES) -> None:
        self._backend, self._most_bytes = backend, most_bytes
        self._kept: list[Any] = []

    def take(self, ids: Sequence[int]) -> Any:
        """A cache that holds the longest known proper prefix of `ids`; the last id is never included.

        The caller owns it and returns it with `keep`.
        """
        best, best_shared = None, 0
        for each in self._kept:
            shared = common_ids(each.ids, ids)
            if shared > best_shared:
                best, best_shared = each, shared
        length = min(best_shared, len(ids) - 1)
        if best is None or length < _MIN_TOKENS:
            return self._backend.new_cache()
        if length == best.length:  # the whole cache is used, so no copy is needed
            self._kept = [each for each in self._kept if each is not best]
            return best
        if not self._backend.can_cut:
            return self._backend.new_cache()
        # copy it, so that the other branch stays cached as well
        cache = self._backend.share(best, 1)
        self._backend.cut(cache, length)
        return cache

    def keep(self, cache: Any) -> None:
        """Store a cache for reuse; the least recently used ones are dropped when the memory limit is reached."""
        if cache.length == 0:
            return
        kept, room = [], self._most_bytes
        for each in (cache, *self._kept):
            room -= self._backend.memory(each)
            if room < 0:
                break
            kept.append(each)
        self._kept = kept

    def memory(self) -> int:
        """Bytes in use."""
        return sum(self._backend.memory(each) for each in self._kept)


def common_ids(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the common prefix of two sequences."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count
