"""Tables of word processors' documents: rows of words, or the layout of a page."""

from collections.abc import Callable, Sequence
from typing import Any

from storytime_tui.corpus.formats.paragraphs import Paragraphs


def read_table(
    out: Paragraphs,
    rows: Sequence[Sequence[Any]],
    *,
    blocks_in: Callable[[Any], int],
    blocks: Callable[[Any], None],
    words: Callable[[Any], str],
) -> None:
    """Add a table: a row on a line; but if cells hold several paragraphs, the table only lays out a page.

    `rows`: their cells. `blocks_in`: how many paragraphs a cell has. `blocks`: reads a cell's paragraphs. `words`: the
    words of a cell.
    """
    if all(len(row) < 2 for row in rows) or any(blocks_in(cell) > 1 for row in rows for cell in row):
        for row in rows:
            for cell in row:
                blocks(cell)
        return
    out.space(1)
    for row in rows:
        out.add(" ".join(" ".join(map(words, row)).split()), item=True)
