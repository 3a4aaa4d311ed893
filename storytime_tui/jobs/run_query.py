"""Queries over runs: `base:starter rate>1e-4 -state:failed`. Pure functions. Loads no torch.

A query is terms with spaces between, and a run must match all of them. A term is a word of the run's name, base,
shelves or note, or a field, an operator and a value. A minus sign before a term turns it round. Quotes keep spaces.
Fields are a run's figures and every knob of the training plan, by its name or its label.
"""

from __future__ import annotations

import datetime
import difflib
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from storytime_tui import knobs
from storytime_tui.formatting import folded
from storytime_tui.training.plan import TrainingPlan

Facts = Mapping[str, Any]  # a run's values by field, as `run_details.facts_of` gives them

_KINDS = {
    "name": "text", "base": "text", "shelves": "text", "state": "text", "note": "text",
    "loss": "measure", "perplexity": "measure", "voice": "measure",
    "steps": "number", "tokens": "number", "time": "time", "size": "number", "date": "date",
}  # fmt: skip
FIELDS = tuple(_KINDS)  # besides the plan's knobs
_OTHER_NAMES = {
    "run": "name", "shelf": "shelves", "collection": "shelves", "collections": "shelves", "step": "steps",
    "rate": "learning_rate", "lr": "learning_rate",
}  # fmt: skip
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
# a field, an operator and a value; in quotes, spaces are kept
_TERM = re.compile(r"(-?)(?:([A-Za-z][\w-]*)\s*(>=|<=|[:=<>])\s*)?(\"[^\"]*\"?|[^\s\"]*)")
_UNITS = {"": 1.0, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "%": 0.01}
_SECONDS = {"": 1.0, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_NOTHING = ("none", "auto", "-")  # values of what is not known, or left to the program


@dataclass(frozen=True)
class Term:
    """One condition. `field` "": a word."""

    field: str
    sign: str
    value: str
    turned: bool = False


@dataclass(frozen=True)
class Query:
    """The conditions that are right, and a sentence on the first mistake, if there is one."""

    terms: tuple[Term, ...] = ()
    mistake: str = ""


def parse(text: str) -> Query:
    """Read a query. A term with a mistake is left out."""
    terms: list[Term] = []
    mistake = ""
    for match in _TERM.finditer(text):
        turned, field, sign, value = match[1] == "-", match[2] or "", match[3] or "", match[4].strip('"')
        if not field:
            if value:
                terms.append(Term("", "", value, turned))
            continue
        name = field_called(field)
        wrong = _unknown(field) if name is None else _wrong(field, name, sign, value)
        if name is None or wrong:
            mistake = mistake or wrong
        else:
            terms.append(Term(name, sign, value, turned))
    return Query(tuple(terms), mistake)


def matches(query: Query, facts: Facts) -> bool:
    """Whether a run has these values matches every term."""
    return all(_holds(term, facts) != term.turned for term in query.terms)


# -- fields ------------------------------------------------------------------------------------------------


@cache
def _names() -> dict[str, str]:
    """Every spelling of a field, and its name."""
    names = {}
    for name, known in knobs.table(TrainingPlan).items():
        names[_plain(known.label)] = name
    for name in knobs.table(TrainingPlan):
        names[_plain(name)] = name
    return names | {name: name for name in FIELDS} | _OTHER_NAMES


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def field_called(name: str) -> str | None:
    """The field with this name or label, written in any way: `lora_rank`, `LoRA-rank`; None if there is none."""
    return _names().get(_plain(name))


def _unknown(field: str) -> str:
    close = difflib.get_close_matches(_plain(field), _names(), 1, 0.7)
    guess = (
        f"Did you mean {_names()[close[0]]}?"
        if close
        else f"Fields: {', '.join(FIELDS)}, and the plan's options."
    )
    return f"There is no field “{field[:30]}”. {guess}"


def _kind(name: str) -> str:
    if name in _KINDS:
        return _KINDS[name]
    known = knobs.table(TrainingPlan)[name]
    return "number" if known.kind in (int, float) else "switch" if known.kind is bool else "text"


def _wrong(typed: str, name: str, sign: str, value: str) -> str:
    """What is wrong with a condition, as a sentence; "" if it is right."""
    kind, ordered = _kind(name), sign in _SIGNS
    if not value:
        return f"Type a value after {typed}{sign}"
    if value.casefold() in _NOTHING and not ordered:
        return ""
    if kind in ("text", "switch") and ordered:
        return f"“{typed}” has no order: use {typed}:{value[:20]}"
    if kind == "switch":
        return "" if value.casefold() in _SWITCH else f"“{typed}” is on or off, not “{value[:20]}”."
    if kind == "date":
        return "" if _day(value) else f"A date is written 2026-11-28, 2026-11 or 2026, not “{value[:20]}”."
    if kind == "time":
        return (
            "" if _seconds(value) is not None else f"A time is written 90s, 10min or 2h, not “{value[:20]}”."
        )
    if kind != "text" and _number(value) is None:
        return f"“{typed}” is a number, not “{value[:20]}”."
    return ""


# -- values ------------------------------------------------------------------------------------------------

_SWITCH = {
    "on": True,
    "true": True,
    "yes": True,
    "1": True,
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}


def _number(text: str) -> float | None:
    """`1e-4`, `1,200`, `60k`, `1.5GB`, `75%`, `19/24`."""
    plain = text.replace(",", "").replace("_", "").casefold()
    part = re.fullmatch(r"(\d+)/(\d+)", plain)
    if part:
        return int(part[1]) / int(part[2]) if int(part[2]) else None
    return _with_unit(plain, _UNITS)


def _seconds(text: str) -> float | None:
    clock = re.fullmatch(r"(?:(\d+):)?(\d+):(\d\d)", text)
    if clock:
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3])
    return _with_unit(text.casefold(), _SECONDS)


def _with_unit(text: str, units: Mapping[str, float]) -> float | None:
    match = re.fullmatch(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z%]*)", text)
    if match is None or match[2] not in units:
        return None
    number = float(match[1]) * units[match[2]]
    return number if math.isfinite(number) else None


def _day(text: str) -> str:
    """A day, a month or a year, as the beginning of a date; "" if it is none."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", text)
    if match is None:
        return ""
    year, month, day = (int(part) if part else 0 for part in match.groups())
    try:
        datetime.date(year, month or 1, day or 1)
    except ValueError:
        return ""
    return f"{year:04}" + (f"-{month:02}" if month else "") + (f"-{day:02}" if day else "")


def date_of(seconds: float) -> str:
    """The local date, `2026-11-28`; "" for a time that no calendar has."""
    try:
        return datetime.datetime.fromtimestamp(seconds).date().isoformat()
    except (ValueError, OverflowError, OSError):  # a damaged journal may contain any number
        return ""


# -- matching ----------------------------------------------------------------------------------------------


def _holds(term: Term, facts: Facts) -> bool:
    if not term.field:
        words = (facts.get(field) for field in ("name", "base", "shelves", "note"))
        return any(folded(term.value) in folded(text) for each in words for text in _texts(each))
    value, kind = facts.get(term.field), _kind(term.field)
    if isinstance(value, float) and math.isnan(value):
        value = None
    if term.sign not in _SIGNS and term.value.casefold() in _NOTHING and value in (None, "", ()):
        return True
    if value is None:
        return False
    match kind:
        case "text":
            return _has_text(term, value)
        case "switch":
            return bool(value) == _SWITCH.get(term.value.casefold())
        case "date":
            return _compared(term.sign, date_of(value)[: len(_day(term.value))], _day(term.value))
        case "time":
            return _compared(term.sign, float(value), _seconds(term.value))
    wanted = _number(term.value)
    if kind == "measure" and term.sign not in _SIGNS and wanted is not None:
        return abs(float(value) - wanted) <= _half_a_digit(
            term.value
        )  # `loss:3.1` finds 3.104, as `3.1` is shown
    return _compared(term.sign, float(value), wanted)


def _has_text(term: Term, value: object) -> bool:
    wanted = folded(term.value)
    texts = [folded(text) for text in _texts(value)]
    return wanted in texts if term.sign == "=" else any(wanted in text for text in texts)


def _texts(value: object) -> tuple[str, ...]:
    return (
        tuple(map(str, value)) if isinstance(value, tuple | list) else () if value is None else (str(value),)
    )


def _compared(sign: str, value: Any, wanted: Any) -> bool:
    if wanted is None or value == "":
        return False
    if sign in _SIGNS:
        return bool(_SIGNS[sign](value, wanted))
    return value == wanted if isinstance(value, str) else math.isclose(value, wanted, rel_tol=1e-9)


def _half_a_digit(text: str) -> float:
    """Half of the last digit that was typed: numbers are shown rounded."""
    digits = re.fullmatch(r"\d+(?:\.(\d*))?", text)
    return 0.5 * 10.0 ** -len(digits[1] or "") * (1 + 1e-9) if digits else 1e-9
