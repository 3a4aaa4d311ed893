"""Where and how a model is computed while it tells. Knows no torch."""

from dataclasses import dataclass

from storytime_tui import knobs
from storytime_tui.knobs import DEVICE, knob


@dataclass(frozen=True)
class Computing:
    """The machine's side of telling. Raises PlanError for a value that there is not.

    `precision` auto: int8 on a CPU if it hardly changes the model, otherwise the fastest that the processor computes
    in hardware. `threads` 0: as many as there are free cores.
    """

    device: str = knob("auto", "the processor to tell on; cuda:1 is the second GPU", "machine", **DEVICE)
    precision: str = knob(
        "auto",
        "the number format of the computation",
        "machine",
        choices=("auto", "int8", "bf16", "fp16", "fp32"),
    )
    threads: int = knob(
        0, "cores to compute on; 0 takes all that are free", "machine", 0, 1024, least="all free"
    )

    def __post_init__(self) -> None:
        """Check the type and range of every value."""
        knobs.check_all(self)
