"""A story laid out to be read: its lines, the words found in them, and a place that a change of width keeps."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from storytime_tui.tui.found_words import FoundWords, find_words
from storytime_tui.tui.sheets import Sheet


@dataclass(frozen=True)
class ReadSheet:
    """`letters`: for each line how many characters of the text, without spaces, stand before it; () in a message."""

    sheet: Sheet
    letters: Sequence[int] = ()
    found: FoundWords = FoundWords()  # noqa: RUF009 - frozen

    def letter_at(self, row: int) -> int:
        """The place of a line, the same at every width."""
        return self.letters[min(row, len(self.letters) - 1)] if self.letters else 0

    def row_of(self, letter: int) -> int:
        """The line in which that place is; the top for the text's beginning."""
        return max(0, bisect_right(self.letters, letter) - 1) if letter else 0


def read_sheet(sheet: Sheet, phrases: Sequence[str] = ()) -> ReadSheet:
    """The sheet of a story with its places and the phrases found in its text. The lines above the text do not count."""
    first = sheet.lines.index("") + 1 if "" in sheet.lines else len(sheet.lines)
    lengths = (len("".join(line.split())) for line in sheet.lines[first:])
    letters = [*[0] * first, *accumulate(lengths, initial=0)][: len(sheet.lines)]
    return ReadSheet(sheet, letters, find_words(sheet.lines, phrases, first))
