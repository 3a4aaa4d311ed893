"""The tables of the stories file, and their migrations."""

import sqlite3

# The steps of a tree that has none, for the stories for which the condition holds: each passage of the present text was
# one, and what was undone waits for redo.
_STEPS = """INSERT INTO step (story, before, after, undone)
    WITH RECURSIVE path (story, id, depth) AS (
        SELECT id, head, 0 FROM story WHERE head IS NOT NULL AND {condition}
        UNION ALL
        SELECT path.story, passage.parent, depth + 1 FROM path JOIN passage USING (id)
        WHERE passage.parent IS NOT NULL
    )
    SELECT path.story, passage.parent, path.id, 0 FROM path JOIN passage USING (id)
    ORDER BY path.story, depth DESC"""
_UNDONE_STEPS = """INSERT INTO step (story, before, after, undone)
    WITH RECURSIVE next (story, before, after) AS (
        SELECT id, head,
            (SELECT max(id) FROM passage AS child WHERE child.story = story.id AND child.parent IS story.head)
        FROM story WHERE {condition}
        UNION ALL
        SELECT story, after,
            (SELECT max(id) FROM passage AS child WHERE child.story = next.story AND child.parent = next.after)
        FROM next WHERE after IS NOT NULL
    )
    SELECT story, before, after, 1 FROM next WHERE after IS NOT NULL"""


def steps_where(condition: str) -> tuple[str, str]:
    """Two statements that give steps to the stories that have none yet. `condition`: on the columns of `story`."""
    return _STEPS.format(condition=condition), _UNDONE_STEPS.format(condition=condition)


# Entry n migrates a file from `user_version` n to n + 1. An entry that has shipped is never edited.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE story (
            id INTEGER PRIMARY KEY,
            title TEXT NOT NULL,
            head INTEGER REFERENCES passage (id),
            draft TEXT NOT NULL DEFAULT '',
            created REAL NOT NULL,
            changed REAL NOT NULL,
            removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1))
        )""",
        """CREATE TABLE passage (
            id INTEGER PRIMARY KEY,
            story INTEGER NOT NULL REFERENCES story (id),
            parent INTEGER REFERENCES passage (id),
            author TEXT NOT NULL CHECK (author IN ('you', 'model')),
            text TEXT NOT NULL,
            model TEXT NOT NULL,
            settings TEXT NOT NULL,
            created REAL NOT NULL
        )""",
        "CREATE INDEX passage_by_parent ON passage (story, parent)",
    ),
    (
        # Counts the changes to a story's text, so that a window notices changes made by another.
        "ALTER TABLE story ADD COLUMN version INTEGER NOT NULL DEFAULT 0",
        # One draft for each writer, which is an open window (see `window_locks`). `story.draft` holds the latest draft
        # of any window, for readers.
        """CREATE TABLE draft (
            story INTEGER NOT NULL REFERENCES story (id),
            writer TEXT NOT NULL,
            text TEXT NOT NULL,
            changed REAL NOT NULL,
            PRIMARY KEY (story, writer)
        )""",
        "INSERT INTO draft SELECT id, '', draft, changed FROM story WHERE draft != ''",
    ),
    (
        # What is derived from a story's present text, for lists and searches: see `pages`. It is right while `title`
        # and `version` are the story's own, and made again when they are not.
        # The long text is last: what stands behind it is slow to read.
        """CREATE TABLE page (
            story INTEGER PRIMARY KEY REFERENCES story (id) ON DELETE CASCADE,
            version INTEGER NOT NULL,
            indexed INTEGER NOT NULL CHECK (indexed IN (0, 1)),
            title TEXT NOT NULL,
            words INTEGER NOT NULL,
            model TEXT NOT NULL,
            folded_title TEXT NOT NULL,
            folded_text TEXT NOT NULL
        )""",
    ),
    (
        # A passage whose text stands in another one, `copy_of`: an edit in the middle of a story begins a branch, and
        # what follows the edit stands in that branch, too. Only an original is copied, never a copy.
        "ALTER TABLE passage ADD COLUMN copy_of INTEGER REFERENCES passage (id)",
        "ALTER TABLE passage ADD COLUMN edited_from INTEGER REFERENCES passage (id)",
        # the tokens that the model chose, as numbers with commas
        "ALTER TABLE passage ADD COLUMN ids TEXT NOT NULL DEFAULT ''",
        # of the branch that ends with the passage, or begins with it
        "ALTER TABLE passage ADD COLUMN name TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE passage ADD COLUMN marked INTEGER NOT NULL DEFAULT 0 CHECK (marked IN (0, 1))",
        "ALTER TABLE passage ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0 CHECK (pruned IN (0, 1))",
        "ALTER TABLE story ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0 CHECK (favourite IN (0, 1))",
        # the memory and the author's note, as JSON
        "ALTER TABLE story ADD COLUMN steering TEXT NOT NULL DEFAULT ''",
        """CREATE VIEW written AS
            SELECT passage.id, passage.story, passage.parent, passage.author,
                iif(passage.copy_of IS NULL, passage.text, original.text) AS text,
                iif(passage.copy_of IS NULL, passage.model, original.model) AS model,
                iif(passage.copy_of IS NULL, passage.settings, original.settings) AS settings,
                passage.created,
                iif(passage.copy_of IS NULL, passage.ids, original.ids) AS ids,
                iif(passage.copy_of IS NULL, passage.edited_from, original.edited_from) AS edited_from,
                passage.name, passage.marked, passage.pruned
            FROM passage LEFT JOIN passage AS original ON original.id = passage.copy_of""",
        # What undo goes back through: each move of a story's head. Undone steps wait for redo; a new step removes them.
        """CREATE TABLE step (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            story INTEGER NOT NULL REFERENCES story (id) ON DELETE CASCADE,
            before INTEGER REFERENCES passage (id),
            after INTEGER REFERENCES passage (id),
            undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
        )""",
        "CREATE INDEX step_by_story ON step (story, undone)",
        *steps_where("true"),
    ),
)

# The full-text index of `page`. It is no migration, because not every SQLite has FTS5. It keeps no text and no places
# (half the size): what it finds may hold the words, and `search` looks.
INDEX = """CREATE VIRTUAL TABLE IF NOT EXISTS page_index USING fts5 (
    title, text, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1'
)"""


def version_of(db: sqlite3.Connection) -> int:
    """The number of migrations the file has been through."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def is_newer(version: int) -> bool:
    """Whether a newer version of the program wrote the file. A number that none will ever reach is damage."""
    return len(MIGRATIONS) < version < 1000


def migrate(db: sqlite3.Connection) -> None:
    """Run the migrations the file lacks. The caller holds a write transaction, so all or none are applied."""
    for number in range(version_of(db), len(MIGRATIONS)):
        for statement in MIGRATIONS[number]:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number + 1}")
