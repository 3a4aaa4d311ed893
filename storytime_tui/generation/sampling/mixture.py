"""The next token of a mixture of voices, or of one voice in contrast to another, from the logits after each line."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

PLAUSIBLE = 0.05  # of the likeliest token's probability


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
    if shares[1] < 0:
        return contrasted(logits[0], logits[1], -shares[1])
    weighted = [each.log_softmax(0) + math.log(share) for each, share in zip(logits, shares, strict=True)]
    return torch.logsumexp(torch.stack(weighted), 0)


def contrasted(logits: Tensor, other: Tensor, contrast: float) -> Tensor:
    """(vocabulary,) logits behind a voice's line and behind another's -> (vocabulary,) scores, -inf where implausible.

    (1 + contrast) * logprob - contrast * other's logprob: classifier-free guidance (Sanchez et al., "Stay on topic with
    classifier-free guidance", 2023). What only the voice would say gains, what any voice would say loses. Tokens with
    less than PLAUSIBLE of the likeliest one's probability are left out, as in contrastive decoding (Li et al., 2023):
    there a ratio of two tiny probabilities means nothing.
    """
    logprobs = logits.log_softmax(0)
    scores = (1 + contrast) * logprobs - contrast * other.log_softmax(0)
    implausible = logprobs < logprobs.max() + math.log(PLAUSIBLE)
    return scores.masked_fill(implausible, -math.inf)
