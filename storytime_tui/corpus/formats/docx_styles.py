"""The styles of a Word document: which paragraphs are headings, lists or a contents list, and what is hidden."""

from dataclasses import dataclass
from typing import Any

from storytime_tui.corpus.formats.paragraphs import is_contents_style, level_of_style
from storytime_tui.corpus.formats.xml_parts import attribute, child, children

_BODY = 9  # the outline level of a text
_LONGEST_CHAIN = 20  # styles based on each other


@dataclass(frozen=True)
class Style:
    """What a paragraph is. `level`: of a heading, -1 for the title, 0 for text. `numbering`: its id and level."""

    level: int = 0
    contents: bool = False
    listed: bool = False
    hidden: bool = False
    numbering: tuple[str, int] = ("", 0)


class Styles:
    """The styles of a document, by their ids."""

    def __init__(self, root: Any) -> None:
        """`root`: of styles.xml; None if there is none."""
        self._styles = {attribute(style, "styleId"): style for style in children(root, "style")}
        self._known: dict[str, Style] = {}
        self._default = next(
            (
                id
                for id, style in self._styles.items()
                if attribute(style, "type") == "paragraph" and attribute(style, "default") in ("1", "true")
            ),
            "",
        )

    def of_paragraph(self, facts: Any) -> Style:
        """The style of a paragraph with these properties (pPr), which may be None."""
        id = _value(child(facts, "pStyle")) or self._default
        style = self._known.setdefault(id, self._named(id))
        outline = _value(child(facts, "outlineLvl"))
        level = (
            int(outline) + 1
            if outline.isdigit() and int(outline) < _BODY and not style.level
            else style.level
        )
        if outline == str(_BODY):
            level = 0
        number = child(facts, "numPr")
        numbering = style.numbering
        if number is not None:
            numbering = (
                _value(child(number, "numId")) or numbering[0],
                _number(_value(child(number, "ilvl"))),
            )
        return Style(
            min(level, 6),
            style.contents,
            numbering[0] not in ("", "0"),
            style.hidden,
            numbering,
        )

    def hides(self, facts: Any, hidden: bool) -> bool:
        """Whether a run with these properties (rPr) is hidden, in a paragraph that is or is not."""
        if facts is None:
            return hidden
        own = child(facts, "vanish")
        if own is not None:
            return is_on(own)
        style = _value(child(facts, "rStyle"))
        return self._known.setdefault(style, self._named(style)).hidden if style and not hidden else hidden

    def _named(self, id: str) -> Style:
        """The style with this id; what it does not say, the one says that it is based on."""
        level, numbering, hidden, contents = 0, ("", 0), None, False
        for step in range(_LONGEST_CHAIN):
            style = self._styles.get(id)
            name = _value(child(style, "name")) if style is not None else id
            own = level_of_style(name)
            if not level and (own > 0 or not step):  # styles for authors are based on the title's
                level = own
            contents = contents or is_contents_style(name)
            outline = _value(child(style, "pPr", "outlineLvl"))
            if not level and outline.isdigit() and int(outline) < _BODY:
                level = int(outline) + 1
            number = child(style, "pPr", "numPr")
            if number is not None and not numbering[0]:
                numbering = (_value(child(number, "numId")), _number(_value(child(number, "ilvl"))))
            vanish = child(style, "rPr", "vanish")
            if vanish is not None and hidden is None:
                hidden = is_on(vanish)
            id = _value(child(style, "basedOn"))
            if not id:
                break
        return Style(level, contents, bool(numbering[0]), bool(hidden), numbering)


def is_on(element: Any) -> bool:
    """Whether a property is there and not switched off."""
    return element is not None and attribute(element, "val") not in ("0", "false", "off", "none")


def _value(element: Any) -> str:
    return attribute(element, "val") if element is not None else ""


def _number(text: str) -> int:
    return min(int(text), 8) if text.isdigit() else 0
