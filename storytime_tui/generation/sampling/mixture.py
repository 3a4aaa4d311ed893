"""The next token of a mixture of voices, from the logits after each shelf's line."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def mix_logits(logits: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """(vocabulary,) float32 logits after each line -> (vocabulary,) logprobs of the mixture.

    The weighted mean of the probabilities: linear interpolation (Jelinek and Mercer, "Interpolated estimation of
    Markov source parameters from sparse data", 1980). Each token is one that some voice would choose, as often as
    that voice's share. The story stays coherent because all views contain the same text. The mean of logprobs (a
    product of experts: Hinton, "Training products of experts by minimizing contrastive divergence", 2002) keeps
    what all voices find likely, and so loses the names and phrases that distinguish them. A single voice's logits
    are returned unchanged.
    """
    if len(logits) == 1:
        return logits[0]
    weighted = [each.log_softmax(0) + math.log(share) for each, share in zip(logits, shares, strict=True)]
    return torch.logsumexp(torch.stack(weighted), 0)
