"""What a reader makes of one file, and what dividing makes of that: the two nouns between a file and a story."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A line that the file's own format (HTML, EPUB, Markdown) says is a heading: 0-based; level 1 to 6."""

    line: int
    level: int


@dataclass(frozen=True)
class Document:
    """One file's text as it stood there: lines parted by newlines, nothing cleaned yet.

    `wrapped`: its lines may be hard-wrapped prose (plain text); otherwise each line is a whole paragraph, or
    a line that was broken on purpose. `headings` is empty for plain text. `title` and `author` are what the
    format's own data says, or "". `published`: its format is one in which publishers set their books (EPUB),
    with pages of their own around the text.
    """

    text: str
    wrapped: bool = True
    headings: tuple[Heading, ...] = ()
    title: str = ""
    author: str = ""
    published: bool = False


@dataclass(frozen=True)
class Chapter:
    """Where a chapter of a story begins: `start` is a character of the story's text."""

    title: str
    start: int


@dataclass(frozen=True)
class Tale:
    """One story of a document, cleaned. `lines`: the half-open range of the document's lines it was made from.

    `title` is "" where the document names none. Neither it nor a chapter's title stands in `text`.
    """

    title: str
    text: str
    chapters: tuple[Chapter, ...] = ()
    lines: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Book:
    """What dividing makes of a document: its stories, and what it says of all of them; "" where it does not."""

    tales: tuple[Tale, ...]
    title: str = ""
    author: str = ""
