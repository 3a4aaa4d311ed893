"""The machine while a run trains: processor, memory, GPU. Read in a thread once a second, while it is shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.run_view import RunView

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.machine import Machine

EVERY = 1.0  # seconds between two readings
Row = tuple[str, str]  # name, value


def machine_rows(machine: Machine | None, view: RunView) -> list[Row]:
    """What is said of the machine, the most telling first. Without a reading dashes, so that nothing jumps."""
    started = view.started
    limit = started.memory_available if started else 0
    on_gpu = started is not None and started.device.startswith("cuda")
    if machine is None:
        names = ("GPU", "memory", "temperature", "processor", "program memory")
        return [(name, "–") for name in (names if on_gpu else ("processor", "memory"))]
    rows = [("processor", wording.number(machine.processor, ".0%"))]
    if on_gpu:
        return [*_gpu_rows(machine, view), *rows, ("program memory", wording.size(machine.memory))]
    return [*rows, ("memory", wording.part_of(machine.memory, limit or machine.memory_total))]


def _gpu_rows(machine: Machine, view: RunView) -> list[Row]:
    from storytime_tui.jobs.machine import gpu_of, share_of_peak

    assert view.started is not None
    gpu = gpu_of(machine, view.started.device)
    if gpu is None:
        return [("GPU", "no answer" if machine.gpu_trouble else "unknown")]
    speed = view.step.tokens_per_second if view.step else math.nan
    share = share_of_peak(gpu, view.started.precision, view.started.parameters, speed)
    rows = [
        ("GPU", wording.number(gpu.load, ".0%")),
        ("memory", wording.part_of(gpu.memory, gpu.memory_total or 0) if gpu.memory is not None else "–"),
        ("temperature", "–" if gpu.celsius is None else f"{gpu.celsius} °C"),
    ]
    return [*rows, *([("share of peak", wording.number(share, ".0%"))] if share is not None else [])]


class MachinePanel(Static):
    """As many rows as there are lines."""

    def __init__(self, read: Callable[[], Machine | None], *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._read = read
        self._machine: Machine | None = None
        self._view: RunView | None = None
        self._reading = False

    def on_mount(self) -> None:
        """Read from now on."""
        self.border_title = "Machine"
        self.set_interval(EVERY, self._read_again)

    def show(self, view: RunView) -> None:
        """Show the last reading, beside this run's limit."""
        first, self._view = self._view is None, view
        if first:
            self.call_later(self._read_again)
        self._draw()

    async def _read_again(self) -> None:
        shown = self.content_size.width > 0 and self.screen.is_current
        if self._reading or not shown or self._view is None:
            return
        self._reading = True
        try:
            self._machine = await in_thread(self._read)
        finally:
            self._reading = False
        self._draw()

    def _draw(self) -> None:
        width, height = self.content_size
        if self._view is None or not width:
            return
        rows = machine_rows(self._machine, self._view)[: max(1, height)]
        lines = [
            Content.assemble((name, "$quiet"), " " * max(1, width - len(name) - len(value)), value)
            for name, value in rows
        ]
        trouble = self._machine.gpu_trouble if self._machine is not None else ""
        if trouble and height > len(rows):
            lines.append(Content.styled(printable_line(trouble)[:width], "$error"))
        self.update(Content("\n").join(lines), layout=False)
