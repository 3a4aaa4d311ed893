"""A contents list at a book's end, where French, Spanish and Italian books have it."""

from collections.abc import Sequence

from storytime_tui.corpus.dividing.blocks import Block, is_prose, lines_in
from storytime_tui.corpus.dividing.contents_list import without_page
from storytime_tui.corpus.dividing.heading_rules import heading_key, matter_of
from storytime_tui.corpus.dividing.titles import key_of

_LAST_PART = 0.1  # of a book; the list begins in it
_MOST_BLOCKS, _FEWEST_LINES = 300, 2
_LONGEST_HEADING = 40  # characters


def before_last_contents(text: str, blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks before a contents list at the end, if each of its lines occurs in the text before it."""
    if not blocks:
        return blocks
    earliest = blocks[-1].end - _LAST_PART * (blocks[-1].end - blocks[0].start)
    for at in range(len(blocks) - 1, max(0, len(blocks) - _MOST_BLOCKS), -1):
        block = blocks[at]
        if block.start < earliest or is_prose(text, block):
            break
        first, *others = lines_in(text, block)
        if len(first) <= _LONGEST_HEADING and matter_of(first) == "contents":
            lines = [*others, *(line for each in blocks[at + 1 :] for line in lines_in(text, each))]
            before = key_of(text[: block.start])
            repeated = all(
                heading_key(without_page(line)) in before for line in lines if matter_of(line) != "end"
            )
            return blocks[:at] if len(lines) >= _FEWEST_LINES and repeated else blocks
    return blocks
