"""The sampler's settings in the terms of one vocabulary: which ids are spared, biased, never told.

Made once for a story, not once a token. Knows no torch.
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
    """`amount` is added to a token's log-probability where `before` are the last ids that were told.

    With `begins_word` only where no word is going on there: "he" is not to weigh on "t-he".
    """

    before: tuple[int, ...]
    token: int
    amount: float
    begins_word: bool = False


@dataclass(frozen=True, eq=False)
class Rules:
    """Settings and what they mean for a vocabulary. Flags are (vocabulary,) arrays."""

    settings: SamplerSettings
    vocabulary_size: int
    end_of_text: int
    spared: Flags  # by the penalties on repetition: end-of-text and what has no letters
    breaker: Flags  # where DRY's repeated sequences end
    precious: Flags  # what XTC must not pass over: line ends and end-of-text
    ends_word: Flags
    biases: tuple[Bias, ...]
    suppressed: Ids  # never told: ids that stand for nothing


def rules_for(settings: SamplerSettings, vocabulary: Vocabulary) -> Rules:
    """The rules for one story. A vocabulary is looked through once, and remembered (`token_facts`)."""
    facts = token_facts(vocabulary)
    precious = facts.newline.copy()
    precious[vocabulary.end_of_text] = True
    return Rules(
        settings,
        vocabulary.vocabulary_size,
        vocabulary.end_of_text,
        facts.wordless,
        facts.breaker,
        precious,
        facts.ends_word,
        biases_of(settings.bias, vocabulary),
        np.flatnonzero(facts.silent),
    )


def biases_of(words: Iterable[tuple[str, float]], vocabulary: Vocabulary) -> tuple[Bias, ...]:
    """What is to be added to which tokens, so that whole words become likelier or less likely.

    A word counts with and without a space before it, and with a capital as well unless it was given with one.
    The last of a word's several tokens carries the weight, once the others stand before it, as in transformers'
    SequenceBiasLogitsProcessor: "owlet" made likely leaves other words with "owl" as likely as they were.
    """
    found: dict[tuple[int, ...], tuple[float, bool]] = {}
    words = list(words)
    for capital in (True, False):  # what was written as it is comes last, and wins
        for word, amount in words:
            form = word[:1].upper() + word[1:] if capital else word
            bare, spaced = tuple(vocabulary.encode(form)), tuple(vocabulary.encode(" " + form))
            begins_word = form[:1].isalnum()
            if begins_word and spaced[-len(bare) :] != bare:  # where a space is a token, the bare word does
                found[spaced] = amount, False
            found[bare] = amount, begins_word and spaced != bare
    return tuple(Bias(ids[:-1], ids[-1], amount, begins) for ids, (amount, begins) in found.items() if ids)


def in_force(bias: Bias, told: Sequence[int] | Ids, ends_word: Flags) -> bool:
    """Whether a bias holds for the token that comes after `told`."""
    length = len(bias.before)
    if length > len(told) or tuple(told[len(told) - length :]) != bias.before:
        return False
    if not bias.begins_word or length == len(told):
        return True
    last = int(told[len(told) - length - 1])
    return not (0 <= last < len(ends_word) and ends_word[last])
