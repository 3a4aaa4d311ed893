"""Textual's styles, worked out once for all apps of the tests.

Each app parses the same style sheets and works out the same rules for the same widgets: a third of what a test of the
screens took. Here what was found for one app serves the next. `test_shared_styles` compares it with Textual's own.
"""

from typing import Any

from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

_own_parse_rules = Stylesheet._parse_rules
_own_apply = Stylesheet.apply
_own_component_classes = Stylesheet._process_component_classes
_own_replace_rules = Stylesheet.replace_rules.__func__  # type: ignore[attr-defined]

_parsed: dict[tuple[Any, ...], list[Any]] = {}  # rules, by their text and all that bears on it
_sheets: dict[tuple[int, ...], int] = {}  # a number for each list of rules
_fitting: dict[tuple[int, frozenset[str]], tuple[int, tuple[str, ...], tuple[bool, ...]]] = {}
_looked_at: dict[tuple[int, frozenset[str]], tuple[str, ...]] = {}  # pseudo classes, of the parts of a widget
_found: dict[tuple[Any, ...], dict[str, Any] | None] = {}
_became: dict[
    int, tuple[dict[str, Any], dict[str, Any]]
] = {}  # by the id of what was found: it, and a node's rules
_given: dict[int, dict[str, Any]] = {}  # by the id of a node that is being styled


def share_styles() -> None:
    """From now on apps share what is worked out for them."""
    Stylesheet._parse_rules = _parse_rules  # type: ignore[method-assign]
    Stylesheet.apply = _apply  # type: ignore[method-assign]
    Stylesheet._process_component_classes = _component_classes  # type: ignore[method-assign]
    Stylesheet.replace_rules = classmethod(_replace_rules)  # type: ignore[method-assign,assignment]


def own_styles() -> None:
    """From now on each app works out its own, as Textual does."""
    Stylesheet._parse_rules = _own_parse_rules  # type: ignore[method-assign]
    Stylesheet.apply = _own_apply  # type: ignore[method-assign]
    Stylesheet._process_component_classes = _own_component_classes  # type: ignore[method-assign]
    Stylesheet.replace_rules = classmethod(_own_replace_rules)  # type: ignore[method-assign,assignment]


def _parse_rules(
    sheet: Any,
    css: str,
    read_from: Any,
    is_default_rules: bool = False,
    tie_breaker: int = 0,
    scope: str = "",
) -> list[Any]:
    if getattr(sheet, "_variables_keyed", None) is not sheet._variables:
        sheet._variables_keyed = sheet._variables
        sheet._variables_key = hash(frozenset(sheet._variables.items())), frozenset(sheet._variables.items())
    key = (css, read_from, is_default_rules, tie_breaker, scope, sheet._variables_key)
    if key not in _parsed:
        _parsed[key] = _own_parse_rules(sheet, css, read_from, is_default_rules, tie_breaker, scope)
    return _parsed[key]


def _sheet(sheet: Any) -> int:
    rules = sheet.rules
    if getattr(sheet, "_numbered", None) is not rules:
        sheet._numbered = rules
        sheet._number = _sheets.setdefault(tuple(map(id, rules)), len(_sheets))  # `_parsed` keeps them
    return sheet._number


def _apply(sheet: Any, node: Any, *, animate: bool = False, cache: Any = None) -> None:
    named = (_sheet(sheet), frozenset(node._selector_names))
    if named not in _fitting:
        _fitting[named] = _rules_for(sheet, node)
    number, pseudo_classes, flags = _fitting[named]
    key = (number, *_path(node, pseudo_classes))
    if key not in _found:
        _own_apply(sheet, node, animate=animate)
        _found[key] = _given.pop(id(node), None)
        return
    node._has_hover_style, node._has_focus_within, node._has_order_style, node._has_odd_or_even = flags
    rules = _found[key]
    if rules is not None:
        _replace_rules(type(sheet), node, rules, animate)
        _given.pop(id(node), None)
    sheet._process_component_classes(node)


def _path(node: Any, pseudo_classes: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """All that selectors look at, of the node and of those that it stands in."""
    path = []
    while isinstance(node, DOMNode):
        known = node._PSEUDO_CLASSES
        looks = [name in known and known[name](node) for name in pseudo_classes]
        path.append((node._css_type_names, node._id, frozenset(node._classes), *looks))
        node = node._parent
    return path


def _component_classes(sheet: Any, node: Any) -> None:
    parts = node._get_component_classes()
    if not parts:
        return
    kind = (_sheet(sheet), parts)
    if kind not in _looked_at:
        names = {"*", *(f".{part}" for part in parts), "DOMNode"}
        _looked_at[kind] = _pseudo_classes(sheet, names)
    key = (kind, *_path(node, _looked_at[kind]))
    if getattr(node, "_parts_styled", None) != key:
        _own_component_classes(sheet, node)
        node._parts_styled = key


def _pseudo_classes(sheet: Any, names: set[str]) -> tuple[str, ...]:
    fitting = (rule.pseudo_classes for rule in sheet.rules if rule.selector_names & names)
    return tuple(sorted(set().union(*fitting)))


def _rules_for(sheet: Any, node: Any) -> tuple[int, tuple[str, ...], tuple[bool, ...]]:
    pseudo_classes = _pseudo_classes(sheet, node._selector_names)
    order = {"first-of-type", "last-of-type", "first-child", "last-child", "empty"}
    flags = (
        "hover" in pseudo_classes,
        "focus-within" in pseudo_classes,
        not order.isdisjoint(pseudo_classes),
        "odd" in pseudo_classes or "even" in pseudo_classes,
    )
    return len(_fitting), pseudo_classes, flags


def _replace_rules(cls: Any, node: Any, rules: Any, animate: bool = False) -> None:
    _given[id(node)] = rules
    base = node.styles.base
    given, became = _became.get(id(rules), (None, None))  # the setters of styles make other values of some
    if given is rules and base._rules == became:
        node.notify_style_update()
    elif given is rules and type(node) is DOMNode and not base._rules:
        base._rules.update(became)
    else:
        fresh = not base._rules
        _own_replace_rules(cls, node, rules, animate)
        if fresh:
            _became[id(rules)] = rules, dict(base._rules)
