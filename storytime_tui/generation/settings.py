"""How the next word is chosen: sampler settings, validated. Knows no torch."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from storytime_tui.errors import PlanError


@dataclass(frozen=True)
class SamplerSettings:
    """Every knob of the sampler. Raises PlanError, naming the range, for a value outside of it."""

    temperature: float = 0.8  # 0 always takes the likeliest token
    top_k: int = 0  # keep the k likeliest; 0 keeps all
    top_p: float = 0.95  # keep the likeliest that hold this much probability together; 1 keeps all
    max_tokens: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every range."""
        _check(0 <= self.temperature <= 5, "temperature", self.temperature, "between 0 and 5")
        _check(0 <= self.top_k <= 1_000_000, "top_k", self.top_k, "0 (off) or a number of tokens")
        _check(0 < self.top_p <= 1, "top_p", self.top_p, "above 0 and at most 1")
        _check(1 <= self.max_tokens <= 1_000_000, "max_tokens", self.max_tokens, "between 1 and 1,000,000")
        _check(0 <= self.seed < 2**63, "seed", self.seed, "a whole number from 0")


def _check(holds: bool, name: str, value: object, allowed: str) -> None:
    if not holds:
        raise PlanError(f"{name} is {value}, but must be {allowed}.")


def with_values(settings: SamplerSettings, values: dict[str, str]) -> SamplerSettings:
    """`settings` with some knobs set from strings, as the command line gives them. Raises PlanError."""
    kinds: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(SamplerSettings)}
    changed: dict[str, Any] = {}
    for name, text in values.items():
        if name not in kinds:
            raise PlanError(f"There is no sampler setting {name!r}; there are {', '.join(kinds)}.")
        try:
            changed[name] = kinds[name](text)
        except ValueError:
            kind = "a whole number" if kinds[name] is int else "a number"
            raise PlanError(f"{name} is {text!r}, but must be {kind}.") from None
    return dataclasses.replace(settings, **changed)
