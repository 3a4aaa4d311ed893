"""Dropout: as many as it should, by torch's own seed, and never at rest."""

import pytest
import torch

from storytime_tui.models.dropout import dropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_as_many_fall_as_it_says_and_the_mean_stays(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.ones(200, 500, dtype=dtype)
    found = dropout(x, rate, training=True)
    assert found.dtype == dtype
    assert (found == 0).float().mean().item() == pytest.approx(rate, abs=0.01)
    assert found.float().mean().item() == pytest.approx(1, abs=0.03)
    assert set(found.unique().tolist()) == {0.0, (x[0, 0] * (1 / (1 - rate))).item()}


def test_the_seed_decides_and_no_two_calls_are_alike() -> None:
    x = torch.ones(1000)
    torch.manual_seed(7)
    first, second = dropout(x, 0.5, True), dropout(x, 0.5, True)
    torch.manual_seed(7)
    assert torch.equal(dropout(x, 0.5, True), first)
    assert not torch.equal(first, second)


def test_at_rest_or_without_a_rate_nothing_happens() -> None:
    x = torch.ones(10)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0, training=True) is x


def test_the_gradient_falls_where_the_number_fell() -> None:
    x = torch.ones(1000, requires_grad=True)
    found = dropout(x, 0.3, True)
    found.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, found.detach())
