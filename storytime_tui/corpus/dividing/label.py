"""The number in a heading."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """A heading's number. `noun`: "chapter", "story", ..., or "" for a number alone. `rest`: its title, or ""."""

    noun: str
    number: int
    rest: str = ""
