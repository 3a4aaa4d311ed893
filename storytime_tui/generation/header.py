"""What stands before a story in view: a shelf's line, the memory's header lines, a blank line, the memory's rest.

It is laid out as training had it, to the very ids: see `corpus.headers`. Knows no torch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.corpus.headers import HEADERS, SHELF, header_ids, shelf_line
from storytime_tui.generation.sampling.vocabulary import Vocabulary
from storytime_tui.generation.voice import Voice, effective

_LINES = re.compile(rf"(?:(?:{'|'.join(HEADERS)}): .*(?:\n|\Z))+")
_LINES_ALONE = re.compile(rf"(?:(?:{'|'.join((SHELF, *HEADERS))}): .*(?:\n|\Z))+")


@dataclass(frozen=True)
class Front:
    """`lines`: the ids of each voice's line, of which each has the share in `shares` of what is told; none or two.

    `blank` are the ids of the blank line behind them. `memory`: the ids of what is always in view, of which the first
    `headers` stand before the blank line.
    """

    lines: Sequence[Sequence[int]] = ()
    shares: Sequence[float] = ()
    blank: Sequence[int] = ()
    memory: Sequence[int] = ()
    headers: int = 0


def front_of(voice: Voice, memory: str, vocabulary: Vocabulary) -> Front:
    """The front of a story that is told in a voice, with a memory. Either may be empty."""
    voice = effective(voice)
    if not voice:
        return Front(memory=_memory_alone(memory, vocabulary))
    headers, rest = _parted(memory, _LINES)
    lines = [vocabulary.encode(shelf_line(title)) for title, _ in voice]
    whole = header_ids(shelf_line(voice[0][0]) + headers, vocabulary)
    blank = vocabulary.encode("\n")
    own = whole[len(lines[0]) : len(whole) - len(blank)]
    return Front(
        lines=[whole[: len(lines[0])], *lines[1:]],
        shares=[share for _, share in voice],
        blank=blank,
        memory=[*own, *vocabulary.encode(apart(rest, "\n\n"))],
        headers=len(own),
    )


def apart(text: str, ending: str) -> str:
    """With the line ends that part it from what follows; nothing of nothing."""
    return text.rstrip("\n") + ending if text.strip() else ""


def _memory_alone(memory: str, vocabulary: Vocabulary) -> Sequence[int]:
    """The memory's ids where no shelf's line stands before it: header lines as a story had them in training.

    Tokenizers of GPT-2's kind read a blank line before a word as two tokens, and as one at the end of a text.
    """
    headers, rest = _parted(memory, _LINES_ALONE)
    if headers and not rest:
        before, line_end, after = vocabulary.encode("a\n"), vocabulary.encode("\n"), vocabulary.encode("a")
        if vocabulary.encode("a\n\na") == [*before, *line_end, *after]:
            return header_ids(headers, vocabulary)
    return vocabulary.encode(apart(memory, "\n\n"))


def _parted(memory: str, lines: re.Pattern[str]) -> tuple[str, str]:
    """The header lines that a memory begins with, and what follows them."""
    found = lines.match(memory)
    if found is None:
        return "", memory
    return found[0].rstrip("\n") + "\n", memory[found.end() :].lstrip("\n")
