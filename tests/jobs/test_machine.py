"""What the machine is doing: on a fake NVML, which may stop to answer at any moment."""

from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from storytime_tui.jobs.machine import Gpu, Machine, MachineReader, gpu_of, read_machine, share_of_peak


class NvmlError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__("GPU is lost" if value == 15 else "Not Supported")
        self.value = value


class FakeNvml:
    """One GPU as NVML shows it. `fails`: the code of the error that a call raises, by its name."""

    NVMLError = NvmlError
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, name: "str | bytes" = "NVIDIA H200", **fails: int) -> None:
        self.name, self.fails = name, fails

    def _answer(self, call: str, answer: Any) -> Any:
        if call in self.fails:
            raise NvmlError(self.fails[call])
        return answer

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self._answer("count", 1)  # type: ignore[no-any-return]

    def nvmlDeviceGetHandleByIndex(self, number: int) -> object:  # noqa: N802
        return self._answer("handle", number)

    def nvmlDeviceGetName(self, handle: object) -> object:  # noqa: N802
        return self._answer("name", self.name)

    def nvmlDeviceGetMemoryInfo(self, handle: object) -> object:  # noqa: N802
        return self._answer("memory", SimpleNamespace(used=14_000_000_000, total=141_000_000_000))

    def nvmlDeviceGetUtilizationRates(self, handle: object) -> object:  # noqa: N802
        return self._answer("load", SimpleNamespace(gpu=98, memory=40))

    def nvmlDeviceGetTemperature(self, handle: object, kind: int) -> object:  # noqa: N802
        return self._answer("heat", 71)


H200 = Gpu("NVIDIA H200", 0.98, 14_000_000_000, 141_000_000_000, 71)


@pytest.mark.parametrize("name", ["NVIDIA H200", b"NVIDIA H200"])
def test_a_gpu_is_read(name: "str | bytes") -> None:
    machine = MachineReader(lambda: FakeNvml(name)).read()
    assert (machine.gpus, machine.gpu_trouble) == ((H200,), "")


def test_this_machine_is_read_without_a_gpu() -> None:
    machine = MachineReader(lambda: None).read()
    assert 0 <= machine.processor <= 1.01
    assert 0 < machine.memory < machine.memory_total == psutil.virtual_memory().total
    assert (machine.gpus, machine.gpu_trouble) == ((), "")


def test_this_machine_is_read_as_it_is() -> None:
    assert read_machine().memory > 0


@pytest.mark.parametrize("call", ["count", "handle", "name", "memory", "load", "heat"])
def test_a_gpu_that_vanishes_is_a_sentence(call: str) -> None:
    nvml = FakeNvml()
    reader = MachineReader(lambda: nvml)
    assert reader.read().gpus == (H200,)
    nvml.fails = {call: 15}
    machine = reader.read()
    assert (machine.gpus, machine.gpu_trouble) == ((), "The GPU no longer answers: GPU is lost.")
    nvml.fails = {}
    assert reader.read().gpu_trouble == ""  # it is back


def test_what_a_gpu_does_not_tell_is_left_out() -> None:
    machine = MachineReader(lambda: FakeNvml(load=3, heat=4)).read()
    assert machine.gpus == (Gpu("NVIDIA H200", None, 14_000_000_000, 141_000_000_000, None),)


@pytest.mark.parametrize(
    ("device", "visible", "found"),
    [
        ("cpu", "", None),
        ("mps", "", None),
        ("cuda", "", "first"),
        ("cuda:1", "", "second"),
        ("cuda:0", "1,0", "second"),
        ("cuda:1", "1", None),
        ("cuda", "GPU-8f3a", None),
        ("cuda:7", "", None),
    ],
)
def test_the_gpu_of_the_run_is_found(
    device: str, visible: str, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    gpu = gpu_of(Machine(0.5, 1, 2, (Gpu("first"), Gpu("second"))), device)
    assert (gpu.name if gpu else None) == found


def test_the_share_of_the_peak_is_known_for_some_gpus() -> None:
    # GPT-2 at 8 million tokens a second: 6 × 124 million × 8 million = 5.95e15 operations, six of these GPUs
    assert share_of_peak(H200, "bf16", 124_000_000, 800_000) == pytest.approx(0.602, abs=1e-3)
    assert share_of_peak(Gpu("NVIDIA A100-SXM4-80GB"), "bf16", 1_000_000_000, 26_000) == pytest.approx(0.5)
    assert share_of_peak(H200, "fp32", 124_000_000, 800_000) is None
    assert share_of_peak(Gpu("Tesla T4"), "fp16", 124_000_000, 800_000) is None
