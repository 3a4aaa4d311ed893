"""A GGUF file read back by the format's own reader: every tensor, every token, every figure."""

import builtins
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from storytime_tui.errors import ModelError
from storytime_tui.models.export import weight_files
from storytime_tui.models.export.gguf import total_bytes, write_gguf
from storytime_tui.models.export.gguf_vocabulary import ByteLevel, read_vocabulary
from storytime_tui.models.tokenizer import load_tokenizer
from tests.loopback_hub import make_gpt2

gguf = pytest.importorskip("gguf")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_gpt2(tmp_path / "model")


def config_of(model: Path) -> dict[str, Any]:
    return json.loads((model / "config.json").read_text())


def written(model: Path, path: Path, dtype: str | None = None, **changes: Any) -> Any:
    config = {**config_of(model), **changes}
    kind = weight_files.DTYPES[dtype] if dtype else None
    with weight_files.open_weights(model) as weights:
        write_gguf(path, weights, config, model, name="a tale", dtype=kind)
        assert path.stat().st_size <= total_bytes(weights, config, kind)
    return gguf.GGUFReader(path)


def values(tensor: Any) -> torch.Tensor:
    """As fp32, in the shape that numpy and torch give (GGUF itself counts from the other end)."""
    return torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).copy())


BLOCK = {
    "attn_norm": "ln_1",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
}
ENDS = {"token_embd": "wte", "position_embd": "wpe", "output_norm": "ln_f"}


def source_of(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "blk":
        return f"transformer.h.{parts[1]}.{BLOCK[parts[2]]}.{parts[3]}"
    return f"transformer.{ENDS[parts[0]]}.{parts[1]}"


@pytest.mark.parametrize("dtype", [None, "fp32", "fp16", "bf16"])
def test_every_tensor_is_the_models(model: Path, tmp_path: Path, dtype: str | None) -> None:
    reader = written(model, tmp_path / "m.gguf", dtype)
    kinds = {None: "F32", "fp32": "F32", "fp16": "F16", "bf16": "BF16"}
    left = load_file(model / "model.safetensors")
    for tensor in reader.tensors:
        source = left.pop(source_of(tensor.name))
        if source.ndim == 2 and tensor.name.startswith("blk."):
            source = source.T
        kept = source.ndim == 1 or tensor.name.startswith("position_embd")
        assert tensor.tensor_type.name == ("F32" if kept else kinds[dtype]), tensor.name
        assert tuple(reversed(tensor.shape.tolist())) == tuple(source.shape)
        rounded = source if kept or dtype is None else source.to(weight_files.DTYPES[dtype]).float()
        assert torch.equal(values(tensor), rounded), tensor.name
    assert not left


def test_the_metadata_is_what_llama_cpps_gpt2_asks_for(model: Path, tmp_path: Path) -> None:
    reader = written(model, tmp_path / "m.gguf", "fp16")
    told = {key: field.contents() for key, field in reader.fields.items()}
    assert told["general.architecture"] == "gpt2"
    assert told["general.name"] == "a tale"
    assert told["general.file_type"] == gguf.LlamaFileType.MOSTLY_F16
    assert told["gpt2.context_length"] == 64
    assert told["gpt2.embedding_length"] == 16
    assert told["gpt2.feed_forward_length"] == 64
    assert told["gpt2.block_count"] == told["gpt2.attention.head_count"] == 2
    assert told["gpt2.attention.layer_norm_epsilon"] == pytest.approx(1e-5)
    assert told["gpt2.vocab_size"] == config_of(model)["vocab_size"]
    assert told["tokenizer.ggml.model"] == "gpt2"
    assert told["tokenizer.ggml.pre"] == "gpt-2"
    assert told["tokenizer.ggml.add_bos_token"] is False


def test_every_token_stands_at_its_id(model: Path, tmp_path: Path) -> None:
    reader = written(model, tmp_path / "m.gguf")
    told = {key: field.contents() for key, field in reader.fields.items()}
    rules = json.loads((model / "tokenizer.json").read_text())
    pieces = told["tokenizer.ggml.tokens"]
    assert {piece: i for i, piece in enumerate(pieces)} == rules["model"]["vocab"]
    end = load_tokenizer(model).end_of_text
    assert told["tokenizer.ggml.bos_token_id"] == told["tokenizer.ggml.eos_token_id"] == end
    control = [i for i, kind in enumerate(told["tokenizer.ggml.token_type"]) if kind != gguf.TokenType.NORMAL]
    assert control == [end] and told["tokenizer.ggml.token_type"][end] == gguf.TokenType.CONTROL
    merges = [m if isinstance(m, str) else " ".join(m) for m in rules["model"]["merges"]]
    assert told["tokenizer.ggml.merges"] == merges


def test_gpt2s_own_vocabulary_from_its_two_files(shared: Path, tmp_path: Path) -> None:
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(shared / "gpt2_tokenizer" / name, tmp_path / name)
    told = read_vocabulary(tmp_path, 50_260)  # rows beyond the tokens are padding
    assert told.pieces == [
        *sorted(v := json.loads((tmp_path / "vocab.json").read_text()), key=v.get),
        *("[PAD50257]", "[PAD50258]", "[PAD50259]"),
    ]
    assert isinstance(told.splitting, ByteLevel) and told.end_of_text == 50_256
    assert len(told.splitting.merges) == 50_000 and told.splitting.merges[0] == "Ġ t"
    assert told.types[-4:] == [gguf.TokenType.CONTROL, *[gguf.TokenType.UNUSED] * 3]


def test_a_head_of_its_own_is_kept_and_a_tied_one_is_not_written_twice(model: Path, tmp_path: Path) -> None:
    tensors = load_file(model / "model.safetensors")
    tensors["lm_head.weight"] = torch.randn_like(tensors["transformer.wte.weight"])
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    tied = written(model, tmp_path / "tied.gguf")
    assert "output.weight" not in {tensor.name for tensor in tied.tensors}
    apart = written(model, tmp_path / "apart.gguf", tie_word_embeddings=False)
    head = next(tensor for tensor in apart.tensors if tensor.name == "output.weight")
    assert torch.equal(values(head), tensors["lm_head.weight"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "gemma"}, r"Only models of the GPT-2 and Llama families.* 'gemma'"),
        ({"activation_function": "relu"}, "its activation function is relu"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scaled differently"),
        ({"n_layer": 3}, r"lack transformer\.h\.2\."),
        ({"n_layer": 1}, r"hold transformer\.h\.1\..* does not have"),
    ],
)
def test_another_model_is_refused_in_one_sentence(
    model: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        written(model, tmp_path / "m.gguf", **changes)


@pytest.mark.parametrize(
    "rules",
    [
        {"normalizer": {"type": "Lowercase"}},
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}},
    ],
    ids=["normalised", "prefix"],
)
def test_a_tokenizer_that_llama_cpp_would_read_otherwise_is_refused(
    model: Path, tmp_path: Path, rules: dict[str, Any]
) -> None:
    path = model / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **rules}))
    with pytest.raises(ModelError, match=r"does not split text in a way that llama\.cpp has a name for"):
        written(model, tmp_path / "m.gguf")


def test_more_tokens_than_rows_are_refused(model: Path) -> None:
    with pytest.raises(ModelError, match="do not belong together"):
        read_vocabulary(model, 100)


def test_without_the_package_it_says_how_to_get_it(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **more: Any) -> Any:
        if name == "gguf":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ModelError, match=r"pip install 'storytime-tui\[gguf\]'"):
        written(model, tmp_path / "m.gguf")


def test_the_file_has_no_alignment_of_its_own_making(model: Path, tmp_path: Path) -> None:
    reader = written(model, tmp_path / "m.gguf", "bf16")
    assert all(tensor.data_offset % 32 == 0 for tensor in reader.tensors)
    assert np.isfinite(values(reader.tensors[0]).numpy()).all()
