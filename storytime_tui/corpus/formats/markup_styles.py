"""The few style rules that decide which words a page shows: what is hidden, and what keeps its line breaks."""

import re
from dataclasses import dataclass
from typing import Any

_LARGEST = 2 * 1024**2  # characters of a style sheet; a larger one is not read
_MOST = 500  # rules that are remembered
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SIMPLE = re.compile(r"[a-z][\w-]*|(?:[a-z][\w-]*)?[.#][\w-]+", re.IGNORECASE)
_HIDDEN = re.compile(
    r"(?<![\w-])(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all)\b", re.IGNORECASE
)
_WHITE_SPACE = re.compile(r"(?<![\w-])white-space\s*:\s*([a-z-]+)", re.IGNORECASE)
_KEEPS = frozenset(("pre", "pre-wrap", "pre-line", "break-spaces"))
_COLLAPSES = frozenset(("normal", "nowrap", "initial"))
_MOST_NAMES = 20  # class names of an element that are looked up


@dataclass(frozen=True)
class Styles:
    """Selectors of one name each: `p`, `.name`, `p.name`, `#id`. `keeps`: whether lines are kept, by selector."""

    hidden: frozenset[str] = frozenset()
    keeps: tuple[tuple[str, bool], ...] = ()

    def hides(self, element: Any) -> bool:
        """Whether an element is not shown."""
        if _HIDDEN.search(element.get("style", "")):
            return True
        return bool(self.hidden) and not self.hidden.isdisjoint(_selectors(element))

    def keeps_lines(self, element: Any) -> bool | None:
        """Whether the line breaks in an element's text are kept; None if it is as around the element."""
        own = _WHITE_SPACE.search(element.get("style", ""))
        if own:
            return _kept(own[1])
        if not self.keeps:
            return None
        selectors = _selectors(element)
        return next((kept for selector, kept in self.keeps if selector in selectors), None)

    def __bool__(self) -> bool:
        """Whether there is any rule."""
        return bool(self.hidden or self.keeps)

    def __add__(self, other: "Styles") -> "Styles":
        """The rules of two sheets; of two for the same elements, those of `other` count."""
        return Styles(self.hidden | other.hidden, other.keeps + self.keeps)


def styles_of(sheet: str) -> Styles:
    """The rules of a style sheet. Rules for print or narrow screens, and those that depend on context, are ignored."""
    if len(sheet) > _LARGEST or not (_HIDDEN.search(sheet) or _WHITE_SPACE.search(sheet)):
        return Styles()
    hidden: set[str] = set()
    keeps: dict[str, bool] = {}
    depth = 0
    for piece in _COMMENT.sub("", sheet).split("}"):
        is_top = depth == 0 and piece.count("{") == 1
        depth = max(0, depth + piece.count("{") - 1)
        names, _, declarations = piece.partition("{")
        is_hidden = _HIDDEN.search(declarations) is not None
        white_space = _WHITE_SPACE.search(declarations)
        kept = _kept(white_space[1]) if white_space else None
        if not is_top or (not is_hidden and kept is None):
            continue
        for selector in names.rpartition(";")[2].split(",")[:_MOST]:
            selector = selector.strip()
            if not _SIMPLE.fullmatch(selector) or len(hidden) + len(keeps) > _MOST:
                continue
            if is_hidden and re.search("[.#]", selector):
                hidden.add(selector)
            if kept is not None:
                keeps.pop(selector, None)
                keeps[selector] = kept
    return Styles(frozenset(hidden), tuple(reversed(keeps.items())))


def _kept(value: str) -> bool | None:
    value = value.lower()
    return True if value in _KEEPS else False if value in _COLLAPSES else None


def _selectors(element: Any) -> set[str]:
    tag = element.tag
    names = [f".{name}" for name in (element.get("class") or "")[:500].split()[:_MOST_NAMES]]
    if identity := element.get("id"):
        names.append(f"#{identity}")
    return {tag, *names, *(tag + name for name in names)}
