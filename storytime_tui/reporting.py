"""Types of progress callbacks. Loads no torch."""

from collections.abc import Callable

Report = Callable[[str, int, int], None]  # (what is being done, amount done, total amount or 0 if unknown)
Progress = Callable[[int, int], None]  # (amount done, total amount)
