"""On which device, in which precision and on how many cores a model tells and trains: what is asked for holds."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from storytime_tui import cli
from storytime_tui.errors import ModelError
from storytime_tui.generation.backends import prepare
from storytime_tui.generation.backends.gpt2 import GPT2Backend
from storytime_tui.generation.backends.quantized_linear import kinds_of_int8
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.generator import Generator
from storytime_tui.jobs import generate
from storytime_tui.jobs.generate import Teller, open_teller
from storytime_tui.jobs.readings import open_model_of
from storytime_tui.jobs.train import learn
from storytime_tui.models import loading
from storytime_tui.models.catalogue import STARTER
from storytime_tui.settings import change_settings
from storytime_tui.training.checkpoints import read_progress
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan
from tests.tiny import write_collection

Opened = list[Teller]
pytestmark = pytest.mark.usefixtures("starter")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Every model that a command opens."""
    found: Opened = []

    def keep(*names: Any, **how: Any) -> Teller:
        found.append(open_teller(*names, **how))
        return found[-1]

    monkeypatch.setattr(generate, "open_teller", keep)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    return found


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of threads at each told token."""
    seen: list[int] = []
    tell = Generator.tell_several

    def counted(self: Generator, *text: Any, **how: Any) -> Iterator[Any]:
        for item in tell(self, *text, **how):
            seen.append(torch.get_num_threads())
            yield item

    monkeypatch.setattr(Generator, "tell_several", counted)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return seen


def tell(*options: str) -> int:
    return cli.main(["tell", "--model", STARTER, "--prompt", "The mouse", "--max-tokens", "3", *options])


def weights_of(teller: Teller) -> set[str]:
    """The kinds of numbers that a model's matrices are kept in."""
    backend = teller._generator._backend
    assert isinstance(backend, GPT2Backend)
    found: set[str] = set()
    seen: set[int] = set()

    def look(value: Any) -> None:
        if id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            found.add(str(value.dtype).removeprefix("torch."))
        elif isinstance(value, list | tuple):
            for part in value:
                look(part)
        elif type(value).__module__.startswith("storytime_tui"):
            names = getattr(type(value), "__slots__", ()) or vars(value)
            for name in names:
                look(getattr(value, name, None))

    look(backend)
    return found


@pytest.mark.skipif(not kinds_of_int8(), reason="this machine has no int8 arithmetic")
def test_tell_computes_in_fp32_where_that_is_set_and_in_int8_by_itself(opened: Opened) -> None:
    assert tell() == tell("--set", "precision=fp32") == tell("--set", "precision=int8") == 0
    assert [teller.precision for teller in opened] == ["int8", "fp32", "int8"]
    assert "uint8" not in weights_of(opened[1]) and weights_of(opened[1]) <= {"float32", "int64", "bool"}
    assert weights_of(opened[0]) != weights_of(opened[1])
    change_settings({"precision": "fp32"})
    assert tell() == tell("--set", "precision=int8") == 0
    assert [teller.precision for teller in opened[3:]] == ["fp32", "int8"]  # the command line comes first


def test_fp32_is_the_models_own_arithmetic(opened: Opened) -> None:
    """The same logits as the model itself, to the last digits that another order of sums leaves."""
    assert tell("--set", "precision=fp32") == 0
    from storytime_tui.models import catalogue

    model = loading.load_model(
        catalogue.STARTER_FOLDER, device=torch.device("cpu"), dtype=torch.float32
    ).model
    ids = [1, 5, 9, 3]
    with torch.inference_mode():
        own = torch.log_softmax(model(torch.tensor([ids]))[0, :-1].float(), -1)
    assert opened[0].precision == "fp32"
    assert torch.allclose(opened[0]._generator._backend.logprobs(ids), own[range(3), ids[1:]], atol=1e-5)


def test_the_device_that_is_asked_for_is_used_and_another_is_a_sentence(
    opened: Opened, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    choose = loading.choose_device

    def kept(name: str, *more: Any) -> torch.device:
        asked.append(name)
        return choose(name, *more)

    monkeypatch.setattr(loading, "choose_device", kept)
    assert tell("--device", "cpu") == tell("--set", "device=cpu") == 0
    change_settings({"device": "cpu"})
    assert tell() == tell("--device", "auto") == 0
    assert asked == ["cpu", "cpu", "cpu", "auto"]
    assert opened[0].device == "cpu"
    capsys.readouterr()
    assert tell("--device", "gpu") == cli.MISUSED
    assert "device is 'gpu', but must be one of auto, cpu, cuda, mps." in capsys.readouterr().err
    if not torch.cuda.is_available():
        assert tell("--device", "cuda") == cli.FAILED
        assert "There is no device 'cuda' here; available: " in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["evaluate", "explain"])
def test_evaluate_and_explain_take_a_device_and_the_settings(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    choose = loading.choose_device

    def kept(name: str, *more: Any) -> torch.device:
        asked.append(name)
        return choose("cpu")

    monkeypatch.setattr(loading, "choose_device", kept)
    what = {
        "evaluate": ["--corpus", str(write_collection(tmp_path / "tales"))],
        "explain": ["--text", "The mouse"],
    }[verb]
    change_settings({"device": "mps"})
    assert cli.main([verb, "--model", STARTER, *what]) == 0
    assert cli.main([verb, "--model", STARTER, *what, "--device", "cpu"]) == 0
    assert asked == ["mps", "cpu"]
    assert cli.main([verb, "--model", STARTER, *what, "--device", "tpu"]) == cli.MISUSED


@pytest.mark.usefixtures("opened")
def test_threads_hold_while_telling(threads: list[int]) -> None:
    for count in (1, 2, 3):
        threads.clear()
        assert tell("--set", f"threads={count}") == 0
        assert set(threads) == {count}
    change_settings({"threads": 3})
    threads.clear()
    assert tell() == 0
    assert set(threads) == {3}
    threads.clear()
    assert tell("--set", "threads=1000") == 0
    assert set(threads) == {4}  # at most one for each core
    assert tell("--set", "threads=-1") == cli.MISUSED


def test_threads_and_precision_hold_while_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    before = torch.get_num_threads()
    tales = write_collection(tmp_path / "tales")
    for count in (3, 0):
        plan = TrainingPlan(
            base=STARTER, collections=(str(tales),), max_steps=1, sample_every=0, listen=False,
            precision="fp32", device="cpu", threads=count,
        )  # fmt: skip
        inside: list[int] = []
        for event in learn(plan, Control(), f"on-{count}"):
            inside.append(torch.get_num_threads())  # the consumer's own work
            if event.__class__.__name__ == "Started":
                assert (event.device, event.precision) == ("cpu", "fp32")  # type: ignore[attr-defined]
        assert set(inside) == {before}
        folder = next((tmp_path / "storytime-home").rglob(f"on-{count}/checkpoints/step-1"))
        assert read_progress(folder).threads == (count or before)


def test_how_it_learns_computes_on_the_device_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tales = write_collection(tmp_path / "tales")
    plan = TrainingPlan(
        base="scratch-1x64",
        collections=(str(tales),),
        max_steps=1,
        sample_every=0,
        listen=False,
        device="cpu",
    )
    assert list(learn(plan, Control(), "tiny"))[-1].__class__.__name__ == "Finished"
    asked: list[str] = []

    def kept(name: str, *more: Any) -> torch.device:
        asked.append(name)
        return torch.device("cpu")

    monkeypatch.setattr(loading, "choose_device", kept)
    change_settings({"device": "mps"})
    for which in ("base", "step-1"):
        open_model_of("tiny", which)
    assert asked == ["mps", "mps"]


def test_a_model_that_is_wanted_otherwise_by_now_is_outdated() -> None:
    wanted = [Computing()]
    teller = open_teller(STARTER, wanted=lambda: wanted[0])
    assert not teller.outdated
    wanted[0] = Computing(threads=1)
    assert teller.outdated
    assert not open_teller(STARTER, wanted=lambda: wanted[0]).outdated


def test_what_a_processor_cannot_do_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="fp16 needs a GPU"):
        open_teller(STARTER, wanted=lambda: Computing(device="cpu", precision="fp16"))
    monkeypatch.setattr(prepare, "kinds_of_int8", tuple)
    with pytest.raises(ModelError, match="int8 is there for GPT-2 and Llama models on a CPU only"):
        open_teller(STARTER, wanted=lambda: Computing(device="cpu", precision="int8"))


def test_the_settings_reach_a_new_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from storytime_tui.commands import train

    plans: list[TrainingPlan] = []
    monkeypatch.setattr(train, "learn", lambda plan, *_: plans.append(plan) or iter(()))
    change_settings({"device": "cpu", "precision": "fp32", "threads": 2, "stay_awake": False})
    assert cli.main(["train", "--corpus", "tales"]) == 0
    assert cli.main(["train", "--corpus", "tales", "--set", "precision=auto", "--set", "threads=0"]) == 0
    chosen = [(plan.device, plan.precision, plan.threads, plan.stay_awake) for plan in plans]
    assert chosen == [("cpu", "fp32", 2, False), ("cpu", "auto", 0, False)]
