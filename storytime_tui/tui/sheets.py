"""Lays out the reading pane in lines: a story with its chapters, a collection, or a message. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.document import Chapter
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted, wrapped
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.wording import count

WIDEST = 76  # cells; longer lines are hard to read
_NARROWEST = 12


@dataclass(frozen=True)
class Sheet:
    """Lines from top to bottom; `kinds` maps some of them to title, quiet, heading or error."""

    width: int
    lines: list[str] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)

    def add(self, text: str, kind: str = "") -> None:
        """Append a text."""
        begin = len(self.lines)
        self.lines.extend(wrapped(text, self.width))
        if kind:
            self.kinds.update(dict.fromkeys(range(begin, len(self.lines)), kind))

    def add_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Append rows in aligned columns, two spaces apart. The last column is wrapped within itself."""
        widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)][:-1]
        begin = sum(widths) + 2 * len(widths)
        for *firsts, last in rows:
            head = "".join(f"{fitted(text, width)}  " for text, width in zip(firsts, widths, strict=True))
            for line in wrapped(last, max(1, self.width - begin)):
                self.lines.append(f"{head:{begin}}{line}")
                head = ""


def width_in(room: int) -> int:
    """The line width in a pane of this many cells."""
    return max(_NARROWEST, min(WIDEST, room))


def headed(title: str, facts: Iterable[str], room: int) -> Sheet:
    """Start a sheet: a title, quiet facts, an empty line."""
    sheet = Sheet(width_in(room))
    sheet.add(printable_line(title[:1000]) or "(no title)", "title")
    for fact in facts:
        if fact:
            sheet.add(printable_line(fact), "quiet")
    sheet.add("")
    return sheet


def story_facts(collection: Collection, index: int) -> str:
    """A story's author, collection, place in it and length, in one line."""
    story, stories = collection.stories[index], len(collection.stories)
    place = f"{index + 1:,} of {stories:,}" if stories > 1 else ""
    chapters = count(len(story.chapters), "chapter") if len(story.chapters) > 1 else ""
    return " · ".join(
        filter(None, [collection.author, collection.title, place, count(story.words, "word"), chapters])
    )


def story_sheet(
    title: str, facts: Iterable[str], text: str, chapters: tuple[Chapter, ...], room: int
) -> Sheet:
    """Lay out a story; each chapter's title is a heading above its text."""
    sheet = headed(title, facts, room)
    begin = 0
    for chapter in chapters:
        start = max(begin, min(chapter.start, len(text)))
        _add_passage(sheet, text[begin:start])
        if sheet.lines[-1]:
            sheet.add("")
        sheet.add(printable_line(chapter.title), "heading")
        sheet.add("")
        begin = start
    _add_passage(sheet, text[begin:])
    return sheet


def _add_passage(sheet: Sheet, text: str) -> None:
    text = text.strip("\n")
    if text:
        sheet.add(text)


def collection_sheet(collection: Collection, room: int) -> Sheet:
    """Lay out a collection's description and table of contents."""
    stories = count(len(collection.stories), "story", "stories")
    sheet = headed(collection.title, [f"{stories} · {count(collection.words, 'word')}"], room)
    if collection.description:
        sheet.add(collection.description)
        sheet.add("")
    for what, value in (
        ("by", collection.author),
        ("source:", collection.source),
        ("licence:", collection.licence),
    ):
        if value:
            sheet.add(printable_line(f"{what} {value}"), "quiet")
    sheet.add(_punctuation(collection), "quiet")
    if words := sum(each.words - each.kept for each in collection.accounts):
        whole = sum(each.words for each in collection.accounts)
        sheet.add(
            f"{words:,} of {count(whole, 'word')} in its files left out "
            f"({own_key('library.left_out', 'o')} shows them)",
            "quiet",
        )
    sheet.add("")
    column = max((len(f"{story.words:,}") for story in collection.stories), default=0)
    for story in collection.stories:
        title = printable_line(story.title[:400]) or "(no title)"
        sheet.lines.append(fitted(f"{story.words:>{column},}  {title}", sheet.width).rstrip())
    return sheet


def _punctuation(collection: Collection) -> str:
    plain = collection.plain_punctuation
    quotes = "curly quotes simplified" if plain else "curly quotes kept"
    if collection.bundled:
        return quotes
    return f"{quotes} (press {own_key('library.punctuation', '-')} to {'keep' if plain else 'simplify'} them)"


def message_sheet(title: str, text: str, room: int, kind: str = "") -> Sheet:
    """Lay out a message of the program."""
    sheet = headed(title, (), room)
    sheet.add(text, kind)
    return sheet
