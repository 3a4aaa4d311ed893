"""What the machine is doing: on a fake NVML, which may stop to answer at any moment."""

from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from storytime_tui.jobs.machine import (
    Gpu,
    Machine,
    MachineReader,
    gpu_of,
    gpus_in_words,
    read_machine,
    share_of_peak,
)


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


A100 = Gpu("NVIDIA A100")


@pytest.mark.parametrize(
    ("device", "gpus", "words"),
    [
        ("auto", (), ""),
        ("auto", (H200,), "GPU: NVIDIA H200."),
        ("cpu", (H200,), "Device: cpu; NVIDIA H200 stays unused."),
        ("auto", (H200, H200), "GPU: cuda:0 NVIDIA H200. Device may also be cuda:1 NVIDIA H200."),
        ("cuda:1", (A100, A100), "GPU: cuda:1 NVIDIA A100. Device may also be cuda:0 NVIDIA A100."),
        (
            "auto",
            (H200, A100),
            "2 GPUs: NVIDIA H200, NVIDIA A100. `storytime-tui doctor` says which is cuda:0, cuda:1 and so on.",
        ),
        ("cuda:2", (H200, A100), "There is no cuda:2: this machine has 2 GPUs, cuda:0 to cuda:1."),
        ("cpu", (H200, A100), "Device: cpu; 2 GPUs stay unused."),
    ],
)
def test_the_gpu_of_a_plan_is_said_and_how_to_choose_another(
    device: str, gpus: tuple[Gpu, ...], words: str
) -> None:
    assert gpus_in_words(device, gpus) == words


def test_the_numbers_of_different_gpus_are_known_where_the_system_orders_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    said = gpus_in_words("cuda:1", (H200, A100))
    assert said == "GPU: cuda:1 NVIDIA A100. Device may also be cuda:0 NVIDIA H200."


@pytest.mark.parametrize(
    ("visible", "seen"), [(None, (H200,)), ("0", (H200,)), ("", ()), ("3", ()), ("-1", ())]
)
def test_gpus_that_are_hidden_from_programs_are_not_offered(
    visible: str | None, seen: tuple[Gpu, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert MachineReader(FakeNvml).gpus() == seen


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
