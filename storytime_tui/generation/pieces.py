"""What a told story is made of while it streams. Knows no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """One sampled token. `text` is what it adds to the story: empty while a UTF-8 character is incomplete."""

    token: int
    text: str
    logprob: float  # natural logarithm of the probability the model gave it, before any sampler setting


@dataclass(frozen=True)
class Told:
    """The stream's last word. `stopped_by` is "length", "end" (the model ended the story) or "you"."""

    tokens: int
    first_token_seconds: float
    tokens_per_second: float
    stopped_by: str
    tail: str = ""  # text of bytes still held back at the end: an incomplete character becomes U+FFFD
