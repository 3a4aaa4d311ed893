"""Books in JSON: an object with a title and a list of chapters is one story with its chapters."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from storytime_tui.corpus.document import LeftOut
from storytime_tui.corpus.formats.data_sets import TEXTS, TITLES, first_of, plain_text, text_column

_CHAPTERS = ("chapters", "chapter", "kapitel", "chapitres", "capitulos", "capítulos", "capitoli", "главы")
_PARTS = (
    "parts",
    "sections",
    "acts",
    "pages",
    "volumes",
)  # tales may be called so, without a book around them
_CHAPTER_TEXTS = (*TEXTS, "body", "paragraphs", "lines")
_CHAPTER_TITLES = (*TITLES, "chapter", "label", "number")
_DEEPEST = 20  # chapters within parts


def chapters_in(row: Any, column: str = "") -> tuple[tuple[str, str], ...]:
    """The titles and texts of a book's chapters, in order; () if a row is no book.

    A text that the book has beside its chapters comes first, without a title. A part's title stands before that of
    its first chapter.
    """
    name = chapters_field(row)
    if not name:
        return ()
    chapters = tuple(_chapters(row[name], column, "", 0))
    if not any(words.strip() for _, words in chapters):
        return ()
    opening = text_column(row, column)
    return (*((("", row[opening]),) if isinstance(row.get(opening), str) else ()), *chapters)


def chapters_field(row: Any) -> str:
    """The field that holds a book's chapters; "" if a row is no book."""
    if not isinstance(row, dict):
        return ""
    named = first_of(row, _CHAPTERS)
    if not named and first_of(row, TITLES):
        named = first_of(row, _PARTS)
    return named if isinstance(row.get(named), list | dict) else ""


def beside_chapters(row: Any, column: str = "") -> tuple[LeftOut, ...]:
    """What the chapters of a book have beside their titles and texts."""
    name = chapters_field(row)
    return tuple(_beside(row[name], column, name, 0)) if name else ()


def words_of(value: Any) -> str | None:
    """A string, or a list of strings as paragraphs; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return "\n\n".join(value)
    return None


def _chapters(value: Any, column: str, before: str, depth: int) -> Iterator[tuple[str, str]]:
    """The chapters of a list, or of an object that holds them by their titles. `before`: the title around them."""
    for title, chapter in _named(value):
        own, texts = _title_of(chapter) or title, _text_of(chapter, column)
        whole = ": ".join(filter(None, (before, own)))
        if texts is not None and texts.strip():
            yield whole, texts
            before = ""
            whole = ""
        inner = chapters_field(chapter) if depth < _DEEPEST else ""
        if inner:
            yield from _chapters(chapter[inner], column, whole, depth + 1)
            before = ""


def _beside(value: Any, column: str, path: str, depth: int) -> Iterator[LeftOut]:
    for number, (_, chapter) in enumerate(_named(value), 1):
        if not isinstance(chapter, dict):
            continue
        read = (_text_field(chapter, column), first_of(chapter, _CHAPTER_TITLES))
        for field, inner in chapter.items():
            words = words_of(inner)
            if field not in read and words is not None and words.strip():
                yield LeftOut("beside the texts", f"{path} {number}, field {field}", plain_text(words))
        name = chapters_field(chapter)
        if name and depth == _DEEPEST:
            shown = json.dumps(chapter[name], ensure_ascii=False)
            yield LeftOut("nested too deeply", f"{path} {number}", plain_text(shown))
        elif name:
            yield from _beside(chapter[name], column, f"{path} {number}, {name}", depth + 1)


def _named(value: Any) -> Iterable[tuple[str, Any]]:
    """Chapters with their names in the object around them; "" in a list."""
    if isinstance(value, dict):
        return value.items()
    return (("", each) for each in value)


def _text_field(chapter: dict[str, Any], column: str) -> str:
    wanted: Sequence[str] = (column.casefold(), *_CHAPTER_TEXTS) if column else _CHAPTER_TEXTS
    held = {name: None for name, inner in chapter.items() if _paragraphs(inner) is not None}
    return first_of(held, wanted)


def _text_of(chapter: Any, column: str) -> str | None:
    return _paragraphs(chapter.get(_text_field(chapter, column)) if isinstance(chapter, dict) else chapter)


def _paragraphs(value: Any) -> str | None:
    """A text, which may be a list of paragraphs, each of them a string or an object with a text."""
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        value = [each.get(text_column(each, "")) for each in value]
    return words_of(value)


def _title_of(chapter: Any) -> str:
    """A chapter's title, or its number if it has nothing else."""
    if not isinstance(chapter, dict):
        return ""
    for name in _CHAPTER_TITLES:
        title = chapter.get(first_of(chapter, (name,)))
        if isinstance(title, str) and title.strip():
            return " ".join(plain_text(title).split())
        if isinstance(title, float) and title.is_integer():
            return str(int(title))
    return ""
