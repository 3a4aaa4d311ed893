"""Our GPT-2 is transformers': the same numbers, forwards, backwards, with and without a cache."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import transformers

from storytime_tui.models import gpt2_files, own_files
from storytime_tui.models.attention import attend
from storytime_tui.models.gpt2 import GPT2, Shape
from tests.tiny import ours, tiny_gpt2

CPU = torch.device("cpu")
IDS = torch.randint(0, 64, (3, 32), generator=torch.Generator().manual_seed(0))


def close(a: torch.Tensor, b: torch.Tensor, atol: float = 1e-5) -> None:
    torch.testing.assert_close(a, b, atol=atol, rtol=1e-5)


@pytest.mark.parametrize("padded", [False, True])
def test_logits_and_gradients_are_transformers(padded: bool) -> None:
    theirs = tiny_gpt2(dropout=0.0).eval()
    model = gpt2_files.empty_gpt2(
        gpt2_files.shape_of(theirs.config.to_dict(), None), CPU, torch.float32, padded=padded
    )
    assert own_files.fill_from(model, theirs.state_dict().items()) == ([], [])
    close(model(IDS), theirs(IDS).logits)
    model(IDS).logsumexp(-1).sum().backward()
    theirs(IDS).logits.logsumexp(-1).sum().backward()
    for name, parameter in own_files.named_gradients(model).items():
        close(parameter, theirs.get_parameter(name).grad, atol=1e-4)


def test_reading_in_parts_is_reading_at_once() -> None:
    model = ours(tiny_gpt2()).eval()
    with torch.no_grad():
        whole = model(IDS)
        for cuts in ([1] * 32, [5, 1, 20, 6], [31, 1], [32]):
            cache, place = model.new_cache(), 0
            for size in cuts:
                last = model.read(IDS[:, place : place + size], cache)
                place += size
                close(last, whole[:, place - 1], atol=1e-4)
            assert cache.length == 32


def test_computing_blocks_twice_changes_no_number() -> None:
    model = ours(tiny_gpt2(dropout=0.3)).train()
    found = []
    for twice in (False, True):
        model.checkpointing = twice
        model.zero_grad()
        torch.manual_seed(1)
        model.hidden(IDS).pow(2).sum().backward()
        found.append([p.grad.clone() for p in model.parameters()])
    for a, b in zip(*found, strict=True):
        assert torch.equal(a, b)


def test_attention_written_down_is_the_kernels() -> None:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(2, 3, 17, 8, generator=generator, requires_grad=True) for _ in range(3)]
    close(attend(*parts), F.scaled_dot_product_attention(*parts, is_causal=True))
    ours_ = torch.autograd.grad(attend(*parts).square().sum(), parts)
    theirs = torch.autograd.grad(F.scaled_dot_product_attention(*parts, is_causal=True).square().sum(), parts)
    for a, b in zip(ours_, theirs, strict=True):
        close(a, b, atol=1e-4)


@pytest.mark.parametrize("learning", [False, True])
def test_at_rest_and_learning_it_computes_the_same(learning: bool) -> None:
    theirs = tiny_gpt2(dropout=0.0)
    model = ours(theirs).train(learning)
    close(model(IDS), theirs(IDS).logits)


def test_dropout_falls_on_as_much_as_it_should_and_only_in_training() -> None:
    model = ours(tiny_gpt2(dropout=0.5))
    model.eval()
    assert torch.equal(model(IDS), model(IDS))
    model.train()
    assert not torch.equal(model(IDS), model(IDS))


def test_a_new_one_begins_as_gpt2_did() -> None:
    shape = Shape(vocabulary=500, window=64, width=64, layers=8, heads=4, inner=256)
    model = gpt2_files.empty_gpt2(shape, CPU, torch.float32, padded=True)
    model.fill(3)
    weights = dict(model.named_parameters())
    assert model.head.shape == (512, 64)
    assert not model.head[500:].any()
    assert weights["transformer.h.1.mlp.c_fc.weight"].std().item() == pytest.approx(0.02, rel=0.05)
    assert weights["transformer.h.1.mlp.c_proj.weight"].std().item() == pytest.approx(0.02 / 4, rel=0.05)
    assert weights["transformer.h.1.ln_1.weight"].eq(1).all()
    assert weights["transformer.ln_f.weight"].eq(1).all()
    assert not weights["transformer.h.1.attn.c_attn.bias"].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_written_transformers_opens_and_we_read_again(tmp_path: Path, dtype: torch.dtype) -> None:
    shape = Shape(vocabulary=101, window=48, width=24, layers=2, heads=3, inner=60, dropout=0.1)
    model = gpt2_files.empty_gpt2(shape, CPU, torch.float32, padded=True)
    model.fill(1)
    model.to(dtype).eval()
    config = gpt2_files.config_of(shape, 0)
    own_files.write_files(own_files.weights_of(model), config, tmp_path)
    theirs: Any = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, local_files_only=True)
    assert theirs.dtype == dtype
    assert theirs.config.resid_pdrop == 0.1
    with torch.no_grad():
        found = theirs(IDS).logits.float()
        torch.testing.assert_close(
            model(IDS).float(), found, atol=1e-5 if dtype == torch.float32 else 0.05, rtol=0.05
        )
    again = gpt2_files.empty_gpt2(gpt2_files.shape_of(config, None), CPU, dtype, padded=False)
    assert own_files.read_weights(again, tmp_path) == ([], [])
    assert torch.equal(again.head, model.head[:101])


def test_the_oldest_files_lack_the_first_part_of_the_names(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    theirs = tiny_gpt2()
    old = {
        name.removeprefix("transformer."): t
        for name, t in theirs.state_dict().items()
        if "lm_head" not in name
    }
    old["h.0.attn.bias"] = torch.ones(1, 1, 32, 32)
    save_file(old, tmp_path / "model.safetensors")
    model = ours(tiny_gpt2(seed=5)).eval()
    assert own_files.read_weights(model, tmp_path) == ([], [])
    close(model(IDS), theirs.eval()(IDS).logits)


@pytest.mark.parametrize(
    "other",
    [
        {"model_type": "llama"},
        {"activation_function": "relu"},
        {"scale_attn_by_inverse_layer_idx": True},
        {"tie_word_embeddings": False},
        {"add_cross_attention": True},
    ],
)
def test_a_model_that_computes_otherwise_is_not_ours(other: dict[str, Any]) -> None:
    config = transformers.GPT2Config().to_dict()
    assert gpt2_files.is_gpt2(config)
    assert not gpt2_files.is_gpt2({**config, **other})


def test_it_is_one_readable_page() -> None:
    import inspect

    from storytime_tui.models import gpt2

    assert len(inspect.getsource(gpt2).splitlines()) < 290
    assert isinstance(ours(tiny_gpt2()), GPT2)


def test_blocks_are_compiled_once_and_for_the_windows_of_training_alone() -> None:
    """What was compiled for a size and then met another is made anew for any size, which is slower."""
    made: list[list[Any]] = []

    class Noting:
        def __call__(self, graph: Any, examples: list[Any]) -> Any:
            made.append(examples)
            return graph

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Noting)

        __hash__ = object.__hash__

    model, noting = ours(tiny_gpt2(dropout=0.0)), Noting()
    for block in model.blocks:
        block.compile(backend=noting)
    model.compiled = True
    with torch.no_grad():
        for windows, tokens in ((2, 32), (1, 7)):
            model.eval()(torch.zeros(windows, tokens, dtype=torch.long))
    for _ in range(2):
        model.train()(torch.zeros(4, 32, dtype=torch.long)).sum().backward()
    assert len(made) == 1
    assert all(
        isinstance(size, int) for each in made[0] if isinstance(each, torch.Tensor) for size in each.shape
    )
