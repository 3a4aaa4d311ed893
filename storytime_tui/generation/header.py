"""The tokens before a story in view: a shelf's line, the memory's header lines, a blank line, the rest of the memory.

The layout gives the same ids as in training: see `corpus.headers`. Knows no torch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.corpus.headers import HEADERS, SHELF, header_ids, shelf_line
from storytime_tui.generation.sampling.vocabulary import Vocabulary
from storytime_tui.generation.voice import Voice, effective

_HEADER_LINES = re.compile(rf"(?:(?:{'|'.join(HEADERS)}): .*(?:\n|\Z))+")
_ALL_HEADER_LINES = re.compile(rf"(?:(?:{'|'.join((SHELF, *HEADERS))}): .*(?:\n|\Z))+")


@dataclass(frozen=True)
class Front:
    """`lines`: the ids of each voice's header line (none, one or two), with their weights in `shares`.

    `blank`: the ids of the blank line after them. `memory`: the ids that are always in view; the first `headers`
    of them come before the blank line.
    """

    lines: Sequence[Sequence[int]] = ()
    shares: Sequence[float] = ()
    blank: Sequence[int] = ()
    memory: Sequence[int] = ()
    headers: int = 0


def front_of(voice: Voice, memory: str, vocabulary: Vocabulary) -> Front:
    """The front of a story in a voice, with a memory. Either may be empty."""
    voice = effective(voice)
    if not voice:
        return Front(memory=_memory_alone(memory, vocabulary))
    headers, rest = _split_headers(memory, _HEADER_LINES)
    lines = [vocabulary.encode(shelf_line(title)) for title, _ in voice]
    whole = header_ids(shelf_line(voice[0][0]) + headers, vocabulary)
    blank = vocabulary.encode("\n")
    memory_headers = whole[len(lines[0]) : len(whole) - len(blank)]
    return Front(
        lines=[whole[: len(lines[0])], *lines[1:]],
        shares=[share for _, share in voice],
        blank=blank,
        memory=[*memory_headers, *vocabulary.encode(with_ending(rest, "\n\n"))],
        headers=len(memory_headers),
    )


def with_ending(text: str, ending: str) -> str:
    """The text with `ending` instead of its line breaks at the end; "" for a blank text."""
    return text.rstrip("\n") + ending if text.strip() else ""


def _memory_alone(memory: str, vocabulary: Vocabulary) -> Sequence[int]:
    """The memory's ids without a shelf's line: its header lines as stories had them in training.

    GPT-2's tokenizers encode a blank line before a word as two tokens, but at the end of a text as one.
    """
    headers, rest = _split_headers(memory, _ALL_HEADER_LINES)
    if headers and not rest:
        before, line_end, after = vocabulary.encode("a\n"), vocabulary.encode("\n"), vocabulary.encode("a")
        if vocabulary.encode("a\n\na") == [*before, *line_end, *after]:
            return header_ids(headers, vocabulary)
    return vocabulary.encode(with_ending(memory, "\n\n"))


def _split_headers(memory: str, lines: re.Pattern[str]) -> tuple[str, str]:
    """The header lines at the start of a memory, and the rest."""
    match = lines.match(memory)
    if match is None:
        return "", memory
    return match[0].rstrip("\n") + "\n", memory[match.end() :].lstrip("\n")
