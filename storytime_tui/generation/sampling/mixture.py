"""The next token of a mixture of voices: what the model holds likely behind each shelf's line, put together."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def mixed(logits: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """(vocabulary,) float32 logits behind each line -> (vocabulary,) log-probabilities of the mixture.

    The weighted mean of the probabilities: linear interpolation (Jelinek and Mercer, "Interpolated estimation of
    Markov source parameters from sparse data", 1980). Each token is then one that some voice would tell next, and is
    that voice's as often as its share says. It stays sound because both read the same story: whichever voice a word
    came from, the other goes on from it. The mean of log-probabilities (a product of experts: Hinton, "Training
    products of experts by minimizing contrastive divergence", 2002) keeps what all of them find likely, and so loses
    the names and turns of phrase that make each one's manner. One voice's logits are given back as they are.
    """
    if len(logits) == 1:
        return logits[0]
    weighted = [each.log_softmax(0) + math.log(share) for each, share in zip(logits, shares, strict=True)]
    return torch.logsumexp(torch.stack(weighted), 0)
