"""How work says how far it has come. Knows no torch."""

from collections.abc import Callable

Report = Callable[[str, int, int], None]  # what is being done, how much of it, of how much (0: unknown)
Progress = Callable[[int, int], None]  # how much is done, of how much
