"""The parts of a generated story while it streams. Knows no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Alternative:
    """A candidate token: its text, and the probability that the model gave it."""

    token: int
    text: str
    probability: float


@dataclass(frozen=True)
class Piece:
    """One generated token. `text` is what it adds to the story, empty while a UTF-8 character is incomplete."""

    token: int
    text: str
    logprob: float  # in nats, by the model itself, before any sampler setting
    # on request, the most likely first; may include the token itself
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What the model sees of a story, in tokens, except `begins`: the index of the first visible character of the text.

    `voice` counts the tokens of the shelf's line, which is not part of the story.
    """

    tokens: int
    window: int
    begins: int = 0
    memory: int = 0
    memory_left_out: int = 0
    note: int = 0
    note_left_out: int = 0
    voice: int = 0


WHY_IT_STOPPED = {
    "length": "length limit reached",
    "end": "the model ended the story",
    "stop": "stop text reached",
    "you": "stopped",
    "stuck": "every possible next word is banned",
}  # `Told.stopped_by` in words


@dataclass(frozen=True)
class Told:
    """The final record of a stream.

    `stopped_by` is "length", "end" (the model ended the story), "stop" (a stop text), "you", or "stuck" (only banned
    phrases were left). `reused` counts the prompt's tokens that were cached, `read` those that were prefilled.
    `banned`: the banned phrases that were taken back, each with how often.
    """

    tokens: int
    first_token_seconds: float
    tokens_per_second: float
    stopped_by: str
    read: int = 0
    reused: int = 0
    seen: Seen | None = None
    banned: tuple[tuple[str, int], ...] = ()
