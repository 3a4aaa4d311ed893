"""Scores of single tokens: each once, with enough before it, window by window."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from storytime_tui.training.token_scores import TokenScore, score_tokens
from tests.tiny import ours, tiny_gpt2, token_stream

CPU = torch.device("cpu")
START, LINE = 0, [5, 6, 7]
BLOCK = 16  # 13 tokens of text beside the line
IDS = [int(token) for token in token_stream(61)[1:]]  # 60, so that the last window is moved back


class Watched:
    """A model that keeps what it was given."""

    def __init__(self, model: Any) -> None:
        self.model, self.given = model, []
        self.training, self.eval, self.train = model.training, model.eval, model.train

    def __call__(self, ids: Tensor) -> Tensor:
        self.given.append(ids[0].tolist())
        return self.model(ids)  # type: ignore[no-any-return]


def scores(model: Any, ids: list[int], **more: Any) -> list[TokenScore]:
    options: dict[str, Any] = {"line": LINE, "block": BLOCK, "top": 10, **more}
    return list(score_tokens(model, ids, start=START, device=CPU, precision="fp32", **options))


def test_each_token_of_a_long_text_has_half_a_window_before_it_and_the_line_in_view() -> None:
    reference = tiny_gpt2(dropout=0.0).eval()
    found = scores(ours(reference), IDS)
    assert len(found) == len(IDS)
    stream = [START, *IDS]
    for place, score in enumerate(found):
        if place < 13:
            seen = [START, *LINE, *IDS[:place]]
        else:  # windows of 13 tokens end at 13, 19, 25, ... and at the end of the text
            end = min(13 + 6 * math.ceil((place + 1 - 13) / 6), len(IDS))
            seen = [*LINE, *stream[end - 13 : place + 1]]
            assert len(seen) - len(LINE) >= 7
        with torch.no_grad():
            expected = reference(torch.tensor([seen])).logits[0, -1].log_softmax(-1)
        assert score.logprob == pytest.approx(expected[IDS[place]].item(), abs=1e-4)
        assert score.rank == 1 + int((expected > expected[IDS[place]]).sum())
        likeliest, logprobs = zip(*score.likeliest, strict=True)
        assert list(likeliest) == expected.topk(10).indices.tolist()
        assert logprobs == pytest.approx(expected.topk(10).values.tolist(), abs=1e-4)


def test_a_window_is_read_when_its_first_token_is_asked_for() -> None:
    watched = Watched(ours(tiny_gpt2()))
    reported: list[tuple[int, int]] = []
    stream = score_tokens(
        watched,
        IDS,
        start=START,
        line=LINE,
        block=BLOCK,
        top=3,
        device=CPU,
        precision="fp32",
        on_window=lambda *done: reported.append(done),
    )
    assert watched.given == []
    for place in range(len(IDS)):
        next(stream)
        assert torch.is_grad_enabled()  # between two tokens the caller's torch is as it was
        assert len(watched.given) == 1 + math.ceil(max(0, place + 1 - 13) / 6)
    assert max(map(len, watched.given)) == BLOCK
    assert reported[:3] == [(0, 60), (13, 60), (19, 60)] and len(reported) == len(watched.given)


def test_small_windows_vocabularies_and_texts_are_no_special_case() -> None:
    model = ours(tiny_gpt2(vocabulary=8, window=4))
    for length in (1, 2, 5):
        for block in (1, 2, 4):
            found = scores(model, [3] * length, line=[], block=block)
            assert len(found) == length
            assert all(len(score.likeliest) == 8 and 1 <= score.rank <= 8 for score in found)
            assert sum(math.exp(logprob) for _, logprob in found[0].likeliest) == pytest.approx(1)


def test_the_models_mode_is_as_it_was() -> None:
    model = ours(tiny_gpt2(dropout=0.5), dropout=0.5).train()
    assert scores(model, IDS) == scores(model, IDS)  # no dropout
    assert model.training
