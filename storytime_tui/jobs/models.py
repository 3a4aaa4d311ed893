"""Opening a model on a device, and writing it into a run's checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storytime_tui.jobs.find_model import Origin
from storytime_tui.training.sums import check_model

if TYPE_CHECKING:
    import torch

    from storytime_tui.models.loading import LoadedModel
    from storytime_tui.models.lora import Lora
    from storytime_tui.models.tokenizer import Tokenizer


def open_model(origin: Origin, device: torch.device, dtype: torch.dtype) -> LoadedModel:
    """Load a model for telling or evaluation, with its LoRA adapter if it has one. Raises ModelError."""
    from storytime_tui.models import loading

    assert origin.folder is not None
    for folder in (origin.folder, origin.adapter):
        if folder is not None:
            check_model(folder)
    loaded = loading.load_model(origin.folder, device=device, dtype=dtype)
    if origin.adapter is not None:
        from storytime_tui.models.lora import open_adapter

        open_adapter(loaded.model, origin.adapter)
    return loaded


@dataclass(frozen=True)
class WholeFiles:
    """Writes a fully trained model into a checkpoint (`training.checkpoints.Files`)."""

    loaded: LoadedModel
    tokenizer: Tokenizer

    def weights(self) -> dict[str, torch.Tensor]:
        """All weights, on the CPU."""
        from storytime_tui.models import loading

        return loading.weights_of(self.loaded)

    def write(self, weights: dict[str, torch.Tensor], folder: Path) -> None:
        """Write weights, configuration and tokenizer. Raises OSError and SafetensorError."""
        from storytime_tui.models import loading

        loading.write_model(self.loaded, weights, folder)
        self.tokenizer.save(folder, self.loaded.model.window)


@dataclass(frozen=True)
class AdapterFiles:
    """Writes a LoRA run into a checkpoint: the adapter, and the name of the base."""

    loaded: LoadedModel
    tokenizer: Tokenizer
    lora: Lora
    base: str

    def weights(self) -> dict[str, torch.Tensor]:
        """The adapter's matrices, on the CPU."""
        from storytime_tui.models import lora

        return lora.adapter_weights(self.loaded.model)

    def write(self, weights: dict[str, torch.Tensor], folder: Path) -> None:
        """Write the adapter and the base's tokenizer. Raises OSError and SafetensorError."""
        from storytime_tui.models import lora
        from storytime_tui.models.gpt2 import GPT2

        is_gpt2 = isinstance(self.loaded.model, GPT2)
        lora.write_adapter(weights, self.lora, self.base, is_gpt2, folder)
        self.tokenizer.save(folder, self.loaded.model.window)
