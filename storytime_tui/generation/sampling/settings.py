"""The sampler settings: every knob of the samplers, described once. Knows no torch.

`sampler` documents what each knob does, and in which order. The defaults suit small models on stories. Penalties keep
them from repeating themselves. They are mild because they change log-probabilities: GPT-2's raw logits are far below
zero, where the usual 1.1 would nearly ban a token. Top-p and min-p cut the long tail of unlikely tokens. XTC and
mirostat are off: a model of this size needs all its likely words.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from storytime_tui import knobs
from storytime_tui.knobs import knob

_MANY = 1_000_000


def _is_visible(text: str) -> bool:
    return bool(text.strip(" "))


def _is_bias(entry: tuple[Any, ...]) -> bool:
    match entry:
        case (str(word), float() | int() as amount):
            return _is_visible(word) and not isinstance(amount, bool) and abs(amount) <= 100
    return False


_TEXT: dict[str, Any] = {"holds": _is_visible, "allowed": "text that is not empty", "escapes": True}


@dataclass(frozen=True)
class SamplerSettings:
    """All knobs of the samplers. Raises PlanError, with the allowed range, for a value out of range.

    At temperature 0 the model's most likely token is chosen, without penalties, cuts and chance. Explicit requests
    (avoid_copying, bias, banned, no_repeat, min_tokens) still apply.
    """

    # a table, one knob a line
    # fmt: off
    temperature: float = knob(0.6, "higher is bolder; 0 is the most likely", "choice", 0, 5)
    top_k: int = knob(0, "keep the k most likely words; 0 keeps all", "choice", 0, _MANY, "tokens")
    top_p: float = knob(0.9, "keep the most likely words; 1 keeps all", "choice", 0, 1, without=0)
    min_p: float = knob(0.1, "drop words far less likely than the best", "choice", 0, 1, least="off")
    typical: float = knob(1.0, "keep words about as surprising as expected; 1 keeps all", "choice", 0, 1, without=0)
    xtc: float = knob(0.0, "how often the most likely words are skipped", "surprise", 0, 1, least="off")
    xtc_threshold: float = knob(0.1, "the probability above which xtc may skip a word", "surprise", 0, 1)
    mirostat: float = knob(0.0, "target surprise of each token, in place of all cuts", "surprise", 0, 20, "bits",
        least="off")
    mirostat_rate: float = knob(0.1, "how fast mirostat adapts", "surprise", 0, 1)
    # the repetition penalties spare punctuation, line ends and quotes
    # the usual value is 1.1, but models of this size then lose their grammar
    repetition: float = knob(1.05, "above 1 repeats less; 1 is off", "repetition", 1, 5, least="off")
    repetition_window: int = knob(256, "how many tokens back repetition, frequency and presence count", "repetition",
        0, _MANY, "tokens")
    frequency: float = knob(0.0, "lowers a token for each recent occurrence", "repetition", -10, 10)
    presence: float = knob(0.0, "lowers a token once if it occurred recently", "repetition", -10, 10)
    no_repeat: int = knob(0, "no sequence of n tokens occurs twice", "repetition", 0, 100, "tokens", least="off")
    dry: float = knob(2.0, "lowers tokens that would continue a repetition", "repetition", 0, 100, least="off")
    dry_base: float = knob(1.75, "how fast dry grows with the repetition's length", "repetition", 1, 10)
    # with the usual 0.8 and 4 the starter repeated itself
    dry_allowed: int = knob(2, "dry ignores repetitions shorter than this", "repetition", 1, _MANY, "tokens")
    # small models tend to write empty lines
    line_ends: int = knob(2, "line ends in a row at most; 0 is off", "repetition", 0, 100, least="off")
    avoid_copying: int = knob(0, "no n words in a row from a run's stories; 8 is usual", "words", 0, 100, "words",
        least="off")
    bias: tuple[tuple[str, float], ...] = knob((), "words to favour or avoid, such as dragon=-2.5,owl=1", "words",
        holds=_is_bias, allowed="a word with a number from -100 to 100, such as dragon=-2.5", escapes=True)
    banned: tuple[str, ...] = knob((), "words never to use, separated by commas", "words", **_TEXT)
    stop: tuple[str, ...] = knob((), "the story stops before these texts", "words", **_TEXT)
    min_tokens: int = knob(0, "the model may not end the story before; max_tokens wins", "length", 0, _MANY, "tokens")
    max_tokens: int = knob(200, "one token is about ¾ of a word", "length", 1, _MANY, "tokens")
    end_after: str = knob("length", "end after a sentence or a paragraph, if it comes before", "length",
        choices=("length", "sentence", "paragraph"))
    finish_sentence: bool = knob(False, "end on a whole sentence", "length", label="whole sentences")
    seed: int = knob(0, "the same seed tells the same story", "chance", 0, 2**63 - 1)
    # fmt: on

    def __post_init__(self) -> None:
        """Check the type and range of every value."""
        knobs.check_all(self)


class Knobs(NamedTuple):
    """The basic choice of a token: top-k (0 keeps all), top-p and min-p, then the temperature (0: the most likely)."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0


def knobs_of(settings: SamplerSettings) -> Knobs | None:
    """The basic choice, for after the penalties; None if other settings take part in it."""
    if settings.temperature > 0 and (settings.typical < 1 or settings.xtc > 0 or settings.mirostat > 0):
        return None
    return Knobs(settings.temperature, settings.top_k, settings.top_p, settings.min_p)
