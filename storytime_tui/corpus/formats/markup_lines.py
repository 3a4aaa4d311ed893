"""Collecting the lines of a page while its elements are read in order."""

import re

from storytime_tui.corpus.document import Heading

# Spaces to collapse. A single one, the most frequent, is none of them, which makes this several times as fast.
_OTHER_SPACE = "\t\n\r\f\v\x1c-\x1f\x85\u2028\u2029"
_SPACE = re.compile(f"[{_OTHER_SPACE}][ {_OTHER_SPACE}]*| [ {_OTHER_SPACE}]+")
# A line end between two Chinese or Japanese characters is no space.
_UNSPACED = re.compile(
    r"(?<=[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef])[ \t]*[\r\n]\s*(?=[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef])"
)
_CLOSES = re.compile(r"[.,;:!?)\]’”»…]")
_NUMBERED = re.compile(
    r"(?:(?:chapter|part|book|story|tale|canto|act|scene|no)\b\.? *)?"
    r"(?:[ivxlcdm]+|[0-9]+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)",
    re.IGNORECASE,
)
FEW = 20  # pieces of text that a chapter's number may consist of
_LONGEST_VERSE = 120  # characters; a longer line in verse is prose and ends its paragraph


class LineWriter:
    """Collects lines and headings from pieces of text and the ends of elements."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.headings: list[Heading] = []
        self.places: dict[str, int] = {}
        self.keeps = False  # whether line breaks in the text are kept
        self.verse = 0  # nesting depth of verse
        self.heading = 0  # the level of the current heading, 0 outside
        self.drop_cap = ""  # a letter shown as a picture, for the next word
        self.written = self.preformatted = 0  # characters
        self._parts: list[str] = []  # of the current line
        self._after_space = True
        self._after_mark = False  # a note's mark or a page number was left out just before
        self._gap = False  # a blank line comes before the next line
        self._joined = (
            False  # the next line belongs to the one before, whatever begins a paragraph between them
        )
        self._block = 0  # the first line of the current paragraph
        self._indent = 0
        self._waiting: list[str] = []  # places that belong to the next line

    def text(self, text: str) -> None:
        """Add text; white space in it is collapsed."""
        if not text.isascii() and "\n" in text:
            text = _UNSPACED.sub("", text)
        text = _SPACE.sub(" ", text)
        if self._after_mark and text:
            self._after_mark = False
            if self._parts and _CLOSES.match(text):
                self._parts[-1] = self._parts[-1].rstrip(" ")
        if self.drop_cap and text.strip():
            text = self._with_drop_cap(text)
        if self._after_space and text.startswith(" "):
            text = text[1:]
        if text:
            self._parts.append(text)
            self._after_space = text.endswith(" ")

    def mark_left_out(self) -> None:
        """A note's mark or a page number was left out here: no space stays between a word and what ends it."""
        self._after_mark = True

    def preformatted_text(self, text: str) -> None:
        """Add text with its line ends and spaces."""
        self._after_mark = False
        first, *others = text.expandtabs().replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._parts.append(first)
        for line in others:
            self.end_preformatted_line()
            self._parts.append(line)

    def end_preformatted_line(self) -> None:
        """End a line of <pre>; an empty one separates paragraphs."""
        line = "".join(self._parts).rstrip()
        self._parts.clear()
        self.preformatted += len(line)
        if line:
            self._put(line)
        else:
            self._gap = True

    def cell(self) -> None:
        """Begin a table cell, separated from the previous one by two spaces."""
        if self.heading:
            self.text(" ")
        elif self._parts:
            self._parts[-1] = self._parts[-1].rstrip(" ")
            self._parts.append("  ")
            self._after_space = True

    def end_line(self, indent: int = 0) -> bool:
        """End the current line and set the next line's indent. Returns whether there was a line."""
        if self.heading:
            self._join_heading()
            return True
        line = "".join(self._parts).strip(" ")
        self._parts.clear()
        self._after_space = True
        words = line.lstrip(" \xa0")
        columns, self._indent = self._indent + len(line) - len(words), indent
        words = words.rstrip(" \xa0")
        if words:
            self._put(" " * columns + words)
            self._gap = self.verse > 0 and len(words) > _LONGEST_VERSE
        return bool(words)

    def _join_heading(self) -> None:
        """A line break in a heading becomes a space, or ": " after the chapter's number."""
        words = "".join(self._parts[:FEW]).rstrip()
        if len(self._parts) < FEW and _NUMBERED.fullmatch(words):
            self._parts = [words, ":"]
            self._after_space = False
        self.text(" ")

    def _put(self, line: str) -> None:
        if self._gap and self.lines and not self._joined:
            self._dedent_block()
            self.lines.append("")
            self._block += 1
        self._gap = self._joined = False
        for place in self._waiting:
            self.places[place] = len(self.lines)
        self._waiting.clear()
        self.lines.append(line)
        self.written += len(line)

    def end_preformatted(self) -> None:
        """End <pre>; its lines keep their indents."""
        self.end_preformatted_line()
        self._block = len(self.lines)
        self._after_space = True
        self._gap = True

    def no_gap(self) -> None:
        """Put no blank line before the next line."""
        self._gap = False

    def end_speaker(self) -> None:
        """End the line with a speaker's name; the speech follows without a blank line."""
        self._joined = self.end_line()

    def line_break(self) -> None:
        """A <br>: two in a row make a blank line."""
        if not self.end_line():
            self._gap = True

    def end_paragraph(self, indent: int = 0) -> None:
        """End the paragraph, if there is one: a blank line follows."""
        self.end_line(indent)
        if not self.heading:
            self._dedent_block()
            self._gap = True

    def _dedent_block(self) -> None:
        """Remove the indent that all lines of a prose paragraph share."""
        block = self.lines[self._block :]
        if block and not self.verse and not self.keeps:
            least = min(len(line) - len(line.lstrip(" ")) for line in block)
            self.lines[self._block :] = [line[least:] for line in block]
        self._block = len(self.lines)

    def begin_heading(self, level: int) -> None:
        """Begin a heading, which will be one line."""
        self.end_heading("")
        self.end_paragraph()
        self.drop_cap = ""
        self.heading = level

    def end_heading(self, fallback: str) -> None:
        """End the heading; `fallback` is its text if it has none."""
        if not self.heading:
            return
        if not "".join(self._parts).strip(" \xa0") and fallback:
            self._parts = [_SPACE.sub(" ", fallback)]
        level, self.heading = self.heading, 0
        self._indent = 0
        if self.end_line():
            self.lines[-1] = self.lines[-1].lstrip()
            self.headings.append(Heading(len(self.lines) - 1, level))
        self.end_paragraph()

    def place(self, name: str) -> None:
        """Record `name` as a place at the current line, or at the next one."""
        self._waiting.append(name)

    def finish(self) -> None:
        """End the page."""
        self.end_heading("")
        self.end_paragraph()
        for place in self._waiting:
            self.places[place] = len(self.lines)

    def _with_drop_cap(self, text: str) -> str:
        letter, self.drop_cap = self.drop_cap, ""
        first = text.lstrip(" ")[0]
        if any(part.strip() for part in self._parts) or not first.isalpha() or first == letter[-1]:
            return text
        return letter + text
