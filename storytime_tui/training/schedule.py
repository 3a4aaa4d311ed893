"""The learning rate at each step: a linear warm-up, then one of four schedules. Knows no torch."""

import math
from collections.abc import Sequence

FLOOR = 0.1  # of the peak, at the end
_DECAY = 0.2  # of the steps; the final decay of warm-up-stable-decay
_REWARM = 0.02  # of the steps; the warm-up after an extension


def learning_rate_at(
    step: int,
    *,
    peak: float,
    warmup_steps: int,
    total_steps: int,
    schedule: str = "cosine",
    extended_at: Sequence[int] = (),
) -> float:
    """The learning rate of the step after `step` finished ones (0 <= step < total_steps).

    "cosine": half a cosine, as in Loshchilov and Hutter, "SGDR" (2017), without restarts, over the run's actual
    number of steps; "linear" and "wsd" (warm-up, stable, decay: Hu et al., "MiniCPM", 2024) are piecewise linear;
    "constant" stays. All but "constant" end at a tenth of the peak. At each step of `extended_at`, where the run
    had ended before, the rate rises from that value to the rate of a run of the new length.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - 1 - warmup_steps)
    rate = peak * (FLOOR + (1 - FLOOR) * _decay(min(1.0, progress), schedule))
    extension = max((start for start in extended_at if start <= step), default=None)
    if extension is None:
        return rate
    rise = min(1.0, (step - extension + 1) / max(1, round(total_steps * _REWARM)))
    return min(rate, peak * FLOOR + (rate - peak * FLOOR) * rise)


def _decay(progress: float, schedule: str) -> float:
    """The rate above the floor, from 1 at the peak to 0, by the progress from 0 to 1."""
    if schedule == "constant":
        return 1.0
    if schedule == "linear":
        return 1 - progress
    if schedule == "wsd":
        return min(1.0, (1 - progress) / _DECAY)
    return 0.5 * (1 + math.cos(math.pi * progress))
