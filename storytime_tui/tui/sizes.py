"""How much the model tells at once: a sentence, a paragraph or a page, as tokens. Pure functions."""

import math

SIZES = {"sentence": 25, "paragraph": 100, "page": 400}  # tokens; a telling ends on a whole sentence


def size_of(tokens: int) -> str:
    """The size that is nearest to this many tokens."""
    return min(SIZES, key=lambda size: abs(math.log(SIZES[size] / tokens)))


def next_size(tokens: int, by: int) -> int:
    """The tokens of the next larger (1) or smaller (-1) size; those of the last one stay."""
    names = list(SIZES)
    place = names.index(size_of(tokens)) + by
    return SIZES[names[min(max(place, 0), len(names) - 1)]]
