"""Whether torch uses the GPU that the machine has, and why not."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storytime_tui.formatting import size
from storytime_tui.jobs.checkup.finding import Finding

_NVIDIA, _AMD = "0x10de", "0x1002"  # makers, as PCI numbers them
_DISPLAY = "0x03"  # the class of graphics cards
_LEAST_DRIVER = {11: 450, 12: 525, 13: 580}  # NVIDIA's driver for each CUDA release
_TO_PYTORCH = "https://pytorch.org/get-started/locally"


@dataclass(frozen=True)
class System:
    """What the machine has, as its own files say; no torch is asked. `driver`: NVIDIA's version, "" without one."""

    nvidia: bool = False
    name: str = ""
    driver: str = ""
    amd: bool = False
    arm_mac: bool = False


@dataclass(frozen=True)
class Torch:
    """What torch says. `cuda`, `rocm`: the release it is built for, "" for none. `devices`: names and capabilities."""

    cuda: str = ""
    rocm: str = ""
    devices: tuple[tuple[str, tuple[int, int]], ...] = ()
    kernels: tuple[str, ...] = ()  # what it has code for, such as sm_90
    mps: bool = False


def read_system(root: Path = Path("/")) -> System:
    """Look at the machine's files below `root`. Raises nothing."""
    makers = set(_graphics_makers(root / "sys/bus/pci/devices"))
    driver = re.search(r"(\d+\.\d+(?:\.\d+)?)", _text(root / "proc/driver/nvidia/version"))
    name = ""
    for information in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        found = re.search(r"^Model:\s*(.+)$", _text(information), re.MULTILINE)
        name = name or (found[1].strip() if found else "")
    # Windows' Linux has no such files, but the driver's program
    nvidia = _NVIDIA in makers or bool(driver) or (root / "usr/lib/wsl/lib/nvidia-smi").exists()
    return System(
        nvidia=nvidia,
        name=name,
        driver=driver[1] if driver else "",
        amd=_AMD in makers and (root / "dev/kfd").exists(),
        arm_mac=sys.platform == "darwin" and platform.machine() == "arm64",
    )


def _graphics_makers(devices: Path) -> Iterator[str]:
    with suppress(OSError):
        for device in devices.iterdir():
            if _text(device / "class").startswith(_DISPLAY):
                yield _text(device / "vendor").strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read_torch(torch: Any) -> Torch:
    """Ask torch, which is given, so that this module loads none."""
    devices = []
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(number)
            words = f"{properties.name}, {size(properties.total_memory)}"
            devices.append((words, (int(properties.major), int(properties.minor))))
    return Torch(
        cuda=torch.version.cuda or "",
        rocm=getattr(torch.version, "hip", None) or "",
        devices=tuple(devices),
        kernels=tuple(torch.cuda.get_arch_list()) if devices else (),
        mps=bool(torch.backends.mps.is_available()),
    )


def gpu_findings(system: System, torch: Torch) -> Iterator[Finding]:
    """A finding for each GPU, and one for a GPU that torch does not use."""
    for number, (words, capability) in enumerate(torch.devices):
        yield _used(f"cuda:{number}", words, capability, torch)
    if torch.mps:
        yield Finding("mps", "Apple GPU, memory shared with the processor")
    if torch.devices or torch.mps:
        return
    if system.nvidia:
        yield Finding(
            "gpu",
            f"{system.name or 'an NVIDIA GPU'}, which torch does not see",
            advice=_unseen(system, torch),
        )
    elif system.amd:
        yield Finding(
            "gpu",
            "an AMD GPU, which torch does not see",
            advice=f"If ROCm supports it, install torch's build for ROCm: {_TO_PYTORCH} has the command."
            if not torch.rocm
            else "Update ROCm and the driver, and add yourself to the groups render and video.",
        )
    elif system.arm_mac:
        yield Finding("gpu", "Apple GPU, which torch does not see", advice="Update macOS to 14 or newer.")
    else:
        yield Finding("gpu", "none; the processor trains, which suits the starter and the scratch bases")


def _used(what: str, words: str, capability: tuple[int, int], torch: Torch) -> Finding:
    numbers = [
        int(found[1]) for kernel in torch.kernels if (found := re.fullmatch(r"sm_(\d+)[a-z]?", kernel))
    ]
    if numbers and capability[0] * 10 + capability[1] < min(numbers):
        return Finding(
            what,
            f"{words}, too old for this torch",
            well=False,
            advice=f'Put device = "cpu" into the settings, or install torch built for an older CUDA: {_TO_PYTORCH}.',
        )
    return Finding(what, words)


def _unseen(system: System, torch: Torch) -> str:
    """Why torch does not see an NVIDIA GPU, as what to do about it."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides it: `unset CUDA_VISIBLE_DEVICES` shows it."
    if not torch.cuda:
        return (
            f"This torch is built without CUDA: install the build with CUDA, {_TO_PYTORCH} has the command."
        )
    release = int(torch.cuda.partition(".")[0])
    if not system.driver:
        return "Its driver is not loaded: install NVIDIA's driver and start the computer again."
    least = _LEAST_DRIVER.get(release, 0)
    if int(system.driver.partition(".")[0]) < least:
        return (
            f"NVIDIA's driver {system.driver} is too old for CUDA {torch.cuda}: install {least} or newer, "
            "and start the computer again."
        )
    return "Start the computer again; in a container, pass the GPU on (docker run --gpus all)."
