"""LoRA's products, and what stands between them in 16 bits: the numbers and gradients that torch and peft find."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from storytime_tui.models import lora, products
from storytime_tui.models.gpt2 import GPT2
from storytime_tui.models.norms import FrozenNorm
from storytime_tui.training.evaluate import autocast
from storytime_tui.training.loss import Objective
from tests.models import small_llamas
from tests.tiny import ours, tiny_gpt2

pytest.importorskip("peft")

CPU = torch.device("cpu")
IDS = torch.randint(0, 64, (4, 33), generator=torch.Generator().manual_seed(0))


def learner(kind: str, targets: tuple[str, ...] = ()) -> Any:
    """A model with dropout and an adapter that has moved."""
    if kind == "gpt2":
        model: Any = ours(tiny_gpt2())
    else:
        model = small_llamas.ours(small_llamas.theirs(kind, initializer_range=0.05), dropout=0.1)
    lora.add_lora(model, 4, None, targets, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.05, generator=generator)
    return model.train()


def gradients(model: Any, precision: str) -> tuple[float, dict[str, torch.Tensor]]:
    """The loss, and the gradients by name."""
    torch.manual_seed(3)  # of dropout
    with autocast(CPU, precision):
        loss = Objective(model)(IDS[:, :-1], IDS[:, 1:])
    loss.backward()
    return loss.item(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def by_peft(x: torch.Tensor, *matrices: torch.nn.Module) -> tuple[torch.Tensor, ...]:
    return tuple(matrix(x) for matrix in matrices)


@pytest.mark.parametrize("kind", ["gpt2", "smollm2", "qwen2", "qwen3"])
def test_in_32_bits_the_gradients_are_those_of_pefts_layers(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss, found = gradients(learner(kind), "fp32")
    assert all(".lora_" in name for name in found)
    for place in ("llama", "gpt2"):
        monkeypatch.setattr(f"storytime_tui.models.{place}.product", lambda x, matrix: matrix(x))
    monkeypatch.setattr("storytime_tui.models.llama.products", by_peft)
    right_loss, right = gradients(learner(kind), "fp32")
    assert loss == pytest.approx(right_loss, rel=1e-6)
    assert found.keys() == right.keys()
    for name, gradient in right.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", ["gpt2", "smollm2", "qwen2", "qwen3"])
def test_with_the_base_in_16_bits_the_gradients_point_the_same_way(kind: str) -> None:
    loss, right = gradients(learner(kind), "fp32")
    model = learner(kind)
    lora.store_base_in(torch.bfloat16, model)
    assert {p.dtype for p in model.parameters() if p.requires_grad} == {torch.float32}
    assert model.head.dtype == torch.bfloat16
    found_loss, found = gradients(model, "bf16")
    assert found_loss == pytest.approx(loss, rel=1e-2)
    assert found.keys() == right.keys()
    for name, gradient in right.items():
        assert found[name].dtype == torch.float32
        assert F.cosine_similarity(found[name].flatten(), gradient.flatten(), dim=0) > 0.999, name
        assert found[name].norm().item() == pytest.approx(gradient.norm().item(), rel=0.03), name


@pytest.mark.parametrize("kind", ["gpt2", "smollm2"])
def test_in_16_bits_nothing_between_the_layers_is_in_32(kind: str) -> None:
    model = learner(kind)
    lora.store_base_in(torch.bfloat16, model)
    seen = []
    for block in model.blocks:
        block.register_forward_hook(lambda *said: seen.append((said[1][0].dtype, said[2].dtype)))
    gradients(model, "bf16")
    assert set(seen) == {(torch.bfloat16, torch.bfloat16)}
    with torch.no_grad():
        assert model.eval()(IDS[:, :-1]).dtype == torch.bfloat16  # with no autocast, as samples are told


def test_where_some_matrices_have_none_those_that_have_learn_as_peft_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    targets = ("q_proj", "v_proj", "down_proj")
    _, found = gradients(learner("smollm2", targets), "fp32")
    monkeypatch.setattr("storytime_tui.models.llama.products", by_peft)
    monkeypatch.setattr("storytime_tui.models.llama.product", lambda x, matrix: matrix(x))
    _, right = gradients(learner("smollm2", targets), "fp32")
    assert found.keys() == right.keys()
    assert len(found) == 3 * 3 * 2
    for name, gradient in right.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-7)


def test_below_the_first_matrices_that_learn_no_gradient_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing learns there; the input's gradient would cost as much as the products themselves."""
    asked = []
    whole = products.AdaptedProducts.backward

    def backward(ctx: Any, *gradients_: Any) -> Any:
        asked.append(ctx.needs_input_grad[0])
        return whole(ctx, *gradients_)

    monkeypatch.setattr(products.AdaptedProducts, "backward", staticmethod(backward))
    gradients(learner("smollm2"), "fp32")
    assert asked == [True] * (3 * 4 - 1) + [False]


def test_the_strength_is_read_each_time() -> None:
    model: GPT2 = learner("gpt2").eval()
    with torch.no_grad():
        whole = model(IDS[:, :-1])
        with lora.scaled(model, 0):
            assert not torch.allclose(model(IDS[:, :-1]), whole, atol=1e-3)
        assert torch.equal(model(IDS[:, :-1]), whole)


def test_a_norm_that_does_not_learn_is_torchs_own() -> None:
    generator = torch.Generator().manual_seed(0)
    x = (3 * torch.randn(5, 7, 48, generator=generator)).requires_grad_()
    weight, incoming = (torch.randn(48, generator=generator), torch.randn(5, 7, 48, generator=generator))
    right = F.rms_norm(x, (48,), weight, 1e-5)
    found: Any = FrozenNorm.apply(x, weight, 1e-5)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(found, right)
    torch.testing.assert_close(*(torch.autograd.grad(each, x, incoming)[0] for each in (found, right)))
    in_16: Any = FrozenNorm.apply(x.bfloat16(), weight, 1e-5)  # type: ignore[no-untyped-call]
    assert in_16.dtype == torch.bfloat16
    torch.testing.assert_close(
        in_16.float(), F.rms_norm(x.bfloat16().float(), (48,), weight, 1e-5), rtol=4e-3, atol=1e-6
    )


@pytest.mark.parametrize("kind", ["gpt2", "smollm2"])
def test_computing_blocks_twice_gives_the_very_same_gradients(kind: str) -> None:
    found = []
    for checkpointing in (False, True):
        model = learner(kind)
        lora.store_base_in(torch.bfloat16, model)
        model.checkpointing = checkpointing
        found.append(gradients(model, "bf16"))
    (loss, right), (other_loss, other) = found
    assert loss == other_loss
    assert right.keys() == other.keys()
    assert all(torch.equal(other[name], gradient) for name, gradient in right.items())
