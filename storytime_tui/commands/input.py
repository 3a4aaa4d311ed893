"""A text from standard input or a file, for commands that take one."""

import codecs
import sys
from pathlib import Path

from storytime_tui.errors import StorytimeError
from storytime_tui.small_files import read_bytes
from storytime_tui.terminal import printable_path


def read_standard_input(what: str, option: str, most: int | None = None) -> str:
    """The text on standard input, without the last line end, which the shell adds.

    `what` names the text in messages, `option` the option that takes it instead. Raises StorytimeError for a text that
    cannot be read, is not UTF-8, or is longer than `most` bytes.
    """
    if sys.stdin is None:
        raise StorytimeError(f"Standard input is closed: give the {what} with {option} TEXT.")
    try:
        data = sys.stdin.buffer.read(-1 if most is None else most + 1)
    except OSError as error:  # for example, it is a folder
        raise StorytimeError(f"Standard input cannot be read: {error.strerror}.") from error
    if most is not None and len(data) > most:
        raise StorytimeError(
            f"The {what} on standard input is longer than {most:,} bytes: give a part of it."
        )
    return _decoded(data, f"The {what} on standard input").replace("\r\n", "\n").removesuffix("\n")


def read_file(path: Path, most: int) -> str:
    """The text of a file. Raises StorytimeError if there is none, or it is not UTF-8 text of at most `most` bytes."""
    try:
        data = read_bytes(path, most)
    except FileNotFoundError:
        raise StorytimeError(f"There is no file at {printable_path(path)}: check the path.") from None
    return _decoded(data, f"The text in {printable_path(path)}").replace("\r\n", "\n")


def _decoded(data: bytes, what: str) -> str:
    """Decode UTF-8, or the encoding of a byte order mark. Raises StorytimeError instead of replacing characters."""
    marks = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    encoding = next((encoding for mark, encoding in marks if data.startswith(mark)), "utf-8-sig")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise StorytimeError(
            f"{what} is not UTF-8 text (at byte {error.start:,}): convert it first, for example with "
            "`iconv -f latin1 -t utf-8`."
        ) from None
