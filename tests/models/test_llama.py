"""Our Llama is transformers', in each of its kinds: the same numbers, forwards, backwards, with and without a cache."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from storytime_tui.models import llama, llama_files, own_files
from storytime_tui.models.llama import Llama, Rotation, Shape
from storytime_tui.models.loading import load_model, weights_of, write_model
from storytime_tui.models.tokenizer import train_tokenizer
from storytime_tui.models.transformers_model import TransformersModel
from tests.loopback_hub import TALE
from tests.models.small_llamas import CONFIGS, LINEAR, LLAMA_3, ours, theirs

CPU = torch.device("cpu")
KINDS = list(CONFIGS)
IDS = torch.randint(0, 301, (3, 40), generator=torch.Generator().manual_seed(0))
TOKENIZER = train_tokenizer([TALE * 3], 300)


def close(a: torch.Tensor, b: torch.Tensor, atol: float = 1e-5) -> None:
    torch.testing.assert_close(a, b, atol=atol, rtol=1e-5)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_logits_and_gradients_are_transformers(kind: str, padded: bool) -> None:
    reference = theirs(kind)
    model = ours(reference, padded=padded)
    close(model(IDS), reference(IDS).logits)
    loss = torch.nn.functional.cross_entropy
    loss(model.train()(IDS)[:, :-1].flatten(0, 1), IDS[:, 1:].flatten()).backward()
    loss(reference(IDS).logits[:, :-1].flatten(0, 1), IDS[:, 1:].flatten()).backward()
    gradients = own_files.named_gradients(model)
    assert gradients.keys() == {name for name, _ in reference.named_parameters()}
    for name, gradient in gradients.items():
        close(gradient, reference.get_parameter(name).grad)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_in_parts_is_reading_at_once(kind: str) -> None:
    reference = theirs(kind)
    model = ours(reference)
    with torch.no_grad():
        whole = reference(IDS).logits
        for cuts in ([1] * 40, [5, 1, 20, 14], [39, 1], [40]):
            cache, place = model.new_cache(), 0
            for size in cuts:
                last = model.read(IDS[:, place : place + size], cache)
                place += size
                close(last, whole[:, place - 1])
            assert cache.length == 40


@pytest.mark.parametrize("kind", ["smollm2", "qwen2", "qwen3"])
def test_computing_blocks_twice_changes_no_number(kind: str) -> None:
    model = ours(theirs(kind), dropout=0.3).train()
    found = []
    for twice in (False, True):
        model.checkpointing = twice
        model.zero_grad()
        torch.manual_seed(1)
        model.hidden(IDS).pow(2).sum().backward()
        found.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    assert found[0]
    for a, b in zip(*found, strict=True):
        assert torch.equal(a, b)


def save(reference: Any, folder: Path) -> Path:
    reference.save_pretrained(folder)
    TOKENIZER.save(folder)
    return folder


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_theirs_opens_as_ours_and_one_of_ours_as_theirs(
    kind: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    reference = theirs(kind)
    loaded = load_model(save(reference, tmp_path / "a"), device=CPU, dtype=dtype, dropout=0.1)
    assert isinstance(loaded.model, Llama)
    assert loaded.model.shape.dropout == 0.1
    (tmp_path / "b").mkdir()
    write_model(loaded, weights_of(loaded), tmp_path / "b")
    again: Any = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "b", local_files_only=True)
    assert again.dtype == dtype
    for name, weights in again.state_dict().items():
        assert torch.equal(weights, reference.state_dict()[name].to(dtype))
    with torch.no_grad():
        found, right = loaded.model(IDS).float(), again(IDS).logits.float()
        if dtype == torch.float32:
            close(found, right)
        assert (found - right).norm() < 0.03 * right.norm()
    TOKENIZER.save(tmp_path / "b")
    ours_again = load_model(tmp_path / "b", device=CPU, dtype=dtype)
    for name, weights in weights_of(ours_again).items():
        assert torch.equal(weights, weights_of(loaded)[name])


@pytest.mark.parametrize("scaling", [LLAMA_3, LINEAR, None])
def test_the_older_form_of_a_config_says_the_same(scaling: dict[str, Any] | None) -> None:
    """Before transformers 5, the rotation stood beside the config's other numbers."""
    new = CONFIGS["llama"].to_dict()
    old = {name: value for name, value in new.items() if name not in ("rope_parameters", "head_dim")}
    scaling = {**scaling} if scaling else None
    theta = scaling.pop("rope_theta") if scaling else 10_000.0
    if scaling == {k: v for k, v in LINEAR.items() if k != "rope_theta"}:
        scaling["type"] = scaling.pop("rope_type")  # older still
    old |= {"rope_theta": theta, "rope_scaling": scaling, "torch_dtype": "bfloat16"}
    new["rope_parameters"] = {**(scaling or {"rope_type": "default"}), "rope_theta": theta}
    assert llama_files.is_llama(old)
    assert llama_files.shape_of(old, None) == llama_files.shape_of(new, None)


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("llama", {"model_type": "gemma"}),
        ("llama", {"hidden_act": "gelu"}),
        ("llama", {"attention_bias": True}),
        ("llama", {"mlp_bias": True}),
        ("llama", {"sliding_window": 16}),
        ("llama", {"a_new_option": 1}),
        ("llama", {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}}),
        ("llama", {"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}}),
        ("llama", {"rope_parameters": {"full_attention": {"rope_theta": 1e4}}}),
        ("llama", {"rope_parameters": None, "rope_scaling": {"type": "dynamic", "factor": 2.0}}),
        ("mistral", {"sliding_window": 0}),
        (
            "mistral",
            {"sliding_window": 16, "layer_types": ["full_attention", "sliding_attention", "full_attention"]},
        ),
        ("qwen2", {"use_sliding_window": True}),
        ("qwen2", {"layer_types": ["full_attention", "sliding_attention", "full_attention"]}),
        ("qwen3", {"attention_bias": True}),
    ],
)
def test_a_model_that_computes_otherwise_is_left_to_transformers(kind: str, other: dict[str, Any]) -> None:
    config = CONFIGS[kind].to_dict()
    assert llama_files.is_llama(config)
    assert not llama_files.is_llama({**config, **other})


def test_what_transformers_has_a_default_for_is_not_guessed() -> None:
    config = CONFIGS["mistral"].to_dict()
    del config["num_key_value_heads"]
    assert not llama_files.is_llama(config)


def test_a_mistral_whose_config_leaves_the_window_out_slides_as_transformers_says() -> None:
    config = {**CONFIGS["mistral"].to_dict(), "max_position_embeddings": 5000}
    del config["sliding_window"]
    assert llama_files.is_llama(config)
    assert llama_files.shape_of(config, None).sliding_window == transformers.MistralConfig().sliding_window


def test_a_window_as_wide_as_the_context_does_not_slide(tmp_path: Path) -> None:
    folder = save(theirs("mistral"), tmp_path)
    config = json.loads((folder / "config.json").read_text())
    for width, slides in ((64, None), (63, 63), (16, 16), (None, None)):
        (folder / "config.json").write_text(json.dumps({**config, "sliding_window": width}))
        model = load_model(folder, device=CPU, dtype=torch.float32).model
        assert isinstance(model, Llama) and model.shape.sliding_window == slides


def test_layers_that_look_back_differently_are_read_by_transformers(tmp_path: Path) -> None:
    folder = save(theirs("qwen2"), tmp_path)
    config = json.loads((folder / "config.json").read_text())
    changes = {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1, "layer_types": None}
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    model = load_model(folder, device=CPU, dtype=torch.float32).model
    assert isinstance(model, TransformersModel)


ALL = {
    "architectures": ["X"],
    "bos_token_id": 1,
    "eos_token_id": 2,
    "hidden_act": "silu",
    "torch_dtype": "bfloat16",
}
ALL |= {
    "attention_dropout": 0.0,
    "initializer_range": 0.02,
    "transformers_version": "4.40.1",
    "use_cache": True,
}
PUBLISHED: dict[str, tuple[int, dict[str, Any]]] = {
    "SmolLM2-135M": (134_515_008, {
        "model_type": "llama", "attention_bias": False, "hidden_size": 576, "intermediate_size": 1536,
        "is_llama_config": True, "max_position_embeddings": 8192, "mlp_bias": False, "num_attention_heads": 9,
        "num_hidden_layers": 30, "num_key_value_heads": 3, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
        "rope_interleaved": False, "rope_scaling": None, "rope_theta": 100000, "tie_word_embeddings": True,
        "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}}, "vocab_size": 49152,
    }),
    "TinyLlama-1.1B": (1_100_048_384, {
        "model_type": "llama", "hidden_size": 2048, "intermediate_size": 5632, "max_position_embeddings": 2048,
        "num_attention_heads": 32, "num_hidden_layers": 22, "num_key_value_heads": 4, "pretraining_tp": 1,
        "rms_norm_eps": 1e-05, "rope_scaling": None, "tie_word_embeddings": False, "vocab_size": 32000,
    }),
    "Llama-3.2-1B": (1_235_814_400, {
        "model_type": "llama", "attention_bias": False, "head_dim": 64, "hidden_size": 2048,
        "intermediate_size": 8192, "max_position_embeddings": 131072, "mlp_bias": False, "num_attention_heads": 32,
        "num_hidden_layers": 16, "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
        "rope_scaling": {
            "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
            "original_max_position_embeddings": 8192, "rope_type": "llama3",
        },
        "rope_theta": 500000.0, "tie_word_embeddings": True, "vocab_size": 128256,
    }),
    "Mistral-7B-v0.3": (7_248_023_552, {
        "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 32768,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
        "rope_theta": 1000000.0, "sliding_window": None, "tie_word_embeddings": False, "vocab_size": 32768,
    }),
    "Mistral-7B-v0.1": (7_241_732_096, {
        "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 32768,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0, "sliding_window": 4096, "tie_word_embeddings": False, "vocab_size": 32000,
    }),
    "Qwen2.5-0.5B": (494_032_768, {
        "model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "max_position_embeddings": 32768,
        "max_window_layers": 24, "num_attention_heads": 14, "num_hidden_layers": 24, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": True,
        "use_mrope": False, "use_sliding_window": False, "vocab_size": 151936,
    }),
    "Qwen3-0.6B-Base": (596_049_920, {
        "model_type": "qwen3", "attention_bias": False, "head_dim": 128, "hidden_size": 1024,
        "intermediate_size": 3072, "max_position_embeddings": 32768, "max_window_layers": 28,
        "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8, "rms_norm_eps": 1e-06,
        "rope_scaling": None, "rope_theta": 1000000, "sliding_window": None, "tie_word_embeddings": True,
        "use_sliding_window": False, "vocab_size": 151936,
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_published_is_ours_with_as_many_parameters_as_its_makers_say(name: str) -> None:
    count, config = PUBLISHED[name]
    assert llama_files.is_llama({**ALL, **config})
    model = own_files.on_meta(Llama, llama_files.shape_of({**ALL, **config}, None))
    assert sum(p.numel() for p in model.parameters()) == count


def test_a_new_one_begins_as_llama_did() -> None:
    shape = Shape(100, 64, 64, 4, 4, 2, 16, 128, tied=False)
    model = own_files.empty_model(Llama, shape, CPU, torch.float32, padded=True)
    model.fill(3)
    weights = dict(model.named_parameters())
    assert model.head.shape == (128, 64)
    assert not model.head[100:].any() and not weights["model.embed_tokens.weight"][100:].any()
    assert weights["model.layers.1.mlp.up_proj.weight"].std().item() == pytest.approx(0.02, rel=0.05)
    assert weights["model.norm.weight"].eq(1).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("error")  # torch warns of some mixtures of precisions, on the user's screen
def test_it_learns_in_sixteen_bits_nearly_as_in_thirty_two(kind: str) -> None:
    model = ours(theirs(kind)).train()
    found = []
    for half in (False, True):
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            hidden = model.hidden(IDS)
        hidden.float().square().mean().backward()
        found.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    assert torch.nn.functional.cosine_similarity(*found, dim=0) > 0.99


def test_what_was_told_without_gradients_does_not_hinder_learning() -> None:
    """The speeds of a rotation are computed once, and what inference mode makes cannot be differentiated."""
    llama._speeds_on.cache_clear()
    model = ours(theirs("llama"))
    with torch.inference_mode():
        model(IDS)
    model.train()(IDS).sum().backward()
    assert Rotation() == model.shape.rotation


def test_it_is_one_readable_page() -> None:
    import inspect

    assert len(inspect.getsource(llama).splitlines()) < 260
