"""The supported formats, one entry each. To add a format, add an entry here and a module beside it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.file_names import ending_of
from storytime_tui.corpus.formats.encodings import Decoded, decode
from storytime_tui.corpus.formats.ordinary import open_ordinary, pieces_of
from storytime_tui.corpus.formats.plain import plain_document
from storytime_tui.errors import CorpusError

LARGEST = 50 * 1024**2  # bytes; a larger text is probably a mistake
LARGEST_MARKED = 20 * 1024**2  # bytes of a page with markup; parsing takes ten times as much memory


@dataclass(frozen=True)
class Format:
    """How to recognise and read files of a format.

    `media_types`: media types of a server, each with the suffix for a downloaded file. `read(path, name)`: returns
    the Document; `name` is for messages; raises CorpusError and OSError. `is_page`: a web page, which may be
    something else than the book. `richness`: of two files with the same text, the one in the richer format stays.
    Of a data set, `read_column` takes the column of its texts too. `why_not(path, column)` says why a file that was
    found in a folder is not taken ("" if it is): folders have tables of all kinds.
    """

    suffixes: tuple[str, ...]  # in lower case; messages show the first one
    media_types: Mapping[str, str]
    read: Callable[[Path, str], Document]
    is_page: bool = False
    richness: int = 0
    read_column: Callable[[Path, str, str], Document] | None = None
    why_not: Callable[[Path, str], str] | None = None


def _read_plain(path: Path, name: str) -> Document:
    source = decode(_bytes_of(path, name, LARGEST), name)
    return _with_remarks(plain_document(source.text), source)


def _read_markdown(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.markdown import read_markdown

    source = decode(_bytes_of(path, name, LARGEST_MARKED), name)
    return _with_remarks(read_markdown(source.text, name), source)


def _read_html(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.markup import html_text, read_html

    source = html_text(_bytes_of(path, name, LARGEST_MARKED), name)
    return _with_remarks(read_html(source.text, name, of_site=True, rules=True).document, source)


def _read_epub(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.epub import read_epub

    _refuse_large(path, name)
    return read_epub(path)


def _read_docx(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.docx import read_docx

    _refuse_large(path, name)
    return read_docx(path, name)


def _read_odt(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.odt import read_fodt, read_odt

    if ending_of(path) == ".fodt":
        return read_fodt(_bytes_of(path, name, LARGEST), name)
    _refuse_large(path, name)
    return read_odt(path, name)


def _read_fb2(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.fb2 import read_fb2, read_fb2_zip

    if ending_of(path) == ".fb2":
        return read_fb2(_bytes_of(path, name, LARGEST), name)
    _refuse_large(path, name)
    return read_fb2_zip(path, name)


def _read_rtf(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.rtf import read_rtf

    return read_rtf(_bytes_of(path, name, LARGEST), name)


def _read_pdf(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.pdf import read_pdf

    _refuse_large(path, name)
    return read_pdf(path, name)


def _why_no_pdf(_path: Path, _column: str) -> str:
    from importlib.util import find_spec

    return "" if find_spec("pypdf") else "is a PDF, which takes `pip install 'storytime-tui[pdf]'`"


def _read_csv(path: Path, name: str, column: str = "") -> Document:
    from storytime_tui.corpus.formats.csv_sets import read_csv

    source = decode(_bytes_of(path, name, LARGEST), name)
    return _with_remarks(read_csv(source.text, name, column, tabs=ending_of(path) == ".tsv"), source)


def _why_no_csv(path: Path, column: str) -> str:
    from storytime_tui.corpus.formats.csv_sets import why_no_csv_set

    return why_no_csv_set(path, column)


def _read_json(path: Path, name: str, column: str = "") -> Document:
    from storytime_tui.corpus.formats import json_sets

    read = json_sets.read_json if ending_of(path) == ".json" else json_sets.read_json_lines
    return read(_bytes_of(path, name, LARGEST), name, column)


def _why_no_json(path: Path, column: str) -> str:
    from storytime_tui.corpus.formats.json_sets import why_no_json_set

    return why_no_json_set(path, column)


def _with_remarks(document: Document, source: Decoded) -> Document:
    """A document with the remarks on its encoding before its own."""
    return replace(document, remarks=source.remarks + document.remarks) if source.remarks else document


FORMATS = (
    Format((".txt", ".text", ".utf-8", ".utf8"), {"text/plain": ".txt"}, _read_plain),
    Format(
        (".md", ".markdown"), {"text/markdown": ".md", "text/x-markdown": ".md"}, _read_markdown, richness=2
    ),
    Format(
        (".html", ".htm", ".xhtml"),
        {"text/html": ".html", "application/xhtml+xml": ".xhtml"},
        _read_html,
        is_page=True,
        richness=3,
    ),
    Format((".epub",), {"application/epub+zip": ".epub"}, _read_epub, richness=8),
    Format(
        (".docx", ".docm", ".dotx"),
        {"application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx"},
        _read_docx,
        richness=6,
    ),
    Format(
        (".rtf",),
        {"application/rtf": ".rtf", "text/rtf": ".rtf", "text/richtext": ".rtf"},
        _read_rtf,
        richness=4,
    ),
    Format(
        (".odt", ".ott", ".fodt"),
        {
            "application/vnd.oasis.opendocument.text": ".odt",
            "application/vnd.oasis.opendocument.text-flat-xml": ".fodt",
        },
        _read_odt,
        richness=5,
    ),
    Format(
        (".fb2", ".fb2.zip", ".fbz"),
        {
            "application/x-fictionbook": ".fb2",
            "application/x-fictionbook+xml": ".fb2",
            "application/fb2": ".fb2",
            "application/x-zip-compressed-fb2": ".fb2.zip",
            "application/fb2+zip": ".fb2.zip",
        },
        _read_fb2,
        richness=7,
    ),
    Format(
        (".pdf",),
        {"application/pdf": ".pdf", "application/x-pdf": ".pdf"},
        _read_pdf,
        richness=-1,
        why_not=_why_no_pdf,
    ),
    Format(
        (".csv", ".tsv"),
        {"text/csv": ".csv", "text/tab-separated-values": ".tsv"},
        _read_csv,
        richness=1,
        read_column=_read_csv,
        why_not=_why_no_csv,
    ),
    Format(
        (".json",),
        {"application/json": ".json"},
        _read_json,
        richness=1,
        read_column=_read_json,
        why_not=_why_no_json,
    ),
    Format(
        (".jsonl", ".ndjson"),
        {
            "application/jsonl": ".jsonl",
            "application/jsonlines": ".jsonl",
            "application/x-ndjson": ".jsonl",
            "application/x-jsonlines": ".jsonl",
        },
        _read_json,
        richness=1,
        read_column=_read_json,
        why_not=_why_no_json,
    ),
)
ARCHIVES = (".zip",)
ARCHIVE_TYPES = {"application/zip": ".zip", "application/x-zip-compressed": ".zip"}

SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
PAGES = tuple(suffix for each in FORMATS if each.is_page for suffix in each.suffixes)
MEDIA_TYPES = {kind: suffix for each in FORMATS for kind, suffix in each.media_types.items()} | ARCHIVE_TYPES


def format_of(path: Path) -> Format | None:
    """The format of a file by its suffix; None if it is not supported."""
    ending = ending_of(path)
    return next((each for each in FORMATS if ending in each.suffixes), None)


def suffixes_in_words(*more: str) -> str:
    """The formats in a sentence: ".txt, .md, .html or .epub"; `more` suffixes come last."""
    *others, last = *(each.suffixes[0] for each in FORMATS), *more
    return f"{', '.join(others)} or {last}"


def _refuse_large(path: Path, name: str) -> None:
    """Raise CorpusError for a book that is too large; most of it is pictures."""
    if path.stat().st_size > LARGEST:
        raise CorpusError(f"{name} is larger than {LARGEST // 1024**2} MB: take an edition without pictures.")


def _bytes_of(path: Path, name: str, largest: int) -> bytes:
    """A file's bytes. Raises CorpusError if it is too large, if possible before reading."""
    too_large = CorpusError(f"{name} is larger than {largest // 1024**2} MB: split it into smaller texts.")
    with open_ordinary(path, name) as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise too_large
        return b"".join(pieces_of(file, largest, too_large))
