import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from storytime_tui.errors import ModelError
from storytime_tui.models.gpt2 import GPT2
from storytime_tui.models.loading import (
    choose_device,
    choose_precision,
    load_model,
    new_model,
    weights_of,
    write_model,
)
from storytime_tui.models.shapes import SCRATCH_SHAPES, ScratchShape
from storytime_tui.models.tokenizer import train_tokenizer
from storytime_tui.models.transformers_model import TransformersModel
from storytime_tui.training.loss import next_token_loss
from tests import loopback_hub
from tests.loopback_hub import TALE

CPU = torch.device("cpu")
TOKENIZER = train_tokenizer([TALE * 3], 320)
SHAPE = ScratchShape(layers=2, width=16, heads=2, vocabulary=320, window=32)


def load(folder: Path, **more: Any) -> Any:
    return load_model(folder, **{"device": CPU, "dtype": torch.float32, **more}).model


def change(folder: Path, **values: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **values}))


# -- new models ---------------------------------------------------------------------------------------------


def test_a_new_model_has_its_shape() -> None:
    shape = SCRATCH_SHAPES["scratch-tiny"]
    model, config = new_model(shape, TOKENIZER, seed=1, dropout=0.1)
    assert isinstance(model, GPT2)
    assert model.window == 256
    assert (config["n_layer"], config["n_embd"], config["n_head"]) == (4, 128, 4)
    assert model.vocabulary == config["vocab_size"] == TOKENIZER.vocabulary_size  # too few for 2,048
    assert config["eos_token_id"] == config["bos_token_id"] == TOKENIZER.end_of_text
    assert (config["resid_pdrop"], config["attn_pdrop"]) == (0.1, 0.0)
    assert model.shape.dropout == 0.1
    assert not model.training
    assert model.head.dtype == torch.float32


def test_the_seed_alone_decides_the_weights_and_the_global_state_stays() -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = new_model(SHAPE, TOKENIZER, seed=1, dropout=0.1)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(12)
    again = new_model(SHAPE, TOKENIZER, seed=1, dropout=0.3)
    other = new_model(SHAPE, TOKENIZER, seed=2, dropout=0.1)
    for name, weights in weights_of(first).items():
        assert torch.equal(weights, weights_of(again)[name])
    assert not torch.equal(first.model.head, other.model.head)


def test_plain_transformers_opens_a_saved_new_model_with_the_same_numbers(tmp_path: Path) -> None:
    new = new_model(SHAPE, TOKENIZER, seed=3, dropout=0.1)
    write_model(new, weights_of(new), tmp_path)
    TOKENIZER.save(tmp_path)
    ids = torch.tensor([TOKENIZER.encode(TALE)[:32]])
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, local_files_only=True)
    with torch.no_grad():
        torch.testing.assert_close(theirs(ids).logits, new.model(ids), atol=1e-5, rtol=1e-5)
        assert torch.equal(load(tmp_path)(ids), new.model(ids))
        # the activation is GPT-2's own to rounding
        change(tmp_path, activation_function="gelu_new")
        torch.testing.assert_close(load(tmp_path)(ids), new.model(ids), atol=1e-5, rtol=1e-5)


# -- loaded models ------------------------------------------------------------------------------------------


def test_a_loaded_model_is_the_one_that_transformers_opens(model: Path) -> None:
    ids = torch.tensor([[0, 5, 9, 60]])
    torch.manual_seed(4)
    state = torch.get_rng_state()
    ours = load(model)
    assert torch.equal(state, torch.get_rng_state())
    theirs = transformers.AutoModelForCausalLM.from_pretrained(model, local_files_only=True)
    with torch.no_grad():
        torch.testing.assert_close(ours(ids), theirs(ids).logits, atol=1e-5, rtol=1e-5)
    assert not ours.training
    assert ours.window == 64


def test_dtype_and_dropout_are_as_asked(model: Path) -> None:
    ours = load(model, dtype=torch.bfloat16, dropout=0.25)
    assert {weights.dtype for weights in ours.parameters()} == {torch.bfloat16}
    assert ours.shape.dropout == 0.25
    assert load(model).shape.dropout == 0.1


def test_shards_load_as_one(model: Path) -> None:
    whole = load(model).state_dict()
    loopback_hub.shard(model)
    for name, weights in load(model).state_dict().items():
        assert torch.equal(weights, whole[name])


def llama(folder: Path, **values: Any) -> Path:
    """With biases on all of its attention, which our Llama does not have: transformers reads it."""
    config = transformers.LlamaConfig(
        vocab_size=384, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=48, bos_token_id=0, eos_token_id=0, attention_bias=True, **values,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    TOKENIZER.save(folder)  # 320 tokens, 384 rows: padding
    return folder


def test_another_architecture_loads_learns_and_is_saved(tmp_path: Path) -> None:
    loaded = load_model(llama(tmp_path / "a"), device=CPU, dtype=torch.float32, dropout=0.1)
    model: Any = loaded.model
    assert isinstance(model, TransformersModel)
    assert (model.window, model.vocabulary, len(model.blocks)) == (48, 384, 2)
    assert model.model.config.attention_dropout == 0
    ids = torch.tensor([[1, 2, 3, 9, 7]])
    logits = model(ids)
    assert logits.shape == (1, 5, 384)
    torch.testing.assert_close(model.hidden(ids) @ model.head.T, logits)
    cache = model.new_cache()
    with torch.no_grad():
        model.read(ids[:, :2], cache)
        torch.testing.assert_close(model.read(ids[:, 2:], cache), logits[:, -1], atol=1e-5, rtol=1e-5)
    model.checkpointing = True
    model.train()
    model.hidden(ids).sum().backward()
    model.checkpointing = False
    write_model(loaded, weights_of(loaded), tmp_path / "b")
    TOKENIZER.save(tmp_path / "b")
    with torch.no_grad():
        assert torch.equal(load(tmp_path / "b")(ids), logits)


def test_a_head_that_does_more_than_a_product_is_told(tmp_path: Path) -> None:
    config = transformers.Gemma2Config(
        vocab_size=320, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=48, final_logit_softcapping=0.5,
    )  # fmt: skip
    capped = TransformersModel(transformers.Gemma2ForCausalLM(config))
    assert capped.head is None
    inputs = torch.tensor([[1, 2, 3]])
    assert next_token_loss(capped, inputs, inputs).item() > 0


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[: len(content) // 2], "are damaged"),
        (lambda content: b"", "are damaged"),
        (lambda content: b"junk" * 1000, "are damaged"),
    ],
    ids=["half", "empty", "junk"],
)
def test_damaged_weights_are_one_line(damage: Any, said: str, model: Path) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(ModelError, match=said) as caught:
        load(model)
    assert str(model) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_tensor_is_not_replaced_by_random_numbers(model: Path) -> None:
    tensors = load_file(model / "model.safetensors")
    del tensors["transformer.h.1.ln_1.weight"]
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lack transformer\.h\.1\.ln_1\.weight: fetch"):
        load(model)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"n_embd": 32}, r"do not fit its config\.json: .* has a different size"),
        ({"n_layer": 3}, r"lack transformer\.h\.2\..* \(and 11 more\)"),
        ({"n_head": 3}, "not a multiple of 3 heads"),
        ({"n_layer": "two"}, r"config\.json cannot be used"),
        ({"vocab_size": 100}, r"do not fit its config\.json: transformer\.wte\.weight has a different size"),
        ({"model_type": "vit"}, "no language model of that type"),
    ],
)
def test_a_config_that_does_not_fit_is_one_line(values: dict[str, object], said: str, model: Path) -> None:
    change(model, **values)
    with pytest.raises(ModelError, match=said) as caught:
        load(model)
    assert "\n" not in str(caught.value)


def test_a_tokenizer_of_more_tokens_than_the_model_has_rows_is_one_line(tmp_path: Path) -> None:
    folder = llama(tmp_path / "a")
    train_tokenizer([TALE * 30], 500).save(folder)
    change(folder, vocab_size=300)
    with pytest.raises(ModelError, match=r"tokens, but its model has only 300"):
        load(folder)


def test_pickles_and_foreign_code_are_not_opened(model: Path, tmp_path: Path) -> None:
    loopback_hub.want_remote_code(model)
    with pytest.raises(ModelError, match="needs to run program code"):
        load(model)
    assert not (model / "code-was-run").exists()
    loopback_hub.keep_only_pickle(model)
    with pytest.raises(ModelError, match="pickle"):
        load(model)


def test_nothing_is_printed_and_nobody_asked(model: Path, tmp_path: Path) -> None:
    code = (
        "import sys, torch; from pathlib import Path\n"
        "from storytime_tui.models import loading, tokenizer\n"
        "from storytime_tui.models.shapes import ScratchShape\n"
        "from storytime_tui.errors import ModelError\n"
        "folder = Path(sys.argv[1])\n"
        "load = lambda: loading.load_model(folder, device=torch.device('cpu'), dtype=torch.bfloat16)\n"
        "load()\n"
        "words = tokenizer.load_tokenizer(folder)\n"
        "new = loading.new_model(ScratchShape(1, 8, 1, 320, 16), words, 0, 0.1)\n"
        "(folder / 'new').mkdir(); loading.write_model(new, loading.weights_of(new), folder / 'new')\n"
        "(folder / 'config.json').write_text((folder / 'config.json').read_text().replace('16', '32'))\n"
        "try: load()\n"
        "except ModelError: pass\n"
        "else: raise AssertionError\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""


# -- devices ------------------------------------------------------------------------------------------------


def test_the_cpu_is_always_there() -> None:
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type in ("cpu", "cuda", "mps")


def test_the_best_device_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for cuda, mps, best in ((True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        assert choose_device("auto").type == best


@pytest.mark.parametrize("name", ["cuda", "mps", "cuda:7", "abacus", "", "cpu:3"])
def test_an_absent_device_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: name == "cuda:7")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ModelError, match=f"no device {name!r} here; available: (cuda, )?cpu"):
        choose_device(name)


@pytest.mark.parametrize(("bf16", "amx"), [(True, False), (False, True), (False, False)])
def test_bf16_only_where_the_processor_has_it(bf16: bool, amx: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert choose_precision("fp32", CPU) == "fp32"
    if bf16 or amx:
        assert choose_precision("auto", CPU) == choose_precision("bf16", CPU) == "bf16"
    else:
        assert choose_precision("auto", CPU) == "fp32"
        with pytest.raises(ModelError, match=r"cpu does not support bf16.*precision=fp32"):
            choose_precision("bf16", CPU)


def test_without_torchs_private_names_the_answer_is_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    assert choose_precision("auto", CPU) == "fp32"


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(ModelError, match=r"'fp8'.*auto, bf16, fp16 or fp32"):
        choose_precision("fp8", CPU)


def test_window_without_positions_is_gpt2s() -> None:
    bloom = transformers.BloomForCausalLM(
        transformers.BloomConfig(vocab_size=32, hidden_size=8, n_layer=1, n_head=1)
    )
    assert TransformersModel(bloom).window == 1024


def test_our_own_needs_no_transformers(model: Path) -> None:
    code = (
        "import sys, torch; from pathlib import Path\n"
        "from storytime_tui.models.loading import load_model\n"
        "load_model(Path(sys.argv[1]), device=torch.device('cpu'), dtype=torch.float32)\n"
        "assert 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(model)], check=True)
