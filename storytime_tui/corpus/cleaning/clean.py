"""Text as found to text worth learning: small pure functions, put in order by `clean`."""

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
from storytime_tui.corpus.cleaning.gutenberg_marks import strip_gutenberg
from storytime_tui.corpus.cleaning.line_wraps import Layout, dedent, layout_of, unwrap, unwrap_as, wrap_width
from storytime_tui.stopping import watched

__all__ = [
    "CLEANING_VERSION",
    "Setting",
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

CLEANING_VERSION = 3  # raise it when `clean` or `divide` gives another text: token files are then made anew

# Curly quotes cost a model two tokens each, and two books seldom agree on them.
_PLAIN = {
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟″", '"'),
    **dict.fromkeys("‐‑‒–", "-"),
    **dict.fromkeys("—―", "--"),
    "…": "...",
}
_INVISIBLE = {
    **dict.fromkeys("\u00a0\u2007\u202f", " "),  # spaces that do not break
    **dict.fromkeys("\u00ad\u200b\ufeff", ""),  # soft hyphens, zero-width spaces, stray marks
}
_MOST_PASSES = 12  # each pass may uncover something for the next, but no book has needed more than three
_FEW_PASSES = 4
_CLEANED = 500_000  # characters in all passes over a small text; a large one gets the few passes

# Stands between the parts of a book while they are cleaned together: a paragraph that no step touches.
_PART = "\x01"


@dataclass(frozen=True)
class Setting:
    """What a whole book tells about how to read any part of it."""

    layout: Layout
    notes: frozenset[str] = frozenset()  # the labels of its footnotes
    numbered_pages: bool = False  # a number alone between two paragraphs is a page's


def clean(text: str, *, plain: bool = True) -> str:
    """The text that a model learns: licence text and apparatus off, prose unwrapped, blank lines single.

    Quotes and dashes become plain ASCII unless `plain` is False. Cleaning a clean text changes nothing, and
    no word is made that the text did not have.
    """
    for _ in range(passes_over(text)):
        # mostly twice: the second time finds nothing (joined lines may make a mark)
        once = clean_once(text, plain=plain)
        if once == text:
            break
        text = once
    return text


def clean_once(text: str, *, plain: bool = True) -> str:
    """A text after one pass of cleaning, which may have uncovered something for the next."""
    return _clean_book(strip_gutenberg(legible(text, plain=plain)))


def passes_over(text: str) -> int:
    """How many times a text is cleaned at most: a large one, made so that each pass finds a little, takes no hours."""
    return max(_FEW_PASSES, min(_MOST_PASSES, _CLEANED // max(1, len(text))))


def legible(text: str, *, plain: bool = True) -> str:
    """A text in the signs that the other steps expect: newlines, no white space before them, plain quotes."""
    for sign in (_PART, GONE):  # ours alone, from here on
        text = text.replace(sign, " ")
    text = strip_line_ends(without_invisible_signs(unix_lines(text)))
    return plain_punctuation(text) if plain else text


def _clean_book(text: str) -> str:
    return clean_parts([text], setting_of(text))[0]


def setting_of(text: str, *, wrapped: bool = True) -> Setting:
    """What a book's text tells about itself; `wrapped` False: its format has said that no line is wrapped."""
    layout = layout_of(text) if wrapped else Layout()
    return Setting(layout, note_labels(text), pages_are_numbered(text))


def clean_parts(parts: Sequence[str], setting: Setting) -> list[str]:
    """The parts of one legible book, each cleaned once, all read by the same setting.

    They are cleaned as one text: a book of 300 fables costs no more than a novel of its size.
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
    for step in watched(steps):
        text = step(text)
    return [dedent(part.strip("\n")) for part in watched(text.split(_PART))]


def unix_lines(text: str) -> str:
    """Every kind of line end as a newline."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text
    return text.replace("\x85", "\n").replace("\u2028", "\n").replace("\u2029", "\n")


def plain_punctuation(text: str) -> str:
    """Curly quotes, dashes, ellipses and unusual spaces as plain ASCII; invisible signs go."""
    return _replaced(without_invisible_signs(text), _PLAIN)


def without_invisible_signs(text: str) -> str:
    """Spaces that do not break as spaces; soft hyphens and marks of no width go."""
    return _replaced(text, _INVISIBLE)


def _replaced(text: str, table: dict[str, str]) -> str:
    if not text.isascii():
        for sign, plain in table.items():  # ten times as fast as `str.translate` on a whole book
            text = text.replace(sign, plain)
    return text


def strip_line_ends(text: str) -> str:
    """No white space before a line end."""
    return "\n".join(map(str.rstrip, text.split("\n")))


def single_spaces(text: str) -> str:
    """One space between two words (typists put two after a full stop); indentation stays."""
    return re.sub(r"  (?<=\S  ) *", " ", text) if "  " in text else text


def single_blank_lines(text: str) -> str:
    """At most one blank line between two paragraphs."""
    return re.sub("\n\n\n+", "\n\n", text)
