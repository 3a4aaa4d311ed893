"""The supported formats, one entry each. To add a format, add an entry here and a module beside it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from storytime_tui.corpus.document import Document
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
    something else than the book.
    """

    suffixes: tuple[str, ...]  # in lower case; messages show the first one
    media_types: Mapping[str, str]
    read: Callable[[Path, str], Document]
    is_page: bool = False


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
    return _with_remarks(read_html(source.text, name).document, source)


def _read_epub(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.epub import read_epub

    if path.stat().st_size > LARGEST:
        raise CorpusError(f"{name} is larger than {LARGEST // 1024**2} MB: take an edition without pictures.")
    return read_epub(path)


def _with_remarks(document: Document, source: Decoded) -> Document:
    """A document with the remarks on its encoding before its own."""
    return replace(document, remarks=source.remarks + document.remarks) if source.remarks else document


# Plainest format first: if two files have the same text, the later suffix wins, as it keeps headings or chapters.
FORMATS = (
    Format((".txt",), {"text/plain": ".txt"}, _read_plain),
    Format((".md", ".markdown"), {"text/markdown": ".md", "text/x-markdown": ".md"}, _read_markdown),
    Format(
        (".html", ".htm", ".xhtml"),
        {"text/html": ".html", "application/xhtml+xml": ".xhtml"},
        _read_html,
        is_page=True,
    ),
    Format((".epub",), {"application/epub+zip": ".epub"}, _read_epub),
)
ARCHIVES = (".zip",)
ARCHIVE_TYPES = {"application/zip": ".zip", "application/x-zip-compressed": ".zip"}

SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
PAGES = tuple(suffix for each in FORMATS if each.is_page for suffix in each.suffixes)
MEDIA_TYPES = {kind: suffix for each in FORMATS for kind, suffix in each.media_types.items()} | ARCHIVE_TYPES


def format_of(path: Path) -> Format | None:
    """The format of a file by its suffix; None if it is not supported."""
    suffix = path.suffix.lower()
    return next((each for each in FORMATS if suffix in each.suffixes), None)


def suffixes_in_words(*more: str) -> str:
    """The formats in a sentence: ".txt, .md, .html or .epub"; `more` suffixes come last."""
    *others, last = *(each.suffixes[0] for each in FORMATS), *more
    return f"{', '.join(others)} or {last}"


def _bytes_of(path: Path, name: str, largest: int) -> bytes:
    """A file's bytes. Raises CorpusError if it is too large, if possible before reading."""
    too_large = CorpusError(f"{name} is larger than {largest // 1024**2} MB: split it into smaller texts.")
    with open_ordinary(path, name) as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise too_large
        return b"".join(pieces_of(file, largest, too_large))
