"""A Llama as the base of runs: learned, stopped and gone on with, adapted and told, all by the jobs themselves."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file

from storytime_tui import paths
from storytime_tui.generation.pieces import Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs import training_model
from storytime_tui.jobs.evaluate import evaluate_model
from storytime_tui.jobs.export import export_model
from storytime_tui.jobs.find_model import find_origin
from storytime_tui.jobs.generate import open_teller
from storytime_tui.jobs.train import learn, resume
from storytime_tui.models.tokenizer import load_tokenizer, train_tokenizer
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan
from tests.models import small_llamas
from tests.tiny import tale, write_collection


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "tales")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    small_llamas.theirs("smollm2").save_pretrained(tmp_path / "smollm")
    train_tokenizer([tale(0)], 300).save(tmp_path / "smollm")
    return tmp_path / "smollm"


def plan_for(tales: Path, base: Path, **values: Any) -> TrainingPlan:
    return TrainingPlan(
        **{
            "base": str(base),
            "collections": (str(tales),),
            "max_steps": 6,
            "block_size": 32,
            "batch_size": 4,
            "accumulation": 1,
            "evaluate_every": 3,
            "sample_tokens": 5,
            "learning_rate": 1e-3,
            "precision": "fp32",
            **values,
        }
    )


def run_of(said: list[ev.Event]) -> str:
    return next(e.run for e in said if isinstance(e, ev.Started))


def weights(run: str, file: str = "model.safetensors") -> dict[str, torch.Tensor]:
    return load_file(paths.runs_folder() / run / "checkpoints" / "last" / file)


def test_a_stopped_run_goes_on_to_the_very_bytes_of_a_whole_one(tales: Path, base: Path) -> None:
    whole = run_of(list(learn(plan_for(tales, base), Control())))
    control, said = Control(), []
    for event in learn(plan_for(tales, base), control):
        said.append(event)
        if isinstance(event, ev.StepDone) and event.step == 2:
            control.stop()
    list(resume(run_of(said), Control()))
    found, right = weights(run_of(said)), weights(whole)
    assert found.keys() == right.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in right.items())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_stopped_lora_run_goes_on_to_the_very_bytes_too(tales: Path, base: Path, precision: str) -> None:
    pytest.importorskip("peft")
    plan = plan_for(tales, base, lora_rank=4, precision=precision)
    whole = run_of(list(learn(plan, Control())))
    control, said = Control(), []
    for event in learn(plan, control):
        said.append(event)
        if isinstance(event, ev.StepDone) and event.step == 2:
            control.stop()
    list(resume(run_of(said), Control()))
    found, right = (weights(run, "adapter_model.safetensors") for run in (run_of(said), whole))
    assert found.keys() == right.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in right.items())
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_on_a_cpu_a_lora_runs_base_is_stored_in_what_it_computes_in(
    tales: Path, base: Path, precision: str
) -> None:
    pytest.importorskip("peft")
    plan = plan_for(tales, base, lora_rank=4, precision=precision)
    origin, tokenizer = find_origin(plan.base, lambda *_: None), load_tokenizer(base)
    loaded = training_model.load_for_training(plan, origin, tokenizer, torch.device("cpu"))
    training_model.fit(plan, origin, loaded, tokenizer, None)
    frozen = {p.dtype for p in loaded.model.parameters() if p.dim() == 2 and not p.requires_grad}
    assert frozen == {torch.bfloat16 if precision == "bf16" else torch.float32}
    assert {p.dtype for p in loaded.model.parameters() if p.requires_grad} == {torch.float32}


def test_a_run_learns_and_transformers_opens_its_checkpoint(tales: Path, base: Path) -> None:
    said = list(learn(plan_for(tales, base, max_steps=30, evaluate_every=30), Control()))
    losses = [e.validation_loss for e in said if isinstance(e, ev.Evaluated)]
    assert losses[-1] < losses[0] - 0.3
    checkpoint = paths.runs_folder() / run_of(said) / "checkpoints" / "last"
    theirs: Any = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, local_files_only=True)
    assert type(theirs).__name__ == "LlamaForCausalLM"
    judged = evaluate_model(run_of(said), [str(tales)], lambda *_: None, precision="fp32", stride=32)
    assert judged.validation_loss == pytest.approx(losses[-1], abs=1e-3)


def test_a_lora_run_learns_tells_and_is_merged(tales: Path, base: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    plan = plan_for(tales, base, lora_rank=4, max_steps=4, evaluate_every=2)
    run = run_of(list(learn(plan, Control())))
    adapter = weights(run, "adapter_model.safetensors")
    assert len(adapter) == 3 * 7 * 2  # layers, matrices, halves
    assert any(tensor.any() for name, tensor in adapter.items() if "lora_B" in name)
    teller = open_teller(run)
    told = list(teller.tell("The mouse", SamplerSettings(max_tokens=12, seed=3)))
    assert isinstance(told[-1], Told) and told[-1].tokens > 0
    export_model(run, str(tmp_path / "whole"))
    exported = load_file(tmp_path / "whole" / "model.safetensors")
    before = load_file(base / "model.safetensors")
    assert exported.keys() == before.keys()
    name = "model.layers.1.mlp.down_proj.weight"
    halves = [adapter[f"base_model.model.model.layers.1.mlp.down_proj.lora_{half}.weight"] for half in "AB"]
    torch.testing.assert_close(exported[name], before[name] + 2 * halves[1] @ halves[0])
