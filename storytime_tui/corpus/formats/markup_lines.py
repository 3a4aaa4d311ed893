"""The lines of a page, written as its elements give their words one by one."""

import re

from storytime_tui.corpus.document import Heading

_SPACE = re.compile("[ \t\n\r\f\v\x1c-\x1f\x85\u2028\u2029]+")
_NUMBERED = re.compile(
    r"(?:(?:chapter|part|book|story|tale|canto|act|scene|no)\b\.? *)?"
    r"(?:[ivxlcdm]+|[0-9]+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)",
    re.IGNORECASE,
)
FEW = 20  # pieces that a chapter's number may be written in
_LONGEST_VERSE = 120  # characters; a longer line among verse is prose, and ends its paragraph


class LineWriter:
    """Lines, as the elements give them one by one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.headings: list[Heading] = []
        self.places: dict[str, int] = {}
        self.keeps = 0  # how many elements of preformatted text we are in
        self.verse = 0  # how many elements of verse we are in
        self.heading = 0  # the level of the heading we are in
        self.drop_cap = ""  # a letter that was a picture, for the word that follows
        self.written = self.preformatted = 0  # characters
        self._parts: list[str] = []  # of the line that is being written
        self._after_space = True
        self._gap = False  # a blank line is due
        self._block = 0  # the line with which the paragraph began
        self._indent = 0
        self._waiting: list[str] = []  # places for which the next line is the line

    def text(self, text: str) -> None:
        """Words with any white space in and around them."""
        text = _SPACE.sub(" ", text)
        if self.drop_cap and text.strip():
            text = self._with_drop_cap(text)
        if self._after_space and text.startswith(" "):
            text = text[1:]
        if text:
            self._parts.append(text)
            self._after_space = text.endswith(" ")

    def preformatted_text(self, text: str) -> None:
        """Words whose line ends and spaces stay."""
        first, *others = text.expandtabs().replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._parts.append(first)
        for line in others:
            self.end_preformatted_line()
            self._parts.append(line)

    def end_preformatted_line(self) -> None:
        """A line of <pre> ends; an empty one parts paragraphs."""
        line = "".join(self._parts).rstrip()
        self._parts.clear()
        self.preformatted += len(line)
        if line:
            self._put(line)
        else:
            self._gap = True

    def cell(self) -> None:
        """A table's next cell begins: two spaces part it from the one before."""
        if self.heading:
            self.text(" ")
        elif self._parts:
            self._parts[-1] = self._parts[-1].rstrip(" ")
            self._parts.append("  ")
            self._after_space = True

    def end_line(self, indent: int = 0) -> bool:
        """The line ends, if one has begun, and the next will be set in; whether one had begun."""
        if self.heading:
            self._part_heading()
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

    def _part_heading(self) -> None:
        """A heading's first line ends: its number is parted from its words, where no stop does that."""
        words = "".join(self._parts[:FEW]).rstrip()
        if len(self._parts) < FEW and _NUMBERED.fullmatch(words):
            self._parts = [words, ":"]
            self._after_space = False
        self.text(" ")

    def _put(self, line: str) -> None:
        if self._gap and self.lines:
            self._settle()
            self.lines.append("")
            self._block += 1
        self._gap = False
        for place in self._waiting:
            self.places[place] = len(self.lines)
        self._waiting.clear()
        self.lines.append(line)
        self.written += len(line)

    def end_preformatted(self) -> None:
        """<pre> ends: its lines stay as far in as they are."""
        self.end_preformatted_line()
        self._block = len(self.lines)
        self._after_space = True
        self._gap = True

    def no_gap(self) -> None:
        """The next line follows the last one, after all."""
        self._gap = False

    def line_break(self) -> None:
        """As <br>: two in a row are a blank line."""
        if not self.end_line():
            self._gap = True

    def end_paragraph(self, indent: int = 0) -> None:
        """The paragraph ends, if one has begun: a blank line is due."""
        self.end_line(indent)
        if not self.heading:
            self._settle()
            self._gap = True

    def _settle(self) -> None:
        """Set in no line of a paragraph of prose further than its lines differ."""
        block = self.lines[self._block :]
        if block and not self.verse and not self.keeps:
            least = min(len(line) - len(line.lstrip(" ")) for line in block)
            self.lines[self._block :] = [line[least:] for line in block]
        self._block = len(self.lines)

    def begin_heading(self, level: int) -> None:
        """A heading begins: it will be one line."""
        self.end_heading("")
        self.end_paragraph()
        self.drop_cap = ""
        self.heading = level

    def end_heading(self, otherwise: str) -> None:
        """The heading ends; where it has no words, `otherwise` are its words."""
        if not self.heading:
            return
        if not "".join(self._parts).strip(" \xa0") and otherwise:
            self._parts = [_SPACE.sub(" ", otherwise)]
        level, self.heading = self.heading, 0
        self._indent = 0
        if self.end_line():
            self.lines[-1] = self.lines[-1].lstrip()
            self.headings.append(Heading(len(self.lines) - 1, level))
        self.end_paragraph()

    def place(self, name: str) -> None:
        """The line that is being written, or else the next one, is where `name` leads to."""
        self._waiting.append(name)

    def finish(self) -> None:
        """Nothing follows."""
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
