"""The loss in parts is the loss at once, and so are its gradients, padding and mixed precision or not."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.training import loss as losses
from storytime_tui.training.loss import LinearCrossEntropy, next_token_loss, window_batch
from storytime_tui.training.skips import SKIPPED, skips_of
from tests.examples import many
from tests.tiny import ours, tiny_gpt2, token_stream

CPU = torch.device("cpu")


@settings(max_examples=many(40))
@given(
    rows=st.integers(1, 200),
    words=st.integers(2, 90),
    padding=st.integers(0, 9),
    scale=st.floats(0.1, 30),
    logits=st.integers(1, 40_000),
    slice_of=st.integers(1, 64),
)
def test_in_parts_as_at_once(
    rows: int, words: int, padding: int, scale: float, logits: int, slice_of: int
) -> None:
    generator = torch.Generator().manual_seed(rows * 97 + words)
    hidden = (torch.randn(rows, 16, generator=generator) * scale).requires_grad_()
    head = torch.randn(words + padding, 16, generator=generator).requires_grad_()
    targets = torch.randint(0, words, (rows,), generator=generator)
    whole = F.cross_entropy(hidden @ head[:words].T, targets, reduction="sum")
    expected = torch.autograd.grad(whole * 0.5, (hidden, head))
    before = losses.LOGITS_CPU, losses._CPU_TOKENS
    losses.LOGITS_CPU, losses._CPU_TOKENS = logits, slice_of
    try:
        found = LinearCrossEntropy.apply(hidden, head, targets, words, True)  # type: ignore[no-untyped-call]
        grads = torch.autograd.grad(found * 0.5, (hidden, head))
    finally:
        losses.LOGITS_CPU, losses._CPU_TOKENS = before
    torch.testing.assert_close(found, whole, rtol=1e-4, atol=1e-3)
    for ours_, theirs in zip(grads, expected, strict=True):
        torch.testing.assert_close(ours_, theirs, rtol=1e-3, atol=1e-3 * (1 + scale))


@pytest.mark.parametrize("logits", [losses.LOGITS_CPU, 20_000])
def test_what_is_skipped_is_read_and_not_learned(logits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "LOGITS_CPU", logits)
    model, stream = ours(tiny_gpt2()).eval(), token_stream(200)
    ranges = np.array([[0, 3], [7, 7], [20, 29], [199, 200]])
    skips = skips_of(ranges, len(stream), CPU)
    assert skips is not None
    assert skips_of(ranges[1:2], len(stream), CPU) is None
    starts = [0, 10, 180]  # the last one goes round the ring's end
    inputs, targets = window_batch(stream, starts, 32, CPU, skips)
    assert torch.equal(inputs, window_batch(stream, starts, 32, CPU)[0])
    held = {place for begin, end in ranges for place in range(begin, end)}
    for row, start in enumerate(starts):
        for place in range(32):
            assert (targets[row, place] == SKIPPED) == ((start + place + 1) % 200 in held)
    kept = targets != SKIPPED
    assert skips.counted(starts, 32) == kept.sum()
    assert skips.total == len(held)
    loss = next_token_loss(model, inputs, targets)
    found = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    wanted = F.cross_entropy(model(inputs)[kept], targets[kept])
    torch.testing.assert_close(loss, wanted)
    expected = torch.autograd.grad(wanted, list(model.parameters()), allow_unused=True)
    for ours_, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours_, theirs, rtol=1e-4, atol=1e-6)


def test_frozen_parts_get_no_gradient_and_scoring_keeps_nothing() -> None:
    model = ours(tiny_gpt2())
    inputs, targets = window_batch(token_stream(200), [0, 40], 32, CPU)
    model.head.requires_grad_(False)
    next_token_loss(model, inputs, targets).backward()
    assert model.head.grad is None
    assert model.transformer.ln_f.weight.grad is not None
    with torch.no_grad():
        assert not next_token_loss(model, inputs, targets).requires_grad


def test_bf16_is_near() -> None:
    model = ours(tiny_gpt2())
    inputs, targets = window_batch(token_stream(200), [0, 40], 32, CPU)
    exact = next_token_loss(model, inputs, targets)
    with torch.autocast("cpu", torch.bfloat16):
        near = next_token_loss(model, inputs, targets)
    near.backward()
    assert near.dtype == torch.float32
    assert near.item() == pytest.approx(exact.item(), abs=0.02)


def test_windows_are_the_same_from_a_file_and_from_the_device() -> None:
    ids = token_stream(500)
    starts = [0, 480, 250]
    for block in (8, 32):
        from_file = window_batch(ids, starts, block, CPU)
        resident = window_batch(torch.from_numpy(ids.astype("int32")), torch.tensor(starts), block, CPU)
        for a, b in zip(from_file, resident, strict=True):
            assert torch.equal(a, b)


def test_fp16_keeps_small_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(64, 32, generator=generator).requires_grad_()
    head = (torch.randn(4000, 32, generator=generator) * 0.02).requires_grad_()
    targets = torch.randint(0, 4000, (64,), generator=generator)
    exact = torch.autograd.grad(F.cross_entropy(hidden @ head.T, targets, reduction="sum"), (hidden, head))
    with torch.autocast("cpu", torch.float16):
        loss = LinearCrossEntropy.apply(hidden, head, targets, 4000, True)  # type: ignore[no-untyped-call]
    found = torch.autograd.grad(loss, (hidden, head))
    for ours_, theirs in zip(found, exact, strict=True):
        assert (ours_ - theirs).norm() < 0.01 * theirs.norm()


@pytest.mark.parametrize(
    ("rows", "most", "at_once"), [(16384, 2134, 2048), (12, 5, 4), (7, 5, 4), (3, 64, 3)]
)
def test_parts_are_of_one_size_where_that_takes_few_more(rows: int, most: int, at_once: int) -> None:
    assert losses._even_chunk(rows, most) == at_once


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("compiled", [False, True], ids=["as written", "compiled"])
def test_one_sweep_is_the_same(precision: torch.dtype, compiled: bool) -> None:
    """Padding, a word so unlikely that its probability is none, and a right answer that is nearly sure included."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(24, 300, generator=generator) * 9
    logits[0, 7], logits[1, 7] = -400, 90
    logits, answers = logits.to(precision), torch.randint(0, 290, (24, 1), generator=generator)
    answers[:2] = 7
    louder = 1024.0 if precision == torch.float16 else 1.0
    sweep = losses._compiled_loss_and_grad() if compiled else losses._loss_and_grad_fused
    found = sweep(logits.clone(), answers, 290, louder)
    wanted = losses._loss_and_grad(logits.clone(), answers, 290, louder)
    torch.testing.assert_close(found[0], wanted[0], rtol=1e-5, atol=1e-4)
    assert found[1].dtype == precision
    torch.testing.assert_close(
        found[1], wanted[1], rtol=1e-5 if precision == torch.float32 else 8e-3, atol=1e-5
    )


def test_compiled_it_learns_the_same_and_an_evaluation_compiles_nothing() -> None:
    from torch._dynamo.utils import counters

    model = ours(tiny_gpt2(dropout=0.0)).train()
    plain, compiled = losses.Objective(model), losses.Objective(model, compiled=True)
    found = []
    for learner in (plain, compiled):
        loss = learner(*window_batch(token_stream(200), [0, 40, 90], 32, CPU))
        loss.backward()
        found.append((loss.item(), [p.grad.clone() for p in model.parameters() if p.grad is not None]))
        model.zero_grad()
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    for a, b in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    before = counters["stats"]["unique_graphs"]
    assert before
    with torch.no_grad():
        compiled(*window_batch(token_stream(200), [0, 40], 20, CPU))
    assert counters["stats"]["unique_graphs"] == before
