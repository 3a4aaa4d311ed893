"""JSON and JSON Lines to a Document, whichever way a program laid out the rows of a data set."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from storytime_tui.corpus.document import Document, LeftOut
from storytime_tui.corpus.formats.data_sets import (
    AUTHORS,
    TEXTS,
    TITLES,
    Record,
    document_of,
    first_of,
    plain_text,
    text_column,
)
from storytime_tui.corpus.formats.encodings import Decoded, decode
from storytime_tui.corpus.formats.json_books import (
    beside_chapters,
    chapters_field,
    chapters_in,
    words_of,
)
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import stoppable

_TALKS = ("messages", "conversations", "conversation")
_OWN_FORMAT = "storytime-story"  # as `stories export` writes it, see stories/export/tree_json.py
_DEEPEST = 3  # objects around the list of rows
_MOST_VALUES = 4_000_000  # each takes about 70 bytes of memory
_MOST_BROKEN = 0.5  # of the lines; with more, the file is not JSON Lines
_PEEK = 65_536  # bytes
_OWN = re.compile(rb'"format"\s*:\s*"storytime-story"')
_TALK = re.compile(rb'"(?:messages|conversations?)"\s*:')


def read_json(data: bytes, name: str, column: str = "") -> Document:
    """The tales of a JSON file, one for each row.

    Rows are the objects or strings of a list, at the top or under any key; lines of JSON; or lists of the values of
    each column, as pandas writes them. Raises CorpusError if it is not JSON, or no data set.
    """
    source = _decoded(data, name)
    try:
        value = _parsed(source.text, name)
    except json.JSONDecodeError as error:
        if "\n" in source.text.strip():
            return _with_remarks(_from_lines(source.text, name, column), source)
        raise _not_json(name, error.lineno) from None
    return _with_remarks(_document(value, name, column), source)


def read_json_lines(data: bytes, name: str, column: str = "") -> Document:
    """The tales of a JSON Lines file, one for each line. Lines that are not JSON are left out, and said.

    Raises CorpusError if most lines are not JSON, or it is no data set.
    """
    source = _decoded(data, name)
    return _with_remarks(_from_lines(source.text, name, column), source)


def _from_lines(text: str, name: str, column: str) -> Document:
    rows: list[tuple[int, Any]] = []
    broken: list[Record] = []
    for number, line in enumerate(stoppable(text.split("\n")), 1):
        if not line.strip():
            continue
        try:
            rows.append((number, _parsed(line, name)))
        except json.JSONDecodeError:
            broken.append(Record(number, {"": line}, broken=True))
    if len(broken) > _MOST_BROKEN * (len(rows) + len(broken)) or not rows:
        try:
            value = _parsed(text, name)  # one value over many lines
        except json.JSONDecodeError as error:
            raise _not_json(name, broken[0].number if broken and rows else error.lineno) from None
        return _document(value, name, column)
    if len(rows) == 1 and not broken:
        return _document(rows[0][1], name, column)
    _refuse_others((row for _, row in rows), name)
    records = [_record(number, row, column) for number, row in rows]
    document = document_of(sorted([*records, *broken], key=lambda record: record.number), name, column)
    return _with_beside(document, [row for _, row in rows], column)


def why_no_json_set(path: Path, column: str) -> str:
    """Why a JSON file found in a folder is not taken, by its beginning; "" if it may be a data set. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_PEEK)
    if _OWN.search(head):
        return "is a story exported by Storytime: `storytime-tui stories import` reads it"
    if _TALK.search(head):
        return "holds conversations, not stories"
    names = "|".join(re.escape(each) for each in ((column,) if column else TEXTS)).encode()
    if (
        re.search(rb'"(?:' + names + rb')"\s*:|\A\W*\[\s*"|"(?:columns|chapters)"\s*:', head, re.IGNORECASE)
        or b"\0" in head
    ):
        return ""
    return "is no data set with a column of texts"


# -- parsing ----------------------------------------------------------------------------------------------


def _decoded(data: bytes, name: str) -> Decoded:
    """The file as text. JSON is UTF-8, and may have separators in its strings that end lines elsewhere."""
    try:
        return Decoded(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return decode(data, name)


def _with_remarks(document: Document, source: Decoded) -> Document:
    """A document with the remarks on its encoding before its own."""
    return replace(document, remarks=source.remarks + document.remarks)


def _with_beside(document: Document, rows: Iterable[Any], column: str) -> Document:
    """A document that names what chapters of its books have beside their texts."""
    beside = tuple([each for row in rows for each in beside_chapters(row, column)])
    return replace(document, left_out=document.left_out + beside)


def _parsed(text: str, name: str) -> Any:
    """The value of a JSON text. Raises CorpusError for one that is nested or filled too much, JSONDecodeError."""
    if text.count(",") + text.count("[") + text.count("{") > _MOST_VALUES + len(text) // 20:
        raise CorpusError(f"{name} holds more values than any data set of stories: save its texts as .txt.")
    try:
        # strict: a string may hold line ends, as some programs write them; float: no limit of digits, and fast
        return json.loads(text, strict=False, parse_int=float)
    except RecursionError:
        raise CorpusError(f"{name} is nested too deeply to be a data set: save its texts as .txt.") from None


def _not_json(name: str, line: int) -> CorpusError:
    return CorpusError(
        f"{name} is damaged: its line {line} is not JSON. Write it again, or save its texts as .txt."
    )


def _document(value: Any, name: str, column: str) -> Document:
    """The rows of one JSON value as tales. What stands around them is the title, the author, or is left out."""
    rows = _rows_in(value, name, column)
    document = _with_beside(document_of(_records(rows, name, column), name, column), rows, column)
    texts = text_column(value, column) if isinstance(value, dict) else ""
    is_book = bool(chapters_in(value, column))
    if not isinstance(value, dict) or (texts and isinstance(value[texts], str) and not is_book):
        return document
    around = dict(_around(value, frozenset() if is_book else frozenset(map(id, rows))))
    titles, authors = first_of(around, TITLES), first_of(around, AUTHORS)
    left_out = [
        LeftOut("beside the texts", f"field {field}", words)
        for field, words in around.items()
        if field not in (titles, authors, texts)
    ]
    return replace(
        document,
        title=document.title or plain_text(around.get(titles, "")),
        author=document.author or plain_text(around.get(authors, "")),
        left_out=(*document.left_out, *left_out),
    )


def _around(
    value: dict[str, Any], rows: frozenset[int], path: str = "", depth: int = 0
) -> Iterator[tuple[str, str]]:
    """The words in the objects around the rows, by the names of their fields. `rows`: the ids of the rows."""
    for field, inner in value.items():
        if isinstance(inner, str) and inner.strip():
            yield f"{path}{field}", inner
        elif isinstance(inner, dict) and depth < _DEEPEST and id(inner) not in rows:
            yield from _around(inner, rows, f"{path}{field}.", depth + 1)


# -- the rows in it ---------------------------------------------------------------------------------------


def _rows_in(value: Any, name: str, column: str, depth: int = 0) -> list[Any]:
    """The rows of a data set: a list, or what lies in an object. Raises CorpusError."""
    if isinstance(value, list):
        return _with_names(value)
    if not isinstance(value, dict):
        raise CorpusError(f"{name} holds a single value, no data set: save its text as .txt.")
    _refuse_others([value], name)
    texts = text_column(value, column)
    if chapters_in(value, column) or (texts and isinstance(value[texts], str)):
        return [value]
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        return _with_names([value["columns"], *value["data"]])
    if texts and (rows := _from_columns(value, texts)):
        return rows
    rows = []
    for inner in value.values():
        if isinstance(inner, list):
            rows += _with_names(inner)
        elif isinstance(inner, dict) and depth < _DEEPEST:
            rows += _rows_in(inner, name, column, depth + 1)
    rows = list(_objects(rows)) or [row for row in rows if isinstance(row, str) and not column]
    if not rows and not depth:
        names = column or ", ".join(TEXTS)
        raise CorpusError(f"{name} is JSON without a list of texts ({names}): save its text as .txt.")
    return rows


def _with_names(rows: list[Any]) -> list[Any]:
    """The rows; lists of values are named by the first one, which holds the columns' names."""
    lists = bool(rows) and all(isinstance(row, list) for row in rows)
    if not lists or not all(isinstance(each, str) for each in rows[0]):
        return rows
    return [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]


def _from_columns(value: dict[str, Any], texts: str) -> list[Any]:
    """The rows of a data set that is kept by column: lists of one length, or objects with the same keys."""
    held = value[texts]
    if isinstance(held, dict) and all(isinstance(each, str | None) for each in held.values()):
        keyed = {name: each for name, each in value.items() if isinstance(each, dict)}
        return [{name: each.get(key) for name, each in keyed.items()} for key in held]
    if isinstance(held, list) and all(isinstance(each, str | None) for each in held):
        columns = {
            name: each for name, each in value.items() if isinstance(each, list) and len(each) == len(held)
        }
        return [{name: each[at] for name, each in columns.items()} for at in range(len(held))]
    return []


def _records(rows: Sequence[Any], name: str, column: str) -> list[Record]:
    _refuse_others(rows, name)
    return [_record(number, row, column) for number, row in enumerate(stoppable(rows), 1)]


def _record(number: int, row: Any, column: str) -> Record:
    fields = _fields(row, column)
    chapters = chapters_in(row, column)
    if chapters:
        fields.pop(chapters_field(row), None)
        text = "\n\n".join(words for _, words in chapters)
        fields = {**fields, text_column(fields, column) or column or TEXTS[0]: text}
    return Record(number, fields, chapters=chapters)


def _fields(row: Any, column: str) -> dict[str, str]:
    """The columns of a row that hold words. A list of strings is paragraphs; a string alone is the text."""
    if isinstance(row, str):
        return {column or TEXTS[0]: row}
    if isinstance(row, dict) and isinstance(row.get("row"), dict):  # as the Hugging Face viewer gives rows
        row = row["row"]
    if not isinstance(row, dict):
        return {}
    return {name: words for name, value in row.items() if (words := words_of(value)) is not None}


def _refuse_others(rows: Iterable[Any], name: str) -> None:
    """Raise CorpusError for a story of our own, and for conversations."""
    for row in _objects(rows):
        if row.get("format") == _OWN_FORMAT:
            raise CorpusError(
                f"{name} is a story that Storytime exported, with all its branches, and no data set: "
                "`storytime-tui stories import FILE` reads it, and `l` on the bookshelf puts it into My stories."
            )
        for key in _TALKS:
            if isinstance(row.get(key), list) and any(isinstance(each, dict) for each in row[key]):
                raise CorpusError(
                    f"{name} holds conversations (“{key}”), not stories: only a column of texts can be read."
                )


def _objects(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    return (row for row in rows if isinstance(row, dict))
