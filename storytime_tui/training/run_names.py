"""Names for new runs: the first collection's name and a free number. Loads no torch."""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

from storytime_tui import paths
from storytime_tui.models.catalogue import is_base_name


def next_name(collections: tuple[str, ...]) -> str:
    """The name that a new run on these collections gets, unless another program takes it first."""
    return next(free_names(collections))


def free_names(collections: tuple[str, ...]) -> Iterator[str]:
    """Yield the first collection's name with each number that is free."""
    first = Path(collections[0]).name.lower() if collections else ""
    stem = re.sub(r"[^a-z0-9]+", "-", first).strip("-")[:60] or "run"
    for number in itertools.count(1):
        name = f"{stem}-{number}"
        if not os.path.lexists(paths.runs_folder() / name) and not is_base_name(name):
            yield name
