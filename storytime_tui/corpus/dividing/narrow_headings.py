"""Numbered headings with no larger gap than a paragraph has: "1. Der Froschkönig", "二、狐狸"."""

from collections.abc import Sequence

from storytime_tui.corpus.dividing.blocks import Block
from storytime_tui.corpus.dividing.east_asian import is_east_asian
from storytime_tui.corpus.dividing.heading_rules import label_of, may_be_label
from storytime_tui.corpus.dividing.label import Label
from storytime_tui.stopping import stoppable

_LONGEST = 70  # characters of such a heading
_LEAST_TEXT, _LEAST_EAST_ASIAN = 300, 60  # characters under each; the items of a list have less


def numbered_lines(text: str, blocks: Sequence[Block]) -> frozenset[int]:
    """The starts of lines that are numbered from 1 on without a gap, each with some text under it."""
    run: list[tuple[int, int]] = []
    dense = is_east_asian(text[:1000])
    least = _LEAST_EAST_ASIAN if dense else _LEAST_TEXT
    for block in stoppable(blocks):
        if block.skip or block.end - block.start > _LONGEST:
            continue
        label = _label_in(text[block.start : block.end], dense=dense)
        if label is None:
            continue
        if label.number == len(run) + 1:
            run.append((block.start, block.end))
        elif label.number == 1 or label.number <= len(run):
            return frozenset()  # a list, or numbers within chapters
    if len(run) < 2:
        return frozenset()
    ends = [start for start, _ in run[1:]] + [blocks[-1].end]
    shortest = min(after - end for (_, end), after in zip(run, ends, strict=True))
    return frozenset(start for start, _ in run) if shortest >= least else frozenset()


def _label_in(shown: str, *, dense: bool) -> Label | None:
    """The number of a line without a noun. Only a Chinese or Japanese text has numbers alone as headings."""
    if "\n" in shown or not may_be_label(shown):
        return None
    label = label_of(shown)
    if label is None or label.noun or not (label.rest or dense):
        return None
    is_title = not label.rest or (not label.rest[0].islower() and label.rest[-1] not in ".,;:。，；：")
    return label if is_title else None
