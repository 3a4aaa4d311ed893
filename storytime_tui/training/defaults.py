"""Default hyperparameters by base and shelf: learning rate, epochs, and tokens per step.

Those for small shelves and small bases come from the sweep in `tests/benchmarks/RESULTS.md` (`sweep.py`).
"""

NEW_RATE = 1e-3  # the learning rate of a new model
RATES = ((50_000_000, 1e-4), (1_000_000_000, 5e-5))  # of a trained base: most parameters, rate
LARGE_RATE = 1e-5  # of a larger base
SMALL_MODEL, SMALL_SHELF = 50_000_000, 250_000  # parameters, tokens
# The rate of a small model on a small shelf: most tokens, rate. A smaller shelf has fewer steps to learn its
# voice; on a larger one, 5e-4 would memorise before the first epoch ends.
SMALL_RATES = ((80_000, 5e-4), (SMALL_SHELF, 2.5e-4))
LORA_RATE = 10.0  # relative to full fine-tuning; 1.5 times that for very short runs
MOST_LORA_RATE = 1e-3


def usual_rate(parameters: int, training_tokens: int | None, *, from_scratch: bool) -> float:
    """The default learning rate of full fine-tuning: higher for smaller models and shelves."""
    if from_scratch:
        return NEW_RATE
    if training_tokens is not None and is_small(parameters, training_tokens):
        return next(rate for most, rate in SMALL_RATES if training_tokens <= most)
    return next((rate for below, rate in RATES if parameters <= below), LARGE_RATE)


def usual_epochs(parameters: int, training_tokens: int | None, *, from_scratch: bool) -> float:
    """The default number of epochs."""
    if from_scratch:
        return 10.0
    return 4.0 if is_small(parameters, training_tokens) else 3.0


def usual_step(training_tokens: int) -> int:
    """Tokens per step: 1,024 for the smallest shelves, 4,096 up to a million tokens, 8,192 above."""
    return 8192 if training_tokens > 1_000_000 else 4096 if training_tokens > 40_000 else 1024


def is_small(parameters: int, training_tokens: int | None) -> bool:
    """Whether both the model and the shelf are small."""
    return training_tokens is not None and parameters <= SMALL_MODEL and training_tokens <= SMALL_SHELF
