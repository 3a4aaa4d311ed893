"""The sampler's settings for one vocabulary: which ids are exempt, biased or suppressed.

Computed once per story, not once per token. Knows no torch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.sampling.vocabulary import Flags, Vocabulary, token_facts

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bias:
    """`amount` is added to a token's logprob if `before` are the last ids.

    With `begins_word`, only if no word continues there: "he" must not affect "t-he".
    """

    before: tuple[int, ...]
    token: int
    amount: float
    begins_word: bool = False


@dataclass(frozen=True, eq=False)
class Rules:
    """Settings translated to a vocabulary. Flags are (vocabulary,) arrays."""

    settings: SamplerSettings
    vocabulary_size: int
    end_of_text: int
    exempt: Flags  # from repetition penalties: end-of-text and tokens without letters
    breaker: Flags  # ends a repeated sequence for DRY
    protected: Flags  # never excluded by XTC: line ends and end-of-text
    ends_word: Flags
    biases: tuple[Bias, ...]
    suppressed: Ids  # never chosen: ids without text


def rules_for(settings: SamplerSettings, vocabulary: Vocabulary) -> Rules:
    """The rules for one story; a vocabulary's facts are computed once and cached (`token_facts`)."""
    facts = token_facts(vocabulary)
    protected = facts.newline.copy()
    protected[vocabulary.end_of_text] = True
    return Rules(
        settings,
        vocabulary.vocabulary_size,
        vocabulary.end_of_text,
        facts.wordless,
        facts.breaker,
        protected,
        facts.ends_word,
        biases_of(settings.bias, vocabulary),
        np.flatnonzero(facts.silent),
    )


def biases_of(words: Iterable[tuple[str, float]], vocabulary: Vocabulary) -> tuple[Bias, ...]:
    """The biases that make whole words more or less likely.

    A word counts with and without a space before it, and also capitalised unless it was given with a capital. If
    a word has several tokens, the last one carries the bias once the others are there, as in transformers'
    SequenceBiasLogitsProcessor: a bias for "owlet" leaves other words with "owl" unchanged.
    """
    biases: dict[tuple[int, ...], tuple[float, bool]] = {}
    words = list(words)
    for capital in (True, False):  # the form as written comes last and wins
        for word, amount in words:
            form = word[:1].upper() + word[1:] if capital else word
            bare, spaced = tuple(vocabulary.encode(form)), tuple(vocabulary.encode(" " + form))
            begins_word = form[:1].isalnum()
            # if the space is a token of its own, the bare form covers both
            if begins_word and spaced[-len(bare) :] != bare:
                biases[spaced] = amount, False
            biases[bare] = amount, begins_word and spaced != bare
    return tuple(Bias(ids[:-1], ids[-1], amount, begins) for ids, (amount, begins) in biases.items() if ids)


def in_force(bias: Bias, history: Sequence[int] | Ids, ends_word: Flags) -> bool:
    """Whether a bias applies to the token after `history`."""
    length = len(bias.before)
    if length > len(history) or tuple(history[len(history) - length :]) != bias.before:
        return False
    if not bias.begins_word or length == len(history):
        return True
    last = int(history[len(history) - length - 1])
    return not (0 <= last < len(ends_word) and ends_word[last])
