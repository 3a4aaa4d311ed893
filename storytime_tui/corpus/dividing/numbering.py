"""Which numbered headings follow on each other: a book's chapters, and the sections within them."""

from __future__ import annotations

from collections.abc import Sequence

from storytime_tui.corpus.dividing.heading_lines import PART_NOUNS
from storytime_tui.corpus.dividing.headings import CLOSE, WIDE, Head

_FEWEST_CHAPTERS = 3  # of a run that may go on with a wrong number


def class_of(head: Head) -> tuple[str, bool]:
    """What tells a book's chapters from their sections: the noun, and how much space is before it."""
    return noun_of(head), is_wide(head)


def in_sequence(heads: Sequence[Head]) -> list[int]:
    """The numbered headings whose numbers follow on each other, noun by noun: "L. Frank Baum" is none."""
    kept = [
        at for run in runs_of(heads) if len(run) > 1 or noun_of(heads[run[0]]) in PART_NOUNS for at in run
    ]
    return sorted(kept)


def runs_of(heads: Sequence[Head]) -> list[list[int]]:
    """The numbered headings as runs, noun by noun: for each the places of its headings in `heads`."""
    nouns = {head.label.noun for head in heads if head.label is not None}
    places = [
        [at for at, head in enumerate(heads) if head.label is not None and head.label.noun == noun]
        for noun in nouns
    ]
    return [run for of_one in places for run in _runs(of_one, heads)]


def _runs(places: Sequence[int], heads: Sequence[Head]) -> list[list[int]]:
    """Headings with one noun as runs of numbers that rise from 1; a run may go on after others within it.

    Where a number could follow in two of them, it follows in the one whose headings have as much space.
    """
    runs: list[list[int]] = []
    open_runs: list[list[int]] = []  # the outermost first
    for at in places:
        follows = [
            run for run in open_runs if 0 < heading_number(heads[at]) - heading_number(heads[run[-1]]) <= 2
        ]
        alike = [run for run in follows if is_wide(heads[run[-1]]) == is_wide(heads[at])]
        if follows:
            run = (alike or follows)[-1]
            run.append(at)
            del open_runs[open_runs.index(run) + 1 :]
        elif _is_misnumbered(heads, at, open_runs):
            open_runs[-1].append(at)
        elif heading_number(heads[at]) == 1 or (not runs and noun_of(heads[at])):
            run = [at]
            runs.append(run)
            if open_runs and len(open_runs) > 1:
                open_runs[1:] = [run]
            else:
                open_runs.append(run)
    return runs


def _is_misnumbered(heads: Sequence[Head], at: int, runs: Sequence[list[int]]) -> bool:
    """Whether a chapter with a wrong number goes on with the last run: printers err."""
    label = heads[at].label
    if not runs or len(runs[-1]) < _FEWEST_CHAPTERS or label is None or not label.noun or label.number == 1:
        return False
    return heads[at].gap == heads[runs[-1][-1]].gap and heads[at].gap >= CLOSE


def noun_of(head: Head) -> str:
    """What a numbered heading says it is: "chapter", "story"; "" for a number alone, and for none."""
    return head.label.noun if head.label is not None else ""


def heading_number(head: Head) -> int:
    """A heading's number, 0 where it has none."""
    return head.label.number if head.label is not None else 0


def is_wide(head: Head) -> bool:
    """Whether a heading stands as far from the text before it as a story's does."""
    return head.gap >= WIDE
