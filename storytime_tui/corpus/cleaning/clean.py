"""Raw text to clean text: small pure functions, called in order by `clean`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storytime_tui.corpus.cleaning.apparatus import (
    GONE,
    note_labels,
    pages_are_numbered,
    plain_emphasis,
    single_asterisms,
    strip_bracketed,
    strip_footnotes,
    strip_page_numbers,
    strip_transcriber_notes,
)
from storytime_tui.corpus.cleaning.caseless_wraps import caseless_wrap
from storytime_tui.corpus.cleaning.gutenberg_marks import strip_gutenberg
from storytime_tui.corpus.cleaning.line_wraps import Layout, dedent, layout_of, unwrap, unwrap_as, wrap_width
from storytime_tui.stopping import stoppable

__all__ = [
    "CLEANING_VERSION",
    "Setting",
    "caseless_wrap",
    "clean",
    "clean_parts",
    "plain_punctuation",
    "setting_of",
    "single_blank_lines",
    "single_spaces",
    "strip_gutenberg",
    "strip_line_ends",
    "unix_lines",
    "unwrap",
    "wrap_width",
]

CLEANING_VERSION = 4  # raise it when `clean` or `divide` changes its output, so that caches are made again

# A model needs two tokens for each curly quote, and books differ in their quotes.
_PLAIN = {
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟″", '"'),
    **dict.fromkeys("‐‑‒–", "-"),
    **dict.fromkeys("—―", "--"),
    **dict.fromkeys("⸺⸻", "----"),  # for a name left out
    "…": "...",
}
# Ligatures are letters in one shape, and so is the long s.
_SHAPES = {
    **{
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
        "\ufb05": "st",
        "\ufb06": "st",
    },
    **{"\u0132": "IJ", "\u0133": "ij", "\u017f": "s"},
}
_INVISIBLE = {
    **_SHAPES,
    **dict.fromkeys("\u00a0\u2007\u202f", " "),  # non-breaking spaces
    **dict.fromkeys(
        "\u00ad\u200b\u2060\ufeff", ""
    ),  # soft hyphens, zero-width spaces, joiners, byte order marks
}
_MOST_PASSES = 12  # a pass may uncover something for the next; no book has needed more than three
_FEW_PASSES = 4
_CLEANED = 500_000  # characters cleaned in all passes over a small text; a large one gets the few passes

# Separates the parts of a book while they are cleaned together: a paragraph that no step changes.
_PART = "\x01"


@dataclass(frozen=True)
class Setting:
    """Facts about a whole book that are needed to clean any part of it."""

    layout: Layout
    notes: frozenset[str] = frozenset()  # the labels of its footnotes
    numbered_pages: bool = False  # a number between two paragraphs is a page number


def clean(text: str, *, plain: bool = True) -> str:
    """Clean a text for training: no licence or apparatus, unwrapped prose, single blank lines.

    Quotes and dashes become ASCII unless `plain` is False. Cleaning a clean text changes nothing, and the result has
    no word that the text did not have.
    """
    for _ in range(passes_over(text)):
        # usually two passes: the second changes nothing, unless joined lines formed a new mark
        once = clean_once(text, plain=plain)
        if once == text:
            break
        text = once
    return text


def clean_once(text: str, *, plain: bool = True) -> str:
    """One pass of cleaning."""
    return _clean_book(strip_gutenberg(legible(text, plain=plain)))


def passes_over(text: str) -> int:
    """The most passes over a text. A large text gets few, so that a malicious one cannot take hours."""
    return max(_FEW_PASSES, min(_MOST_PASSES, _CLEANED // max(1, len(text))))


def legible(text: str, *, plain: bool = True) -> str:
    """A text with the characters the other steps expect: newlines, no space before them, plain quotes."""
    for marker in (_PART, GONE):  # reserved for the following steps
        text = text.replace(marker, " ")
    text = strip_line_ends(without_invisible_characters(unix_lines(text)))
    return plain_punctuation(text) if plain else text


def _clean_book(text: str) -> str:
    return clean_parts([text], setting_of(text))[0]


def setting_of(text: str, *, wrapped: bool = True) -> Setting:
    """The facts about a book's text. `wrapped` is False if its format has no hard-wrapped lines."""
    layout = layout_of(text) if wrapped else Layout()
    return Setting(layout, note_labels(text), pages_are_numbered(text))


def clean_parts(parts: Sequence[str], setting: Setting) -> list[str]:
    """The parts of a legible book, each cleaned once with the same setting.

    They are cleaned as one text, so that 300 fables take no longer than a novel of the same size.
    """
    steps: tuple[Callable[[str], str], ...] = (
        strip_bracketed,
        strip_transcriber_notes,
        lambda text: strip_footnotes(text, setting.notes),
        lambda text: strip_page_numbers(text, alone=setting.numbered_pages),
        plain_emphasis,
        single_asterisms,
        strip_line_ends,
        single_blank_lines,
        dedent,
        lambda text: unwrap_as(text, setting.layout),
        single_spaces,
    )
    text = f"\n\n\n\n{_PART}\n\n\n\n".join(parts)
    for step in stoppable(steps):
        text = step(text)
    return [dedent(part.strip("\n")) for part in stoppable(text.split(_PART))]


def unix_lines(text: str) -> str:
    """A text with every kind of line end replaced by a newline."""
    if "\r" in text:
        text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text
    return text.replace("\x85", "\n").replace("\u2028", "\n").replace("\u2029", "\n")


def plain_punctuation(text: str) -> str:
    """A text with ASCII quotes, dashes, ellipses and spaces, without invisible characters."""
    return _replaced(without_invisible_characters(text), _PLAIN)


def without_invisible_characters(text: str) -> str:
    """A text with plain spaces for non-breaking ones, without soft hyphens and zero-width characters."""
    for sign in ("\u00ad\n", "¬\n"):  # hyphens at line ends in scanned books
        text = text.replace(sign, "-\n") if sign in text else text
    return _replaced(text, _INVISIBLE)


def _replaced(text: str, table: dict[str, str]) -> str:
    if not text.isascii():
        for character, plain in table.items():  # ten times as fast as `str.translate` on a whole book
            text = text.replace(character, plain)
    return text


def strip_line_ends(text: str) -> str:
    """A text without white space before line ends."""
    return "\n".join(map(str.rstrip, text.split("\n")))


def single_spaces(text: str) -> str:
    """A text with single spaces between words (typists put two after a full stop); indentation stays."""
    return re.sub(r"  (?<=\S  ) *", " ", text) if "  " in text else text


def single_blank_lines(text: str) -> str:
    """A text with at most one blank line between paragraphs."""
    return re.sub("\n\n\n+", "\n\n", text)
