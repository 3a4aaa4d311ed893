"""Numbers and sizes in words, the same on the command line, in messages and on the screens.

Also text within Markdown, and text folded for searching. Loads no torch.
"""

import unicodedata

_IN_BYTES = ("downloading", "fetching", "reading", "turning", "waiting", "writing")  # all else counts pieces


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 story`, `1,200 stories`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """Bytes, rounded for reading: `8 kB`, `551 kB`, `1.5 MB`, `120 MB`, `1.9 GB`."""
    if number < 999_500:
        return f"{max(1, round(number / 1e3)) if number else 0:,} kB"
    if number < 99_500_000:
        return f"{number / 1e6:.1f} MB"
    return f"{number / 1e6:.0f} MB" if number < 1e9 else f"{number / 1e9:,.1f} GB"


def progress(what: str, done: int, total: int) -> str:
    """`loading the model…`, `fetching gpt2 120 of 353 MB`, `copying 3 of 12`; `total` 0: it is not known."""
    if total <= 0:
        return f"{what}…"
    if not what.startswith(_IN_BYTES):
        return f"{what} {done:,} of {total:,}"
    part, whole = size(done), size(total)
    return f"{what} {part.removesuffix(whole[-3:])} of {whole}"  # a unit that both have is said once


def markdown(text: str) -> str:
    """The text on one line, with the characters that mean something in Markdown escaped."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#&~" else sign for sign in " ".join(text.split()))


def folded(text: str) -> str:
    """Fold case, accents and apostrophes: "marchen" finds `Märchen`, "robins" finds `Robin's`."""
    if text.isascii():
        return text.lower().replace("'", "")
    return unicodedata.normalize("NFKD", text.casefold()).translate(_WITHOUT_MARKS)


class _WithoutMarks(dict[int, str | None]):
    """What `str.translate` makes of each character, found when it is first met: nothing of accents and apostrophes."""

    def __missing__(self, code: int) -> str | None:
        sign = chr(code)
        self[code] = None if unicodedata.combining(sign) or sign in "'\u2019" else sign
        return self[code]


_WITHOUT_MARKS = _WithoutMarks()
