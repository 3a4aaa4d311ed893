"""A cache of the token ids of words, for byte-level BPE: stories repeat the same few words.

GPT-2's tokenizer (Radford et al. 2019) splits a text into words by a regular expression and then encodes each
word separately. So a text's ids are those of its words in order, and each word needs encoding only once. This
module finds the words with the same pattern, limited to characters on which Python's `re` agrees; lines with any
other character are left to the library.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import tokenizers

_MAX_WORDS = 300_000  # about 60 MB

# Characters that both libraries classify alike: most of what European languages use. Superscripts, fractions and
# unusual spaces are left out.
_LETTERS = "A-Za-zªµºÀ-ÖØ-öø-ɏΑ-ΡΣ-Ϗа-яА-Яѐ-џЀ-Џ"
_SIGNS = "!-/:-@\\[-`{-~¡-©«-±´¶-¸»¿×÷‐-‧‰-⁞"
_OTHER = re.compile(rf"[^\t\n\r 0-9{_LETTERS}{_SIGNS}]")
_WORD = re.compile(rf"'(?:[sdmt]|ll|ve|re)| ?[{_LETTERS}]+| ?[0-9]+| ?[{_SIGNS}]+|\s+(?!\S)|\s+")
_LINE_START = re.compile(r"(?<=\S)(?=\n)")  # a line break always separates words here

EncodeAll = Callable[[Sequence[str]], list[list[int]]]


class WordMemo:
    """Caches the ids of words; `encode_all` encodes new ones. For one thread at a time."""

    def __init__(self, encode_all: EncodeAll) -> None:
        self._encode_all = encode_all
        self._ids: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """The ids of a text, exactly those that `encode_all` gives for all of it."""
        if _OTHER.search(text) is None:
            return self._encode_words(text)
        ids: list[int] = []
        for part, supported in _parts(text):
            ids += self._encode_words(part) if supported else self._encode_all([part])[0]
        return ids

    def _encode_words(self, text: str) -> list[int]:
        words = _WORD.findall(text)
        if len(self._ids) > _MAX_WORDS:
            self._ids = {}
        ids = self._ids
        new = list(set(words).difference(ids))
        if new:
            ids.update(zip(new, self._encode_all(new), strict=True))
        return list(chain.from_iterable(map(ids.__getitem__, words)))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in runs of lines, each with whether all its characters are supported."""
    run_supported: bool | None = None
    run: list[str] = []
    for line in _LINE_START.split(text):
        supported = _OTHER.search(line) is None
        if run and supported != run_supported:
            yield "".join(run), bool(run_supported)
            run = []
        run_supported = supported
        run.append(line)
    if run:
        yield "".join(run), bool(run_supported)


def works_by_words(inner: tokenizers.Tokenizer) -> bool:
    """Whether a tokenizer splits text by GPT-2's pattern and encodes each word separately."""
    rules = json.loads(inner.to_str())
    pre_tokenizer, model = rules.get("pre_tokenizer") or {}, rules.get("model") or {}
    return (
        rules.get("normalizer") is None
        and pre_tokenizer.get("type") == "ByteLevel"
        and not pre_tokenizer.get("add_prefix_space")
        and pre_tokenizer.get("use_regex", True)
        and model.get("type") == "BPE"
        and not model.get("dropout")
        and not any(
            added.get("normalized") or not added.get("special") for added in rules.get("added_tokens", ())
        )
    )
