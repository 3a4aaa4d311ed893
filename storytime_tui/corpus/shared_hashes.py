"""Pairs of sketches that share enough hashes, found by an index from hash to stories.

The hashes of a large shelf (ten gigabytes have some 200 million) do not fit into memory. They are sorted into ranges on
the disk, and each range is looked through by itself, twice: first every pair is counted in a small table in which some
pairs share a place, then the pairs whose place counts enough are counted exactly (the idea of Park, Chen and Yu 1995,
"An effective hash-based algorithm for mining association rules").
"""

import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from storytime_tui import files, paths
from storytime_tui.corpus.arrays import drop_pages
from storytime_tui.corpus.sketches import Sketch
from storytime_tui.errors import CorpusError

_Numbers = npt.NDArray[np.int64]
_Counted = tuple[_Numbers, _Numbers]  # pairs and how often each occurs

_AT_ONCE = 2_000_000  # hashes sorted at once: about 100 MB
_CROWD = 4  # stories; a hash that more stories have is too common for all pairs
_SAMPLE = 500_000  # hashes by which the ranges are chosen
_TABLE_BITS = 27  # of the table of counts, a byte each: 128 MB
_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd; spreads pairs over the table


def pairs_sharing(sketches: Sequence[Sketch], fewest: int) -> Iterator[tuple[int, int]]:
    """Pairs of stories whose sketches share at least `fewest` hashes (at most 255), in the order of their numbers.

    A hash of few stories counts for every pair of them. A common hash (a licence, a chorus) counts for each story
    only with the first one and the previous one, so that the number of pairs stays linear. Many sketches are kept in
    a file of the cache folder for as long as this takes. Raises CorpusError if there is no room for it.
    """
    count = len(sketches)
    sizes = np.fromiter(map(len, sketches), np.int64, count)
    if int(sizes.sum()) <= _AT_ONCE:
        hashes = np.concatenate([np.empty(0, np.uint64), *sketches])
        pairs, times = _counted(_pairs(hashes, np.repeat(np.arange(count), sizes), count))
    else:
        try:
            files.make_folder(paths.cache_folder())
            with tempfile.TemporaryFile(dir=paths.cache_folder()) as file:  # a killed program leaves none
                ranges = _Ranges(file, sketches, sizes)
                pairs, times = _counted_in_ranges(ranges, count, fewest)
        except OSError as error:
            raise CorpusError(files.explain(error, "looking for copies among the stories")) from error
    for pair in pairs[times >= fewest].tolist():
        yield divmod(pair, count)


def _counted_in_ranges(ranges: "_Ranges", count: int, fewest: int) -> _Counted:
    """The pairs that may share `fewest` hashes, each with how many it shares."""
    table = np.zeros(1 << _TABLE_BITS, np.uint8)
    for hashes, owners in ranges:
        pairs, times = _counted(_pairs(hashes, owners, count))
        places = _places(pairs)
        rare = table[places] < fewest  # the others count enough, and would overflow a byte
        np.add.at(table, places[rare], np.minimum(times[rare], fewest).astype(np.uint8))
    found: _Counted = np.empty(0, np.int64), np.empty(0, np.int64)
    for hashes, owners in ranges:
        pairs = _pairs(hashes, owners, count)
        more = _counted(pairs[table[_places(pairs)] >= fewest])
        found = _merged(found, more)
    return found


def _places(pairs: _Numbers) -> npt.NDArray[np.int64]:
    """Each pair's place in the table."""
    mixed = pairs.astype(np.uint64) * _MIX  # modulo 2**64
    return (mixed >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)


def _counted(pairs: _Numbers) -> _Counted:
    distinct, times = np.unique(pairs, return_counts=True)
    return distinct, times.astype(np.int64)


def _merged(one: _Counted, other: _Counted) -> _Counted:
    pairs, places = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    times = np.zeros(len(pairs), np.int64)
    np.add.at(times, places, np.concatenate([one[1], other[1]]))
    return pairs, times


def _pairs(hashes: Sketch, owners: _Numbers, count: int) -> _Numbers:
    """The pairs that share a hash, once for each hash, as first * count + second.

    `owners`: the story of each hash; those of the same hash are in order.
    """
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    new = np.concatenate([[True], hashes[1:] != hashes[:-1], [True]])[-len(hashes) - 1 :]
    shared = ~(new[:-1] & new[1:])  # most hashes occur in one story only
    owners = owners[order[shared]].astype(np.int64)
    starts = np.flatnonzero(new[:-1][shared])
    sizes = np.diff(np.append(starts, len(owners)))
    many = np.repeat(sizes > _CROWD, sizes)
    begins = np.repeat(starts, sizes)
    before = np.arange(len(owners)) - begins
    parts = []
    for back in range(1, _CROWD):
        later = np.flatnonzero((before >= back) & (~many | (back == 1)))
        parts.append(owners[later - back] * count + owners[later])
    later = np.flatnonzero(many & (before > 1))
    parts.append(owners[begins[later]] * count + owners[later])
    return np.concatenate(parts)


class _Ranges:
    """The hashes of all sketches with their stories, a range of hashes after another, kept in a file.

    Can be gone through again. Raises OSError.
    """

    def __init__(self, file: IO[bytes], sketches: Sequence[Sketch], sizes: _Numbers) -> None:
        self._file, self._bounds = file, _bounds(sketches, sizes)
        self._segments: list[list[tuple[int, int]]] = [[] for _ in pairwise(self._bounds)]  # place, length
        self._write(sketches, sizes)

    def _write(self, sketches: Sequence[Sketch], sizes: _Numbers) -> None:
        first, each = 0, iter(sketches)
        for last in _blocks(sizes):
            block = list(islice(each, last - first))
            hashes = np.concatenate(block)
            drop_pages(block[0])
            owners = np.repeat(np.arange(first, last, dtype=np.uint32), sizes[first:last])
            order = np.argsort(hashes, kind="stable")
            hashes, owners = hashes[order], owners[order]
            cuts = np.searchsorted(hashes, self._bounds).tolist()
            for segments, (begin, end) in zip(self._segments, pairwise(cuts), strict=True):
                if begin < end:
                    segments.append((self._file.tell(), end - begin))
                    self._file.write(hashes[begin:end].tobytes())
                    self._file.write(owners[begin:end].tobytes())
            first = last

    def __iter__(self) -> Iterator[tuple[Sketch, _Numbers]]:
        """The hashes of each range, and the story of each; stories are in order."""
        for segments in self._segments:
            hashes, owners = [np.empty(0, np.uint64)], [np.empty(0, np.uint32)]
            for place, length in segments:
                self._file.seek(place)
                hashes.append(np.frombuffer(self._file.read(length * 8), np.uint64))
                owners.append(np.frombuffer(self._file.read(length * 4), np.uint32))
            yield np.concatenate(hashes), cast(_Numbers, np.concatenate(owners))


def _bounds(sketches: Sequence[Sketch], sizes: _Numbers) -> Sketch:
    """The bounds of half-open ranges of hashes, with about `_AT_ONCE` hashes in each."""
    total = int(sizes.sum())
    step = max(1, total // _SAMPLE)  # of the stories, so that few are looked at
    sample = np.sort(np.concatenate([sketches[at] for at in range(0, len(sketches), step)]))
    count = -(-total // _AT_ONCE)
    inner = [sample[len(sample) * part // count] for part in range(1, count)]
    # no sketch holds the largest possible hash
    return np.array([0, *inner, 2**64 - 1], np.uint64)


def _blocks(sizes: _Numbers) -> Iterator[int]:
    """The end of each block of stories with about `_AT_ONCE` hashes."""
    ends = np.cumsum(sizes)
    last = 0
    while last < len(sizes):
        begin = int(ends[last - 1]) if last else 0
        last = max(last + 1, int(np.searchsorted(ends, begin + _AT_ONCE)))
        yield last
