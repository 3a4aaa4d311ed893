"""Reading files into documents, whatever their format, encoding and line ends."""

import stat
from pathlib import Path

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.file_names import ending_of
from storytime_tui.corpus.formats.other_kinds import advice_on
from storytime_tui.corpus.formats.registry import ARCHIVES, Format, format_of, suffixes_in_words
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_path

READING_VERSION = 3  # raise it when files are read differently, so that cached stories are made again


def read_document(path: Path, column: str = "") -> Document:
    """Read a file by its suffix (see `registry`), in any encoding.

    Line ends become newlines; control characters stay. `column`: the one of a data set that holds the texts. Raises
    CorpusError, naming the file, if it is missing, of another format, not readable, empty, too large, binary or
    damaged.
    """
    name = printable_path(path)
    try:
        file_format = _format_of(path, name)
        if column and file_format.read_column:
            document = file_format.read_column(path, name, column)
        else:
            document = file_format.read(path, name)
    except FileNotFoundError:
        raise CorpusError(f"{name} does not exist: check the path.") from None
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
    """A file's text. Raises CorpusError as `read_document` does."""
    return read_document(path).text


def _format_of(path: Path, name: str) -> Format:
    """A file's format; checks that it is a regular file. Raises CorpusError, OSError."""
    try:
        mode = path.stat().st_mode
    except ValueError:  # the path contains a NUL
        raise CorpusError(f"{name} is not a path: check it.") from None
    if stat.S_ISDIR(mode):
        raise CorpusError(f"{name} is a folder, not a text file: name a .txt file in it.")
    if ending_of(path) in ARCHIVES:
        raise CorpusError(f"{name} is a zip file, not a text: unpack it, or add it whole.")
    file_format = format_of(path)
    if file_format is None:
        raise CorpusError(f"{name} is not a {suffixes_in_words()} file: {advice_on(ending_of(path))}.")
    if not stat.S_ISREG(mode):  # reading a pipe or a device could wait forever
        raise CorpusError(f"{name} is not an ordinary file: copy its text into a .txt file and add that.")
    return file_format
