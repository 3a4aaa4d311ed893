"""Keeps a model from reciting what it learned from: finds the tokens that would complete a copied run of words.

A run is copied if its words stand in a row in one story, compared as in `corpus.words`: case, punctuation and space do
not count. A token is banned if the text would then end with a copied run. The last word counts as it stands: where
"gold" would complete a run, the "gold" of "gold" + "en" is banned, too. So the text holds no copied run that has a told
word, wherever telling stops, and nothing has to be taken back. A run in the prompt alone is the user's; no token makes
it longer.

The ban covers the whole vocabulary and is exact. The index says which words follow the last ones in the stories; there
are nearly always none, and the step is done. Otherwise the tokens that make one of these words are found by their
text. A word of several tokens would be begun and broken off before its last one; the token with its third letter is
therefore banned, too, if the tokenizer usually spells the word that way. Knows no torch.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storytime_tui.corpus.copied import Index
from storytime_tui.corpus.words import APOSTROPHES, WORD, plain
from storytime_tui.generation.detokenizer import Detokenizer
from storytime_tui.generation.sampling.vocabulary import Vocabulary

_REMEMBERED = 64  # runs of words whose next words are kept
_BEGUN = 3  # letters; with fewer, a begun word can still become many others
_MOST_LED = 50  # words; where more may follow, as after one or two words, the tokens that lead into them are not banned
_PART = 20  # characters per word that are searched first for the last words


class CopyGuard:
    """Bans the tokens that complete or continue a run of `words` words from the stories in `index`."""

    def __init__(self, index: Index, vocabulary: Vocabulary, words: int) -> None:
        self._vocabulary, self._words = vocabulary, words
        self._follow = functools.lru_cache(_REMEMBERED)(index.following)

    def banned(self, text: str, held: bytes = b"") -> set[int]:
        """The ids that must not come after `text` and `held`, the bytes of an incomplete character."""
        text = _last_words(text, self._words)
        matches = list(WORD.finditer(text))
        words = [match[0] for match in matches]
        begun = _begun_word(text, matches)
        tokens = _tokens_of(self._vocabulary)
        fresh = self._next(words, self._words - 1)
        joined = self._next(words[:-1], self._words - 1) if begun else frozenset[str]()
        several = tokens.several if self._may_recite_several(words, tokens.most) else ()
        if not fresh and not joined and not several:
            return set()
        banned = {token for token in several if self._recites(text, token, held)}
        if held:  # only the tokens that complete the character join what is there
            banned |= {token for token in tokens.completing if self._recites(text, token, held)}
            begun, joined = "", frozenset()
        for word in fresh:
            banned |= tokens.of_word(word, begun)
        start = plain(begun)
        for word in joined:
            if word.startswith(start):
                banned |= tokens.of_rest(word[len(start) :])
        if len(fresh) + len(joined) <= _MOST_LED:
            banned |= self._leading_into(fresh, "") | self._leading_into(joined, start)
        return banned

    def _next(self, words: Sequence[str], count: int) -> frozenset[str]:
        """The words that follow the last `count` words in the stories."""
        if len(words) < count:
            return frozenset()
        return self._follow(tuple(words[len(words) - count :]))

    def _may_recite_several(self, words: Sequence[str], most: int) -> bool:
        """Whether a token of up to `most` words could complete a run of which only some words are there."""
        if most < 2:
            return False
        count = max(0, self._words - most)
        return bool(self._next(words, count) or self._next(words[:-1], count))

    def _recites(self, text: str, token: int, held: bytes) -> bool:
        """Whether a token would complete a copied run; reads all its words."""
        whole = text + Detokenizer(held).feed(self._vocabulary.token_bytes(token))
        words = list(WORD.finditer(whole))
        told = [word[0] for word in words]
        return any(
            plain(word[0]) in self._next(told[:number], self._words - 1)
            for number, word in enumerate(words)
            if word.end() > len(text)
        )

    def _leading_into(self, words: Iterable[str], begun: str) -> set[int]:
        """The tokens that go on from `begun` to the third letter of a word, as the tokenizer usually spells it."""
        spellings = (spelling for word in words for spelling in _spellings(self._vocabulary, word))
        return {token for before, token in spellings if before == begun}


@functools.lru_cache(maxsize=1024)
def _spellings(vocabulary: Vocabulary, word: str) -> tuple[tuple[str, int], ...]:
    """For each usual spelling of a word in several tokens: the token with its third letter, and what is before it."""
    found = []
    for form in (word, word.capitalize()):
        for ids in (vocabulary.encode(form), vocabulary.encode(f" {form}")):
            before = ""
            for token in ids[:-1]:
                after = before + plain(vocabulary.token_bytes(token).decode("utf-8", "ignore")).lstrip()
                if len(after) >= _BEGUN:
                    found.append((before, token))
                    break
                before = after
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Tokens:
    """A vocabulary's tokens by the first word in their text, as `plain` has it."""

    bare: Mapping[str, set[int]]  # the word comes first in the text, so it joins a word before it
    quoted: Mapping[str, set[int]]  # an apostrophe comes first, then the word: it joins a word, too
    apart: Mapping[str, set[int]]  # something else comes first
    several: tuple[int, ...]  # tokens of more than one word
    most: int  # words in one token
    completing: tuple[int, ...]  # tokens that begin within a character

    def of_word(self, word: str, begun: str) -> set[int]:
        """The tokens after which this is a new word, if the text ends in `begun` (see `_begun_word`)."""
        found = set(self.apart.get(word, ()))
        if not begun or begun[-1] in APOSTROPHES:
            found |= self.quoted.get(word, set())
        if not begun:
            found |= self.bare.get(word, set())
        return found

    def of_rest(self, rest: str) -> set[int]:
        """The tokens that complete a begun word with this rest of it."""
        return self.quoted.get(rest[1:], set()) if rest[:1] == "'" else self.bare.get(rest, set())


@functools.lru_cache(maxsize=2)
def _tokens_of(vocabulary: Vocabulary) -> _Tokens:
    """Computed once per tokenizer: about 0.1 s for GPT-2's."""
    bare, quoted, apart = (defaultdict[str, set[int]](set) for _ in range(3))
    several, completing, most = [], [], 0
    for token in range(vocabulary.vocabulary_size):
        if token == vocabulary.end_of_text:
            continue
        data = vocabulary.token_bytes(token)
        if data and 0x80 <= data[0] < 0xC0:
            completing.append(token)
        text = Detokenizer().feed(data)
        words = list(WORD.finditer(text))
        most = max(most, len(words))
        if not words:
            continue
        if len(words) > 1:
            several.append(token)
        start = words[0].start()
        kind = bare if start == 0 else quoted if start == 1 and text[0] in APOSTROPHES else apart
        kind[plain(words[0][0])].add(token)
    return _Tokens(bare, quoted, apart, tuple(several), most, tuple(completing))


def _last_words(text: str, count: int) -> str:
    """The end of a text, from the first of its last `count` words on; the whole text if it has no more."""
    size = _PART * (count + 1)
    while size < len(text):
        starts = [match.start() for match in WORD.finditer(text[-size:])]
        if len(starts) > count:  # the first one may be a part of a word
            return text[len(text) - size + starts[-count] :] if count else ""
        size *= 2
    return text


def _begun_word(text: str, words: Sequence[re.Match[str]]) -> str:
    """The word at the end of a text, with an apostrophe behind it if there is one; "" if no token can join it."""
    if not words:
        return ""
    rest = text[words[-1].end() :]
    can_go_on = not rest or (len(rest) == 1 and rest in APOSTROPHES)
    return text[words[-1].start() :] if can_go_on else ""
