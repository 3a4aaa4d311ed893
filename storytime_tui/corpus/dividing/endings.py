"""Finding the end of a book's last story, before THE END, imprint, advertisements and notes."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from storytime_tui.corpus.cleaning.apparatus import ASTERISM, is_row
from storytime_tui.corpus.dividing.blocks import Block, is_note
from storytime_tui.corpus.dividing.caseless import END_WORDS
from storytime_tui.corpus.dividing.heading_rules import is_heading_like, matter_of, prices_in
from storytime_tui.corpus.dividing.titles import is_capitals

_AFTER_THE_END = 0.15  # of a book; this much may follow THE END and not be story
_AFTERWORD = 0.03  # of a book of stories; this little after its last row of stars is the publisher's
_SOME_PRICES, _FEWEST_PRICES = 1500, 3  # an advertisement has this many prices in this many characters
_MOST_IMPRINTS = 12  # blocks
_WIDE = 2  # blank lines
IMPRINT = re.compile(
    r"\b(?:printed|printers|press|publish(?:ed|ers)|copyright|ltd|limited|& co|london|new york|boston)\b",
    re.I,
)
_THE_END = re.compile(
    rf"[ \t]*_?(?:the end|finis|fin|fim|ende|einde|конец|(?-i:FINE)|{END_WORDS}"
    r"|[（(〔【［]?(?:全[书書文]|本[书書])?(?:[完终終了]|完[结結]|[终終]了|おわり|終わり|劇終|剧终)[）)〕】］]?)"
    r"[ .!。！]*_?",
    re.IGNORECASE,
)
_SOURCE = re.compile(r"[ \t]*[\[(][^\[\]()]{3,200}[\])]")
_FIRST_ROW = re.compile(r"(?:\n|[ \t]*\* \* \*(?:\n|\Z))*+")


def end_of_text(book: str, blocks: Sequence[Block], start: int, end: int, *, is_omnibus: bool) -> int:
    """The end of the text that begins at character `start` and extends at most to `end`."""
    own = [block for block in blocks if start <= block.start < end]
    size = max(1, blocks[-1].end - blocks[0].start)
    first = next((n for n, block in enumerate(own) if end - block.start <= _AFTER_THE_END * size), len(own))
    prices = prices_in(book, own[first].start, end) if first < len(own) else []
    for at in range(first, len(own)):
        rest = (end - own[at].start) / size
        if _ends_the_book(book, own, at, rest, is_omnibus=is_omnibus) or _is_advertisement(own[at], prices):
            own = own[:at]
            break
    for _ in range(_MOST_IMPRINTS):
        if len(own) > 1 and _is_imprint(book, own[-1]):
            own.pop()
    return own[-1].end if own else start


def _ends_the_book(book: str, own: Sequence[Block], at: int, rest: float, *, is_omnibus: bool) -> bool:
    """Whether the stories end before this block. `rest`: the share of the book after it."""
    block = own[at]
    shown = book[block.start : min(block.end, block.start + 120)]
    if block.skip:
        wide = block.gap >= _WIDE and at + 1 < len(own) and own[at + 1].gap >= _WIDE and is_row(shown)
        return wide and is_omnibus and rest < _AFTERWORD
    if len(shown) < 40 and matter_of(shown) == "end":
        return True
    if is_note(book, block):
        return True
    return block.gap >= _WIDE and len(shown) < 100 and matter_of(shown.split("\n")[0]) in ("back", "front")


def _is_advertisement(block: Block, prices: Sequence[int]) -> bool:
    """Whether a block with a wide gap before it is followed by several prices."""
    if block.skip or block.gap <= _WIDE:
        return False
    return (
        bisect_left(prices, block.start + _SOME_PRICES) - bisect_left(prices, block.start) >= _FEWEST_PRICES
    )


def _is_imprint(book: str, block: Block) -> bool:
    """Whether a book's last block is an imprint, or a heading without text."""
    if block.skip:
        return True
    shown = book[block.start : block.end]
    if block.gap < _WIDE or shown.count("\n") > 4 or len(shown) > 250:
        return False
    return (is_capitals(shown) and is_heading_like(shown, 1)) or IMPRINT.search(shown) is not None


def trimmed(text: str, *, sources: bool = True) -> str:
    """A story without a row of stars at its ends, and without THE END and its source in brackets.

    If `sources` is False, brackets may be part of the story ("[Exit the cat.]") and stay.
    """
    before = _FIRST_ROW.match(text)
    first, last = before.end() if before is not None else 0, len(text.rstrip("\n"))
    while last > first:
        start = max(first, text.rfind("\n", first, last) + 1)
        line = text[start:last]
        alone = sources and start - 2 > first and text[start - 2] == "\n"
        source = alone and _SOURCE.fullmatch(line) is not None
        if line.strip() and not source and line.strip() != ASTERISM and not _THE_END.fullmatch(line):
            break
        last = start - 1
    return text[first : max(first, last)].strip("\n")
