"""Paragraphs that are cut between two pages of an e-book, as programs do that split a book by its size."""

import re
from collections.abc import Sequence

from storytime_tui.corpus.formats.page_kinds import prose_in

_UNFINISHED = re.compile(r"(?:\w|[,;–—\u00ad-])[\"'”’»)\]]?$")
_GOES_ON = re.compile(r"[\"'“”‘’«»(\[–—… ]{0,3}(?P<letter>\w)")
_LETTERS = re.compile(r"[^\W\d_]")


def is_cut(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the last paragraph of a page goes on in the first one of the next page.

    It ends in the middle of a sentence, and the next page begins with a small letter. Both are prose: a line of a
    title page, of a list or of verse has no end mark either.
    """
    if not before or not after or _is_block(before[-2:-1]) or _is_block(after[1:2]):
        return False
    first = _GOES_ON.match(after[0])
    if first is None or not first["letter"].islower() or not _UNFINISHED.search(before[-1][-3:]):
        return False
    if len(_LETTERS.findall(before[-1][-40:])) < 2:
        return False
    return prose_in([line for line in before if line]) > 0 and prose_in([line for line in after if line]) > 0


def joined(before: str, after: str) -> str:
    """The two halves of a paragraph as one; a word that is cut at a hyphen has no space in it."""
    if before.endswith("\u00ad"):
        return before[:-1] + after
    is_torn = len(before) > 1 and before[-1] == "-" and before[-2].isalpha() and after[:1].isalpha()
    return f"{before}{'' if is_torn else ' '}{after}"


def _is_block(neighbour: Sequence[str]) -> bool:
    """Whether the line beside a first or last one belongs to the same stanza or list."""
    return any(neighbour)
