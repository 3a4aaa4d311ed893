"""The numbers that Word writes before headings by itself ("Chapter 1"), which are not in their text."""

import re
from typing import Any

from storytime_tui.corpus.formats.xml_parts import attribute, child, children

_PLACE = re.compile(r"%([1-9])")
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc")),
    *((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_LARGEST = 3999
_UNITS = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


class Numbers:
    """Counts the numbered paragraphs of a document. Only the numbers of headings are asked for."""

    def __init__(self, root: Any) -> None:
        """`root`: of numbering.xml; None if there is none."""
        abstract = {attribute(each, "abstractNumId"): each for each in children(root, "abstractNum")}
        self._levels: dict[str, dict[int, Any]] = {}
        self._lists: dict[str, str] = {}
        for number in children(root, "num"):
            base = _value(child(number, "abstractNumId"))
            self._lists[attribute(number, "numId")] = base
            if base in abstract:
                self._levels[base] = {
                    int(attribute(level, "ilvl") or 0): level
                    for level in children(abstract[base], "lvl")
                    if (attribute(level, "ilvl") or "0").isdigit()
                }
        self._counts: dict[str, list[int]] = {}

    def label(self, facts: Any, numbering: tuple[str, int]) -> str:
        """Count one paragraph; its label, as "Chapter 1". "" if it has none, or a mere mark."""
        base = self._lists.get(numbering[0], "")
        levels = self._levels.get(base)
        if not levels or numbering[1] not in levels:
            return ""
        level = numbering[1]
        counts = self._counts.setdefault(base, [0] * 9)
        start = _value(child(levels[level], "start"))
        counts[level] = counts[level] + 1 if counts[level] else (int(start) if start.isdigit() else 1)
        counts[level + 1 :] = [0] * (8 - level)
        pattern = _value(child(levels[level], "lvlText"))
        if not _PLACE.search(pattern):
            return ""

        def number(place: "re.Match[str]") -> str:
            at = int(place[1]) - 1
            return _written(max(counts[at], 1), _value(child(levels.get(at), "numFmt")))

        return _PLACE.sub(number, pattern).strip()


def _written(number: int, form: str) -> str:
    """A number in one of Word's forms."""
    if "Roman" in form and number <= _LARGEST:
        letters = ""
        for value, sign in _ROMAN:
            letters, number = letters + sign * (number // value), number % value
        return letters.upper() if form.startswith("upper") else letters
    if "Letter" in form and number <= 26:
        letter = chr(96 + number)
        return letter.upper() if form.startswith("upper") else letter
    if form in ("cardinalText", "ordinalText") and number < 100:
        if number < 20:
            return _UNITS[number].capitalize()
        ten, unit = divmod(number, 10)
        return (_TENS[ten - 2] + (f"-{_UNITS[unit]}" if unit else "")).capitalize()
    return str(number)


def _value(element: Any) -> str:
    return attribute(element, "val") if element is not None else ""
