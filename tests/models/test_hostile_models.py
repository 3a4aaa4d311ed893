"""Models made to do harm: each is refused in one sentence, at once, before anything is built by its numbers."""

import base64
import contextlib
import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
import transformers

from storytime_tui import small_files
from storytime_tui.errors import ModelError, is_fault
from storytime_tui.models import (
    folder,
    loading,
    safetensors_header,
    tokenizer_trial,
    tokenizer_trust,
    transformers_model,
)
from storytime_tui.models import tokenizer as tokenizer_module
from storytime_tui.models.tokenizer import load_tokenizer, train_tokenizer
from tests.loopback_hub import TALE

Change = Callable[[dict[str, Any]], object]


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"activation_function": "nope"}, "activation_function is 'nope'"),
        ({"initializer_range": "x"}, "initializer_range is 'x'"),
        ({"summary_type": 5, "scale_attn_weights": "no", "activation_function": ["x"]}, ""),
    ],
)
def test_a_value_that_transformers_cannot_use_is_the_configs_fault(
    values: dict[str, object], said: str, model: Path
) -> None:
    change(model / "config.json", **values)
    if not said or "initializer_range" in values:
        change(model / "config.json", scale_attn_by_inverse_layer_idx=True)  # no longer a model of ours
    with pytest.raises(ModelError) as caught:
        loading.load_model(model, device=torch.device("cpu"), dtype=torch.float32)
    assert "config.json cannot be used" in str(caught.value) and said in str(caught.value)
    assert "not supported" not in str(caught.value) and "unhashable" not in str(caught.value)


def test_a_kind_that_is_no_text_is_shown(model: Path) -> None:
    change(model / "config.json", model_type=["gpt2"])
    assert "model_type in its config.json is ['gpt2'], but must be a text" in refusal(model)


def refusal(model: Path) -> str:
    with pytest.raises(ModelError) as caught:
        folder.check_folder(model)
    said = str(caught.value)
    assert "\n" not in said and said.endswith(".")
    return said


def in_the_place_of(file: Path, what: str) -> None:
    """Put something in a file's place that is no file."""
    file.unlink()
    if what == "a pipe":
        os.mkfifo(file)
    elif what == "a folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero")


# -- config.json --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["n_head", "n_layer", "n_embd", "vocab_size", "n_positions"])
@pytest.mark.parametrize(
    "value", [0, -4, 10**9, 10**30, float("inf"), float("nan"), "12", True, [2], {"a": 1}, 2.5, None]
)
def test_a_number_that_cannot_be_is_refused(name: str, value: object, model: Path) -> None:
    change(model / "config.json", **{name: value})
    assert name in refusal(model)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"n_layer": 3}, r"lack transformer.h.2.attn.c_attn.bias (and 11 more)"),
        ({"n_layer": 1}, "n_layer is 1, but the weights have 2 layers"),
        ({"n_layer": 1000}, "lack transformer.h.10.attn.c_attn.bias"),
        ({"n_head": 3}, "not a multiple of 3 heads"),
        ({"n_inner": 10_000_000}, "mlp.c_fc.bias (and"),
        ({"n_positions": 100_000_000}, "wpe.weight has a different size"),
        ({"vocab_size": 10_000_000}, "wte.weight has a different size"),
        ({"resid_pdrop": 2.0}, "resid_pdrop is 2.0"),
        ({"resid_pdrop": "x"}, "resid_pdrop is 'x'"),
        ({"layer_norm_epsilon": float("nan")}, "layer_norm_epsilon is nan"),
        ({"layer_norm_epsilon": -1e9}, "layer_norm_epsilon is -1000000000.0"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "are quantised"),
        ({"model_type": ["gpt2"]}, "does not say what kind"),
    ],
)
def test_a_config_of_another_model_is_refused(values: dict[str, object], said: str, model: Path) -> None:
    change(model / "config.json", **values)
    assert said in refusal(model)


@pytest.mark.parametrize("what", ["a pipe", "a folder", "a device"])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_what_is_no_file_is_never_waited_for(what: str, name: str, model: Path) -> None:
    if sys.platform == "win32" and what != "a folder":
        pytest.skip("there are no pipes and devices in folders here")
    in_the_place_of(model / name, what)
    if name == "tokenizer.json":
        with pytest.raises(ModelError, match=f"it is {what}, not a file"):
            load_tokenizer(model)
    else:
        assert f"{name} cannot be read: it is " in refusal(model)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"n_embd": ' + "9" * 5000 + "}", "{}" + " " * 5_000_000],
    ids=["deep", "digits", "long"],
)
def test_a_config_that_is_too_much_for_json_is_damaged(text: str, model: Path) -> None:
    (model / "config.json").write_text(text)
    assert "config.json" in refusal(model)


# -- weights ------------------------------------------------------------------------------------------------


def weights(head: object, length: int | None = None, numbers: bytes = bytes(16)) -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + numbers


def tensor(**values: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **values}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        weights(b"{}", 2**60),
        weights(b"{}", 2**63),
        weights(b"[" * 1_000_000),
        weights([]),
        weights({"a": []}),
        weights({"a": tensor(dtype="F99")}),
        weights({"a": tensor(dtype="C64", shape=[2])}),
        weights({"a": tensor(shape=[2**62, 4])}),
        weights({"a": tensor(shape=[-4])}),
        weights({"a": tensor(shape=["4"])}),
        weights({"a": tensor(shape=None)}),
        weights({"a": tensor(data_offsets=[0, 2**40], shape=[2**38])}),
        weights({"a": tensor(data_offsets=[16, 0])}),
        weights({"a": tensor(), "b": tensor()}),
    ],
)
def test_a_head_that_cannot_be_is_damage(content: bytes, model: Path) -> None:
    (model / "model.safetensors").write_bytes(content)
    assert "are damaged" in refusal(model)


def test_a_head_of_gigabytes_is_not_read(model: Path) -> None:
    with (model / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", 3_000_000_000))
        file.truncate(4_000_000_000)  # a hole
    assert "are damaged" in refusal(model)


def test_heads_are_read_as_the_library_reads_them(model: Path) -> None:
    from safetensors import safe_open

    with safe_open(model / "model.safetensors", framework="pt") as opened:
        theirs = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    assert safetensors_header.shapes_in([model / "model.safetensors"]) == theirs


@pytest.mark.parametrize(
    "shards", [{"a": "../x.safetensors"}, {"a": "x.bin"}, {"a": ["x"]}, {}, ["a"], None, 5]
)
def test_an_index_leads_nowhere_else(shards: object, model: Path) -> None:
    (model / "model.safetensors").unlink()
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    assert "model.safetensors.index.json" in refusal(model)


# -- other architectures ------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True])
def llama(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One that our Llama reads, and one with an option that leaves it to transformers."""
    return make_llama(tmp_path, foreign=request.param)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    return make_llama(tmp_path, foreign=True)


def make_llama(tmp_path: Path, *, foreign: bool) -> Path:
    words = train_tokenizer([TALE * 3], 320)
    config = transformers.LlamaConfig(
        vocab_size=320, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=48, bos_token_id=0, eos_token_id=0, attention_bias=foreign,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path / "llama")
    words.save(tmp_path / "llama")
    return tmp_path / "llama"


def opened(model: Path) -> Any:
    return loading.load_model(model, device=torch.device("cpu"), dtype=torch.float32).model


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"num_attention_heads": 0}, "num_attention_heads is 0"),
        ({"num_hidden_layers": 100_000}, "num_hidden_layers is 100,000"),
        ({"num_hidden_layers": 900}, "num_hidden_layers is 900, but there are"),
        ({"hidden_size": 500_000}, "hidden_size is 500,000, but there are"),
        ({"vocab_size": 9_000_000}, "vocab_size is 9,000,000, but there are"),
        ({"intermediate_size": 9_000_000}, "but the weights hold"),
        ({"max_position_embeddings": float("inf")}, "max_position_embeddings is inf"),
        ({"rms_norm_eps": "tiny"}, "rms_norm_eps is 'tiny'"),
        ({"text_config": {"num_hidden_layers": -1}}, "num_hidden_layers is -1"),
    ],
)
def test_another_kind_is_held_against_its_weights_too(
    values: dict[str, object], said: str, llama: Path
) -> None:
    change(llama / "config.json", **values)
    with pytest.raises(ModelError) as caught:
        opened(llama)
    assert said in str(caught.value)


CODE = {
    "attn_implementation": "kernels-community/flash-attn3",
    "_attn_implementation": "kernels-community/flash-attn3",
    "_attn_implementation_internal": "somebody/kernel",
    "experts_implementation": "somebody/kernel",
    "_experts_implementation": "somebody/kernel",
    "use_kernels": True,
    "kernel_config": {"kernel_mapping": {"RMSNorm": "somebody/kernel:RMSNorm"}},
    "base_model_name_or_path": "somebody/base",
    "_name_or_path": "somebody/base",
}


@pytest.mark.parametrize("nested", [False, True])
def test_attention_is_ours_to_choose(nested: bool, foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        before = opened(foreign)(ids)
    change(foreign / "config.json", **({"sub_config": CODE, "many": [CODE]} if nested else CODE))
    # as where the library for such code is installed: a model that gets so far asks it
    kernels = transformers.integrations.hub_kernels
    monkeypatch.setattr(transformers.modeling_utils, "is_kernels_available", lambda *_: True)
    for name in ("get_kernel", "load_and_register_attn_kernel", "kernelize"):
        if hasattr(kernels, name):
            monkeypatch.setattr(kernels, name, lambda *_, **__: pytest.fail("code was asked for"))
    model = opened(foreign)
    assert model.model.config._attn_implementation == "sdpa"
    assert "somebody" not in str(model.model.config) and "kernels-community" not in str(model.model.config)
    with torch.no_grad():
        assert torch.equal(model(ids), before)


def test_nothing_else_of_a_folder_reaches_the_library(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (foreign / "adapter_config.json").write_text(
        '{"peft_type": "LORA", "base_model_name_or_path": "somebody/base"}'
    )
    (foreign / "custom_generate").mkdir()
    (foreign / "custom_generate" / "generate.py").write_text("raise SystemExit\n")
    asked: list[object] = []
    real = transformers.AutoModelForCausalLM.from_pretrained
    monkeypatch.setattr(
        transformers.AutoModelForCausalLM,
        "from_pretrained",
        lambda place, **more: (
            asked.extend(each.name for each in Path(place).iterdir()),
            real(place, **more),
        )[1],
    )
    opened(foreign)
    assert set(asked) == {"model.safetensors", "generation_config.json"}


def test_nobody_asks_the_hub_while_a_model_is_open(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    seen: list[bool] = []
    real = transformers.AutoModelForCausalLM.from_pretrained
    monkeypatch.setattr(
        transformers.AutoModelForCausalLM,
        "from_pretrained",
        lambda place, **more: (seen.append(constants.HF_HUB_OFFLINE), real(place, **more))[1],
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    opened(foreign)
    assert seen == [True] and constants.HF_HUB_OFFLINE is False


def test_the_cache_goes_by_the_name_that_the_library_has_for_it_now() -> None:
    class Old(torch.nn.Module):
        def forward(self, input_ids: Any, past_key_values: Any = None, use_cache: bool = False) -> Any: ...

        def get_output_embeddings(self) -> None: ...

    class New(Old):
        def forward(self, input_ids: Any, cache: Any = None, use_cache: bool = False) -> Any: ...  # type: ignore

    assert transformers_model.TransformersModel(Old())._cache_argument == "past_key_values"
    assert transformers_model.TransformersModel(New())._cache_argument == "cache"


# -- tokenizers ---------------------------------------------------------------------------------------------

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def split_by(pattern: str) -> Change:
    cut = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return lambda rules: rules.update(pre_tokenizer={"type": "Sequence", "pretokenizers": [cut, BYTES]})


def replace(what: str, by: str) -> dict[str, object]:
    return {"type": "Replace", "pattern": {"String": what}, "content": by}


HOSTILE: dict[str, Change] = {
    "panics": lambda rules: rules.update(normalizer=replace("", "xx")),
    "panics in its decoder": lambda r: r.update(
        decoder={"type": "Strip", "content": "a", "start": 9, "stop": 9}
    ),
    "grows": lambda r: r.update(normalizer={"type": "Sequence", "normalizers": [replace("a", "a" * 50)] * 3}),
    "broken map": lambda r: r.update(
        normalizer={"type": "Precompiled", "precompiled_charsmap": base64.b64encode(b"\xff" * 7).decode()}
    ),
    "highest number": lambda r: r["model"]["vocab"].update(zzz=2**32 - 1),
    "high number": lambda r: r["model"]["vocab"].update(zzz=2**27),
    "negative number": lambda r: r["model"]["vocab"].update(zzz=-1),
    "runs on": split_by(r"(a|a)*$|(x+x+)+y|(.*)*z"),
    "broken pattern": split_by("("),
    "no unknown word": lambda r: r.update(
        model={"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"a": 0}}
    ),
    "no unknown piece": lambda r: r.update(
        model={"type": "Unigram", "unk_id": None, "vocab": [["a", -1.0]], "byte_fallback": False}
    ),
    "nested": lambda r: r.update(
        normalizer=json.loads('{"type": "Sequence", "normalizers": [' * 150 + "]}" * 150)
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tokenizer_falls_in_a_process_of_its_own(
    name: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = json.loads((model / "tokenizer.json").read_text())
    HOSTILE[name](rules)
    (model / "tokenizer.json").write_text(json.dumps(rules))
    monkeypatch.setattr(tokenizer_module, "_open", lambda *_: pytest.fail("it was loaded here"))
    with pytest.raises(
        ModelError, match=r"^The tokenizer in .* cannot be used: .*\. Pick another model\.$"
    ) as caught:
        load_tokenizer(model)
    assert "\n" not in str(caught.value)


def test_a_verdict_is_asked_for_once(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = json.loads((model / "tokenizer.json").read_text())
    rules["normalizer"] = {"type": "NFC"}  # harmless, and not of the plain kind
    (model / "tokenizer.json").write_text(json.dumps(rules))
    asked: list[object] = []
    real = tokenizer_trust._try
    monkeypatch.setattr(tokenizer_trust, "_try", lambda parts: asked.append(1) or real(parts))
    for _ in range(3):
        assert load_tokenizer(model).decode(load_tokenizer(model).encode("a frog")) == "a frog"
    assert len(asked) == 1
    rules["normalizer"] = replace("", "xx")
    (model / "tokenizer.json").write_text(json.dumps(rules))
    for _ in range(2):
        with pytest.raises(ModelError, match="cannot be used"):
            load_tokenizer(model)
    assert len(asked) == 2


def test_a_tokenizer_made_here_needs_no_trial(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_trust, "_try", lambda _: pytest.fail("it was tried"))
    load_tokenizer(model)


def test_a_trial_without_end_is_ended(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model / "tokenizer.json").write_text("{}")
    monkeypatch.setattr(tokenizer_trust, "_TIMEOUT", 0.0)
    with pytest.raises(ModelError, match="its trial does not end"):
        load_tokenizer(model)
    monkeypatch.setattr(tokenizer_trust, "_TIMEOUT", 60.0)
    with pytest.raises(
        ModelError, match="Model missing"
    ):  # it may have been the machine, so it is asked again
        load_tokenizer(model)


def test_the_trial_looks_at_texts_of_every_kind() -> None:
    texts = list(tokenizer_trial.probes())
    assert max(map(len, texts)) >= 3000
    everything = "".join(texts)
    assert all(sign in everything for sign in "a0\n\t\x00é中😀\u200d")


def test_a_tokenizer_that_fails_on_one_text_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What passed the trial may still fall over a text of the user's."""
    words = train_tokenizer([TALE * 3], 320)
    words._memo = None
    words._inner.normalizer = tokenizers.normalizers.Replace("", "xx")  # the library panics
    with pytest.raises(ModelError, match=r"tokenizer failed on a text: .*\. Pick another model\."):
        words.encode("a frog")


def test_a_panic_is_a_fault_and_ctrl_c_is_none() -> None:
    words = train_tokenizer([TALE * 3], 320)._inner
    words.normalizer = tokenizers.normalizers.Replace("", "xx")
    with pytest.raises(BaseException, match="index out of bounds") as caught:
        words.encode("a frog")
    assert not isinstance(caught.value, Exception)
    assert is_fault(caught.value)
    assert is_fault(RecursionError()) and is_fault(MemoryError())
    assert not is_fault(KeyboardInterrupt()) and not is_fault(SystemExit())


def test_files_beside_a_tokenizer_are_read_with_care(model: Path) -> None:
    for text in ("[" * 100_000, '{"eos_token": ' + "9" * 5000 + "}"):
        (model / "tokenizer_config.json").write_text(text)
        with pytest.raises(ModelError, match=r"tokenizer_config\.json is damaged"):
            load_tokenizer(model)
    for token in (5, 2**70, -1, "", {"content": ["x"]}, [2**40], None):
        (model / "tokenizer_config.json").write_text(json.dumps({"eos_token": token}))
        (model / "generation_config.json").write_text(json.dumps({"eos_token_id": token}))
        with contextlib.suppress(ModelError):  # as long as it is no other
            load_tokenizer(model)


def test_no_small_file_is_read_further_than_its_limit(model: Path) -> None:
    (model / "config.json").write_bytes(b" " * (small_files.LIMIT + 1))
    assert "it has more than 4,000,000 bytes" in refusal(model)
