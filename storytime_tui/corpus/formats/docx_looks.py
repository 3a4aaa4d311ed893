"""How the words of a Word document's paragraphs look: bold, their size, and centred."""

from collections.abc import Iterator
from typing import Any

from storytime_tui.corpus.formats.docx_styles import is_on
from storytime_tui.corpus.formats.look_headings import Look
from storytime_tui.corpus.formats.xml_parts import attribute, child, children, local

_LONGEST_CHAIN = 20  # styles based on each other
_NO_TEXT = ("del", "moveFrom", "txbxContent", "Fallback")
_MOST_RUNS = 40  # of a paragraph; one with more is no title
_FIRST_RUNS = 2  # of a long paragraph
_USUAL = 10.0  # points, if nothing says how large the text is


class DocxLooks:
    """The looks of a document's paragraphs, by its styles."""

    def __init__(self, root: Any) -> None:
        """`root`: of styles.xml; None if there is none."""
        self._styles = {attribute(style, "styleId"): style for style in children(root, "style")}
        self._default = next(
            (
                id
                for id, style in self._styles.items()
                if attribute(style, "type") == "paragraph" and attribute(style, "default") in ("1", "true")
            ),
            "",
        )
        self._usual = child(root, "docDefaults", "rPrDefault", "rPr") if root is not None else None
        self._known: dict[str, tuple[bool | None, float, bool | None]] = {}

    def of_paragraph(self, paragraph: Any, *, long: bool) -> Look:
        """The look of a paragraph. It is bold if all its words are; its size is that of its first words.

        `long`: it is too long for a title, so that its beginning says enough.
        """
        facts = child(paragraph, "pPr")
        bold, size, centred = self._named(_value(child(facts, "pStyle")) or self._default)
        own = child(facts, "jc")
        if own is not None:
            centred = _value(own) == "center"
        looks = [
            self._of_run(child(run, "rPr"), bool(bold), size)
            for run in _runs(paragraph, _FIRST_RUNS if long else _MOST_RUNS)
        ]
        if not looks:
            return Look()
        return Look(all(each for each, _ in looks) and len(looks) < _MOST_RUNS, looks[0][1], bool(centred))

    def _of_run(self, facts: Any, bold: bool, size: float) -> tuple[bool, float]:
        style = _value(child(facts, "rStyle"))
        if style:
            of_style, size_of_style, _ = self._named(style, with_usual=False)
            bold, size = bold if of_style is None else of_style, size_of_style or size
        own = child(facts, "b")
        return (bold if own is None else is_on(own)), _points(child(facts, "sz")) or size

    def _named(self, id: str, *, with_usual: bool = True) -> tuple[bool | None, float, bool | None]:
        """What a style says: bold, size and centred; what it does not say, those say that it is based on."""
        known = self._known.get(id) if with_usual else None
        if known is not None:
            return known
        bold: bool | None = None
        centred: bool | None = None
        size, at = 0.0, id
        for _ in range(_LONGEST_CHAIN):
            style = self._styles.get(at)
            if style is None:
                break
            own, place = child(style, "rPr", "b"), child(style, "pPr", "jc")
            bold = is_on(own) if bold is None and own is not None else bold
            centred = _value(place) == "center" if centred is None and place is not None else centred
            size = size or _points(child(style, "rPr", "sz"))
            at = _value(child(style, "basedOn"))
        if not with_usual:
            return bold, size, centred
        if bold is None:
            bold = is_on(child(self._usual, "b"))
        found = bold, size or _points(child(self._usual, "sz")) or _USUAL, centred
        self._known[id] = found
        return found


def _runs(paragraph: Any, most: int) -> Iterator[Any]:
    """The runs of a paragraph that have words, at most so many."""
    stack, count = [iter(paragraph)], 0
    while stack and count < most:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif local(element) == "r":
            if any((each.text or "").strip() for each in children(element, "t")):
                count += 1
                yield element
        elif local(element) not in _NO_TEXT:
            stack.append(iter(element))


def _value(element: Any) -> str:
    return attribute(element, "val") if element is not None else ""


def _points(element: Any) -> float:
    """A size in points; 0 if it is not given. Word counts half points."""
    given = _value(element)
    return min(int(given), 2000) / 2 if given.isascii() and given.isdigit() and len(given) < 6 else 0.0
