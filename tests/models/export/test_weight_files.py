"""Exported weights: what other programs open computes the same as what was trained."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from storytime_tui.errors import ModelError
from storytime_tui.models.export import merging, weight_files
from tests.loopback_hub import make_gpt2, shard

IDS = torch.tensor([[5, 17, 300, 2, 44, 80, 81, 9]])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_gpt2(tmp_path / "model")


def logits(folder: Path, **more: Any) -> torch.Tensor:
    from transformers import AutoModelForCausalLM

    opened = AutoModelForCausalLM.from_pretrained(folder, **more).eval()
    with torch.no_grad():
        return opened(IDS).logits


def written(source: Path, to: Path, dtype: str | None = None, **more: Any) -> tuple[str, ...]:
    """Only the weights and the configuration."""
    to.mkdir()
    kind = weight_files.DTYPES[dtype] if dtype else None
    with weight_files.open_weights(source) as weights:
        names = weight_files.write_weights(weights, to, kind, **more)
        common = weight_files.dtype_of(weights, kind)
    assert common is not None
    config = json.loads((source / "config.json").read_text())
    (to / "config.json").write_text(json.dumps(weight_files.config_in(config, common)))
    return names


@pytest.mark.parametrize("shard_bytes", [weight_files.SHARD_BYTES, 8_000])
def test_fp32_is_exact_in_one_file_or_many(model: Path, tmp_path: Path, shard_bytes: int) -> None:
    seen: list[tuple[int, int]] = []
    names = written(
        model,
        tmp_path / "out",
        shard_bytes=shard_bytes,
        on_bytes=lambda done, total: seen.append((done, total)),
    )
    assert (len(names) > 2) == (shard_bytes == 8_000)
    largest = max(tensor.nbytes for tensor in load_file(model / "model.safetensors").values())
    for name in names:
        assert (tmp_path / "out" / name).stat().st_size < max(shard_bytes, largest) + 4096
    assert torch.equal(logits(tmp_path / "out"), logits(model))
    total = sum(tensor.nbytes for tensor in load_file(model / "model.safetensors").values())
    assert seen[-1] == (total, total)
    with weight_files.open_weights(model) as weights:
        assert weight_files.total_bytes(weights, None) == total
        assert weight_files.total_bytes(weights, torch.float16) == total // 2


@pytest.mark.parametrize("dtype", ["fp16", "bf16"])
def test_half_the_size_is_each_number_rounded_to_the_nearest(model: Path, tmp_path: Path, dtype: str) -> None:
    written(model, tmp_path / "out", dtype)
    kind = weight_files.DTYPES[dtype]
    found = load_file(tmp_path / "out" / "model.safetensors")
    for name, tensor in load_file(model / "model.safetensors").items():
        assert found[name].dtype == kind and torch.equal(found[name], tensor.to(kind)), name
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["dtype"] == config["torch_dtype"] == {"fp16": "float16", "bf16": "bfloat16"}[dtype]
    from transformers import AutoModelForCausalLM

    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").dtype == kind
    error = (logits(tmp_path / "out", dtype=torch.float32) - logits(model)).abs().max()
    assert error < (1e-3 if dtype == "fp16" else 1e-2)


def test_shards_in_shards_out_and_a_tensor_above_the_limit_stands_alone(model: Path, tmp_path: Path) -> None:
    before = logits(model)
    shard(model)
    names = written(model, tmp_path / "out", shard_bytes=1)
    index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    assert len(names) == len(index["weight_map"]) == len(set(index["weight_map"].values()))
    assert torch.equal(logits(tmp_path / "out"), before)


def test_whole_numbers_and_odd_shapes_stay_as_they_are(tmp_path: Path) -> None:
    tensors = {
        "flags": torch.tensor([True, False, True]),
        "count": torch.tensor(7, dtype=torch.int64),
        "half": torch.randn(3, 5, dtype=torch.float16),
        "empty": torch.zeros(0, 4),
        "double": torch.randn(2, 2, dtype=torch.float64),
        "turned": torch.randn(4, 3),
    }
    (tmp_path / "in").mkdir()
    save_file(tensors, tmp_path / "in" / "model.safetensors")
    for dtype in (None, torch.bfloat16):
        out = tmp_path / f"out-{dtype}"
        out.mkdir()
        with weight_files.open_weights(tmp_path / "in") as weights:
            weight_files.write_weights(weights, out, dtype)
            assert (weight_files.dtype_of(weights, dtype) is None) == (dtype is None)
        found = load_file(out / "model.safetensors")
        for name, tensor in tensors.items():
            wanted = tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor
            assert torch.equal(found[name], wanted) and found[name].dtype == wanted.dtype, name


def test_a_causal_mask_of_old_files_is_left_behind(model: Path, tmp_path: Path) -> None:
    tensors = load_file(model / "model.safetensors")
    tensors["transformer.h.0.attn.bias"] = torch.ones(1, 1, 64, 64)
    tensors["transformer.h.0.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    written(model, tmp_path / "out")
    kept = load_file(tmp_path / "out" / "model.safetensors")
    assert tensors.keys() - kept.keys() == {
        "transformer.h.0.attn.bias",
        "transformer.h.0.attn.masked_bias",
    }


def test_numbers_too_large_for_fp16_are_refused_not_made_infinite(model: Path, tmp_path: Path) -> None:
    tensors = load_file(model / "model.safetensors")
    tensors["transformer.wpe.weight"][0, 0] = 70_000.0
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"transformer\.wpe\.weight .* too large for float16"):
        written(model, tmp_path / "fp16", "fp16")
    written(model, tmp_path / "bf16", "bf16")


def test_damage_is_one_sentence(model: Path, tmp_path: Path) -> None:
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelError, match="is damaged"):
        written(model, tmp_path / "out")
    path.unlink()
    with pytest.raises(ModelError, match="is missing"):
        written(model, tmp_path / "out-2")


# -- adapters ----------------------------------------------------------------------------------------------


def bare_adapter(folder: Path, tensors: dict[str, torch.Tensor], **config: Any) -> Path:
    folder.mkdir(exist_ok=True)
    told = {"peft_type": "LORA", "base_model_name_or_path": "gpt2", "lora_alpha": 8, "r": 4, **config}
    (folder / "adapter_config.json").write_text(json.dumps(told))
    save_file({name: t.contiguous() for name, t in tensors.items()}, folder / "adapter_model.safetensors")
    return folder


def merged(model: Path, adapter: Path, to: Path) -> Path:
    config = json.loads((model / "config.json").read_text())
    to.mkdir()
    with (
        weight_files.open_weights(model) as base,
        weight_files.open_file(adapter / "adapter_model.safetensors") as taught,
    ):
        settings = json.loads((adapter / "adapter_config.json").read_text())
        weight_files.write_weights(merging.MergedWeights(base, taught, settings, config, "here"), to)
    (to / "config.json").write_text(json.dumps(config))
    return to


LAYER = "base_model.model.transformer.h.0.attn.c_proj"


def pair(a: tuple[int, int] = (4, 16), b: tuple[int, int] = (16, 4)) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return {
        f"{LAYER}.lora_A.weight": torch.randn(a, generator=draw),
        f"{LAYER}.lora_B.weight": torch.randn(b, generator=draw),
    }


@pytest.mark.parametrize("rslora", [False, True])
def test_the_product_joins_a_square_conv1d_the_right_way_round(
    model: Path, tmp_path: Path, rslora: bool
) -> None:
    tensors = pair()
    # a wrong fan_in_fan_out, as of an adapter written by hand, is overruled by the layer
    adapter = bare_adapter(tmp_path / "adapter", tensors, use_rslora=rslora, fan_in_fan_out=False)
    out = load_file(merged(model, adapter, tmp_path / "out") / "model.safetensors")
    name = "transformer.h.0.attn.c_proj.weight"
    before = load_file(model / "model.safetensors")
    a, b = tensors.values()
    scaling = 8 / 2 if rslora else 8 / 4
    assert torch.equal(out.pop(name), before.pop(name) + (b @ a).T * scaling)
    assert all(torch.equal(out[each], before[each]) for each in before)


def test_a_base_whose_names_lack_the_outermost_module_is_merged(model: Path, tmp_path: Path) -> None:
    bare = {
        name.removeprefix("transformer."): t for name, t in load_file(model / "model.safetensors").items()
    }
    adapter = bare_adapter(tmp_path / "adapter", pair())
    whole = logits(merged(model, adapter, tmp_path / "whole"))
    save_file(bare, model / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(logits(merged(model, adapter, tmp_path / "bare")), whole)


@pytest.mark.parametrize(
    ("tensors", "config", "words"),
    [
        (pair(b=(24, 4)), {}, "does not fit its base"),
        (pair(a=(3, 16)), {}, "does not fit its base"),
        (dict(list(pair().items())[:1]), {}, "lacks one of its two matrices"),
        (pair(), {"use_dora": True}, "uses DoRA"),
        (pair(), {"peft_type": "IA3"}, "uses IA3"),
        (pair(), {"alpha_pattern": {"(": 3}}, "is damaged"),
        (pair(), {"lora_alpha": "much"}, "is damaged"),
        ({"base_model.model.transformer.wte.lora_embedding_A": torch.ones(4, 320)}, {}, "cannot be merged"),
        ({"base_model.model.transformer.wte.weight": torch.ones(320, 16)}, {}, "also uses elsewhere"),
        ({"base_model.model.transformer.ln_f.bias": torch.ones(15)}, {}, "does not fit its base"),
        (
            {name.replace("h.0", "h.7"): tensor for name, tensor in pair().items()},
            {},
            "no such weight",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_merged_is_one_sentence(
    model: Path, tmp_path: Path, tensors: dict[str, torch.Tensor], config: dict[str, Any], words: str
) -> None:
    adapter = bare_adapter(tmp_path / "adapter", tensors, **config)
    with pytest.raises(ModelError, match=words):
        merged(model, adapter, tmp_path / "out")


@pytest.mark.parametrize(
    "settings",
    [
        {"target_modules": ["c_attn", "c_proj", "c_fc"], "r": 4, "lora_alpha": 12},
        {"target_modules": ["c_attn", "attn.c_proj"], "r": 3, "lora_alpha": 5, "use_rslora": True},
        {
            "target_modules": ["c_attn", "c_proj"],
            "r": 4,
            "lora_alpha": 8,
            "rank_pattern": {"h.1.attn.c_proj": 2, "mlp.c_proj": 6},
            "alpha_pattern": {"h.0.attn.c_attn": 3, "c_proj": 20},
        },
        {"target_modules": ["c_attn"], "r": 2, "bias": "lora_only", "modules_to_save": ["ln_f"]},
    ],
    ids=["plain", "rslora", "patterns", "biases"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_the_merge_is_pefts_own(
    model: Path, tmp_path: Path, settings: dict[str, Any], dtype: torch.dtype
) -> None:
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForCausalLM

    if dtype != torch.float32:
        AutoModelForCausalLM.from_pretrained(model, dtype=dtype).save_pretrained(model)
    base = AutoModelForCausalLM.from_pretrained(model)
    taught = peft.get_peft_model(
        base, peft.LoraConfig(task_type="CAUSAL_LM", fan_in_fan_out=True, **settings)
    )
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in taught.parameters():
            if parameter.requires_grad:
                parameter += 0.3 * torch.randn(parameter.shape, generator=draw).to(parameter.dtype)
    taught.save_pretrained(tmp_path / "adapter")
    ours = load_file(merged(model, tmp_path / "adapter", tmp_path / "out") / "model.safetensors")
    theirs = taught.merge_and_unload().state_dict()
    assert any(not torch.equal(ours[n], t) for n, t in load_file(model / "model.safetensors").items())
    for name, tensor in ours.items():
        if dtype == torch.float32:
            assert torch.equal(tensor, theirs[name]), name
        else:  # peft rounds on the way
            torch.testing.assert_close(tensor, theirs[name], rtol=2e-2, atol=2e-2)


def test_layers_that_are_linear_are_merged_as_peft_does_it(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2,
    )  # fmt: skip
    base = LlamaForCausalLM(config)
    base.save_pretrained(tmp_path / "model")
    settings = peft.LoraConfig(r=2, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    taught = peft.get_peft_model(base, settings)
    taught.save_pretrained(tmp_path / "adapter")
    ours = merged(tmp_path / "model", tmp_path / "adapter", tmp_path / "out")
    theirs = taught.merge_and_unload().state_dict()
    for name, tensor in load_file(ours / "model.safetensors").items():
        assert torch.equal(tensor, theirs[name]), name
