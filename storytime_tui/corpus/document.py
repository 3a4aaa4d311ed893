"""What a reader makes of a file, and what dividing makes of that."""

from dataclasses import dataclass

UNKNOWN = "unknown"  # the reason of words that no rule explains
_NOTES = ("note", "notes", "transcriber's note", "page number", "illustration")
_OF_DOCUMENTS = ("comment", "deleted text", "page header", "page footer")
_MARKS = ("note mark", "ruby", "typesetting mark", "formatting mark", "edit link", "caption")
_OF_POSTS = ("user name", "date", "signature", "page control", "about the post", "repeated title")
EXPECTED = frozenset(
    {"licence", "credits", "contents list", *_NOTES, *_OF_DOCUMENTS, *_MARKS, *_OF_POSTS}
)  # left out words that nobody is asked about
ASKED = 0.02  # of a file's words: who imports it is asked about a larger stretch
_FEW_WORDS = 10  # and of at least so many words: a menu of two links is no story, however short its page


@dataclass(frozen=True)
class Heading:
    """A heading marked by the file's format (HTML, EPUB, Markdown): 0-based line, level 1 to 6."""

    line: int
    level: int


@dataclass(frozen=True)
class Row:
    """A row of a data set, which is one tale: its first line in the document, 0-based, and its title or "".

    `chapters`: of a row that is a whole book, all of it; the first begins with the row.
    """

    line: int
    title: str = ""
    chapters: tuple["Row", ...] = ()


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
    """The stories of a document, with its title and author; "" if it gives none.

    `outside`: half-open ranges of the document's lines that are no story, in order, each with a reason. Lines that are
    neither in them nor in a story are front or back matter.
    """

    tales: tuple[Tale, ...]
    title: str = ""
    author: str = ""
    outside: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True)
class Omitted:
    """A stretch of a file that is in none of its stories, without its text.

    `reason`: a few plain words. `place`: "line 7", "lines 40 to 92" or "page cover.xhtml". `lines`: its half-open range
    of the document's lines; (0, 0) if the reader itself left it out.
    """

    reason: str
    place: str
    words: int
    lines: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Account:
    """What became of the words of a file of a collection. `remarks`: sentences on how the file was read."""

    file: str
    words: int
    omitted: tuple[Omitted, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """The words that are in the stories or their titles."""
        return self.words - sum(each.words for each in self.omitted)

    @property
    def asked(self) -> tuple[Omitted, ...]:
        """The large stretches that were left out for another reason than licence, contents and notes."""
        least = max(ASKED * self.words, _FEW_WORDS - 1)
        return tuple(each for each in self.omitted if each.words > least and each.reason not in EXPECTED)
