"""Textual's style sheets, parsed once for all apps of the tests: a good part of what it takes to begin an app."""

from typing import Any

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_own_parse_rules = Stylesheet._parse_rules
_parsed: dict[tuple[Any, ...], list[Any]] = {}  # rules, by their text and all that bears on it


def share_styles() -> None:
    """From now on apps share parsed rules, which are told apart by what they are, without a call of Python."""
    Stylesheet._parse_rules = _parse_rules  # type: ignore[method-assign]
    # Textual's own returns `id(self)`, which means the same: it is called millions of times
    RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]


def _parse_rules(
    sheet: Any,
    css: str,
    read_from: Any,
    is_default_rules: bool = False,
    tie_breaker: int = 0,
    scope: str = "",
) -> list[Any]:
    key = (css, read_from, is_default_rules, tie_breaker, scope, frozenset(sheet._variables.items()))
    if key not in _parsed:
        _parsed[key] = _own_parse_rules(sheet, css, read_from, is_default_rules, tie_breaker, scope)
    return _parsed[key]
