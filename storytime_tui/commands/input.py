"""A text from standard input, for commands that take one."""

import codecs
import sys

from storytime_tui.errors import StorytimeError


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
    return _decoded(data, what).replace("\r\n", "\n").removesuffix("\n")


def _decoded(data: bytes, what: str) -> str:
    """Decode UTF-8, or the encoding of a byte order mark. Raises StorytimeError instead of replacing characters."""
    marks = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    encoding = next((encoding for mark, encoding in marks if data.startswith(mark)), "utf-8-sig")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise StorytimeError(
            f"The {what} on standard input is not UTF-8 text (at byte {error.start:,}): convert it first, for example "
            "with `iconv -f latin1 -t utf-8`."
        ) from None
