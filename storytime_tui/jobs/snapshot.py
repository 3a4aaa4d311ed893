"""A copy of a model in training, to write with while the run goes on. Torch is loaded when a copy is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storytime_tui.errors import ModelError
from storytime_tui.jobs.generate import Teller
from storytime_tui.training.control import Control

if TYPE_CHECKING:
    from storytime_tui.generation.generator import Generator
    from storytime_tui.models.tokenizer import Tokenizer


@dataclass(frozen=True)
class Snapshot:
    """A model as it was after a step, in the memory only; training does not change it. `titles`: its voices."""

    step: int
    generator: Generator
    precision: str
    device: str
    titles: tuple[str, ...]


def snapshot_of(
    model: Any,
    tokenizer: Tokenizer,
    window: int | None,
    titles: tuple[str, ...],
    step: int,
    precision: str = "auto",
) -> Snapshot:
    """Copy a model as it is after `step`. Copying draws no random number and changes no weight."""
    from storytime_tui.generation.backends.prepare import make_backend
    from storytime_tui.generation.generator import Generator
    from storytime_tui.models import loading

    device = next(model.parameters()).device
    precision = loading.choose_precision(
        precision, device
    )  # auto: half the memory where the processor is fast at it
    generator = Generator(make_backend(model, precision), tokenizer, window)
    return Snapshot(step, generator, precision, str(device), tuple(dict.fromkeys(titles)))


def open_snapshot(run: str, control: Control) -> Teller | None:
    """A teller with the weights that the run has now, at strength 1; None if the run has ended.

    Raises ModelError if there is not enough memory for a copy.
    """
    try:
        snapshot = control.snapshot()
    except (MemoryError, RuntimeError) as error:  # torch has no memory for the copy
        raise ModelError(
            f"There is not enough memory for a copy of the run {run} while it trains: wait until it has ended."
        ) from error
    if snapshot is None:
        return None
    return Teller(
        run, snapshot.generator, snapshot.precision, snapshot.device, snapshot.titles, step=snapshot.step
    )
