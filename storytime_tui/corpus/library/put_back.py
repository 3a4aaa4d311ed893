"""Parts of a file that were left out and that the collection's owner put back: each becomes a story of its own."""

import re
from collections.abc import Sequence
from dataclasses import replace

from storytime_tui.corpus.cleaning.clean import clean, legible, single_blank_lines
from storytime_tui.corpus.document import Account, Book, Document, Omitted, Tale
from storytime_tui.corpus.names import short_line
from storytime_tui.word_count import count_words

_LINES = re.compile(r"lines? (\d{1,9})(?: to (\d{1,9}))?")
_TITLE = 60  # characters of a first line that can be a title
_KEPT = 0.9  # of the words: cleaning that takes more away would leave the part out again


def put_back_tales(
    document: Document, account: Account, texts: Sequence[str], places: Sequence[str], *, plain: bool
) -> tuple[Account, tuple[Tale, ...]]:
    """The parts at these places as stories, and the account without them. `texts`: of what the account leaves out.

    Lines are found even if another version of the program divides the file differently.
    """
    by_place = {each.place: (each, text) for each, text in zip(account.omitted, texts, strict=True)}
    lines = document.text.split("\n")
    tales: list[Tale] = []
    wanted: list[tuple[int, int]] = []
    back: set[str] = set()
    for number, place in enumerate(dict.fromkeys(places)):
        behind = len(lines) + number  # a place of its own, behind the document's lines
        first, last, text = behind, behind, ""
        named = _LINES.fullmatch(place)
        if place in by_place:
            omitted, text = by_place[place]
            if (
                omitted.lines[1] > omitted.lines[0]
            ):  # else its place is not in the document but in the reader's source
                first, last = omitted.lines
        elif named is not None:
            first, last = int(named[1]) - 1, int(named[2] or named[1])
            text = "\n".join(lines[first:last])
            wanted.append((first, last))
        if text.strip():
            tales.append(_tale(text, place, (first, last), plain=plain))
            back.add(place)
    rest = tuple(each for each in account.omitted if each.place not in back and not _is_among(each, wanted))
    return Account(account.file, account.words, rest, account.remarks), tuple(tales)


def with_tales(book: Book, tales: Sequence[Tale]) -> tuple[Tale, ...]:
    """The book's stories and the ones put back, in the order of their first lines.

    No two begin on the same line, as a story is known by it.
    """
    taken = {tale.lines[0] for tale in book.tales}
    behind = max([0, *(tale.lines[1] for tale in (*book.tales, *tales))])
    own = [
        tale if tale.lines[0] not in taken else replace(tale, lines=(behind + at, behind + at))
        for at, tale in enumerate(tales)
    ]
    return tuple(sorted((*book.tales, *own), key=lambda tale: tale.lines[0]))


def _is_among(omitted: Omitted, wanted: Sequence[tuple[int, int]]) -> bool:
    first, last = omitted.lines
    return last > first and any(start <= first and last <= end for start, end in wanted)


def _tale(text: str, place: str, lines: tuple[int, int], *, plain: bool) -> Tale:
    cleaned = clean(text, plain=plain)
    if count_words(cleaned) < _KEPT * count_words(text):
        cleaned = single_blank_lines(legible(text, plain=plain)).strip("\n")
    head, _, rest = cleaned.partition("\n")
    title = short_line(head)
    if 0 < len(head) <= _TITLE and rest.strip():
        return Tale(title, rest.strip("\n"), lines=lines)
    return Tale(short_line(place), cleaned, lines=lines)
