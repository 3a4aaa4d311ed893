"""One description of every setting; its parsing, checks, forms and help are made from it. Loads no torch.

A dataclass declares each field with `knob(default, line, group, low, high, unit, ...)`; its annotation is its type.
`X | None` may be left to the program ("auto"). Of a tuple, range and rule are those of each entry. Values come as text
(`--set`, a form), from TOML, or from code; each way ends in `check`.
"""

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from storytime_tui.errors import PlanError
from storytime_tui.terminal import is_text

Values = TypeVar("Values")  # an instance of a dataclass of knobs
_TRUTH = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", tuple: "a list"}
_LONGEST = 40  # characters of a wrong value that are repeated


@dataclass(frozen=True)
class Knob:
    """What a setting does and may be."""

    line: str  # what it does, in one plain line
    group: str  # the heading that it stands under
    default: Any  # a function is called for each new value
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    without: float | None = None  # the bound that is not allowed itself
    least: str = ""  # what the lowest value does, such as "off"
    choices: tuple[str, ...] = ()  # read in upper and lower case
    holds: Callable[[Any], bool] = lambda _: True  # a rule that no range says; `allowed` tells it
    allowed: str = ""  # what it may be, in words; made for ranges and choices
    escapes: bool = False  # entries are pieces of text, in which `\n` or `\,` may stand; otherwise names
    written: str = ""  # of what only the program writes: how to change it
    label: str = ""  # what forms call it; otherwise its name
    # the field's own
    name: str = ""
    kind: type = object
    entry: type = object  # the type of a tuple's entries; otherwise `kind`
    optional: bool = False

    def fits(self, entry: Any) -> bool:
        """Whether a value of the right type, or an entry of a tuple, is in range and keeps the rule."""
        if isinstance(entry, int | float):
            return self.low <= entry <= self.high and entry != self.without
        if isinstance(entry, str) and not is_text(entry):
            return False
        return (not self.choices or entry in self.choices) and self.holds(entry)


def knob(default: Any, line: str, group: str, *bounds: Any, **more: Any) -> Any:
    """A field of a dataclass, described. `bounds`: low, high and the unit; `more`: the other fields of `Knob`."""
    return _field(Knob(line, group, default, *bounds, **more))


def same_as(cls: type, name: str, **changed: Any) -> Any:
    """A field that is described where `cls` declares it; `changed`: what differs here."""
    return _field(dataclasses.replace(table(cls)[name], **changed))


def _field(known: Knob) -> Any:
    kind = "default_factory" if callable(known.default) else "default"
    return dataclasses.field(**{kind: known.default}, metadata={"knob": known})


def _is_device(text: str) -> bool:
    return re.fullmatch(r"(auto|cpu|cuda|mps)(:[0-9]{1,3})?", text) is not None


# what plans and preferences alike may call a device
DEVICE: dict[str, Any] = {"holds": _is_device, "allowed": "one of auto, cpu, cuda, mps"}


@cache
def table(cls: Any) -> dict[str, Knob]:
    """The knobs of a dataclass by name, in its order."""
    return {field.name: _completed(field) for field in dataclasses.fields(cls)}


def _completed(field: "dataclasses.Field[Any]") -> Knob:
    known: Knob = field.metadata["knob"]
    hint: Any = field.type
    optional = isinstance(hint, types.UnionType)
    if optional:
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    kind = typing.get_origin(hint) or hint
    entry = typing.get_args(hint)[0] if kind is tuple else kind
    return dataclasses.replace(
        known,
        name=field.name,
        label=known.label or field.name.replace("_", " "),
        allowed=known.allowed or _allowed(known),
        kind=kind,
        entry=typing.get_origin(entry) or entry,
        optional=optional,
    )


def _allowed(known: Knob) -> str:
    """`from 1 (off) to 5`, `above 0 and at most 1`, `one of on, off`."""
    if known.choices:
        return f"one of {', '.join(known.choices)}"
    if known.high == math.inf:
        return "text in UTF-8"
    unit = f" {known.unit}" if known.unit else ""
    if known.without == known.low:
        return f"above {known.low:,} and at most {known.high:,}{unit}"
    least = f" ({known.least})" if known.least else ""
    return f"from {known.low:,}{least} to {'below ' * (known.without == known.high)}{known.high:,}{unit}"


def _knob_of(cls: type, name: str) -> Knob:
    """Raises PlanError for a name that there is not: it says the ones near it, or else all of them."""
    known = table(cls)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=2)
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are {', '.join(known)}."
        raise PlanError(f"Unknown setting {shown(name)}. {hint}")
    return known[name]


# -- checking ---------------------------------------------------------------------------------------------


def check_all(values: Any) -> None:
    """Check each value of a dataclass by itself. Raises PlanError."""
    cls: type = type(values)
    for name in table(cls):
        check(cls, name, getattr(values, name))


def check(cls: type, name: str, value: object) -> None:
    """Raise PlanError, with the knob's name and what is allowed, for a value that it cannot have."""
    known = _knob_of(cls, name)
    if value is None and known.optional:
        return
    many = known.kind is tuple
    if many and not isinstance(value, tuple):
        raise _refused(known, name, value, _KINDS[tuple])
    called = f"an entry of {name}" if many else name
    for entry in value if isinstance(value, tuple) else (value,):
        if not _is_kind(entry, known.entry):
            raise _refused(known, called, entry, _kind_words(known))
        if not known.fits(entry):
            raise _refused(known, called, entry, known.allowed)


def _is_kind(value: object, kind: type) -> bool:
    right = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    return right and isinstance(value, bool) == (kind is bool)


def _kind_words(known: Knob) -> str:
    """`a number from 0 to 5`, `true or false`."""
    if known.entry in (int, float):
        return f"{_KINDS[known.entry]} {known.allowed}"
    return known.allowed if known.entry is tuple else _KINDS[known.entry]


def _refused(known: Knob, called: str, value: object, allowed: str) -> PlanError:
    auto = ", or auto" if known.optional else ""
    return PlanError(f"{called} is {shown(value)}, but must be {allowed}{auto}.")


def shown(value: object) -> str:
    """A value in a message: short, whatever was given."""
    if isinstance(value, str):
        long = len(value) > _LONGEST
        return f"{value[:_LONGEST]!r}… ({len(value):,} letters)" if long else repr(value)
    try:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    except ValueError:  # a number of thousands of digits
        return "a huge number"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


# -- reading and writing ----------------------------------------------------------------------------------


def from_toml(cls: type, name: str, value: Any) -> Any:
    """What a TOML file says of a knob, as the dataclass has it. Raises PlanError."""
    known = _knob_of(cls, name)
    if known.optional and value == "auto":
        return None
    if known.kind is tuple and isinstance(value, list):
        value = tuple(tuple(entry) if isinstance(entry, list) else entry for entry in value)
    elif known.choices and isinstance(value, str):
        value = value.casefold()
    check(cls, name, value)
    return float(value) if known.kind is float else value


def with_values(values: Values, texts: Mapping[str, str]) -> Values:
    """`values` with some knobs set from text, as `parse` reads it. Raises PlanError."""
    read = {name: parse(type(values), name, text) for name, text in texts.items()}
    return dataclasses.replace(values, **read)  # type: ignore[type-var]


def parse(cls: type, name: str, text: str) -> Any:
    r"""A knob's value from text, as `--set name=text` and the forms give it. Raises PlanError.

    Commas separate the entries of a list. In pieces of text (`stop=The End,\n\n`, `bias=dragon=-2.5,owl=1`) `\n` is
    a line's end, `\t` a tab, `\,` a comma, `\=` an equals sign, `\s` a space that is kept, and `\\` a backslash.
    """
    known = _knob_of(cls, name)
    if known.written:
        raise PlanError(f"{name} is written by the program: {known.written}.")
    if known.optional and text == "auto":
        return None
    try:
        value = _read(known, text)
    except (ValueError, KeyError):
        raise _refused(known, name, text, _kind_words(known)) from None
    if known.escapes and text and not value:
        raise PlanError(
            f"{name} is {shown(text)}, which names nothing: write a space as \\s and a comma as \\,."
        )
    check(cls, name, value)
    return value


def _read(known: Knob, text: str) -> Any:
    """Raises ValueError or KeyError for text that is not of the knob's type."""
    plain = text.strip().casefold()
    if known.kind is bool:
        return _TRUTH[plain]
    if known.choices:
        is_switch = "on" in known.choices and plain in _TRUTH
        return plain if not is_switch else "on" if _TRUTH[plain] else "off"
    if known.kind is not tuple:
        return known.kind(text)
    if not known.escapes:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return tuple(map(_pair if known.entry is tuple else _unescaped, _split(text, ",")))


def text_of(values: Any, name: str) -> str:
    """A knob's value as `parse` reads it: what a form shows."""
    known, value = table(values.__class__)[name], getattr(values, name)
    if known.entry is tuple:
        return ",".join(f"{_escaped(word)}={amount!r}" for word, amount in value)
    if known.kind is tuple:
        return ",".join(map(_escaped if known.escapes else str, value))
    return "auto" if value is None else str(value).lower() if known.kind is bool else str(value)


def listing(cls: type) -> str:
    """Every knob that can be set, under its group: for a command's help."""
    groups: dict[str, list[str]] = {}
    usual = cls()
    for name, known in table(cls).items():
        choices = f": {', '.join(known.choices)}" if known.choices else ""
        default = f" ({text_of(usual, name)})" if getattr(usual, name) or known.optional else ""
        if not known.written:
            groups.setdefault(known.group, []).append(f"  {name:<20}{known.line}{choices}{default}")
    return "\n\n".join("\n".join([f"{group}:", *lines]) for group, lines in groups.items())


# -- pieces of text in a list -----------------------------------------------------------------------------

_ESCAPES = {"n": "\n", "t": "\t", "s": " "}
_ESCAPED = str.maketrans({"\\": "\\\\", ",": "\\,", "=": "\\=", "\n": "\\n", "\t": "\\t"})


def _pair(part: str) -> tuple[str, float]:
    word, amount = _split(part, "=")  # a ValueError where there are not two
    return _unescaped(word), float(amount)


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that no backslash precedes, without spaces around them; empty ones dropped."""
    parts = re.findall(rf"(?:\\.|[^{mark}])+", text, re.DOTALL)
    return [part.strip(" ") for part in parts if part.strip(" ")]


def _unescaped(part: str) -> str:
    return re.sub(r"\\(.)", lambda pair: _ESCAPES.get(pair[1], pair[1]), part, flags=re.DOTALL)


def _escaped(text: str) -> str:
    return re.sub("^ | $", r"\\s", text.translate(_ESCAPED))
