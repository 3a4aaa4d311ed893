"""The learning rate at each step: a linear warm-up, then half a cosine down to a tenth."""

import math

FLOOR = 0.1  # of the peak: the last steps still learn


def learning_rate_at(step: int, *, peak: float, warmup_steps: int, total_steps: int) -> float:
    """The rate for the step that follows `step` finished ones (0 <= step < total_steps).

    Cosine decay as in Loshchilov and Hutter, "SGDR" (2017), without restarts, over the run's real number
    of steps.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - 1 - warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return peak * (FLOOR + (1 - FLOOR) * cosine)
