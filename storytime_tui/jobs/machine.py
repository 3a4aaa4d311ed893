"""Reads what this machine is doing: its processor, this program's memory, and NVIDIA GPUs through NVML. Loads no torch.

NVML needs the package nvidia-ml-py, which comes with many installations of torch; without it no GPU is read.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

# dense bf16 operations a second, by a part of the GPU's name; the first that fits counts
_PEAKS = (
    ("H100 PCIe", 756e12),
    ("H100 NVL", 835e12),
    ("H100", 989e12),
    ("H200", 989e12),
    ("A100", 312e12),
    ("RTX 4090", 165e12),
)
_PER_PARAMETER = 6  # operations per parameter and token, forward and backward, without attention
_NOT_THERE = (3, 4)  # NVML's codes: not supported, no permission


@dataclass(frozen=True)
class Gpu:
    """One GPU. `load`: share of the time in which it works, 0 to 1; memory in bytes; None where it does not say."""

    name: str
    load: float | None = None
    memory: int | None = None
    memory_total: int | None = None
    celsius: int | None = None


@dataclass(frozen=True)
class Machine:
    """The machine at one moment. `processor`: share of all cores that is busy, 0 to 1; `memory`: bytes of this program.

    `gpu_trouble`: a sentence if a GPU that was there no longer answers.
    """

    processor: float
    memory: int
    memory_total: int
    gpus: tuple[Gpu, ...] = ()
    gpu_trouble: str = ""


def _load_nvml() -> Any:
    """The NVML module, started; None without it or without a driver."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


class MachineReader:
    """Reads the machine again and again, from one thread at a time. The processor's share is since the last time."""

    def __init__(self, load_nvml: Callable[[], Any] = _load_nvml) -> None:
        self._process = psutil.Process()
        self._nvml = load_nvml()
        psutil.cpu_percent(None)  # the first answer means nothing

    def read(self) -> Machine:
        """Read everything. Raises nothing for a GPU."""
        gpus, trouble = self._gpus()
        return Machine(
            processor=psutil.cpu_percent(None) / 100,
            memory=int(self._process.memory_info().rss),
            memory_total=int(psutil.virtual_memory().total),
            gpus=gpus,
            gpu_trouble=trouble,
        )

    def gpus(self) -> tuple[Gpu, ...]:
        """The GPUs that programs started here may use, in torch's order; none if NVML does not answer."""
        found, _ = self._gpus()
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        if visible is None:
            return found
        numbers = [part.strip() for part in visible.split(",")]
        return tuple(found[int(n)] for n in numbers if n.isdecimal() and int(n) < len(found))

    def _gpus(self) -> tuple[tuple[Gpu, ...], str]:
        nvml = self._nvml
        if nvml is None:
            return (), ""
        try:
            return tuple(self._gpu(number) for number in range(nvml.nvmlDeviceGetCount())), ""
        except nvml.NVMLError as error:
            return (), f"The GPU no longer answers: {error}."

    def _gpu(self, number: int) -> Gpu:
        nvml = self._nvml
        handle = nvml.nvmlDeviceGetHandleByIndex(number)
        name = nvml.nvmlDeviceGetName(handle)
        memory = self._said(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        rates = self._said(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
        heat = self._said(lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
        return Gpu(
            name=name.decode(errors="replace") if isinstance(name, bytes) else str(name),
            load=None if rates is None else rates.gpu / 100,
            memory=None if memory is None else int(memory.used),
            memory_total=None if memory is None else int(memory.total),
            celsius=None if heat is None else int(heat),
        )

    def _said(self, ask: Callable[[], Any]) -> Any:
        """The answer; None if this GPU cannot or may not say it. Raises NVMLError for everything else."""
        try:
            return ask()
        except self._nvml.NVMLError as error:
            if getattr(error, "value", None) in _NOT_THERE:
                return None
            raise


@functools.cache
def _reader() -> MachineReader:
    return MachineReader()


def read_machine() -> Machine:
    """Read this machine. Blocks for some milliseconds; call it from one thread at a time."""
    return _reader().read()


def gpus_in_words(device: str, gpus: tuple[Gpu, ...] | None = None) -> str:
    """Which GPU a run on this device would use, and how another is chosen; "" without a GPU.

    `gpus`: those of this machine; None reads them.
    """
    found = tuple(_reader().gpus()) if gpus is None else gpus
    if not found:
        return ""
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cuda"):
        free = f"{len(found)} GPUs stay" if len(found) > 1 else f"{found[0].name} stays"
        return f"Device: {device}; {free} unused."
    names = [gpu.name for gpu in found]
    if len(found) == 1:
        return f"GPU: {names[0]}."
    at = int(number) if number.isdecimal() else 0
    if at >= len(found):
        return f"There is no {device}: this machine has {len(found)} GPUs, cuda:0 to cuda:{len(found) - 1}."
    if (
        len(set(names)) > 1 and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"
    ):  # torch numbers the fastest first
        return f"{len(found)} GPUs: {', '.join(names)}. `storytime-tui doctor` says which is cuda:0, cuda:1 and so on."
    others = ", ".join(f"cuda:{i} {name}" for i, name in enumerate(names) if i != at)
    return f"GPU: cuda:{at} {names[at]}. Device may also be {others}."


def gpu_of(machine: Machine, device: str) -> Gpu | None:
    """The GPU that a run on `device` (torch's name, such as `cuda:1`) uses; None if it uses none or is not known."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return None
    visible = [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
    at = int(number) if number.isdecimal() else 0
    if visible:
        if at >= len(visible) or not visible[at].isdecimal():
            return machine.gpus[0] if len(machine.gpus) == 1 else None
        at = int(visible[at])
    return machine.gpus[at] if at < len(machine.gpus) else None


def share_of_peak(gpu: Gpu, precision: str, parameters: int, tokens_per_second: float) -> float | None:
    """Model FLOPs utilisation: the run's operations as a share of the GPU's highest rate (PaLM, appendix B).

    Attention is left out, so it is a little too low. None where the rate is unknown.
    """
    if precision not in ("bf16", "fp16"):
        return None
    peak = next((rate for name, rate in _PEAKS if name in gpu.name), None)
    return None if peak is None else _PER_PARAMETER * parameters * tokens_per_second / peak
