"""The texts of what a collection's files leave out, read again from the files."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storytime_tui.corpus.account import account_of
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Document, Omitted
from storytime_tui.corpus.file_names import ending_of
from storytime_tui.corpus.formats import archives
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.corpus.formats.registry import ARCHIVES
from storytime_tui.errors import CorpusError

_AROUND = 15  # lines before and after a part


@dataclass(frozen=True)
class LeftOutPart:
    """A part of a file that is in no story.

    `number`: its place among all parts of the collection, from 1. `before`, `after`: the file's lines around it.
    `asked`: it is large, and was left out for no plain reason.
    """

    number: int
    file: str
    omitted: Omitted
    text: str
    before: str = ""
    after: str = ""
    asked: bool = False


def left_out_parts(collection: Collection, file: str = "") -> Iterator[LeftOutPart]:
    """What the collection's files leave out, or one file; each file is read when its turn comes. Raises CorpusError."""
    number = 0
    for account in collection.accounts:
        if account.omitted and file in ("", account.file):
            document = document_of(collection, account.file)
            book = read_book(document, plain=collection.plain_punctuation)
            whole, texts = account_of(account.file, document, book)
            by_place = {each.place: text for each, text in zip(whole.omitted, texts, strict=True)}
            lines, asked = document.text.split("\n"), set(account.asked)
            for at, omitted in enumerate(account.omitted, number + 1):
                before, after = _around(lines, *omitted.lines)
                text = by_place.get(omitted.place, "")
                yield LeftOutPart(at, account.file, omitted, text, before, after, omitted in asked)
        number += len(account.omitted)


def _around(lines: Sequence[str], first: int, last: int) -> tuple[str, str]:
    if first == last:  # the reader left it out: it has no lines
        return "", ""
    return "\n".join(lines[max(0, first - _AROUND) : first]), "\n".join(lines[last : last + _AROUND])


def document_of(collection: Collection, file: str) -> Document:
    """A file of the collection, which may be in an archive. Raises CorpusError, also if it is gone."""
    if collection.folder is None:
        raise CorpusError(f"The folder of “{collection.title}” is not known.")
    with _on_disk(collection.folder, Path(file), collection.column) as path:
        return read_document(path, collection.column)


@contextmanager
def _on_disk(folder: Path, file: Path, column: str) -> Iterator[Path]:
    """The file, unpacked if one of the names on its way is an archive."""
    archive = next((each for each in file.parents if ending_of(each) in ARCHIVES), None)
    if archive is None or not (folder / archive).is_file():
        yield folder / file
        return
    with tempfile.TemporaryDirectory(prefix="storytime-") as unpacked:
        archives.unpack(folder / archive, Path(unpacked), column)
        yield Path(unpacked) / file.name
