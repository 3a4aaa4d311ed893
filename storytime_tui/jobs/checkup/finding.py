"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`well` is False if the program cannot work with it. `advice`: what to do, in a sentence; "" for nothing.

    A finding may be well and still have advice: the program works, and could work better.
    """

    what: str
    found: str
    well: bool = True
    advice: str = ""
