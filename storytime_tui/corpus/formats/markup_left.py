"""What a page's reader leaves out: each stretch with its reason, its lines and its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from storytime_tui.corpus.document import LeftOut


def names(text: str) -> frozenset[str]:
    """The words of a string, as a set."""
    return frozenset(text.split())


# Elements that a browser never shows as text.
UNSHOWN = names("script style template head title desc metadata meta link base datalist")
_INLINE = names(
    "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark q rb rp rt ruby s samp small span "
    "strike strong sub sup time tt u var wbr"
)
_EMPTY_ELEMENTS = 50  # an element with this many more children than characters is not a mark, picture or line
_SPACES = re.compile(r"\s+")
# Marks inside a sentence. A book has thousands, so that those of a page are put together, one entry for each reason.
MARKS = frozenset(("page number", "note mark", "ruby", "typesetting mark", "edit link", "hidden"))


@dataclass(frozen=True)
class Omission:
    """A stretch that is left out. `first` and `last`: its lines in the source, from 1."""

    reason: str
    first: int
    last: int
    text: str


def shown_text(element: Any) -> str:
    """The words of an element and all in it, one line for each block."""
    from lxml import etree

    if element.tag in UNSHOWN:
        return ""
    parts: list[str] = []
    steps = etree.iterwalk(element, events=("start", "end"))
    for event, inner in steps:
        if inner is not element and inner.tag in UNSHOWN:
            if event == "start":
                steps.skip_subtree()
            else:
                parts.append(inner.tail or "")
            continue
        if inner.tag not in _INLINE:
            parts.append("\n")
        if event == "start":
            parts.append(inner.text or "")
        elif inner is not element:
            parts.append(inner.tail or "")
    return in_lines("".join(parts))


def has_at_most(element: Any, most: int) -> bool:
    """Whether an element has at most `most` characters (without white space at ends) and few children."""
    length = 0
    for number, inner in enumerate(element.iter()):
        length += len((inner.text or "").strip())
        if number:
            length += len((inner.tail or "").strip())
        if length > most or number > most + _EMPTY_ELEMENTS:
            return False
    return True


def in_lines(text: str) -> str:
    """A text without blank lines and with single spaces."""
    return "\n".join(line for line in (_SPACES.sub(" ", each).strip() for each in text.split("\n")) if line)


def last_line(element: Any) -> int:
    """The line on which the last element inside an element begins."""
    while len(element):
        element = element[-1]
    return element.sourceline or 1


def lines_in_words(first: int, last: int) -> str:
    """A range of lines as a place: "line 4" or "lines 4 to 9"."""
    return f"line {first:,}" if last <= first else f"lines {first:,} to {last:,}"


def joined(
    omissions: Iterable[Omission], place_of: Callable[[int, int], str] = lines_in_words
) -> tuple[LeftOut, ...]:
    """The stretches as parts left out of a document, in order. `place_of`: names a range of lines.

    Stretches with the same reason that follow each other become one part, and so do all small marks of a page.
    """
    groups: list[list[Omission]] = []
    marks: dict[str, list[Omission]] = {}
    for each in omissions:
        if each.reason in MARKS:
            if each.reason not in marks:
                groups.append(marks.setdefault(each.reason, []))
            marks[each.reason].append(each)
        elif groups and groups[-1][-1].reason == each.reason:
            groups[-1].append(each)
        else:
            groups.append([each])
    return tuple(
        LeftOut(
            group[0].reason,
            place_of(group[0].first, max(each.last for each in group)),
            (" " if group[0].reason in MARKS else "\n").join(each.text for each in group),
        )
        for group in groups
    )
