"""Reads a story without telling: the logits at the place of each token in view. Knows no widget and no store."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from storytime_tui.generation.backends.backend import CHUNK, Backend
from storytime_tui.generation.continuation import Continuation
from storytime_tui.generation.detokenizer import Detokenizer
from storytime_tui.generation.sampling.mixture import mix_logits
from storytime_tui.generation.sampling.vocabulary import Vocabulary
from storytime_tui.generation.token_history import TokenHistory


@dataclass(frozen=True)
class TokensRead:
    """Some tokens of a story, one after the other.

    `ends`: the character of the text after each; the first begins at `start`. A token that ends within a character
    ends where the one before it does. `logits`: (tokens, vocabulary) float32 of what could stand at the place of each,
    with the voices mixed as for telling. `done` of `total` tokens in view are read. `history`: the text with all ids.
    """

    ids: tuple[int, ...]
    start: int
    ends: tuple[int, ...]
    logits: Tensor
    done: int
    total: int
    history: TokenHistory


def read_view(
    backend: Backend, vocabulary: Vocabulary, continuation: Continuation, stop: threading.Event
) -> Iterator[TokensRead]:
    """Read the views of a continuation that has told nothing yet: its tokens in view, in order, in groups.

    The very first token of a view that begins within the story, with nothing before it, is left out: nothing says how
    likely it was. Ends early once `stop` is set.
    """
    view, history = continuation.view, continuation.history
    begins = min(view.begins, len(history.ids))
    ids = history.ids[begins:]
    ends = _characters(history, vocabulary)
    note_at = len(ids) if view.note_at is None else view.note_at
    # for each view: where in it the token stands that comes before each of `ids`
    before = [
        [
            len(each) - len(ids) - view.note + place - 1 + (view.note if place >= note_at else 0)
            for place in range(len(ids))
        ]
        for each in continuation.views
    ]
    first = next((place for place in range(len(ids)) if before[0][place] >= 0), len(ids))
    rows = [_Rows(backend.all_logits(each)) for each in continuation.views]
    for start in range(first, len(ids), CHUNK):
        part = range(start, min(start + CHUNK, len(ids)))
        read = [
            one.at([places[place] for place in part], stop) for one, places in zip(rows, before, strict=True)
        ]
        if stop.is_set():
            return
        size = vocabulary.vocabulary_size
        mixed = [
            mix_logits([each[:size] for each in row], continuation.shares) for row in zip(*read, strict=True)
        ]
        yield TokensRead(
            tuple(ids[place] for place in part),
            ends[begins + start - 1] if begins + start else 0,
            tuple(ends[begins + place] for place in part),
            torch.stack(mixed),
            part[-1] + 1,
            len(ids),
            history,
        )


class _Rows:
    """The rows of a view's logits, asked for in order; those before the last ones asked for are dropped."""

    def __init__(self, groups: Iterator[Tensor]) -> None:
        self._groups = groups
        self._start, self._held = 0, torch.empty(0, 0)

    def at(self, places: Sequence[int], stop: threading.Event) -> Sequence[Tensor]:
        """The rows at these places of the view; none if stopped."""
        parts = [self._held[places[0] - self._start :]] if places[0] < self._start + len(self._held) else []
        begin = places[0] if parts else self._start + len(self._held)
        while begin + sum(map(len, parts)) <= places[-1]:
            if stop.is_set():
                return ()
            group = next(self._groups)
            if not parts and begin + len(group) <= places[0]:
                begin += len(group)
            else:
                parts.append(group)
        self._start, self._held = begin, torch.cat(parts)
        return [self._held[place - begin] for place in places]


def _characters(history: TokenHistory, vocabulary: Vocabulary) -> list[int]:
    """The character of the text after each token."""
    ends: Sequence[int] = history.ends
    if len(ends) > 1 and ends[0] == len(history.text):  # unknown: this tokenizer adds a space before the text
        spelled = list(accumulate(len(vocabulary.token_bytes(token)) for token in history.ids))
        surplus = max(0, spelled[-1] - len(history.text))
        ends = [max(0, end - surplus) for end in spelled]
    stream, characters, start, found = Detokenizer(), 0, 0, []
    for end in ends:
        characters += len(stream.feed(history.text[start:end]))
        found.append(characters)
        start = end
    return found
