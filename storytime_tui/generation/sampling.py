"""How one token is drawn from a model's logits: small pure functions on a 1-D float32 tensor.

The order is that of transformers: temperature, top-k, top-p, then the draw. It matters: a temperature below
1 sharpens the distribution before top-p measures it, so that fewer tokens are kept than llama.cpp, which
applies the temperature last, would keep with the same numbers.
"""

import math

import torch

from storytime_tui.errors import ModelError
from storytime_tui.generation.settings import SamplerSettings

# Below this, logits of a usual size would overflow float32, and the draw is argmax anyway but for exact ties.
_COLDEST = 1e-6


def apply_temperature(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """(vocabulary,) -> (vocabulary,): logits / temperature, for a temperature above 0."""
    return logits / max(temperature, _COLDEST)


def keep_top_k(logits: torch.Tensor, k: int) -> torch.Tensor:
    """(vocabulary,) -> (vocabulary,): -inf for all below the k-th largest (Fan et al. 2018); 0 keeps all.

    Tokens that tie with the k-th are kept too.
    """
    if not 0 < k < len(logits):
        return logits
    smallest_kept = logits.topk(k).values[-1]
    return logits.masked_fill(logits < smallest_kept, -math.inf)


def keep_top_p(logits: torch.Tensor, p: float) -> torch.Tensor:
    """(vocabulary,) -> (vocabulary,): -inf for all but the nucleus (Holtzman et al. 2020); 1 keeps all.

    The nucleus is the smallest set of the likeliest tokens that hold at least `p` together; it always has
    the likeliest token.
    """
    if p >= 1:
        return logits
    # Seen from the other end: a token goes if it and all less likely ones hold at most 1 - p together.
    # Summing from the small end is where float32 loses least.
    ascending, places = logits.sort()
    dropped = ascending.softmax(0).cumsum(0) <= 1 - p
    dropped[-1] = False
    return logits.masked_fill(torch.zeros_like(dropped).scatter(0, places, dropped), -math.inf)


def probabilities(logits: torch.Tensor, settings: SamplerSettings) -> torch.Tensor:
    """(vocabulary,) logits -> (vocabulary,) probabilities to draw from, for a temperature above 0."""
    scaled = apply_temperature(logits, settings.temperature)
    return keep_top_p(keep_top_k(scaled, settings.top_k), settings.top_p).softmax(0)


def sample(logits: torch.Tensor, settings: SamplerSettings, generator: torch.Generator) -> tuple[int, float]:
    """Draw one token from (vocabulary,) float32 logits on the CPU; all randomness comes from `generator`.

    A temperature of 0 takes the likeliest token, and nothing from `generator`. Gives the token and its
    log-probability (nats) under the model itself, before any setting. Raises ModelError where the logits
    are not numbers, as those of a model whose training diverged.
    """
    total = logits.logsumexp(0).item()
    if not math.isfinite(total):
        raise ModelError(
            "The model's answer is not a number, so no word can be chosen: its training went astray. "
            "Pick an earlier checkpoint, or train again with a smaller learning rate."
        )
    if settings.temperature == 0:
        token = int(logits.argmax())
    else:
        token = int(torch.multinomial(probabilities(logits, settings), 1, generator=generator))
    return token, logits[token].item() - total
