"""How the words of an OpenDocument text's paragraphs look: bold, their size, and centred."""

import re
from collections.abc import Iterator
from typing import Any

from storytime_tui.corpus.formats.look_headings import Look
from storytime_tui.corpus.formats.xml_parts import attribute, children, local

_LONGEST_CHAIN = 20  # styles based on each other
_MOST_PIECES = 40  # of a paragraph; one with more is no title
_NO_TEXT = ("note", "annotation", "text-box", "frame", "ruby-text")
_POINTS = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)pt")
_PERCENT = re.compile(r"(\d{1,3})(?:\.\d{1,3})?%")
_BOLD = frozenset(("bold", "600", "700", "800", "900"))
_USUAL = 12.0  # points, if nothing says how large the text is


class OdtLooks:
    """The looks of a document's paragraphs, by its styles."""

    def __init__(self, styles: dict[str, Any], *roots: Any) -> None:
        """`styles`: by name. `roots`: of the parts that hold the default style."""
        self._styles = styles
        self._default = next(
            (
                style
                for root in roots
                for around in children(root, "styles")
                for style in children(around, "default-style")
                if attribute(style, "family") == "paragraph"
            ),
            None,
        )
        self._known: dict[str, dict[str, str]] = {}

    def of_paragraph(self, paragraph: Any) -> Look:
        """The look of a paragraph. It is bold if all its words are; its size is that of its first words."""
        style = self._named(attribute(paragraph, "style-name"))
        usual = _points(style.get("font-size", ""), _points(self._of_default("font-size"), _USUAL))
        looks = [
            (each.get("font-weight", "") in _BOLD, _points(each.get("font-size", ""), usual))
            for each in self._pieces(paragraph, style)
        ]
        if not looks:
            return Look()
        is_bold = len(looks) < _MOST_PIECES and all(each for each, _ in looks)
        return Look(is_bold, looks[0][1], style.get("text-align") == "center")

    def _of_default(self, name: str) -> str:
        if self._default is None:
            return ""
        return next(
            (
                given
                for facts in children(self._default, "text-properties")
                if (given := attribute(facts, name))
            ),
            "",
        )

    def _named(self, name: str) -> dict[str, str]:
        """What a style says; what it does not say, those say that it is based on."""
        if name in self._known:
            return self._known[name]
        found: dict[str, str] = {}
        at = name
        for _ in range(_LONGEST_CHAIN):
            style = self._styles.get(at)
            if style is None:
                break
            for facts in children(style, "text-properties", "paragraph-properties"):
                for given in ("font-weight", "font-size", "text-align"):
                    if value := attribute(facts, given):
                        found.setdefault(given, value)
            at = attribute(style, "parent-style-name")
        self._known[name] = found
        return found

    def _pieces(self, paragraph: Any, style: dict[str, str]) -> Iterator[dict[str, str]]:
        """What is said of each piece of a paragraph's words, at most a number of them."""
        count = 0
        stack: list[tuple[Any, dict[str, str], Any]] = [(iter(paragraph), style, None)]
        if (paragraph.text or "").strip():
            count += 1
            yield style
        while stack and count < _MOST_PIECES:
            elements, style, around = stack[-1]
            element = next(elements, None)
            if element is None:
                stack.pop()
                text = around.tail if around is not None else ""
                style = stack[-1][1] if stack else style
            elif local(element) in _NO_TEXT:
                text = element.tail
            else:
                named = attribute(element, "style-name") if local(element) in ("span", "a") else ""
                style = {**style, **self._named(named)} if named else style
                stack.append((iter(element), style, element))
                text = element.text
            if (text or "").strip():
                count += 1
                yield style


def _points(given: str, usual: float) -> float:
    """A size in points, or the usual one, of which it may be a share."""
    if points := _POINTS.fullmatch(given):
        return float(points[1])
    percent = _PERCENT.fullmatch(given)
    return usual * int(percent[1]) / 100 if percent else usual
