"""A GGUF file is a base like any other: the same weights, the same tokens, and one sentence where that cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, normalizers

from storytime_tui.cli import main
from storytime_tui.errors import ModelError, StorytimeError
from storytime_tui.jobs.find_model import find_origin, lasting_name
from storytime_tui.models import catalogue
from storytime_tui.models.export import weight_files
from storytime_tui.models.export.gguf import write_gguf
from storytime_tui.models.gguf.folder import cached_folder, folder_of
from storytime_tui.models.gguf.header import read_header
from storytime_tui.models.gguf.tokenizer_files import tokenizer_files
from storytime_tui.models.tokenizer import byte_characters, load_tokenizer, train_tokenizer
from tests.loopback_hub import make_gpt2
from tests.models.gguf.llama_gguf import write_llama
from tests.tiny import write_collection

gguf = pytest.importorskip("gguf")

END = 256
PIECES = [*byte_characters(), "<|endoftext|>", "Ġo"]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="▁"), max_size=30)
SMALL: dict[str, Any] = {
    "vocab_size": len(PIECES),
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "tie_word_embeddings": True,
}
LLAMA_3 = {"rope_type": "llama3", "rope_theta": 500_000.0, "factor": 32.0, "low_freq_factor": 1.0,
           "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}  # fmt: skip
FAMILY = {
    "llama": (transformers.LlamaConfig, {}),
    "llama, own output matrix": (transformers.LlamaConfig, {"tie_word_embeddings": False}),
    "llama 3": (transformers.LlamaConfig, {"rope_parameters": LLAMA_3, "head_dim": 16}),
    "llama, linear": (
        transformers.LlamaConfig,
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0}},
    ),
    "mistral": (transformers.MistralConfig, {"sliding_window": None}),
    "qwen2": (transformers.Qwen2Config, {}),
    "qwen3": (transformers.Qwen3Config, {"head_dim": 16}),
}


def quiet(_what: str, _done: int, _total: int) -> None:
    """A report to nobody."""


def a_model(name: str) -> Any:
    kind, changes = FAMILY[name]
    torch.manual_seed(1)
    return transformers.AutoModelForCausalLM.from_config(kind(**{**SMALL, **changes})).eval()


def vocabulary(pre: str = "gpt-2") -> dict[str, Any]:
    return {
        "add_tokenizer_model": "gpt2",
        "add_tokenizer_pre": pre,
        "add_token_list": PIECES,
        "add_token_types": [1] * END + [3, 1],
        "add_token_merges": ["Ġ o"],
        "add_eos_token_id": END,
    }


@pytest.mark.parametrize("name", FAMILY)
def test_a_model_of_the_llama_family_computes_what_it_computed(name: str, tmp_path: Path) -> None:
    model = a_model(name)
    write_llama(tmp_path / "m.gguf", model, **vocabulary())
    folder = folder_of(tmp_path / "m.gguf", quiet)
    back = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.randint(0, 256, (2, 20), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert torch.allclose(back(ids).logits, model(ids).logits, atol=1e-5)


def test_a_gpt2_has_the_same_weights_and_tokens(tmp_path: Path) -> None:
    model = make_gpt2(tmp_path / "model")
    with weight_files.open_weights(model) as weights:
        config = json.loads((model / "config.json").read_text())
        write_gguf(tmp_path / "m.gguf", weights, config, model, name="m")
    folder = folder_of(tmp_path / "m.gguf", quiet)
    before, after = (load_file(each / "model.safetensors") for each in (model, folder))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    text = "Once upon a time, I'll tell 3 tales.\n\n“Yes,” said the 🦊."
    assert load_tokenizer(folder).encode(text) == load_tokenizer(model).encode(text)
    assert load_tokenizer(folder).end_of_text == load_tokenizer(model).end_of_text


@pytest.mark.parametrize("name", FAMILY)
def test_what_is_exported_is_read_back(name: str, tmp_path: Path) -> None:
    a_model(name).save_pretrained(tmp_path / "model")
    train_tokenizer(["An owl sang. An owl slept."], 258).save(tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    with weight_files.open_weights(tmp_path / "model") as weights:
        write_gguf(tmp_path / "m.gguf", weights, config, tmp_path / "model", name="m")
    folder = folder_of(tmp_path / "m.gguf", quiet)
    before, after = (load_file(each / "model.safetensors") for each in (tmp_path / "model", folder))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[each], after[each]) for each in before)
    assert load_tokenizer(folder).encode("An owl 🦉") == load_tokenizer(tmp_path / "model").encode(
        "An owl 🦉"
    )


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q4_0", "Q5_1", "Q8_0"])
def test_quantised_weights_become_the_numbers_that_they_stand_for(kind: str, tmp_path: Path) -> None:
    model = a_model("llama")
    write_llama(tmp_path / "m.gguf", model, kind, **vocabulary())
    kept = load_file(folder_of(tmp_path / "m.gguf", quiet) / "model.safetensors")
    matrix = model.state_dict()["model.layers.0.mlp.up_proj.weight"].numpy()
    of = gguf.GGMLQuantizationType[kind]
    meant = torch.from_numpy(gguf.dequantize(gguf.quantize(matrix, of), of))
    found = kept["model.layers.0.mlp.up_proj.weight"]
    assert found.dtype == (torch.bfloat16 if kind == "BF16" else torch.float16)
    assert torch.allclose(found.float(), meant, rtol=1e-3, atol=1e-7)


@given(TEXTS)
def test_a_sentence_piece_vocabulary_splits_texts_as_its_merges_do(text: str) -> None:
    merged = ["▁o", "ow", "▁ow", "▁owl", "th", "the", "▁the", "▁▁"]
    letters = sorted({*"▁owlthe,.abc"})
    pieces = ["<unk>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters, *merged]
    scores = [0.0] * (len(pieces) - len(merged)) + [-float(rank) for rank in range(len(merged))]
    values = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": pieces,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.token_type": [2, 3, *[6] * 256, *[1] * (len(letters) + len(merged))],
        "tokenizer.ggml.eos_token_id": 1,
    }
    made = Library.from_str(tokenizer_files(_header(values))[0]["tokenizer.json"].decode())
    numbers = {piece: token for token, piece in enumerate(pieces)}
    pairs = [
        ("▁", "o"),
        ("o", "w"),
        ("▁", "ow"),
        ("▁o", "w"),
        ("▁ow", "l"),
        ("t", "h"),
        ("th", "e"),
        ("▁", "the"),
        ("▁", "▁"),
    ]
    meant = Library(
        models.BPE(vocab=numbers, merges=pairs, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    meant.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    meant.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    ids = made.encode(text, add_special_tokens=False).ids
    assert ids == meant.encode(text, add_special_tokens=False).ids
    assert made.decode(ids) == text


def _header(values: dict[str, Any]) -> Any:
    from storytime_tui.models.gguf.header import Header

    return Header(values, {})


@pytest.mark.parametrize(
    ("pre", "text", "words"),
    [
        ("smollm", "12 owls", ["1", "2", "Ġowls"]),
        ("qwen2", "12 owls\n\n a", ["1", "2", "Ġowls", "ĊĊ", "Ġa"]),
        ("llama-bpe", "1234 owls'll", ["123", "4", "Ġowls", "'ll"]),
        ("gpt-2", "1234 owls'll", ["1234", "Ġowls", "'ll"]),
    ],
)
def test_words_are_split_by_the_rules_that_the_file_names(pre: str, text: str, words: list[str]) -> None:
    values = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": PIECES,
        "tokenizer.ggml.merges": [],
    }
    inner = Library.from_str(tokenizer_files(_header(values))[0]["tokenizer.json"].decode())
    assert [word for word, _ in inner.pre_tokenizer.pre_tokenize_str(text)] == words


def test_a_file_and_its_folder_are_bases_and_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder" / "m.gguf"
    write_llama(file, a_model("llama"), **vocabulary())
    assert catalogue.resolve_base(str(file)) == catalogue.resolve_base(str(tmp_path / "folder")) == "gguf"
    reports: list[str] = []
    for name in (str(file), str(tmp_path / "folder"), str(file)):
        origin = find_origin(name, lambda what, done, total: reports.append(what))
        assert origin.folder == cached_folder(file)
    assert set(reports) == {"reading m.gguf"} and len(reports) == len(
        load_file(origin.folder / "model.safetensors")
    )
    assert main(["tell", "--model", str(file), "--prompt", "An owl", "--max-tokens", "3"]) == 0


def test_a_file_is_known_by_its_first_bytes_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bytes
) -> None:
    """Each name would also be a model's id on the Hub, which is never asked for a file that is here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd").mkdir()
    for name in ("odd/x.bin", "odd/noext", "odd/UP.GGUF", "plain"):
        Path(name).write_bytes(whole)
        origin = find_origin(name, quiet)
        assert origin.folder == cached_folder(Path(name))
        assert lasting_name(name) == str(tmp_path / name)
        Path(name).unlink()
    (tmp_path / "odd" / "UP.GGUF").write_text("An owl sang.")
    with pytest.raises(ModelError, match=r"^odd/UP\.GGUF is no GGUF file"):
        find_origin("odd/UP.GGUF", quiet)


def test_a_lora_run_finds_its_file_again_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the cache nor the folder that one works in belongs to the run."""
    write_llama(tmp_path / "m.gguf", a_model("llama"), **vocabulary())
    write_collection(tmp_path / "tales")
    monkeypatch.chdir(tmp_path)
    knobs = ("lora_rank=2", "block_size=32", "batch_size=1", "sample_every=0", "listen=false")
    words = [word for knob in knobs for word in ("--set", knob)]
    words += ["--corpus", str(tmp_path / "tales"), "--base", "m.gguf", "--run", "r", "--max-steps", "1"]
    assert main(["train", *words]) == 0
    monkeypatch.chdir("/")
    assert main(["disk", "clear", "models", "--yes"]) == 0
    for more in ([], ["--strength", "0.5"]):
        assert main(["tell", "--model", "r", "--prompt", "An owl", "--max-tokens", "2", *more]) == 0
    (tmp_path / "m.gguf").unlink()
    capsys.readouterr()
    assert main(["tell", "--model", "r", "--prompt", "An owl"]) == 1
    assert f"{tmp_path}/m.gguf, which is gone: put that file back." in capsys.readouterr().err


def test_reading_can_be_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    write_llama(tmp_path / "m.gguf", a_model("llama"), **vocabulary())
    with pytest.raises(ModelError, match="was stopped"):
        folder_of(tmp_path / "m.gguf", quiet, lambda: True)
    assert not cached_folder(tmp_path / "m.gguf").exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "m.gguf"
    write_llama(path, a_model("llama"), "Q8_0", **vocabulary())
    return path.read_bytes()


@given(data=st.data())
def test_a_damaged_file_is_a_sentence_or_another_model(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "m.gguf"
    changed = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, 8_000), min_size=1, max_size=4)):
        changed[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    path.write_bytes(
        bytes(changed[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else changed)
    )
    try:
        tokenizer_files(read_header(path))
        folder_of(path, quiet)
    except StorytimeError as error:
        assert str(error).endswith((".", "`"))  # noqa: PT017 - most changes are harmless


def test_an_unknown_version_and_a_missing_file_are_plain_sentences(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "new.gguf").write_bytes(whole[:4] + b"\x09" + whole[5:])
    with pytest.raises(ModelError, match=r"its version is 9, and only 2 and 3 are known"):
        read_header(tmp_path / "new.gguf")
    for name in ("missing.gguf", str(tmp_path / "missing.gguf")):
        with pytest.raises(ModelError, match=rf"^There is no file {name}: give the path of a \.gguf file\.$"):
            find_origin(name, quiet)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("block_count", 2**31 - 1, r"states 2147483647 as its block_count, which cannot be"),
        ("block_count", 3, r"states 3 as its block_count, but its tensors have 2"),
        ("embedding_length", 2**31 - 1, r"states 2147483647 as its embedding_length, which cannot be"),
        ("embedding_length", 64, r"states 64 as its embedding_length, but its tensors have 32"),
        ("feed_forward_length", 32, r"states 32 as its feed_forward_length, but its tensors have 64"),
        ("attention.head_count", 8, r"states 8 heads of 8 numbers for attn_q, but holds 32 rows for them"),
        ("attention.head_count_kv", 4, r"states 4 heads of 8 numbers for attn_k, but holds 16 rows for them"),
    ],
)
def test_sizes_that_are_not_those_of_the_tensors_are_refused_and_the_file_is_named(
    name: str, value: int, words: str, whole: bytes, tmp_path: Path
) -> None:
    path, key = tmp_path / "m.gguf", f"llama.{name}".encode()
    at = whole.index(key + b"\x04\x00\x00\x00") + len(key) + 4  # behind the name and the kind, uint32
    path.write_bytes(whole[:at] + value.to_bytes(4, "little") + whole[at + 4 :])
    with pytest.raises(ModelError, match=rf"^{path} {words}: fetch or copy it again\.$"):
        find_origin(str(path), quiet)


def test_a_wrong_count_costs_no_time_and_no_memory(tmp_path: Path, whole: bytes) -> None:
    for at in (8, 16):  # how many tensors, how many values
        path = tmp_path / f"{at}.gguf"
        path.write_bytes(whole[:at] + b"\xff" * 7 + b"\x7f" + whole[at + 8 :])
        with pytest.raises(ModelError, match=r"it states 9,\d+,"):
            read_header(path)


def test_what_is_not_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.gguf").write_text("An owl sang.")
    with pytest.raises(ModelError, match="is no GGUF file"):
        read_header(tmp_path / "text.gguf")
    writer = gguf.GGUFWriter(tmp_path / "mamba.gguf", "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert main(["tell", "--prompt", "x", "--model", str(tmp_path / "mamba.gguf")]) == 1
    assert (
        "holds a model of the kind 'mamba', and from GGUF files only gpt2, llama, qwen2, qwen3"
        in capsys.readouterr().err
    )
    write_llama(tmp_path / "m.gguf", a_model("llama"), **vocabulary("deepseek-coder"))
    with pytest.raises(ModelError, match="splits texts by the rules 'deepseek-coder'"):
        folder_of(tmp_path / "m.gguf", quiet)
