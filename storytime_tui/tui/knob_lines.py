"""Knobs in a list: the lines that a query finds, values in words, and what is wrong with a text. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storytime_tui.errors import PlanError
from storytime_tui.formatting import folded
from storytime_tui.knobs import Knob, parse, table, text_of


@dataclass(frozen=True)
class Line:
    """A line of a list of knobs: a group's heading (`name` is ""), or a knob."""

    group: str
    name: str = ""


def lines_with(query: str, knobs: Mapping[str, Knob]) -> Sequence[Line]:
    """The knobs whose name, group or description has every word of `query`, under their groups' headings."""
    terms = folded(query).split()
    groups: dict[str, list[Line]] = {}
    for name, knob in knobs.items():
        text = folded(f"{name} {knob.label} {knob.group} {knob.line}") if terms else ""
        if all(term in text for term in terms):
            groups.setdefault(knob.group, []).append(Line(knob.group, name))
    return [line for group, lines in groups.items() for line in (Line(group), *lines)]


def problem_of(cls: type, name: str, text: str) -> str:
    """A sentence on what is wrong with the text of a knob of `cls`, or ""."""
    try:
        parse(cls, name, text)
    except PlanError as error:
        return with_labels(str(error), cls, (name,))
    return ""


def with_labels(sentence: str, cls: type, names: Iterable[str]) -> str:
    """A sentence of the checks of `cls`, with these knobs called as forms call them."""
    for name in names:
        sentence = sentence.replace(f"{name} is ", f"{table(cls)[name].label} is ")
    return sentence


def choices_of(knob: Knob, usual: object) -> tuple[str, ...]:
    """The values that a knob can have, if they are few; "" stands for the usual one."""
    if knob.kind is bool:
        return ("", "off" if usual else "on")
    if knob.choices:
        return ("", *(choice for choice in knob.choices if choice != usual))
    return ()


def words_of(knob: Knob, value: Any) -> str:
    """A value in words: `on`, `0.1`, `0 (off)`; "" for an empty list."""
    if knob.kind is bool:
        return "on" if value else "off"
    if isinstance(value, float):
        text = f"{value:.4g}"
    else:
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"{text} ({knob.least})" if knob.least and value == knob.low else text


def typed_text(values: Any, name: str) -> str:
    """A knob's value as one would type it: `10`, not `10.0`."""
    text = text_of(values, name)
    return text.removesuffix(".0") if isinstance(getattr(values, name), float) else text
