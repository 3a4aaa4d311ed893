"""What was read of a story and its branches, kept so that it need not be read again, as far as memory allows."""

from collections.abc import Sequence
from typing import Any

from storytime_tui.generation.backends.backend import Backend

MOST_BYTES = 256_000_000
_WORTH_IT = 8  # tokens: fewer are read again sooner than they are copied


class PrefixCache:
    """One backend's caches, the one used last first. Used from one thread at a time."""

    def __init__(self, backend: Backend, most_bytes: int = MOST_BYTES) -> None:
        self._reader, self._most_bytes = backend, most_bytes
        self._kept: list[Any] = []

    def take(self, ids: Sequence[int]) -> Any:
        """A cache that holds a beginning of `ids`, as long as may be but never all: the last has to be read.

        The caller owns it, and gives it back with `keep`.
        """
        best, common = None, 0
        for each in self._kept:
            shared = common_ids(each.ids, ids)
            if shared > common:
                best, common = each, shared
        wanted = min(common, len(ids) - 1)
        if best is None or wanted < _WORTH_IT:
            return self._reader.new_cache()
        if wanted == best.length:  # all of it: nothing else begins with it any more
            self._kept = [each for each in self._kept if each is not best]
            return best
        if not self._reader.can_cut:
            return self._reader.new_cache()
        # another branch stays where it was, as far as there is room for both
        cache = self._reader.share(best, 1)
        self._reader.cut(cache, wanted)
        return cache

    def keep(self, cache: Any) -> None:
        """Keep a cache for the next time. Those that were not used for longest go where there is no room."""
        if cache.length == 0:
            return
        kept, room = [], self._most_bytes
        for each in (cache, *self._kept):
            room -= self._reader.memory(each)
            if room < 0:
                break
            kept.append(each)
        self._kept = kept

    def memory(self) -> int:
        """Bytes that are kept."""
        return sum(self._reader.memory(each) for each in self._kept)


def common_ids(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two sequences begin with alike."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count
