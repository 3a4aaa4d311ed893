"""A small sketch of a story's words, by which copies are found.

A sketch is the set of the smallest hashes of a story's runs of five words (Broder 1997, "On the resemblance and
containment of documents"). It is a fair sample of the runs, so two sketches tell how much of one story is in the
other.
"""

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.words import Hashes, word_hashes

Sketch = npt.NDArray[np.uint64]

SIZE = 256  # hashes in a full sketch: estimates are off by about 0.03
_RUN = 5  # words; runs of four are often shared by unrelated stories of the same genre
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_PIECE = 1 << 14  # runs hashed at once: few enough to stay in the cache


def sketch(text: str) -> Sketch:
    """The 256 smallest distinct hashes of the text's runs of five words, sorted; a short text has fewer."""
    return sketch_of(word_hashes(text))


def sketch_of(words: Hashes) -> Sketch:
    """The sketch of a text, given the hashes of its words."""
    smallest: Sketch = np.empty(0, np.uint64)
    for start in range(0, len(words) - _RUN + 1, _PIECE):
        end = min(start + _PIECE, len(words) - _RUN + 1)
        runs = words[start:end].copy()
        for place in range(1, _RUN):
            runs *= _FACTOR  # modulo 2**64
            runs += words[start + place : end + place]
        if len(smallest) == SIZE:  # few hashes of a later piece are small enough, so there is little to sort
            runs = runs[runs < smallest[-1]]
        runs = np.concatenate([smallest, runs])
        runs.sort()  # np.unique takes four times as long
        smallest = runs[np.concatenate([[True], runs[1:] != runs[:-1]])][:SIZE]
    return smallest.copy()  # a view would keep the whole piece in memory


def compare(a: Sketch, b: Sketch) -> tuple[int, int, int]:
    """How many hashes two sketches share, and how many each has up to the bound below which both are complete."""
    in_a, in_b = len(a), len(b)
    if in_b == SIZE:
        in_a = int(a.searchsorted(b[-1], "right"))
    if len(a) == SIZE:
        in_b = int(b.searchsorted(a[-1], "right"))
    both = np.concatenate([a[:in_a], b[:in_b]])
    both.sort()
    return int(np.count_nonzero(both[1:] == both[:-1])), in_a, in_b
