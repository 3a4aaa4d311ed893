"""Files to text: whatever the encoding and the line ends, a text comes out, or one sentence says why not."""

import codecs
import re
from pathlib import Path

from storytime_tui.corpus.cleaning import unix_lines
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_path

LARGEST = 200 * 1024 * 1024  # bytes; a longer "story" is a mistake more often than a story

_BOMS = (  # the four-byte ones first: UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_KINDS = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip file (as .docx, .odt and .epub are)"),
    (b"{\\rtf", "a rich-text file"),
    (b"\x1f\x8b", "a gzip file"),
)
# What no text holds many of. Escape is not among them: a story copied from a terminal may hold some.
_CONTROLS = re.compile(r"[\x01-\x06\x0e-\x19\x1c-\x1f\x7f]")


def is_text_name(path: Path) -> bool:
    """Whether a file of this name is read: `.txt`, in any case, and not hidden."""
    return path.suffix.lower() == ".txt" and not path.name.startswith(".")


def read_text(path: Path) -> str:
    """Read one `.txt` file: UTF-8, UTF-16 or UTF-32 with their marks, otherwise Windows-1252 or Latin-1.

    Line ends become newlines; control characters stay as they are (screens show them safely).
    Raises CorpusError, naming the file, for one that is not there, not an ordinary .txt, not to be read,
    empty, longer than 200 MB, or binary.
    """
    name = printable_path(path)
    try:
        if path.is_dir():
            raise CorpusError(f"{name} is a folder, not a text file: name a .txt file in it.")
        size = path.stat().st_size
        if path.suffix.lower() != ".txt":
            raise CorpusError(f"{name} is not a .txt file: save its text as plain text (.txt) and add that.")
        if not path.is_file():  # a pipe or a device would keep us waiting for ever
            raise CorpusError(f"{name} is not an ordinary file: copy its text into a .txt file and add that.")
        if size <= LARGEST:
            with path.open("rb") as file:
                data = file.read(LARGEST + 1)
            size = len(data)
    except FileNotFoundError:
        raise CorpusError(f"{name} is not there (any more): check the path.") from None
    except PermissionError:
        raise CorpusError(f"{name} cannot be read: it is not permitted; change its permissions.") from None
    except OSError as error:
        raise CorpusError(f"{name} cannot be read: {error.strerror or error}.") from error
    except ValueError:  # a NUL in the path itself
        raise CorpusError(f"{name} is not a path: check it.") from None
    if size > LARGEST:
        raise CorpusError(f"{name} is larger than {LARGEST // 1024**2} MB: split it into smaller texts.")
    text = unix_lines(_decode(data, name))
    if not text.strip():
        raise CorpusError(f"{name} is empty: there is nothing to learn from it; leave it out.")
    return text


def _decode(data: bytes, name: str) -> str:
    for start, kind in _OTHER_KINDS:
        if data.startswith(start):
            raise CorpusError(f"{name} is {kind}, not a plain text: save its text as .txt in UTF-8.")
    text = _decode_marked(data, name)
    if text is None:
        text = "" if b"\0" in data else _decode_unmarked(data)
        if b"\0" in data or len(_CONTROLS.findall(text)) > max(3, len(text) // 50):
            raise CorpusError(f"{name} is a binary file, not a text: if it is a text, save it as UTF-8.")
    return text


def _decode_marked(data: bytes, name: str) -> str | None:
    """The text of a file that begins with a byte order mark; None for one that does not."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                text = data.decode(encoding, "replace" if encoding == "utf-8-sig" else "strict")
            except UnicodeDecodeError:
                raise CorpusError(f"{name} is broken {encoding.upper()}: save it again, as UTF-8.") from None
            if "\0" in text:
                raise CorpusError(f"{name} is a binary file, not a text: if it is a text, save it as UTF-8.")
            return text
    return None


def _decode_unmarked(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    # One broken byte, or a file cut off, must not turn every curly quote of a UTF-8 text into three letters.
    mended = data.decode("utf-8", "replace")
    broken = mended.count("�")
    if sum(sign > "\x7f" for sign in mended) - broken >= 4 * broken:
        return mended
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:  # five bytes mean nothing in Windows-1252
        return data.decode("latin-1")
