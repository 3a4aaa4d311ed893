"""Makes text safe to print in a terminal: a story cannot clear the screen or reverse a line."""

import os
import re
import unicodedata

_KEPT = "\n\t"
# A control character becomes its Unicode picture (one cell wide), so that the reader can see it; one without a
# picture becomes U+FFFD.
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in _KEPT}
_PICTURES[0x7F] = 0x2421
_PICTURES |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)  # C1: 0x9B alone begins a command on some terminals
_PICTURES |= dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)  # lone surrogates, from undecodable file names
_PICTURES |= dict.fromkeys([0x061C, 0x200E, 0x200F, 0x2028, 0x2029], 0xFFFD)
_PICTURES |= dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)  # text direction


def printable(text: str) -> str:
    """`text` with every control character replaced by one visible character; newlines and tabs stay.

    The result has the same length and can be encoded as UTF-8. A second call changes nothing.
    """
    return text.translate(_PICTURES)


def is_text(text: str) -> bool:
    """Whether `text` can be encoded as UTF-8: undecodable bytes of an argument arrive as lone surrogates."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def printable_line(text: str) -> str:
    """`printable(text)` on one line, with every run of white space as one space."""
    return printable(" ".join(text.split()))


def printable_path(path: str | os.PathLike[str]) -> str:
    """A path on one line without loss: line ends and tabs become pictures too."""
    return printable(os.fspath(path)).replace("\n", "\u240a").replace("\t", "\u2409")


def cells(text: str) -> int:
    """The width of `text` in terminal columns (wide characters take two, combining marks none)."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def wrapped(text: str, columns: int) -> str:
    """`text` with each line broken between words, so that none is wider than so many columns; indents stay.

    A word that is wider than a line is left whole, and the terminal breaks it.
    """
    return "\n".join(row for line in text.split("\n") for row in _rows(line.expandtabs(), columns))


def _rows(line: str, columns: int) -> list[str]:
    rows, row, width, gap = [], "", 0, ""
    for part in re.findall(r" +|[^ ]+", line):
        if part.startswith(" "):
            gap = part
            continue
        wide = cells(part)
        if row and width + len(gap) + wide > columns:
            rows.append(row)
            row, width = part, wide
        else:
            row, width = row + gap + part, width + len(gap) + wide
        gap = ""
    return [*rows, row]
