"""Sequences of numbered headings: a book's chapters, and the sections within them."""

from __future__ import annotations

from collections.abc import Sequence

from storytime_tui.corpus.dividing.heading_rules import PART_NOUNS
from storytime_tui.corpus.dividing.headings import CLOSE, WIDE, BookHeading

_FEWEST_CHAPTERS = 3  # of a run that may continue with a misprinted number


def class_of(heading: BookHeading) -> tuple[str, bool]:
    """What distinguishes chapters from sections: the noun, and whether the gap is wide."""
    return noun_of(heading), is_wide(heading)


def in_sequence(headings: Sequence[BookHeading]) -> list[int]:
    """The numbered headings that are part of a sequence ("L. Frank Baum" is not), found separately for each noun."""
    kept = [
        at
        for run in runs_of(headings)
        if len(run) > 1 or noun_of(headings[run[0]]) in PART_NOUNS
        for at in run
    ]
    return sorted(kept)


def runs_of(headings: Sequence[BookHeading]) -> list[list[int]]:
    """The runs of numbered headings, separately for each noun, as indices in `headings`."""
    nouns = {heading.label.noun for heading in headings if heading.label is not None}
    places = [
        [
            at
            for at, heading in enumerate(headings)
            if heading.label is not None and heading.label.noun == noun
        ]
        for noun in nouns
    ]
    return [run for same_noun in places for run in _runs(same_noun, headings)]


def _runs(places: Sequence[int], headings: Sequence[BookHeading]) -> list[list[int]]:
    """Runs of rising numbers, from 1 on, among headings with the same noun; runs may be nested.

    If a number continues two runs, it goes to the one with the same kind of gap.
    """
    runs: list[list[int]] = []
    open_runs: list[list[int]] = []  # outermost first
    for at in places:
        follows = [
            run
            for run in open_runs
            if 0 < heading_number(headings[at]) - heading_number(headings[run[-1]]) <= 2
        ]
        alike = [run for run in follows if is_wide(headings[run[-1]]) == is_wide(headings[at])]
        if follows:
            run = (alike or follows)[-1]
            run.append(at)
            del open_runs[open_runs.index(run) + 1 :]
        elif _is_misnumbered(headings, at, open_runs):
            open_runs[-1].append(at)
        elif heading_number(headings[at]) == 1 or (not runs and noun_of(headings[at])):
            run = [at]
            runs.append(run)
            if open_runs and len(open_runs) > 1:
                open_runs[1:] = [run]
            else:
                open_runs.append(run)
    return runs


def _is_misnumbered(headings: Sequence[BookHeading], at: int, runs: Sequence[list[int]]) -> bool:
    """Whether a chapter with a misprinted number continues the last run."""
    label = headings[at].label
    if not runs or len(runs[-1]) < _FEWEST_CHAPTERS or label is None or not label.noun or label.number == 1:
        return False
    return headings[at].gap == headings[runs[-1][-1]].gap and headings[at].gap >= CLOSE


def noun_of(heading: BookHeading) -> str:
    """The noun of a numbered heading ("chapter", "story"); "" if there is none."""
    return heading.label.noun if heading.label is not None else ""


def heading_number(heading: BookHeading) -> int:
    """A heading's number, 0 if it has none."""
    return heading.label.number if heading.label is not None else 0


def is_wide(heading: BookHeading) -> bool:
    """Whether the gap before a heading is as wide as before a story."""
    return heading.gap >= WIDE
