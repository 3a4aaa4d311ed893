"""The ids of a story's text: those that were told, where it was told, since encoding it anew may give others.

What changed is encoded, from the word on in which it begins; everything before keeps its ids, and so what a model
has computed of it. Knows no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.generation.sampling.vocabulary import Vocabulary

_KEPT = 8  # texts: the story's branches that one goes back and forth between


@dataclass(frozen=True)
class TokenHistory:
    """A text as UTF-8 and its ids: token i ends at byte `ends[i]`. Tokens that share a character end together."""

    text: bytes
    ids: tuple[int, ...]
    ends: tuple[int, ...]


EMPTY = TokenHistory(b"", (), ())


class TokenHistories:
    """The texts that were told last. Used from one thread at a time."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._kept: list[TokenHistory] = []

    def keep(self, transcript: TokenHistory) -> None:
        """Remember what a text's ids are; the text that was kept longest ago goes."""
        self._kept = [transcript, *(each for each in self._kept if each.text != transcript.text)][:_KEPT]

    def of(self, text: str) -> TokenHistory:
        """The ids of `text`: those that it was told with as far as possible."""
        data = text.encode("utf-8", "replace")
        known, common = EMPTY, 0
        for each in self._kept:
            shared = common_bytes(each.text, data)
            if shared > common:
                known, common = each, shared
        found = extended(known, data, common, self._vocabulary)
        self.keep(found)
        return found


def extended(known: TokenHistory, data: bytes, common: int, vocabulary: Vocabulary) -> TokenHistory:
    """The transcript of `data`, whose first `common` bytes are those of `known`."""
    count = _reusable(known, data, common)
    start = known.ends[count - 1] if count else 0
    ids = vocabulary.encode(data[start:].decode())
    ends = spelled(ids, data[start:], start, vocabulary)
    if ends is None and count:  # such a vocabulary cannot go on in the middle of a text
        count, ids = 0, vocabulary.encode(data.decode())
        ends = spelled(ids, data, 0, vocabulary)
    if ends is None:
        ends = [len(data)] * len(ids)
    return TokenHistory(data, (*known.ids[:count], *ids), (*known.ends[:count], *ends))


def spelled(ids: Sequence[int], data: bytes, start: int, vocabulary: Vocabulary) -> list[int] | None:
    """Where each of the ids ends, counted from `start`; None where they do not spell `data`, byte for byte."""
    pieces = [vocabulary.token_bytes(token) for token in ids]
    if b"".join(pieces) != data:
        return None
    ends = []
    for piece in pieces:
        start += len(piece)
        ends.append(start)
    return ends


def common_bytes(one: bytes, other: bytes) -> int:
    """How many bytes two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _reusable(known: TokenHistory, data: bytes, common: int) -> int:
    """How many of the known tokens stand in the text as they are: up to the start of the word where it changes."""
    if common == len(known.text) == len(data):
        return len(known.ids)
    low, high = 0, len(known.ends)
    while low < high:  # the first token that ends behind what is common
        middle = (low + high) // 2
        if known.ends[middle] <= common:
            low = middle + 1
        else:
            high = middle
    count = low
    while count and not _between_words(known, count, data):
        count -= 1
    return count


def _between_words(known: TokenHistory, count: int, data: bytes) -> bool:
    """Whether a tokenizer would cut after so many tokens, whatever follows: before a word's space, after a line."""
    place = known.ends[count - 1]
    if count < len(known.ends) and known.ends[count] == place:
        return False  # the next one holds the rest of the same character
    if place == len(data):
        return True
    before, after = data[place - 1 : place], data[place : place + 1]
    return after.isspace() != before.isspace() if after.isspace() else before == b"\n"
