"""What the Story screen says of a told passage's copied words, and where their marks stand. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.wording import count

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.copied import CopiedPlace, PassageCopies

USUAL_RUN = 8  # words in a row that count as copied, as in `jobs.copied`
_TITLE = 40  # cells of a title at most


def source_line(place: CopiedPlace, titles: Mapping[str, str]) -> str:
    """Where a run stands: its story, collection and first word. `titles`: of the collections, by name."""
    collection = titles.get(place.collection, place.collection)
    return f"“{_short(place.story)}” ({_short(collection)}), word {place.place:,}"


def copies_line(copies: PassageCopies, titles: Mapping[str, str]) -> str:
    """The share of a passage that is copied, its longest run and the source of that."""
    if not copies.places:
        return f"longest run {count(copies.longest, 'word')}: new"
    longest = max(copies.places, key=lambda place: place.words)
    runs = f" in {len(copies.places)} runs" if len(copies.places) > 1 else ""
    return f"{copies.share:.0%}{runs}: {count(longest.words, 'word')} from {source_line(longest, titles)}"


def joined_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in order and apart that cover the same characters."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def _short(title: str) -> str:
    return fitted(printable_line(title), _TITLE).rstrip()
