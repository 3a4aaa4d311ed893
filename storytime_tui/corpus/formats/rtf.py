"""Rich text (.rtf) to a Document: headings by their styles, notes, comments and deleted text left out and recorded.

striprtf is not used: it gives text alone, without headings and metadata, drops notes without a word, and keeps
deleted and hidden text.
"""

import re
from dataclasses import dataclass, field, replace

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.bylines import people
from storytime_tui.corpus.formats.paragraphs import Paragraphs, is_contents_style, level_of_style, whole
from storytime_tui.corpus.formats.rtf_codes import CHARACTERS, RECORDED, SKIPPED, STARRED, SYMBOLS, CodePages
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import check_stop

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,9})? ?"
    r"|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<symbol>[^a-zA-Z])|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n\\]"
)
_DEEPEST = 1_000  # groups within each other
_CONTENTS_FIELD = re.compile(r"\s*(?:TOC|INDEX)\b", re.IGNORECASE)
_NUMBER_FIELD = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES|SYMBOL)\b", re.IGNORECASE)
_PAGE_GAP = 3  # blank lines
_BODY_LEVEL = 9  # the outline level of a text


@dataclass(slots=True)
class _State:
    """What a group inherits from the one around it. `into`: what its words are part of: "text", "" for nothing."""

    into: str = "text"
    font: int = 0
    hidden: bool = False
    deleted: bool = False
    skip: int = 1  # characters after a \\u that stand for it in old programs
    style: int = 0
    level: int = 0
    in_table: bool = False
    starred: bool = False
    opened: str = ""  # what began with this group, and ends with it
    field: str = ""


@dataclass
class _Style:
    number: int = 0
    level: int | None = None
    based_on: int = 0
    words: list[str] = field(default_factory=list)


def read_rtf(data: bytes, name: str) -> Document:
    """The text of a rich-text file. Raises CorpusError if it is none, or nested too deeply."""
    if not data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{\\rtf"):
        raise CorpusError(
            f"{name} is not a rich-text file despite its name: open it, save it as .rtf or .docx again."
        )
    return _Reader(name).read(data.decode("latin-1"))


class _Reader:
    def __init__(self, name: str) -> None:
        self._name = name
        self._out = Paragraphs()
        self._pages = CodePages()
        self._state = _State()
        self._stack: list[_State] = []
        self._words: dict[str, list[str]] = {"text": []}  # what was read so far of each part
        self._bytes = bytearray()  # not yet decoded
        self._to_skip = 0
        self._cells: list[str] = []
        self._font = 0  # the one that the font table is describing
        self._default_font = 0
        self._styles: dict[int, _Style] = {}
        self._style = _Style()
        self._facts = {"title": "", "author": ""}
        self._notes = 0

    def read(self, source: str) -> Document:
        at, size = 0, len(source)
        closed = False
        while at < size:
            token = _TOKEN.match(source, at)
            if token is None:
                at += 1
                continue
            at = token.end()
            kind = token.lastgroup if token["word"] is None else "word"
            if kind == "text":
                self._text(token["text"])
            elif kind == "hex":
                self._text(chr(int(token["hex"], 16)))
            elif kind == "brace":
                check_stop()
                self._brace(token["brace"])
                if not self._stack:
                    closed = True
                    break
            elif kind == "symbol":
                self._symbol(token["symbol"])
            elif kind == "word":
                number = int(token["number"]) if token["number"] else None
                if token["word"] == "bin":  # so many bytes that are no text
                    at = min(size, at + max(number or 0, 0))
                else:
                    self._word(token["word"], number)
        self._flush()
        if not closed:
            self._out.remark(f"{self._name} ends too early: what it still holds was read.")
            while self._stack:
                self._brace("}")
        self._out.leave_out(
            "after the end of the document", source[at:].replace("\0", "").strip(), "end of the file"
        )
        self._end_row()
        self._end_paragraph()
        return self._out.document(self._facts["title"], people([self._facts["author"]]))

    # -- groups --------------------------------------------------------------------------------------------

    def _brace(self, brace: str) -> None:
        self._flush()
        self._to_skip = 0
        if brace == "{":
            if len(self._stack) >= _DEEPEST:
                raise CorpusError(f"{self._name} is nested too deeply to be a book: save its text as .txt.")
            self._stack.append(self._state)
            self._state = replace(self._state, starred=False, opened="")
            if self._state.into == "styles":
                self._style = _Style()
            return
        if not self._stack:
            return
        closing, self._state = self._state, self._stack.pop()
        if closing.opened:
            self._close(closing)
        elif closing.into == "styles" and self._state.into == "styles":
            self._styles[self._style.number] = self._style

    def _open(self, part: str) -> None:
        """Begin a part of the file; its words are collected until its group ends."""
        self._state.into = self._state.opened = part
        self._words[part] = []

    def _close(self, state: _State) -> None:
        words = whole("".join(self._words.pop(state.opened, [])))
        kind, _, reason = state.opened.partition(":")
        if kind == "left out":
            number = ""
            if reason in ("note", "comment"):
                self._notes += 1
                number = f" {self._notes}"
            self._out.leave_out(reason, words, "" if reason == "contents list" else f"{reason}{number}")
        elif kind in self._facts:
            self._facts[kind] = self._facts[kind] or words.strip()
        elif kind == "field":
            self._state.field = words
        elif kind == "box":
            for line in words.split("\n"):
                self._out.add(line)

    def _word(self, word: str, number: int | None) -> None:
        self._flush()
        state = self._state
        if self._to_skip:
            self._to_skip -= 1
            if word not in ("par", "row", "cell"):
                return
        if state.starred and word not in STARRED:
            state.starred = False
            state.into = ""
            return
        state.starred = False
        if word == "u":
            self._unicode(number or 0)
        elif word in ("par", "sect", "page", "column", "row", "nestrow", "cell", "nestcell"):
            self._end(word)
        elif word in CHARACTERS:
            self._add(CHARACTERS[word])
        elif not self._begins_part(word):
            self._format(word, number)

    def _begins_part(self, word: str) -> bool:
        """Whether a word begins a part of the file; what is inside a skipped part stays skipped."""
        state = self._state
        if word == "shptxt" and all(each.into in ("", "text") for each in self._stack):
            self._open("box")
        elif word == "ud":
            state.into = self._stack[-2].into if len(self._stack) > 1 else "text"
        elif word in self._facts and state.into == "info":
            self._open(word)
        elif not state.into or state.into == "info":
            return word in SKIPPED
        elif word in SKIPPED or word == "shpinst":
            state.into = ""
        elif word == "info":
            state.into = "info"
        elif word == "fonttbl":
            state.into = "fonts"
        elif word == "stylesheet":
            state.into = "styles"
        elif word in RECORDED:
            self._open(f"left out:{RECORDED[word]}")
        elif word == "fldinst":
            self._open("field")
        elif word == "fldrslt":
            instruction = self._stack[-1].field if self._stack else ""
            if _CONTENTS_FIELD.match(instruction):
                self._open("left out:contents list")
            elif _NUMBER_FIELD.match(instruction):
                state.into = ""
        else:
            return False
        return True

    # -- formatting ----------------------------------------------------------------------------------------

    def _format(self, word: str, number: int | None) -> None:
        state = self._state
        on = number != 0
        if state.into == "fonts":
            self._describe_font(word, number)
        elif state.into == "styles":
            self._describe_style(word, number)
        elif word == "f":
            state.font = number or 0
        elif word == "plain":
            state.hidden = state.deleted = False
            state.font = self._default_font
        elif word == "pard":
            state.style = state.level = 0
            state.in_table = False
        elif word == "s":
            state.style = number or 0
        elif word == "outlinelevel":
            state.level = min((number or 0) + 1, 6) if 0 <= (number or 0) < _BODY_LEVEL else 0
        elif word == "v":
            state.hidden = on
        elif word == "deleted":
            state.deleted = on
        elif word == "intbl":
            state.in_table = True
        elif word == "uc":
            state.skip = min(max(number or 0, 0), 8)
        elif word in ("ansicpg", "mac", "pc", "pca"):
            self._pages.default_to(word, number)
        elif word == "deff":
            self._default_font = state.font = number or 0

    def _describe_font(self, word: str, number: int | None) -> None:
        if word == "f":
            self._font = number or 0
        elif word == "fcharset":
            self._pages.add_charset(self._font, number or 0)
        elif word == "cpg":
            self._pages.add_page(self._font, number or 0)

    def _describe_style(self, word: str, number: int | None) -> None:
        if word == "s":
            self._style.number = number or 0
        elif word == "outlinelevel" and 0 <= (number or 0) < _BODY_LEVEL:
            self._style.level = (number or 0) + 1
        elif word == "sbasedon":
            self._style.based_on = number or 0

    # -- words ---------------------------------------------------------------------------------------------

    def _text(self, text: str) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(text))
            self._to_skip -= skipped
            text = text[skipped:]
        if text and self._state.into:
            self._bytes += text.encode("latin-1")

    def _symbol(self, symbol: str) -> None:
        self._flush()
        if symbol == "*":
            self._state.starred = True
        elif self._to_skip:
            self._to_skip -= 1
        elif symbol in "\r\n":  # as Apple's programs write it
            self._end("par")
        else:
            self._add(SYMBOLS.get(symbol, ""))

    def _unicode(self, number: int) -> None:
        number %= 0x10000
        self._add(chr(number) if number >= 0x20 or number in (9, 10) else " ")
        self._to_skip = self._state.skip

    def _flush(self) -> None:
        """Decode the bytes that were read, in the encoding of their font."""
        if self._bytes:
            data, self._bytes = bytes(self._bytes), bytearray()
            self._add(
                data.decode(self._pages.of(self._state.font), "replace").replace("\n", " ").replace("\0", "")
            )

    def _add(self, text: str) -> None:
        state = self._state
        if not state.into:
            return
        if state.into == "styles":
            self._style.words.append(text)
        elif state.into == "text" and (state.deleted or state.hidden):
            self._out.leave_out("deleted text" if state.deleted else "hidden text", text, within=True)
        elif state.into in self._words:
            self._words[state.into].append(text)

    # -- paragraphs ----------------------------------------------------------------------------------------

    def _end(self, word: str) -> None:
        state = self._state
        if state.into != "text":
            if state.into in self._words:
                self._words[state.into].append("\n")
        elif word in ("cell", "nestcell"):
            self._cells.append(self._taken())
        elif word in ("row", "nestrow"):
            self._end_row()
        elif state.in_table and word == "par":
            self._words["text"].append("\v")  # a paragraph within a cell
        else:
            self._end_row()
            if state.deleted and word == "par":  # a deleted end joins two paragraphs
                self._out.leave_out("deleted text", "\n", within=True)
            else:
                self._end_paragraph()
            if word in ("sect", "page"):
                self._out.space(_PAGE_GAP)

    def _taken(self) -> str:
        words = whole("".join(self._words["text"]))
        self._words["text"].clear()
        return words

    def _end_row(self) -> None:
        """End a table's row: it is a line, unless the table only lays out a page."""
        cells, self._cells = [cell.strip("\v \n") for cell in self._cells], []
        cells = [cell for cell in cells if cell]
        if len(cells) > 1 and not any("\v" in cell for cell in cells):
            self._out.add(" ".join(cells).replace("\n", " "), item=True)
            return
        for cell in cells:
            for paragraph in cell.split("\v"):
                self._out.add(paragraph)

    def _end_paragraph(self) -> None:
        words = self._taken().replace("\v", "\n")
        level, contents = self._level()
        if contents:
            self._out.leave_out("contents list", words)
        else:
            self._out.add(words, level)

    def _level(self) -> tuple[int, bool]:
        """The level of the current paragraph's heading, and whether it belongs to a contents list."""
        level, contents, number = self._state.level, False, self._state.style
        for _ in range(20):  # styles based on each other
            style = self._styles.get(number)
            if style is None or not number:
                break
            name = "".join(style.words).strip(" ;")
            contents = contents or is_contents_style(name)
            own = level_of_style(name)
            if own < 0 and number != self._state.style:
                own = 0  # styles for authors are based on the title's
            level = level or own or style.level or 0
            number = style.based_on
        return min(level, 6), contents
