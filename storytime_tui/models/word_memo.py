"""What a byte-level BPE makes of each word, remembered: a shelf says the same few words over and over.

GPT-2's tokenizer (Radford et al. 2019) first cuts a text into words by a pattern and then works on each word by
itself. So a text's ids are those of its words, one after the other, and a word need be worked on once. The words of
a text are found here by the same pattern, as far as Python's `re` agrees with it sign by sign; a line that holds any
other sign is left to the library.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import tokenizers

_MOST = 300_000  # words remembered at once: some 60 MB

# Letters, digits, punctuation and white space that both libraries take for the same: most of what European languages
# are written in. Not superscripts, fractions and spaces of odd widths.
_LETTERS = "A-Za-zªµºÀ-ÖØ-öø-ɏΑ-ΡΣ-Ϗа-яА-Яѐ-џЀ-Џ"
_SIGNS = "!-/:-@\\[-`{-~¡-©«-±´¶-¸»¿×÷‐-‧‰-⁞"
_OTHER = re.compile(rf"[^\t\n\r 0-9{_LETTERS}{_SIGNS}]")
_WORD = re.compile(rf"'(?:[sdmt]|ll|ve|re)| ?[{_LETTERS}]+| ?[0-9]+| ?[{_SIGNS}]+|\s+(?!\S)|\s+")
_LINE_START = re.compile(r"(?<=\S)(?=\n)")  # no word goes on from before a line end to after it

EncodeAll = Callable[[Sequence[str]], list[list[int]]]


class WordMemo:
    """Remembers the ids of words; `encode_all` is asked for those of new ones. For one thread at a time."""

    def __init__(self, encode_all: EncodeAll) -> None:
        self._encode_all = encode_all
        self._ids: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """The ids of a text: exactly those that `encode_all` gives for the whole of it."""
        if _OTHER.search(text) is None:
            return self._of_known_signs(text)
        found: list[int] = []
        for part, known in _parts(text):
            found += self._of_known_signs(part) if known else self._encode_all([part])[0]
        return found

    def _of_known_signs(self, text: str) -> list[int]:
        words = _WORD.findall(text)
        if len(self._ids) > _MOST:
            self._ids = {}
        ids = self._ids
        new = list(set(words).difference(ids))
        if new:
            ids.update(zip(new, self._encode_all(new), strict=True))
        return list(chain.from_iterable(map(ids.__getitem__, words)))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in lines, neighbours of the same kind together, each with whether all of its signs are known."""
    kind: bool | None = None
    waiting: list[str] = []
    for line in _LINE_START.split(text):
        known = _OTHER.search(line) is None
        if waiting and known != kind:
            yield "".join(waiting), bool(kind)
            waiting = []
        kind = known
        waiting.append(line)
    if waiting:
        yield "".join(waiting), bool(kind)


def works_by_words(inner: tokenizers.Tokenizer) -> bool:
    """Whether a tokenizer cuts a text into words by GPT-2's pattern and works on each by itself."""
    rules = json.loads(inner.to_str())
    cutting, model = rules.get("pre_tokenizer") or {}, rules.get("model") or {}
    return (
        rules.get("normalizer") is None
        and cutting.get("type") == "ByteLevel"
        and not cutting.get("add_prefix_space")
        and cutting.get("use_regex", True)
        and model.get("type") == "BPE"
        and not model.get("dropout")
        and not any(
            added.get("normalized") or not added.get("special") for added in rules.get("added_tokens", ())
        )
    )
