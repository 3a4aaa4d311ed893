"""Scoring: every token counted once, whatever the windows, and right against transformers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.training.evaluate import disjoint_windows, score_stream, sliding_windows
from storytime_tui.training.loss import Objective
from tests.tiny import ours, tiny_gpt2, token_stream

CPU = torch.device("cpu")


@given(tokens=st.integers(1, 300), block=st.integers(1, 40), stride=st.integers(1, 40))
def test_each_token_is_counted_once_with_enough_before_it(tokens: int, block: int, stride: int) -> None:
    block = min(block, tokens)
    stride = min(stride, block)
    for windows in (disjoint_windows(tokens, block), sliding_windows(tokens, block, stride)):
        counted = [place for start, length, skip in windows for place in range(start + skip, start + length)]
        assert counted == list(range(tokens))
        assert all(start >= 0 and 0 <= skip < length <= block for start, length, skip in windows)
    for start, length, skip in sliding_windows(tokens, block, stride)[1:]:
        assert length == block
        assert skip >= block - stride
        assert start > 0


def test_sliding_is_what_transformers_says_of_the_same_windows() -> None:
    reference = tiny_gpt2(dropout=0.0).eval()
    ids = token_stream(100)
    found = score_stream(
        Objective(ours(reference)), ids, 200, block=32, batch=3, device=CPU, precision="fp32", stride=8
    )
    nats = 0.0
    ring = torch.from_numpy(ids.astype("int64")).repeat(2)
    with torch.no_grad():
        for start, length, skip in sliding_windows(100, 32, 8):
            window = ring[start : start + length + 1]
            logits = reference(window[None, :-1]).logits[0]
            nats += torch.nn.functional.cross_entropy(
                logits[skip:], window[1:][skip:], reduction="sum"
            ).item()
    assert found is not None
    assert found.loss == pytest.approx(nats / 100, abs=1e-5)
    assert found.bits_per_byte == pytest.approx(nats / math.log(2) / 200, abs=1e-5)
