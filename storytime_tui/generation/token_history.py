"""The ids of a story's text. Generated text keeps the ids it was generated with, since re-encoding may give others.

After an edit, encoding starts at the beginning of the changed word. Everything before keeps its ids, and so its
key-value cache. Knows no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.generation.detokenizer import Detokenizer
from storytime_tui.generation.sampling.vocabulary import Vocabulary

_MAX_TEXTS = 8  # enough for switching between branches of a story


@dataclass(frozen=True)
class TokenHistory:
    """A text as UTF-8 and its ids: token i ends at byte `ends[i]`. Tokens that share a character end together."""

    text: bytes
    ids: tuple[int, ...]
    ends: tuple[int, ...]


EMPTY = TokenHistory(b"", (), ())


class TokenHistories:
    """The most recent texts with their ids. Used from one thread at a time."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._kept: list[TokenHistory] = []

    def keep(self, history: TokenHistory) -> None:
        """Store a text's ids; the oldest text is dropped."""
        self._kept = [history, *(each for each in self._kept if each.text != history.text)][:_MAX_TEXTS]

    def recall(self, parts: Sequence[tuple[str, Sequence[int]]], *, trims: bool) -> None:
        """Keep the ids of a text that was told earlier: its parts in order, each with the ids it was told with, if any.

        `trims`: trailing spaces are not encoded (see `Generator.tell`).
        """
        told = max((place for place, (_, ids) in enumerate(parts, 1) if ids), default=0)
        text = "".join(part for part, _ in parts[:told]).encode("utf-8", "replace")
        if not told or any(each.text.startswith(text) for each in self._kept):
            return
        history, written = EMPTY, b""  # `written`: all text so far, of which `history` may lack the end
        for part, ids in parts[:told]:
            if ids:
                encoded = written.rstrip(b" \t") if trims else written
                history = extended(history, encoded, common_bytes(history.text, encoded), self._vocabulary)
                history = _with_told(history, written[len(encoded) :], part, ids, self._vocabulary)
            written += part.encode("utf-8", "replace")
        self.keep(history)

    def of(self, text: str) -> TokenHistory:
        """The ids of `text`, reusing known ids as far as possible."""
        data = text.encode("utf-8", "replace")
        best, common = EMPTY, 0
        for each in self._kept:
            shared = common_bytes(each.text, data)
            if shared > common:
                best, common = each, shared
        history = extended(best, data, common, self._vocabulary)
        self.keep(history)
        return history


def extended(known: TokenHistory, data: bytes, common: int, vocabulary: Vocabulary) -> TokenHistory:
    """The history of `data`, whose first `common` bytes are those of `known`."""
    count = _reusable(known, data, common)
    start = known.ends[count - 1] if count else 0
    ids = vocabulary.encode(data[start:].decode())
    ends = token_ends(ids, data[start:], start, vocabulary)
    if ends is None and count:  # this tokenizer cannot start within a text
        count, ids = 0, vocabulary.encode(data.decode())
        ends = token_ends(ids, data, 0, vocabulary)
    if ends is None:
        ends = [len(data)] * len(ids)
    return TokenHistory(data, (*known.ids[:count], *ids), (*known.ends[:count], *ends))


def _with_told(
    history: TokenHistory, spaces: bytes, part: str, ids: Sequence[int], vocabulary: Vocabulary
) -> TokenHistory:
    """The history with a part that was told after it and `spaces`, as far as the ids spell it."""
    before = len(history.text) + len(spaces)
    stream, spelled, ends, pending = Detokenizer(), "", [], 0
    for token in ids:
        text = stream.feed(vocabulary.token_bytes(token))
        text = text.lstrip(" ") if spaces and not spelled else text  # the text has the space already
        if not part.startswith(spelled + text):
            break
        spelled += text
        pending += 1
        if not stream.held:
            ends += [before + len(spelled.encode("utf-8", "replace"))] * pending
            pending = 0
    if not ends:
        return history
    told = history.text + spaces + part.encode("utf-8", "replace")
    return TokenHistory(told[: ends[-1]], (*history.ids, *ids[: len(ends)]), (*history.ends, *ends))


def token_ends(ids: Sequence[int], data: bytes, start: int, vocabulary: Vocabulary) -> list[int] | None:
    """The byte at which each id ends, counted from `start`; None if the ids do not spell `data` exactly."""
    pieces = [vocabulary.token_bytes(token) for token in ids]
    if b"".join(pieces) != data:
        return None
    ends = []
    for piece in pieces:
        start += len(piece)
        ends.append(start)
    return ends


def common_bytes(one: bytes, other: bytes) -> int:
    """The length of the common prefix of two texts, in bytes."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _reusable(known: TokenHistory, data: bytes, common: int) -> int:
    """How many known tokens can be reused: up to the start of the word in which the text changes."""
    if common == len(known.text) == len(data):
        return len(known.ids)
    low, high = 0, len(known.ends)
    while low < high:  # binary search for the first token that ends after the common part
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
    """Whether a tokenizer always splits after this many tokens: before a word's space, or after a line."""
    place = known.ends[count - 1]
    if count < len(known.ends) and known.ends[count] == place:
        return False  # the next token completes the same character
    if place == len(data):
        return True
    before, after = data[place - 1 : place], data[place : place + 1]
    return after.isspace() != before.isspace() if after.isspace() else before == b"\n"
