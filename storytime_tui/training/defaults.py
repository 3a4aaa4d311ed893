"""What a plan's knobs are where nobody says: the rate, the passes and the step, by the base and the shelf.

For small shelves and a small base they come from the sweep in `tests/benchmarks/RESULTS.md` (`sweep.py`).
"""

NEW_RATE = 1e-3  # the learning rate of a new model
RATES = (
    (50_000_000, 1e-4),
    (1_000_000_000, 5e-5),
)  # of one that knows something, by its parameters: below this, that
LARGE_RATE = 1e-5  # of larger ones
SMALL_MODEL, SMALL_SHELF = 50_000_000, 250_000  # parameters, tokens
# The rate of a small model on a small shelf, by the shelf's tokens. The fewer there are, the fewer steps it has to take
# on the shelf's voice in; on more, 5e-4 learns by heart before it has read them once.
SMALL_RATES = ((80_000, 5e-4), (SMALL_SHELF, 2.5e-4))
LORA_RATE = 10.0  # times the rate of full fine-tuning; half as much again for very short runs
MOST_LORA_RATE = 1e-3


def usual_rate(parameters: int, training_tokens: int | None, *, from_scratch: bool) -> float:
    """The learning rate of full fine-tuning where none is wished: the smaller model and shelf, the higher."""
    if from_scratch:
        return NEW_RATE
    if training_tokens is not None and is_small(parameters, training_tokens):
        return next(rate for most, rate in SMALL_RATES if training_tokens <= most)
    return next((rate for below, rate in RATES if parameters <= below), LARGE_RATE)


def usual_epochs(parameters: int, training_tokens: int | None, *, from_scratch: bool) -> float:
    """How often the stories are read where nobody says."""
    if from_scratch:
        return 10.0
    return 4.0 if is_small(parameters, training_tokens) else 3.0


def usual_step(training_tokens: int) -> int:
    """Tokens in a step: about 4,000 while a shelf is small, 8,000 from a million tokens on."""
    return 8192 if training_tokens > 1_000_000 else 4096 if training_tokens > 40_000 else 1024


def is_small(parameters: int, training_tokens: int | None) -> bool:
    """Whether a model is small and learns from a small shelf."""
    return training_tokens is not None and parameters <= SMALL_MODEL and training_tokens <= SMALL_SHELF
