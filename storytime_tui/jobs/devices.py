"""The compute devices of this machine, in words."""

import os
from collections.abc import Iterator
from typing import Any

from storytime_tui.errors import ModelError
from storytime_tui.formatting import count, size
from storytime_tui.models import loading


def machine_problem(device: str, precision: str) -> str:
    """Why this device or precision cannot be used here, in a sentence; "" if it can."""
    try:
        loading.choose_precision(precision, loading.choose_device(device))
    except ModelError as error:
        return str(error)
    return ""


def device_lines(torch: Any) -> Iterator[tuple[str, str]]:
    """(name, description) for each device; the choice of `auto` comes first."""
    chosen = loading.choose_device("auto")
    precision = loading.choose_precision("auto", chosen)
    yield "trains on", f"{chosen} in {precision}"
    yield (
        "processor",
        f"{count(os.cpu_count() or 1, 'core')}, {count(torch.get_num_threads(), 'thread')} used",
    )
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        yield f"cuda:{number}", f"{properties.name}, {size(properties.total_memory)}"
    if torch.backends.mps.is_available():
        yield "mps", "Apple GPU, memory shared with the processor"
