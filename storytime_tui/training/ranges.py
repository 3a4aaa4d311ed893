"""What each number of a plan may be, and how a wrong value is repeated in a message. Knows no torch."""

_MANY = 1_000_000  # tokens, or windows: more than any machine holds
_STEPS = 1_000_000_000  # more than any run has
RANGES: dict[str, tuple[float, float, str]] = {
    "headers": (0, 1, "from 0 (none) to 1 (every story)"),
    "block_size": (8, _MANY, f"from 8 to {_MANY:,} tokens"),
    "stride": (1, _MANY, f"from 1 to {_MANY:,} tokens"),
    "batch_size": (1, _MANY, f"from 1 to {_MANY:,} windows"),
    "accumulation": (1, _MANY, f"from 1 to {_MANY:,} micro-batches"),
    "epochs": (0, 100_000, "above 0 and at most 100,000"),
    "max_steps": (1, _STEPS, f"from 1 to {_STEPS:,}"),
    "learning_rate": (0, 1, "above 0 and at most 1, such as 5e-5"),
    "warmup_fraction": (0, 1, "from 0 to below 1"),
    "warmup_steps": (0, _STEPS, f"from 0 to {_STEPS:,}"),
    "weight_decay": (0, 10, "between 0 and 10"),
    "clip": (0, 1_000_000, "above 0 and at most 1,000,000"),
    "dropout": (0, 1, "from 0 to below 1"),
    "lora_rank": (0, 1024, "0 (no LoRA) or up to 1024, such as 16"),
    "lora_alpha": (0, 10_000, "above 0 and at most 10,000, such as twice lora_rank"),
    "validation_fraction": (0, 0.5, "above 0 and at most 0.5"),
    "evaluate_every": (1, _STEPS, f"from 1 to {_STEPS:,} steps"),
    "patience": (0, 10_000, "0 (never) or a number of evaluations, up to 10,000"),
    "sample_every": (0, _STEPS, f"0 (never) or a number of steps, up to {_STEPS:,}"),
    "sample_tokens": (1, 10_000, "from 1 to 10,000"),
    "keep": (2, 10_000, "from 2 (the best and the last) to 10,000"),
    "seed": (0, 2**63 - 1, "a whole number from 0 to 9,223,372,036,854,775,807"),
}


def shown(value: object) -> str:
    """A value in a message: short, whatever was given."""
    try:
        text = str(value)
    except ValueError:  # thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:60] + "…"
