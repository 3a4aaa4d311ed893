"""A Llama as GGUF: transformers' own reader of such files finds the same model, and llama.cpp the tokenizer's name."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from storytime_tui.errors import ModelError
from storytime_tui.models.export import weight_files
from storytime_tui.models.export.gguf import total_bytes, write_gguf
from storytime_tui.models.tokenizer import train_tokenizer
from tests.models.small_llamas import CONFIGS, SLIDING, theirs
from tests.tiny import tale

gguf = pytest.importorskip("gguf")
IDS = torch.randint(0, 301, (2, 40), generator=torch.Generator().manual_seed(0))
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def folder_of(kind: str, folder: Path, **changes: Any) -> Path:
    theirs(kind, **changes).save_pretrained(folder)
    train_tokenizer([tale(0)], 300).save(folder)
    return folder


def written(folder: Path, path: Path, kind: torch.dtype | None = None) -> Any:
    config = json.loads((folder / "config.json").read_text())
    with weight_files.open_weights(folder) as weights:
        write_gguf(path, weights, config, folder, name="a tale", dtype=kind)
        assert path.stat().st_size <= total_bytes(weights, config, kind)
    return gguf.GGUFReader(path)


@pytest.mark.parametrize("kind", CONFIGS)
def test_transformers_reads_the_same_model_from_the_file(kind: str, tmp_path: Path) -> None:
    changes = {"head_dim": 128} if kind == "qwen3" else {}  # its reader takes no other width
    folder = folder_of(kind, tmp_path / "model", **changes)
    written(folder, tmp_path / "m.gguf")
    model = theirs(kind, **changes)
    again: Any = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, gguf_file="m.gguf", local_files_only=True
    )
    # its reader leaves these to itself
    again.config.rope_parameters = model.config.rope_parameters
    again.model.rotary_emb = type(again.model.rotary_emb)(again.config)
    ids = IDS[:, : again.config.max_position_embeddings]  # the whole of a window that slides, else all
    with torch.no_grad():
        torch.testing.assert_close(again.eval()(ids).logits, model(ids).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_metadata_is_what_llama_cpp_asks_for(kind: str, tmp_path: Path) -> None:
    reader = written(folder_of(kind, tmp_path / "model"), tmp_path / "m.gguf", torch.float16)
    told = {key: field.contents() for key, field in reader.fields.items()}
    config: Any = CONFIGS[kind]
    name = {"llama": "llama", "mistral": "llama"}.get(config.model_type, config.model_type)
    assert told["general.architecture"] == name
    assert told[f"{name}.block_count"] == 3
    assert told[f"{name}.attention.head_count"] == config.num_attention_heads
    assert told[f"{name}.attention.head_count_kv"] == config.num_key_value_heads
    assert told[f"{name}.attention.key_length"] == getattr(config, "head_dim", 8)
    assert told[f"{name}.feed_forward_length"] == 80
    # llama.cpp has no window that slides, and within its width that makes no difference
    assert told[f"{name}.context_length"] == (SLIDING if kind == "mistral-sliding" else 64)
    assert told[f"{name}.rope.freq_base"] == pytest.approx(config.rope_parameters["rope_theta"])
    assert told[f"{name}.attention.layer_norm_rms_epsilon"] == pytest.approx(1e-6)
    assert (f"{name}.rope.scaling.factor" in told) == (kind == "llama-linear")
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    assert ("output.weight" in tensors) == (not config.tie_word_embeddings)
    assert ("blk.2.attn_q.bias" in tensors) == (kind == "qwen2")
    assert ("blk.2.attn_k_norm.weight" in tensors) == (kind == "qwen3")
    assert tensors["blk.1.ffn_gate.weight"].tensor_type.name == "F16"
    assert tensors["blk.1.attn_norm.weight"].tensor_type.name == "F32"


def test_llama_3s_slowing_is_the_tensor_that_llama_cpp_divides_by(tmp_path: Path) -> None:
    reader = written(folder_of("llama-3", tmp_path / "model"), tmp_path / "m.gguf")
    found = next(tensor for tensor in reader.tensors if tensor.name == "rope_freqs.weight")
    model = theirs("llama-3")
    plain = 1 / 500_000.0 ** (torch.arange(0, 8, 2) / 8)
    torch.testing.assert_close(torch.tensor(found.data), plain / model.model.rotary_emb.inv_freq)
    assert found.data.max() == pytest.approx(8) and 1 < found.data.min() < 2


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


def split(pattern: str) -> dict[str, Any]:
    words = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [words, {**BYTES, "use_regex": False}]}


DIGITS = {
    "type": "Sequence",
    "pretokenizers": [{"type": "Digits", "individual_digits": True}, {**BYTES, "use_regex": True}],
}


def with_rules(folder: Path, ignore_merges: bool = False, **rules: Any) -> Path:
    path = folder / "tokenizer.json"
    found = json.loads(path.read_text())
    found["model"]["ignore_merges"] = ignore_merges
    path.write_text(json.dumps({**found, **rules}))
    return folder


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        ({}, "gpt-2"),
        ({"pre_tokenizer": DIGITS}, "smollm"),
        ({"pre_tokenizer": split(WORDS % ""), "normalizer": {"type": "NFC"}}, "qwen2"),
        ({"pre_tokenizer": split(WORDS % "{1,3}"), "ignore_merges": True}, "llama-bpe"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_tokenizer_has_llama_cpps_name_for_it(rules: dict[str, Any], name: str, tmp_path: Path) -> None:
    reader = written(with_rules(folder_of("smollm2", tmp_path / "model"), **rules), tmp_path / "m.gguf")
    assert reader.fields["tokenizer.ggml.pre"].contents() == name


@pytest.mark.parametrize(
    "rules",
    [
        {"pre_tokenizer": split(r"\w+")},
        {"pre_tokenizer": split(WORDS % "{1,3}")},
        {"pre_tokenizer": DIGITS, "normalizer": {"type": "NFC"}},
        {"ignore_merges": True},
    ],
)
def test_one_without_a_name_is_refused(rules: dict[str, Any], tmp_path: Path) -> None:
    folder = with_rules(folder_of("smollm2", tmp_path / "model"), **rules)
    with pytest.raises(ModelError, match="has a name for"):
        written(folder, tmp_path / "m.gguf")


def test_a_llama_with_an_option_that_llama_cpp_may_read_otherwise_is_refused(tmp_path: Path) -> None:
    folder = folder_of("qwen2", tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "use_sliding_window": True}))
    with pytest.raises(ModelError, match="without special options"):
        written(folder, tmp_path / "m.gguf")
