"""The compute devices of this machine, in words."""

import os
from collections.abc import Iterator
from typing import Any

from storytime_tui.formatting import count
from storytime_tui.models import loading


def device_lines(torch: Any) -> Iterator[tuple[str, str]]:
    """(name, description): what `auto` chooses, and the processor."""
    chosen = loading.choose_device("auto")
    precision = loading.choose_precision("auto", chosen)
    yield "trains on", f"{chosen} in {precision}"
    yield (
        "processor",
        f"{count(os.cpu_count() or 1, 'core')}, {count(torch.get_num_threads(), 'thread')} used",
    )
