"""How the next word is chosen: every knob of the samplers, validated. Knows no torch.

What each knob does to the choice, and in which order, is told in `sampling`. The defaults are a starting point
for small models on stories. Penalties keep them from going round in circles, which they otherwise do; they are
mild, since they bear on log-probabilities (GPT-2's raw logits lie far below zero, where the usual 1.1 would be
nearly a ban). Top-p and min-p cut the long tail in which a small model loses itself. XTC and mirostat rest:
a model of this size has no likelier words to spare.
"""

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from storytime_tui.errors import PlanError


@dataclass(frozen=True)
class SamplerSettings:
    """Every knob of the samplers. Raises PlanError, naming what is allowed, for a value that is not.

    At a temperature of 0 the model's likeliest token is taken: the penalties, the cuts and chance rest then;
    what is asked for outright (bias, banned, no_repeat, min_tokens) holds.
    """

    temperature: float = 0.6  # 0 always takes the likeliest token; above 1 the unlikely gain
    # which tokens may be drawn at all
    top_k: int = 0  # keep the k likeliest; 0 keeps all
    top_p: float = 0.9  # keep the likeliest that hold this much probability together; 1 keeps all
    min_p: float = 0.1  # keep those with this share of the likeliest one's probability; 0 keeps all
    typical: float = 1.0  # keep those about as surprising as is to be expected, with this mass; 1 keeps all
    xtc: float = 0.0  # how often the likeliest are passed over for the least likely of the good ones
    xtc_threshold: float = (
        0.1  # the probability from which on a token is a good one; above 0.5 nothing happens
    )
    mirostat: float = 0.0  # bits of surprise a token, held by steering, in place of all the cuts; 0 is off
    mirostat_rate: float = 0.1  # how quickly it steers
    # against repetition; punctuation, line ends and quotes are spared
    # 1.1 is what is usually named; models of this program's size already lose their grammar by it
    repetition: float = 1.05  # multiplies the log-probability of what was told lately; 1 is off
    repetition_window: int = 256  # how many tokens back is "lately", for the next two as well
    frequency: float = 0.0  # taken off the log-probability for each time a token was told lately
    presence: float = 0.0  # taken off once if it was told lately
    no_repeat: int = 0  # no sequence of so many tokens is told twice; 0 is off
    dry: float = 2.0  # taken off for what would go on repeating a sequence, growing with its length; 0 is off
    dry_base: float = 1.75  # how quickly it grows
    # a sequence shorter than this is free; at the usual 0.8 and 4 the starter went round in circles
    dry_allowed: int = 2
    line_ends: int = 2  # no more of them in a row: small models fall into leaving lines empty; 0 is off
    # what is asked for outright
    bias: tuple[tuple[str, float], ...] = ()  # words, and what is added to their log-probability
    banned: tuple[str, ...] = ()  # words and phrases that never stand in the text, in upper or lower case
    stop: tuple[str, ...] = ()  # texts before which the telling ends
    min_tokens: int = 0  # the story does not end by itself before; max_tokens wins
    max_tokens: int = 200
    finish_sentence: bool = False  # end on a whole sentence
    seed: int = 0  # the same seed tells the same story

    def __post_init__(self) -> None:
        """Check every kind and range."""
        for name, kind in _KINDS.items():
            _check(_is_kind(getattr(self, name), kind), name, getattr(self, name), _KIND_WORDS[kind])
        for name, (low, high, allowed) in _RANGES.items():
            _check(low <= getattr(self, name) <= high, name, getattr(self, name), allowed)
        _check(self.top_p > 0, "top_p", self.top_p, _RANGES["top_p"][2])
        _check(self.typical > 0, "typical", self.typical, _RANGES["typical"][2])
        for name in ("stop", "banned"):
            whole = all(isinstance(text, str) and text.strip(" ") for text in getattr(self, name))
            _check(whole, name, getattr(self, name), "texts that are not empty")
        _check(all(map(_is_bias, self.bias)), "bias", self.bias, "words, each with a number from -100 to 100")


_TEMPERATURE_TOP = 5.0
_MANY = 1_000_000
_RANGES: dict[str, tuple[float, float, str]] = {
    "temperature": (0, _TEMPERATURE_TOP, "between 0 and 5"),
    "top_k": (0, _MANY, "0 (off) or a number of tokens"),
    "top_p": (0, 1, "above 0 and at most 1"),
    "min_p": (0, 1, "between 0 (off) and 1"),
    "typical": (0, 1, "above 0 and at most 1"),
    "xtc": (0, 1, "between 0 (off) and 1"),
    "xtc_threshold": (0, 1, "between 0 and 1"),
    "mirostat": (0, 20, "between 0 (off) and 20 bits"),
    "mirostat_rate": (0, 1, "between 0 and 1"),
    "repetition": (1, 5, "between 1 (off) and 5"),
    "repetition_window": (0, _MANY, "a number of tokens up to 1,000,000"),
    "frequency": (-10, 10, "between -10 and 10"),
    "presence": (-10, 10, "between -10 and 10"),
    "no_repeat": (0, 100, "0 (off) or a number of tokens up to 100"),
    "line_ends": (0, 100, "0 (off) or a number up to 100"),
    "dry": (0, 100, "between 0 (off) and 100"),
    "dry_base": (1, 10, "between 1 and 10"),
    "dry_allowed": (1, _MANY, "a number of tokens from 1 to 1,000,000"),
    "min_tokens": (0, _MANY, "between 0 and 1,000,000"),
    "max_tokens": (1, _MANY, "between 1 and 1,000,000"),
    "seed": (0, 2**63 - 1, "a whole number from 0 to 9,223,372,036,854,775,807"),
}
_KINDS: dict[str, type] = {  # the annotations, without what stands in a tuple's brackets
    field.name: tuple if "tuple" in str(field.type) else field.type  # type: ignore[misc]
    for field in dataclasses.fields(SamplerSettings)
}
_KIND_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple: "a list",
}
_TRUTH = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
_OFTEN = ("temperature", "top_p", "min_p", "repetition", "max_tokens", "seed")


def _check(holds: bool, name: str, value: object, allowed: str) -> None:
    if not holds:
        raise PlanError(f"{name} is {value}, but must be {allowed}.")


def _is_kind(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and isinstance(value, bool) == (kind is bool)


def _is_bias(entry: object) -> bool:
    return (
        isinstance(entry, tuple)
        and len(entry) == 2
        and isinstance(entry[0], str)
        and bool(entry[0].strip(" "))
        and _is_kind(entry[1], float)
        and math.isfinite(entry[1])
        and abs(entry[1]) <= 100
    )


class Knobs(NamedTuple):
    """How a token is chosen: top-k (0 keeps all), top-p and min-p, then the temperature (0 takes the likeliest)."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0


def knobs_of(settings: SamplerSettings) -> Knobs | None:
    """How a token is chosen when all penalties are taken off; None where more than these numbers has a say."""
    if settings.temperature > 0 and (settings.typical < 1 or settings.xtc > 0 or settings.mirostat > 0):
        return None
    return Knobs(settings.temperature, settings.top_k, settings.top_p, settings.min_p)


def with_values(settings: SamplerSettings, values: dict[str, str]) -> SamplerSettings:
    r"""`settings` with some knobs set from strings, as the command line gives them. Raises PlanError.

    Lists are separated by commas: `stop=The End,\n\n`, `bias=dragon=-2.5,owl=1`. `\n` is a line's end, `\t` a
    tab, `\,` a comma, `\=` an equals sign, `\s` a space that is kept, and `\\` a backslash.
    """
    changed = {name: _parsed(name, text) for name, text in values.items()}
    return dataclasses.replace(settings, **changed)


def text_of(settings: SamplerSettings, name: str) -> str:
    """A knob's value as `with_values` reads it: what a form shows."""
    value = getattr(settings, name)
    if name == "bias":
        return ",".join(f"{_escaped(word)}={amount!r}" for word, amount in value)
    if isinstance(value, tuple):
        return ",".join(map(_escaped, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parsed(name: str, text: str) -> Any:
    if name not in _KINDS:
        near = difflib.get_close_matches(name, _KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"those set most often are {', '.join(_OFTEN)}."
        raise PlanError(f"There is no sampler setting {name!r}; {hint}")
    kind = _KINDS[name]
    if kind is tuple and text and not _split(text, ","):
        raise PlanError(f"{name} is {text!r}, which names nothing: write a space as \\s and a comma as \\,.")
    try:
        if name == "bias":
            return tuple(map(_parsed_bias, _split(text, ",")))
        if kind is tuple:
            return tuple(_unescaped(part) for part in _split(text, ","))
        return _TRUTH[text.strip().lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        wanted = "words with numbers, such as dragon=-2.5,owl=1" if name == "bias" else _KIND_WORDS[kind]
        raise PlanError(f"{name} is {text!r}, but must be {wanted}.") from None


def _parsed_bias(part: str) -> tuple[str, float]:
    word, amount = _split(part, "=")  # a ValueError where there are not two
    return _unescaped(word), float(amount)


_ESCAPES = {"n": "\n", "t": "\t", "s": " "}
_ESCAPED = {"\\": "\\\\", ",": "\\,", "=": "\\=", "\n": "\\n", "\t": "\\t"}


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that no backslash precedes, without spaces around them; empty ones dropped."""
    parts, part, escaped = [], "", False
    for character in text:
        if character == mark and not escaped:
            parts.append(part)
            part = ""
            continue
        part += character
        escaped = character == "\\" and not escaped
    return [part.strip(" ") for part in [*parts, part] if part.strip(" ")]


def _unescaped(part: str) -> str:
    text, escaped = "", False
    for character in part:
        if escaped:
            text += _ESCAPES.get(character, character)
        elif character != "\\":
            text += character
        escaped = character == "\\" and not escaped
    return text + "\\" * escaped


def _escaped(text: str) -> str:
    marked = "".join(_ESCAPED.get(character, character) for character in text)
    if marked.startswith(" "):
        marked = "\\s" + marked[1:]
    return marked[:-1] + "\\s" if marked.endswith(" ") else marked
