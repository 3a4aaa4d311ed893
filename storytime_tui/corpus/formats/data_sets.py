"""Data sets to a Document: one column holds the texts, and each row is one tale."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from storytime_tui.corpus.cleaning.clean import unix_lines
from storytime_tui.corpus.document import Document, LeftOut, Row
from storytime_tui.corpus.formats.bylines import people
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import stoppable
from storytime_tui.terminal import printable_line

TEXTS = ("text", "story", "completion", "content")  # the columns that hold texts, the first of them wins
TITLES = ("title", "name", "heading")
AUTHORS = ("author", "authors", "creator", "writer")
_MARK = "<|endoftext|>"
_SHOWN = 12  # names of columns in a sentence
_LONGEST_NAME = 60  # characters of a column's name in a sentence
_MOST_COLUMNS = 1_000  # names that are remembered
_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can hold halves of a character, UTF-8 cannot


@dataclass(frozen=True)
class Record:
    """A row: its number, and the words in each of its columns. `broken`: it cannot be read, and is `fields[""]`.

    `chapters`: the titles and texts of a row that is a book, in place of its column of texts.
    """

    number: int
    fields: Mapping[str, str]
    broken: bool = False
    chapters: tuple[tuple[str, str], ...] = ()


def document_of(records: Sequence[Record], name: str, column: str) -> Document:
    """The rows that have a text as one document. `column`: the one that holds it; "" for one of `TEXTS`.

    Raises CorpusError if there is no such column.
    """
    columns = _columns(records)
    texts = _chosen(columns, column, name, records)
    titles, authors = first_of(columns, TITLES, texts), first_of(columns, AUTHORS, texts)
    lines: list[str] = []
    rows: list[Row] = []
    left_out: list[tuple[int, LeftOut]] = []
    writers: Counter[str] = Counter()
    for record in stoppable(records):
        # on a line of its own, a mark parts tales that begin on different lines, by which they are known
        text = plain_text(record.fields.get(texts, "")).replace(_MARK, f"\n{_MARK}\n").strip("\n")
        if record.broken or not text.strip():
            others = "\n".join(words for words in record.fields.values() if words.strip())
            reason = "not readable" if record.broken else f"no text in the column {_shown(texts)}"
            left_out.append((record.number, LeftOut(reason, f"row {record.number}", plain_text(others))))
            continue
        if lines:
            lines.append("")
        title = " ".join(record.fields.get(titles, "").split()) if titles else ""
        rows.append(Row(len(lines), plain_text(title), _add_chapters(lines, record.chapters)))
        if not record.chapters:
            lines += text.split("\n")
        if authors:
            writers[people([record.fields.get(authors, "")])] += 1
    writers.pop("", None)
    if not rows:
        raise CorpusError(
            f"{name} has no text in its column {_shown(texts)}: there is nothing to learn from."
        )
    remarks = [_about_columns(columns, (texts, titles, authors))]
    if left_out:
        many = f"{len(left_out):,} rows have" if len(left_out) > 1 else "1 row has"
        remarks.append(f"{many} no text to read and {'are' if len(left_out) > 1 else 'is'} left out.")
    return Document(
        "\n".join(lines),
        wrapped=False,
        title=rows[0].title if len(rows) == 1 and rows[0].chapters else "",
        author=plain_text(next(iter(writers))) if len(writers) == 1 else "",
        left_out=_in_ranges(left_out),
        remarks=tuple(filter(None, remarks)),
        rows=tuple(rows),
    )


def _add_chapters(lines: list[str], chapters: Iterable[tuple[str, str]]) -> tuple[Row, ...]:
    """Add the lines of a book's chapters, and return where each begins."""
    rows: list[Row] = []
    for title, words in chapters:
        text = plain_text(words).strip("\n")
        if not text.strip():
            continue
        lines += [""] if rows else []
        rows.append(Row(len(lines), title))
        lines += text.split("\n")
    return tuple(rows)


def text_column(columns: Iterable[str], column: str) -> str:
    """The column that holds the texts, as it is written; "" if there is none. Case is ignored."""
    names = list(columns)
    if column in names:
        return column
    folded = {each.strip().casefold(): each for each in reversed(names)}
    wanted = (column,) if column else TEXTS
    return next((folded[each.casefold()] for each in wanted if each.casefold() in folded), "")


def plain_text(text: str) -> str:
    """A text with newlines as line ends, without what cannot be kept: NUL, and halves of a character."""
    return _SURROGATE.sub("\ufffd", unix_lines(text).replace("\0", ""))


def _columns(records: Iterable[Record]) -> list[str]:
    """The names of the columns, in the order in which they first occur."""
    names: dict[str, None] = {}
    for record in stoppable(records):
        if not record.broken and len(names) < _MOST_COLUMNS:
            names |= dict.fromkeys(record.fields)
    return list(names)


def _chosen(columns: Sequence[str], column: str, name: str, records: Iterable[Record]) -> str:
    found = text_column(columns, column)
    if found:
        return found
    there = f"its columns are {_listed(columns)}" if columns else "it has no columns with words"
    if column:
        raise CorpusError(f"{name} has no column {_shown(column)}: {there}.")
    sizes: Counter[str] = Counter()
    for record in records:
        sizes.update({each: len(words) for each, words in record.fields.items()})
    longest = printable_line(max(columns, key=lambda each: sizes[each])) if columns else "NAME"
    raise CorpusError(
        f"{name} has no column text, story, completion or content: {there}. Name the one that holds the texts, "
        f"as in `storytime-tui corpus add FILE --column {shlex.quote(longest)}`."
    )


def first_of(columns: Iterable[str], wanted: Sequence[str], taken: str = "") -> str:
    """The first of the wanted columns that is there, but for the one that is taken; "" if there is none."""
    folded = {each.strip().casefold(): each for each in reversed(list(columns)) if each != taken}
    return next((folded[each] for each in wanted if each in folded), "")


def _about_columns(columns: Sequence[str], read: Sequence[str]) -> str:
    """A sentence on the columns that are not read; "" if all are."""
    others = [each for each in columns if each not in read]
    if not others:
        return ""
    what = "column" if len(others) == 1 else "columns"
    return f"Each row's text is its column {_shown(read[0])}; not read: the {what} {_listed(others)}."


def _listed(columns: Sequence[str]) -> str:
    shown = [_shown(each) for each in columns[:_SHOWN]]
    more = [f"{len(columns) - _SHOWN:,} more"] if len(columns) > _SHOWN else []
    *others, last = [*shown, *more]
    return f"{', '.join(others)} and {last}" if others else last


def _shown(column: str) -> str:
    line = printable_line(column[: 4 * _LONGEST_NAME])
    return f"“{line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + '…'}”"


def _in_ranges(left_out: Sequence[tuple[int, LeftOut]]) -> tuple[LeftOut, ...]:
    """What was left out, with neighbouring rows of the same reason as one."""
    runs: list[list[tuple[int, LeftOut]]] = []
    for number, each in left_out:
        if runs and runs[-1][-1][0] == number - 1 and runs[-1][-1][1].reason == each.reason:
            runs[-1].append((number, each))
        else:
            runs.append([(number, each)])
    return tuple(
        run[0][1]
        if len(run) == 1
        else replace(
            run[0][1],
            place=f"rows {run[0][0]} to {run[-1][0]}",
            text="\n".join(each.text for _, each in run if each.text),
        )
        for run in runs
    )
