"""Scoring: every token counted once, whatever the windows, and right against transformers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.training import measuring
from storytime_tui.training.evaluate import (
    Score,
    disjoint_windows,
    score_in_batches,
    sliding_windows,
)
from storytime_tui.training.loss import Objective
from storytime_tui.training.measuring import score_to_end
from storytime_tui.training.skips import SKIPPED
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
    found = score_to_end(
        score_in_batches(
            Objective(ours(reference)), ids, 200, block=32, batch=3, device=CPU, precision="fp32", stride=8
        )
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


def test_of_a_long_stream_evenly_spaced_windows_are_measured() -> None:
    objective = Objective(ours(tiny_gpt2(dropout=0.0).eval()))
    ids, skipped = token_stream(400), np.array([(3, 9), (40, 50), (200, 260)])

    def score(**more: object) -> Score:
        how = {"block": 20, "batch": 3, "device": CPU, "precision": "fp32", "skipped": skipped}
        found = score_to_end(score_in_batches(objective, ids, 800, **{**how, **more}))
        assert found is not None
        return found

    whole, some = score(), score(most=100)
    assert score(most=400) == whole
    nats, counted = 0.0, 0
    for start in (0, 80, 160, 240, 320):  # each fourth of the twenty windows
        targets = [(place + 1) % 400 for place in range(start, start + 20)]
        inside = [place for place in targets if not any(a <= place < b for a, b in skipped)]
        ring = torch.from_numpy(ids.astype("int64")).repeat(2)[start : start + 21]
        labels = [ring[n + 1].item() if place in inside else SKIPPED for n, place in enumerate(targets)]
        with torch.no_grad():
            nats += objective(ring[None, :-1], torch.tensor([labels]), reduction="sum").item()
        counted += len(inside)
    assert some.tokens == counted < 100
    assert some.loss == pytest.approx(nats / counted, abs=1e-5)
    assert some.bits_per_byte == pytest.approx(some.loss * whole.tokens / math.log(2) / 800, abs=1e-5)


def test_a_long_measurement_says_how_far_it_is_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_SILENT", 0.0)
    monkeypatch.setattr(measuring, "_EVERY", 0.0)
    objective = Objective(ours(tiny_gpt2(dropout=0.0)).train())
    how = {"block": 20, "batch": 2, "device": CPU, "precision": "fp32"}
    told = list(
        measuring.measured(
            score_in_batches(objective, token_stream(100), 200, **how), lambda done, windows: False
        )
    )
    assert [(each.done, each.total) for each in told] == [(2, 5), (4, 5), (5, 5)]
    assert objective.training
    stopped = measuring.measured(
        score_in_batches(objective, token_stream(100), 200, **how), lambda done, windows: True
    )
    assert list(stopped) == []
    assert objective.training and torch.is_grad_enabled()
