"""What a reader makes of a file, and what dividing makes of that."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A heading marked by the file's format (HTML, EPUB, Markdown): 0-based line, level 1 to 6."""

    line: int
    level: int


@dataclass(frozen=True)
class Row:
    """A row of a data set, which is one tale: its first line in the document, 0-based, and its title or ""."""

    line: int
    title: str = ""


@dataclass(frozen=True)
class LeftOut:
    """Words of a file that are in none of its stories.

    `reason`: in a few plain words, "contents list" or "no prose". `place`: where they stand, "lines 40 to 92" or
    "page cover.xhtml". `text`: the words as they stand there.
    """

    reason: str
    place: str
    text: str


@dataclass(frozen=True)
class Document:
    """The uncleaned text of a file, its lines separated by newlines.

    `wrapped`: prose may be hard-wrapped (plain text); otherwise each line is a whole paragraph or ends on purpose.
    `headings`: empty for plain text. `title` and `author`: from the format's metadata, or "". `published`: in a
    publisher's format (EPUB), with front and back matter around the text. `left_out`: what the reader itself left out.
    `remarks`: sentences for the user on how the file was read, such as a guessed encoding. `rows`: of a data set,
    whose rows are tales and are not divided.
    """

    text: str
    wrapped: bool = True
    headings: tuple[Heading, ...] = ()
    title: str = ""
    author: str = ""
    published: bool = False
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """Where a chapter begins: `start` is a character of the story's text."""

    title: str
    start: int


@dataclass(frozen=True)
class Tale:
    """A cleaned story of a document. `lines`: the half-open range of the document's lines it was made from.

    `title` is "" if the document gives none. `text` contains neither it nor the chapters' titles.
    """

    title: str
    text: str
    chapters: tuple[Chapter, ...] = ()
    lines: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Book:
    """The stories of a document, with its title and author; "" if it gives none."""

    tales: tuple[Tale, ...]
    title: str = ""
    author: str = ""
