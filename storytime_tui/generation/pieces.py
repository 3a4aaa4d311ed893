"""What a told story is made of while it streams. Knows no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Alternative:
    """A token that might have come: what it would have added, and how likely the model held it."""

    token: int
    text: str
    probability: float


@dataclass(frozen=True)
class Piece:
    """One token that was told. `text` is what it adds to the story: empty while a UTF-8 character is incomplete."""

    token: int
    text: str
    logprob: float  # natural logarithm of the probability the model gave it, before any sampler setting
    alternatives: tuple[
        Alternative, ...
    ] = ()  # on request, the likeliest first; the token itself may be among them


@dataclass(frozen=True)
class Seen:
    """What of a story the model sees, in tokens but for `begins`: the character of the text where its view begins.

    `voice` counts those of the shelf's line that it is told behind, which is no part of the story.
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
    "length": "as long as asked for",
    "end": "the model ended the story",
    "stop": "stop text reached",
    "you": "stopped",
    "stuck": "all that could follow is banned",
}  # `Told.stopped_by` in words


@dataclass(frozen=True)
class Told:
    """The stream's last word.

    `stopped_by` is "length", "end" (the model ended the story), "stop" (one of the stop texts came), "you", or
    "stuck" (whatever might have come was banned). `reused` counts the tokens of the prompt that had been read
    before, `read` those that had not.
    """

    tokens: int
    first_token_seconds: float
    tokens_per_second: float
    stopped_by: str
    read: int = 0
    reused: int = 0
    seen: Seen | None = None
