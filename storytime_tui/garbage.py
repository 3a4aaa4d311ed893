"""Keeps what lives as long as the program out of Python's garbage collections, which stop all threads."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def nothing_collected() -> Iterator[None]:
    """Collect no garbage during the block, and never look again at what is there at its end.

    For imports: a screen's modules make 50,000 objects, torch and its relatives 300,000. A full collection looks at
    each. That takes 0.1 to 0.2 s on a small machine, several times during the imports alone.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
