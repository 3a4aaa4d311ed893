"""CSV and TSV to a Document: the standard library's reader, with the separator found from the first rows."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.data_sets import TEXTS, Record, document_of, text_column
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import stoppable

_SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r"sep=(.)\n", re.IGNORECASE)  # as Excel writes it
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')
_TRIED = 20  # rows
_TRIED_TEXT = 200_000  # characters
_PEEK = 65_536  # bytes
_LONG = 8  # words; a first line with more is a text, not a column's name
_MOST_COLUMNS = 2_000


def read_csv(text: str, name: str, column: str = "", *, tabs: bool = False) -> Document:
    """The tales of a table, one for each row; its first row names the columns. A single column holds the texts.

    `tabs`: the columns are separated by tabs (TSV). Raises CorpusError if no column holds texts.
    """
    text, separator = _separated(text, column, tabs=tabs)
    try:
        rows = list(stoppable(_rows(text, separator)))
    except csv.Error as error:
        raise CorpusError(f"{name} is damaged ({error}): save it as CSV again.") from None
    rows = [row for row in rows if any(map(str.strip, row))]
    if not rows:
        raise CorpusError(f"{name} is empty: there is nothing to learn from it; leave it out.")
    columns = [cell.strip() for cell in rows[0]]
    if len(columns) > _MOST_COLUMNS:
        raise CorpusError(f"{name} has more columns than any data set of stories: save its texts as .txt.")
    if max(map(len, rows)) == 1 and not text_column(columns, column):
        if len(columns[0].split()) > _LONG:
            columns = [TEXTS[0]]
        else:
            rows = rows[1:]
            columns = [column or TEXTS[0]]
    else:
        rows = rows[1:]
    last = len(columns) - 1
    records = [
        # what a row has beyond its columns belongs to the last one: commas in a text without quotes
        Record(number, dict(zip(columns, [*row[:last], separator.join(row[last:])], strict=False)))
        for number, row in enumerate(stoppable(rows), 1)
    ]
    if not records:
        raise CorpusError(f"{name} has a row of names and no other: there is nothing to learn from it.")
    return document_of(records, name, column)


def why_no_csv_set(path: Path, column: str) -> str:
    """Why a table found in a folder is not taken, by its first row; "" if it may be a data set. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_PEEK)
    if b"\0" in head:  # UTF-16
        return ""
    shown = head.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    shown, separator = _separated(shown, column, tabs=path.suffix.lower() == ".tsv")
    try:
        names = next(_rows(shown, separator), [])
    except csv.Error:
        names = []
    return "" if text_column(names, column) else "is a table without a column of texts"


def _separated(text: str, column: str, *, tabs: bool) -> tuple[str, str]:
    """The text without a line that names the separator, and the separator."""
    text = text.lstrip("\ufeff")
    if named := _SEPARATOR_LINE.match(text):
        return text[named.end() :], named[1]
    head = text[:_TRIED_TEXT]
    first = "\t" if tabs else ","
    best, most = first, (False, 1)
    for separator in (first, *_SEPARATORS):
        try:
            rows = list(islice(_rows(head, separator), _TRIED))
        except csv.Error:
            continue
        names = rows[0] if rows else []
        found = (bool(text_column(names, column)), len(names))
        if found > most:
            best, most = separator, found
    return text, best


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    """The rows. A table with tabs needs no quotes around its cells: they are removed only where all is quoted."""
    if separator == "\t":
        lines = [line.split("\t") for line in text.split("\n") if line]
        if len({len(line) for line in lines}) == 1:
            return ([_unquoted(cell) for cell in line] for line in lines)
    return _quoted_rows(text, separator)


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell


def _quoted_rows(text: str, separator: str) -> Iterator[list[str]]:
    # a story is longer than the 131,072 characters that the reader allows by default; the limit is the process's
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)
