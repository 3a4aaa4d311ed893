"""LoRA: the base stays, the small matrices learn, and peft and transformers open what comes of it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from storytime_tui.errors import ModelError
from storytime_tui.models import lora, own_files
from storytime_tui.models.transformers_model import TransformersModel
from tests.models import small_llamas
from tests.tiny import ours, tiny_gpt2

peft = pytest.importorskip("peft")

IDS = torch.randint(0, 64, (2, 16), generator=torch.Generator().manual_seed(0))


def learned(model: Any) -> lora.Lora:
    """A model with an adapter that has moved."""
    added = lora.add_lora(model, 4, None, (), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=generator)
    return added


def test_only_the_small_matrices_learn_and_at_first_they_say_nothing() -> None:
    model = ours(tiny_gpt2()).eval()
    before = model(IDS)
    added = lora.add_lora(model, 4, None, (), seed=1)
    assert added == lora.Lora(4, 8.0, ("c_attn", "c_proj", "c_fc"))
    torch.testing.assert_close(model(IDS), before)
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    assert len(trained) == 2 * 4 * 2  # two layers of four matrices, A and B
    assert all(".lora_" in name for name in trained)


def test_beside_a_base_in_16_bits_they_are_in_32(tmp_path: Path) -> None:
    """As on a GPU: in 16 bits most of a step's changes would be rounded away."""
    model = ours(tiny_gpt2()).eval().to(torch.bfloat16)
    added = learned(model)
    assert {p.dtype for p in model.parameters() if p.requires_grad} == {torch.float32}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(IDS).sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    said = model(IDS)  # with no autocast, as samples are told
    assert said.dtype == torch.bfloat16
    lora.write_adapter(lora.adapter_weights(model), added, "base", True, tmp_path)
    opened = ours(tiny_gpt2()).eval().to(torch.bfloat16)
    lora.open_adapter(opened, tmp_path)
    assert {p.dtype for p in opened.parameters()} == {torch.bfloat16}
    difference = (opened(IDS) - said).detach().float().abs().max()
    assert difference < 0.05 * said.detach().float().abs().max()


def test_what_is_added_to_a_base_in_16_bits_is_not_rounded_away() -> None:
    """A copy that tells while the run goes on has this weight, then in the precision that it tells in."""
    model = ours(tiny_gpt2())
    learned(model)
    lora.store_base_in(torch.bfloat16, model)
    layer: Any = model.transformer.h[0].mlp.c_fc
    with lora.scaled(model, 1e-4):
        added = lora.whole_weight(layer) - layer.weight.float()
    right = 1e-4 * 2 * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    torch.testing.assert_close(added, right, rtol=1e-2, atol=1e-7)


def test_opening_an_adapter_draws_no_global_random_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread may be training meanwhile: even a state that is put back afterwards changes its dropout."""
    model = ours(tiny_gpt2()).eval()
    added = learned(model)
    lora.write_adapter(lora.adapter_weights(model), added, "base", True, tmp_path)
    opened = ours(tiny_gpt2()).eval()
    monkeypatch.delattr(torch.random, "fork_rng")
    state = torch.get_rng_state()
    lora.open_adapter(opened, tmp_path)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.allclose(opened(IDS), model(IDS), atol=1e-5)


def test_the_seed_decides_and_the_global_state_stays() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, again, other = (ours(tiny_gpt2()) for _ in range(3))
    for model, seed in ((first, 1), (again, 1), (other, 2)):
        lora.add_lora(model, 4, None, (), seed=seed)
    assert torch.equal(state, torch.get_rng_state())
    name = "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight"
    assert torch.equal(lora.adapter_weights(first)[name], lora.adapter_weights(again)[name])
    assert not torch.equal(lora.adapter_weights(first)[name], lora.adapter_weights(other)[name])


def test_peft_opens_the_folder_on_transformers_base_with_the_same_numbers(tmp_path: Path) -> None:
    theirs = tiny_gpt2(dropout=0.0).eval()
    theirs.save_pretrained(tmp_path / "base")
    model = ours(theirs).eval()
    added = learned(model)
    (tmp_path / "adapter").mkdir()
    lora.write_adapter(lora.adapter_weights(model), added, str(tmp_path / "base"), True, tmp_path / "adapter")
    base: Any = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    opened = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    with torch.no_grad():
        torch.testing.assert_close(opened(IDS).logits, model(IDS), atol=1e-4, rtol=1e-4)
        # and merged, as we tell with it
        again = ours(theirs).eval()
        lora.open_adapter(again, tmp_path / "adapter")
        torch.testing.assert_close(again(IDS), model(IDS), atol=1e-4, rtol=1e-4)
    assert own_files.weights_of(again).keys() == own_files.weights_of(ours(theirs)).keys()


@pytest.mark.parametrize("by_us", [False, True])
def test_another_architecture_learns_so_too(by_us: bool, tmp_path: Path) -> None:
    config = transformers.LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=48,
    )  # fmt: skip
    theirs = transformers.LlamaForCausalLM(config).eval()
    theirs.save_pretrained(tmp_path / "base")
    model = small_llamas.ours(theirs) if by_us else TransformersModel(theirs)
    added = learned(model)
    assert set(added.targets) == {
        *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    }
    (tmp_path / "adapter").mkdir()
    lora.write_adapter(
        lora.adapter_weights(model), added, str(tmp_path / "base"), False, tmp_path / "adapter"
    )
    base: Any = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    opened = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    with torch.no_grad():
        torch.testing.assert_close(opened(IDS).logits, model(IDS), atol=1e-4, rtol=1e-4)


def test_what_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="lora_targets is q_proj, but the model has no such matrix"):
        lora.add_lora(ours(tiny_gpt2()), 4, None, ("q_proj",), seed=0)
    model = ours(tiny_gpt2())
    added = learned(model)
    lora.write_adapter(lora.adapter_weights(model), added, "base", True, tmp_path)
    other = ours(tiny_gpt2())
    lora.add_lora(other, 8, None, (), seed=0)
    with pytest.raises(ModelError, match="does not fit its base"):
        lora.read_adapter(other, tmp_path)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"junk")
    with pytest.raises(ModelError, match="is damaged"):
        lora.read_adapter(model, tmp_path)


def test_what_the_libraries_say_is_not_on_the_screen() -> None:
    """peft loads transformers, which prints its messages unless it is told not to."""
    code = (
        "from storytime_tui.models import lora\n"
        "lora._peft()\n"
        "import transformers\n"
        "transformers.logging.get_logger('transformers.models').warning('a thing will be removed')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout + done.stderr == ""
