"""Collecting the paragraphs of a word processor's document, its headings, and what is none of its text."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from storytime_tui.corpus.document import Document, Heading, LeftOut
from storytime_tui.corpus.formats.look_headings import Look, Shown, headings_by_look
from storytime_tui.stopping import check_stop

_SPACE = re.compile("[ \t\r\f\v\x1c-\x1f\x85\u2028\u2029]+")  # a newline ends a line on purpose
_MOST_GAP = 4  # blank lines
_DEEPEST = 6  # of a heading
# Names that programs put where the writer's belong, and titles they make of a file's name.
_NOBODY = re.compile(
    r"(?:python-docx|microsoft(?: office)?(?: user| word)?|windows[- ]user|unknown(?: author)?|user|admin(?:istrator)?"
    r"|owner|author|openoffice(?:\.org)?.*|libreoffice.*|calibre.*|google docs|un-?named|\(?unspecified\)?|anonymous"
    r"|apache poi)?",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"(?:microsoft word - .*|document ?\d*|untitled(?: document)?\d*|word document|title"
    r"|.*\.(?:docx?|odt|rtf|tmp|pdf))?",
    re.IGNORECASE,
)


_HEADING_STYLE = re.compile(r"heading ?([1-9])", re.IGNORECASE)
_CONTENTS_STYLE = re.compile(r"(?:toc ?(?:[1-9]|heading)|table of figures|index ?[1-9])", re.IGNORECASE)


def real_title(title: str) -> str:
    """A title from a document's metadata, on one line; "" if a program made it."""
    title = " ".join(title.split())[:300]
    return "" if _NO_TITLE.fullmatch(title) else title


def real_author(author: str) -> str:
    """An author from a document's metadata, on one line; "" if a program put something there."""
    author = " ".join(author.split())[:300]
    return "" if _NOBODY.fullmatch(author) else author


def level_of_style(name: str) -> int:
    """The level of a heading with a style of this name, -1 for the document's title, 0 for text."""
    heading = _HEADING_STYLE.fullmatch(name)
    return int(heading[1]) if heading else -(name.strip().lower() == "title")


def is_contents_style(name: str) -> bool:
    """Whether paragraphs with a style of this name are lines of a contents list."""
    return _CONTENTS_STYLE.fullmatch(name) is not None


def whole(text: str) -> str:
    """A text with the two halves of a character, as rich text writes those beyond U+FFFF, joined."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Paragraphs:
    """The paragraphs of a document in order. A paragraph may have several lines, as verse has."""

    def __init__(self) -> None:
        self.title = ""  # the paragraph that is marked as the document's title
        self._lines: list[str] = []
        self._headings: list[tuple[int, int]] = []
        self._shown: list[Shown] = []  # how the paragraphs look
        self._left_out: list[LeftOut] = []
        self._remarks: list[str] = []
        self._count = 0  # paragraphs, empty ones too
        self._gap = 0  # blank lines that come before the next paragraph
        self._after_item = False
        self._pieces = False  # pieces of the current paragraph were left out last

    def add(self, text: str, level: int = 0, *, item: bool = False, look: Look | None = None) -> None:
        """Add a paragraph; an empty one widens the gap. `level`: of a heading, 0 otherwise, -1 for the title.

        `item`: an item of a list or a row of a table, which follows the one before it without a blank line. `look`: by
        which it may be a heading, if no style marks any.
        """
        check_stop()
        self._pieces = False
        self._count += 1
        lines = [_SPACE.sub(" ", line).strip() for line in text.split("\n")]
        if level:
            lines = [" ".join(filter(None, lines))]
        while lines and not lines[0]:
            lines.pop(0)
        while lines and not lines[-1]:
            lines.pop()
        if not lines:
            self.space(1)
            return
        if self._lines and not (item and self._after_item and self._gap <= 1):
            self._lines += [""] * max(self._gap, 1)
        self._gap, self._after_item = 1, item
        if level:
            self._headings.append((len(self._lines), level))
            self.title = self.title or (lines[0] if level < 0 else "")
        elif look is not None:
            self._shown.append(Shown(len(self._lines), "\n".join(lines), look, item))
        self._lines += lines

    def space(self, lines: int) -> None:
        """Widen the gap before the next paragraph, as an empty paragraph or a new page does."""
        self._gap = min(self._gap + lines, _MOST_GAP)

    def leave_out(self, reason: str, text: str, place: str = "", *, within: bool = False) -> None:
        """Record words that are no part of the text. `place`: where they stand; "" for the current paragraph.

        `within`: a piece of a paragraph, whose next piece may go on in the same word.
        """
        place = place or f"paragraph {self._count + 1}"
        if not text.strip() and not (within and self._pieces):
            return
        last = self._left_out[-1] if self._left_out else None
        goes_on = within and self._pieces
        if last is not None and (last.reason, last.place) == (reason, place):
            self._left_out[-1] = LeftOut(reason, place, f"{last.text}{'' if goes_on else chr(10)}{text}")
        elif text.strip():
            self._left_out.append(LeftOut(reason, place, text))
        self._pieces = within

    def remark(self, sentence: str) -> None:
        """Add a sentence on how the document was read."""
        self._remarks.append(sentence)

    def document(self, title: str = "", author: str = "") -> Document:
        """The document. `title` and `author`: from its metadata; names that a program put there are dropped."""
        self._mark_by_look()
        self._without_author_line(real_author(author))
        titled = any(level < 0 for _, level in self._headings)
        headings = tuple(
            Heading(line, 1 if level < 0 else min(level + titled, _DEEPEST)) for line, level in self._headings
        )
        return Document(
            "\n".join(self._lines),
            wrapped=False,
            headings=headings,
            title=self.title or real_title(title),
            author=real_author(author),
            left_out=tuple(_apart(self._left_out)),
            remarks=tuple(self._remarks),
        )

    def _mark_by_look(self) -> None:
        """Mark the headings that only their look shows, if no heading has a style, and say so."""
        if any(level > 0 for _, level in self._headings):
            return
        found = headings_by_look(self._shown)
        if self._headings:  # its title has a style
            found = [(line, max(level, 1)) for line, level in found]
        if found:
            self.title = self.title or next((self._lines[line] for line, level in found if level < 0), "")
            self._headings = sorted([*self._headings, *found])
            self.remark(
                "It has no heading styles: lines that stand alone and look like titles are taken for headings."
            )

    def _without_author_line(self, author: str) -> None:
        """Take away a line under the title that is only the author's name, which the document keeps as its author."""
        if not author or not self._headings or self._headings[0][1] >= 0:
            return
        at = next((n for n in range(self._headings[0][0] + 1, len(self._lines)) if self._lines[n]), None)
        if at is None or self._lines[at].casefold() != author.casefold() or at in dict(self._headings):
            return
        self._lines[at] = ""


def _apart(left_out: Sequence[LeftOut]) -> Iterator[LeftOut]:
    """What was left out, each at a place of its own, by which it can be put back."""
    taken: Counter[str] = Counter()
    for each in left_out:
        taken[each.place] += 1
        place = each.place if taken[each.place] == 1 else f"{each.place} ({taken[each.place]})"
        yield replace(each, place=place, text=_tidy(each.text))


def _tidy(text: str) -> str:
    """Words that were left out, without blank lines."""
    lines = (_SPACE.sub(" ", each).strip() for each in whole(text).split("\n"))
    return "\n".join(filter(None, lines))
