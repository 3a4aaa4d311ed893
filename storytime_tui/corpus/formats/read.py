"""Files to documents: whatever the format, the encoding and the line ends, or one sentence says why not."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.encodings import decode
from storytime_tui.corpus.formats.ordinary import open_ordinary, pieces_of
from storytime_tui.corpus.formats.plain import plain_document
from storytime_tui.corpus.formats.sources import (
    ARCHIVES,
    SUFFIXES,
    SourceFiles,
    is_readable_name,
    source_files,
)
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_path

__all__ = [
    "ARCHIVES",
    "LARGEST",
    "LARGEST_MARKED",
    "READING_VERSION",
    "SUFFIXES",
    "SourceFiles",
    "is_readable_name",
    "read_document",
    "read_text",
    "source_files",
]

READING_VERSION = 2  # raise it when a file reads otherwise: what was made of it before is then made anew
LARGEST = 50 * 1024**2  # bytes; a longer "story" is a mistake more often than a story
LARGEST_MARKED = 20 * 1024**2  # bytes of one page with markup, which takes ten times its size to read


def read_document(path: Path) -> Document:
    """Read one file: plain text, Markdown, HTML or an EPUB, by its suffix, in whatever encoding it is.

    Line ends become newlines; control characters stay as they are (screens show them safely). Raises
    CorpusError, naming the file, for one that is not there, of another kind, not to be read, empty, too
    large, binary or damaged.
    """
    name = printable_path(path)
    try:
        read = _reader(path, name)
        document = read(path, name)
    except FileNotFoundError:
        raise CorpusError(f"{name} is not there (any more): check the path.") from None
    except PermissionError:
        raise CorpusError(f"{name} cannot be read: it is not permitted; change its permissions.") from None
    except OSError as error:
        raise CorpusError(f"{name} cannot be read: {error.strerror or error}.") from error
    except MemoryError:
        raise CorpusError(
            f"{name} is too large for this machine's memory: split it into smaller texts."
        ) from None
    if not document.text.strip():
        raise CorpusError(f"{name} is empty: there is nothing to learn from it; leave it out.")
    return document


def read_text(path: Path) -> str:
    """One file's text. Raises CorpusError as `read_document` does."""
    return read_document(path).text


def _reader(path: Path, name: str) -> Callable[[Path, str], Document]:
    """What reads a file of this kind, once it is known to be an ordinary one. Raises CorpusError, OSError."""
    try:
        mode = path.stat().st_mode
    except ValueError:  # a NUL in the path itself
        raise CorpusError(f"{name} is not a path: check it.") from None
    suffix = path.suffix.lower()
    if stat.S_ISDIR(mode):
        raise CorpusError(f"{name} is a folder, not a text file: name a .txt file in it.")
    if suffix in ARCHIVES:
        raise CorpusError(f"{name} is a zip file, not a text: unpack it, or add it whole.")
    if suffix not in _READERS:
        raise CorpusError(
            f"{name} is not a .txt file, nor .md, .html or .epub: "
            "save its text as plain text (.txt) and add that."
        )
    if not stat.S_ISREG(mode):  # a pipe or a device would keep us waiting for ever
        raise CorpusError(f"{name} is not an ordinary file: copy its text into a .txt file and add that.")
    return _READERS[suffix]


def _read_plain(path: Path, name: str) -> Document:
    return plain_document(decode(_bytes_of(path, name, LARGEST), name))


def _read_markdown(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.markdown import read_markdown

    return read_markdown(decode(_bytes_of(path, name, LARGEST_MARKED), name), name)


def _read_html(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.markup import html_text, read_html

    return read_html(html_text(_bytes_of(path, name, LARGEST_MARKED), name), name).document


def _read_epub(path: Path, name: str) -> Document:
    from storytime_tui.corpus.formats.epub import read_epub

    if path.stat().st_size > LARGEST:
        raise CorpusError(f"{name} is larger than {LARGEST // 1024**2} MB: take an edition without pictures.")
    return read_epub(path)


_READERS = {
    ".txt": _read_plain,
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".html": _read_html,
    ".htm": _read_html,
    ".xhtml": _read_html,
    ".epub": _read_epub,
}


def _bytes_of(path: Path, name: str, largest: int) -> bytes:
    """A whole file, unless it is too large: of one that says so nothing is read."""
    too_large = CorpusError(f"{name} is larger than {largest // 1024**2} MB: split it into smaller texts.")
    with open_ordinary(path, name) as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise too_large
        return b"".join(pieces_of(file, largest, too_large))
