"""How the next word is chosen: every knob of the samplers, described once. Knows no torch.

What each knob does to the choice, and in which order, is told in `sampler`. The defaults are a starting point
for small models on stories. Penalties keep them from going round in circles, which they otherwise do; they are
mild, since they bear on log-probabilities (GPT-2's raw logits lie far below zero, where the usual 1.1 would be
nearly a ban). Top-p and min-p cut the long tail in which a small model loses itself. XTC and mirostat rest:
a model of this size has no likelier words to spare.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from storytime_tui import knobs
from storytime_tui.knobs import knob

_MANY = 1_000_000


def _is_said(text: str) -> bool:
    return bool(text.strip(" "))


def _is_bias(entry: tuple[Any, ...]) -> bool:
    match entry:
        case (str(word), float() | int() as amount):
            return _is_said(word) and not isinstance(amount, bool) and abs(amount) <= 100
    return False


_SAID: dict[str, Any] = {"holds": _is_said, "allowed": "text that is not empty", "escapes": True}


@dataclass(frozen=True)
class SamplerSettings:
    """Every knob of the samplers. Raises PlanError, naming what is allowed, for a value that is not.

    At a temperature of 0 the model's likeliest token is taken: the penalties, the cuts and chance rest then;
    what is asked for outright (bias, banned, no_repeat, min_tokens) holds.
    """

    # a table, one knob a line
    # fmt: off
    temperature: float = knob(0.6, "higher is bolder; 0 takes the likeliest", "choice", 0, 5)
    top_k: int = knob(0, "keep the k most likely words; 0 keeps all", "choice", 0, _MANY, "tokens")
    top_p: float = knob(0.9, "keep the most likely words; 1 keeps all", "choice", 0, 1, without=0)
    min_p: float = knob(0.1, "drop words far less likely than the best", "choice", 0, 1, least="off")
    typical: float = knob(1.0, "keep words about as surprising as expected; 1 keeps all", "choice", 0, 1, without=0)
    xtc: float = knob(0.0, "how often the likeliest words are passed over", "surprise", 0, 1, least="off")
    xtc_threshold: float = knob(0.1, "the probability from which xtc may pass a word over", "surprise", 0, 1)
    mirostat: float = knob(0.0, "surprise to hold in each token, instead of all cuts", "surprise", 0, 20, "bits",
        least="off")
    mirostat_rate: float = knob(0.1, "how quickly mirostat steers", "surprise", 0, 1)
    # punctuation, line ends and quotes are spared
    # 1.1 is what is usually named; models of this program's size already lose their grammar by it
    repetition: float = knob(1.05, "above 1 repeats less; 1 is off", "repetition", 1, 5, least="off")
    repetition_window: int = knob(256, "how many tokens back repetition, frequency and presence look", "repetition",
        0, _MANY, "tokens")
    frequency: float = knob(0.0, "lowers a token for each time it came lately", "repetition", -10, 10)
    presence: float = knob(0.0, "lowers a token once if it came lately", "repetition", -10, 10)
    no_repeat: int = knob(0, "no sequence of so many tokens comes twice", "repetition", 0, 100, "tokens", least="off")
    dry: float = knob(2.0, "lowers what would go on repeating a sequence", "repetition", 0, 100, least="off")
    dry_base: float = knob(1.75, "how quickly dry grows with the sequence's length", "repetition", 1, 10)
    # at the usual 0.8 and 4 the starter went round in circles
    dry_allowed: int = knob(2, "dry lets sequences shorter than this pass", "repetition", 1, _MANY, "tokens")
    # small models fall into leaving lines empty
    line_ends: int = knob(2, "line ends in a row, at most; 0 is off", "repetition", 0, 100, least="off")
    bias: tuple[tuple[str, float], ...] = knob((), "words made likelier or rarer, such as dragon=-2.5,owl=1", "words",
        holds=_is_bias, allowed="a word with a number from -100 to 100, such as dragon=-2.5", escapes=True)
    banned: tuple[str, ...] = knob((), "never these words, with commas between", "words", **_SAID)
    stop: tuple[str, ...] = knob((), "texts before which the story stops", "words", **_SAID)
    min_tokens: int = knob(0, "the story does not end by itself before; max_tokens wins", "length", 0, _MANY, "tokens")
    max_tokens: int = knob(200, "tokens at most; one is about ¾ of a word", "length", 1, _MANY, "tokens")
    finish_sentence: bool = knob(False, "end on a whole sentence", "length")
    seed: int = knob(0, "the same seed tells the same story", "chance", 0, 2**63 - 1)
    # fmt: on

    def __post_init__(self) -> None:
        """Check every kind and range."""
        knobs.check_all(self)


class Knobs(NamedTuple):
    """How a token is chosen: top-k (0 keeps all), top-p and min-p, then the temperature (0 takes the likeliest)."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0


def knobs_of(settings: SamplerSettings) -> Knobs | None:
    """How a token is chosen when all penalties are taken off; None where more than these numbers has a say."""
    if settings.temperature > 0 and (settings.typical < 1 or settings.xtc > 0 or settings.mirostat > 0):
        return None
    return Knobs(settings.temperature, settings.top_k, settings.top_p, settings.min_p)
