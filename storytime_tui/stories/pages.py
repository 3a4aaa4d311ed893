"""What lists and searches need of each story's present text: its words, its model, and a full-text index.

It is derived, and made again when it is asked for and the story has changed since (see `story.version` in `schema`), so
that a stream of tokens pays nothing for it. The present text is what stands on the path from the root to the head:
words that were undone are not in it.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.errors import StoryUnavailable
from storytime_tui.formatting import folded
from storytime_tui.stories.schema import INDEX
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import UNTITLED, Story
from storytime_tui.word_count import count_words

PAGE = "story, version, title, words, model, folded_title, folded_text"  # the columns of a `Page`
_STALE = """SELECT story.id, story.version, story.title FROM story LEFT JOIN page ON page.story = story.id
    WHERE story.version IS NOT page.version OR story.title IS NOT page.title"""
_PATH = """WITH RECURSIVE path (id, depth) AS (
        SELECT head, 0 FROM story WHERE id = ?
        UNION ALL SELECT passage.parent, depth + 1 FROM path JOIN passage USING (id)
    )
    SELECT text, model FROM path JOIN written USING (id) ORDER BY depth DESC"""


def _is_no_word(text: str) -> str:
    """SQL: `text` is blank, or one digit or mark of ASCII, as of a key that was pressed by mistake. A letter is a word,
    and so is a sign of Chinese."""
    sign = f"trim({text})"
    alone = f"length({sign}) = 1 AND unicode({sign}) < 128 AND upper({sign}) = lower({sign})"
    return f"({sign} = '' OR ({alone}))"


# Nothing was ever kept in it, such as of a draft that was deleted again. It is no story for a list until it has words.
_EMPTY = f"""SELECT id FROM story
    WHERE NOT favourite AND steering = '' AND {_is_no_word("draft")}
    AND NOT EXISTS (
        SELECT 1 FROM passage WHERE passage.story = story.id AND (author = 'model' OR NOT {_is_no_word("text")})
    )
    AND NOT EXISTS (SELECT 1 FROM draft WHERE draft.story = story.id AND NOT {_is_no_word("text")})
    AND (title = ? OR (length(title) = 1 AND EXISTS (
        SELECT 1 FROM passage WHERE passage.story = story.id AND trim(text) = title
    )))"""  # the title that such a line gives


@dataclass(frozen=True)
class Page:
    """What is derived from one version of a story's present text."""

    story: int
    version: int
    title: str
    words: int
    model: str  # of the last told passage; "" if there is none
    folded_title: str
    folded_text: str  # without case, accents and line ends (see `fold`)


@dataclass(frozen=True)
class Listed:
    """A story in a list."""

    story: Story
    words: int
    model: str  # of the last told passage; "" if there is none


def fold(text: str) -> str:
    """The text as it is searched: without case, accents and apostrophes, each run of white space as one space."""
    return " ".join(folded(text.replace("\0", " ")).split())


def listed(store: StoryStore, *, removed: bool = False) -> tuple[Listed, ...]:
    """The stories, or the removed ones, most recently changed first; empty ones are left out. Raises StoryError."""
    fresh = refresh(store)
    stories = store.stories(removed)
    with store.reading() as db:
        rows = db.execute("SELECT story, words, model FROM page").fetchall()
        empty = empty_stories(db)
    known = {story: (words, model) for story, words, model in rows}
    known |= {page.story: (page.words, page.model) for page in fresh}
    return tuple(Listed(story, *known.get(story.id, (0, ""))) for story in stories if story.id not in empty)


def empty_stories(db: sqlite3.Connection) -> set[int]:
    """The ids of stories without words of the model, a title of the user's own, or anything else that was kept.

    One digit or mark, sent or not, counts as nothing.
    """
    return {story for (story,) in db.execute(_EMPTY, (UNTITLED,))}


def refresh(store: StoryStore) -> tuple[Page, ...]:
    """Derive again what is out of date, and keep it. Returns what could not be kept now: the disk may be full.

    Raises StoryError.
    """
    with store.reading() as db:
        stale = tuple(_derived(db, *row) for row in db.execute(_STALE).fetchall())
    if not stale:
        return ()
    try:
        with store.writing() as db:
            _keep(db, stale)
    except StoryUnavailable:
        return stale
    return ()


def present_text(db: sqlite3.Connection, story: int) -> str:
    """The story's passages from the root to the head, joined."""
    return "".join(text for text, _ in db.execute(_PATH, (story,)))


def _derived(db: sqlite3.Connection, story: int, version: int, title: str) -> Page:
    passages = db.execute(_PATH, (story,)).fetchall()
    text = "".join(text for text, _ in passages)
    model = next((model for _, model in reversed(passages) if model), "")
    return Page(story, version, title, count_words(text), model, fold(title), fold(text))


def _keep(db: sqlite3.Connection, pages: Sequence[Page]) -> None:
    """Write the pages, unless another program has kept a later one meanwhile."""
    indexes = _make_index(db)
    kept: list[tuple[Page, tuple[str, str] | None]] = []  # with what the index holds of the story
    for page in pages:
        before = db.execute(
            "SELECT version, indexed, folded_title, folded_text FROM page WHERE story = ?", (page.story,)
        ).fetchone()
        if before and before[0] > page.version:
            continue
        kept.append((page, before[2:] if before and before[1] else None))
        db.execute(
            f"INSERT OR REPLACE INTO page ({PAGE}, indexed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (page.story, page.version, page.title, page.words, page.model, page.folded_title, page.folded_text,
             indexes),
        )  # fmt: skip
    if not indexes:
        return
    # After all pages: any other statement between makes FTS5 write out what it has collected, which takes long.
    failed = [page.story for page, old in kept if not _index(db, page, old)]
    db.executemany("UPDATE page SET indexed = 0 WHERE story = ?", ((story,) for story in failed))


def _make_index(db: sqlite3.Connection) -> bool:
    """Make the index if it is missing. Returns False if this SQLite cannot: it has no FTS5, or an old one."""
    try:
        db.execute(INDEX)
    except sqlite3.DatabaseError as error:
        return _without_index(error)
    return True


def _index(db: sqlite3.Connection, page: Page, old: tuple[str, str] | None) -> bool:
    """Put the page into the index in place of its old texts. Returns whether it is there."""
    try:
        if old is not None:
            db.execute(
                "INSERT INTO page_index (page_index, rowid, title, text) VALUES ('delete', ?, ?, ?)",
                (page.story, *old),
            )
        db.execute(
            "INSERT INTO page_index (rowid, title, text) VALUES (?, ?, ?)",
            (page.story, page.folded_title, page.folded_text),
        )
    except sqlite3.DatabaseError as error:  # FTS5 is missing here, though another program has made an index
        return _without_index(error)
    return True


def _without_index(error: sqlite3.DatabaseError) -> bool:
    """False if only the index cannot be used: no FTS5, or it is damaged. Raises all else, such as a full disk."""
    if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT):
        raise error
    return False
