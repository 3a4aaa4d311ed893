"""The compute devices of this machine, in words."""

import os
from collections.abc import Iterator
from typing import Any

from storytime_tui.errors import ModelError
from storytime_tui.formatting import count
from storytime_tui.models import loading


def machine_problem(device: str, precision: str) -> str:
    """Why this device or precision cannot be used here, in a sentence; "" if it can."""
    try:
        loading.choose_precision(precision, loading.choose_device(device))
    except ModelError as error:
        return str(error)
    return ""


def device_lines(torch: Any) -> Iterator[tuple[str, str]]:
    """(name, description): what `auto` chooses, and the processor."""
    chosen = loading.choose_device("auto")
    precision = loading.choose_precision("auto", chosen)
    yield "trains on", f"{chosen} in {precision}"
    yield (
        "processor",
        f"{count(os.cpu_count() or 1, 'core')}, {count(torch.get_num_threads(), 'thread')} used",
    )
