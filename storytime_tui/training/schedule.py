"""The learning rate at each step: a linear warm-up, then one of four ways on. Knows no torch."""

import math
from collections.abc import Sequence

FLOOR = 0.1  # of the peak: the last steps still learn
_DECAY = 0.2  # of the steps: how long warm-up-stable-decay falls at the end
_REWARM = 0.02  # of the steps: how long the rate rises again where a finished run was given more epochs


def learning_rate_at(
    step: int,
    *,
    peak: float,
    warmup_steps: int,
    total_steps: int,
    schedule: str = "cosine",
    extended_at: Sequence[int] = (),
) -> float:
    """The rate for the step that follows `step` finished ones (0 <= step < total_steps).

    "cosine": half a cosine, as in Loshchilov and Hutter, "SGDR" (2017), without restarts, over the run's real
    number of steps; "linear" and "wsd" (warm-up, stable, decay: Hu et al., "MiniCPM", 2024) fall in straight
    lines; "constant" stays. All that fall end at a tenth of the peak. At each step of `extended_at`, where the
    run had ended, the rate rises anew from that end's to the one that a run of this length would have there.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - 1 - warmup_steps)
    rate = peak * (FLOOR + (1 - FLOOR) * _height(min(1.0, progress), schedule))
    again = max((start for start in extended_at if start <= step), default=None)
    if again is None:
        return rate
    rise = min(1.0, (step - again + 1) / max(1, round(total_steps * _REWARM)))
    return min(rate, peak * FLOOR + (rate - peak * FLOOR) * rise)


def _height(progress: float, schedule: str) -> float:
    """How far above the floor, from 1 at the peak to 0, when so much of the way is done."""
    if schedule == "constant":
        return 1.0
    if schedule == "linear":
        return 1 - progress
    if schedule == "wsd":
        return min(1.0, (1 - progress) / _DECAY)
    return 0.5 * (1 + math.cos(math.pi * progress))
