"""The rows of the bookshelf: their columns, their order, and what is searched for. Pure functions."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from storytime_tui.formatting import count, folded
from storytime_tui.stories.pages import Listed, fold
from storytime_tui.stories.search import Hit, place_of
from storytime_tui.stories.story import Story

WORDS_PER_MINUTE = 220  # of a grown-up who reads to themselves
GAP = 2  # cells between two columns
SIGNS = 3  # cells before the title: a tick, the sign of a favourite, a space
NARROW = 56  # cells; a list below this has no model
ORDERS = ("changed", "title", "words")


@dataclass(frozen=True)
class StoryRow:
    """A story in the list."""

    story: Story
    words: int
    model: str  # of the last told passage; "" if there is none
    context: str = ""  # the line around what was searched for


@dataclass(frozen=True)
class Column:
    """A column of the list: the order that it stands for ("" if none), its title, its width in cells."""

    field: str
    title: str
    width: int
    right: bool = False


@dataclass(frozen=True)
class Order:
    """The order of the list."""

    field: str = "changed"
    favourites_first: bool = False

    @property
    def following(self) -> "Order":
        """By the next column."""
        return Order(ORDERS[(ORDERS.index(self.field) + 1) % len(ORDERS)], self.favourites_first)

    @property
    def sign(self) -> str:
        """An arrow: the latest and the longest come first, titles are from A to Z."""
        return " ▲" if self.field == "title" else " ▼"


def row_of(listed: Listed | Hit) -> StoryRow:
    """The row of a story, or of a story that was found."""
    return StoryRow(
        listed.story, listed.words, listed.model, listed.context if isinstance(listed, Hit) else ""
    )


def in_order(rows: Iterable[StoryRow], order: Order) -> list[StoryRow]:
    """The rows in this order; equal ones by their last change."""
    found = sorted(rows, key=lambda row: (row.story.changed, row.story.id), reverse=True)
    if order.field == "title":
        found.sort(key=lambda row: folded(row.story.title))
    elif order.field == "words":
        found.sort(key=lambda row: -row.words)
    if order.favourites_first:
        found.sort(key=lambda row: not row.story.favourite)
    return found


def columns_of(width: int, *, found: bool = False) -> tuple[Column, ...]:
    """The columns of a list of this width; `found`: of what was searched for, with the words around it."""
    if found:
        title = min(30, max(10, (width - SIGNS - GAP) * 2 // 5))
        return Column("title", "Title", title), Column("context", "Where", width - SIGNS - title - GAP)
    columns = [Column("words", "Words", 7, right=True), Column("changed", "Changed", 10, right=True)]
    if width >= NARROW:
        columns.append(Column("", "Model", 14))
    rest = sum(column.width + GAP for column in columns)
    return Column("title", "Title", max(1, width - SIGNS - rest)), *columns


def place_in(text: str, phrases: Sequence[str]) -> tuple[int, int] | None:
    """Where the first of the phrases that the text (in one line) holds begins and ends."""
    for phrase in map(fold, phrases):
        start = place_of(phrase, text)
        if start >= 0:
            end, length = start, 0
            while end < len(text) and length < len(phrase):
                length += len(folded(text[end]))
                end += 1
            return start, end
    return None


def when(seconds: float, now: float) -> str:
    """A local time: `12:04` if it is of today, else `2026-11-28`; a dash for a time that no calendar has."""
    try:
        then, today = datetime.fromtimestamp(seconds), datetime.fromtimestamp(now).date()
    except (ValueError, OverflowError, OSError):  # an imported file may hold any number
        return "–"
    return f"{then:%H:%M}" if then.date() == today else then.date().isoformat()


def reading_time(words: int) -> str:
    """The time to read so many words: `6 min`, `1 h 05`."""
    minutes = max(1, math.ceil(words / WORDS_PER_MINUTE))
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02}"


def length(words: int) -> str:
    """A story's words and its reading time."""
    return f"{count(words, 'word')} · {reading_time(words)} to read" if words else "no words yet"
