"""The tables of the stories file, and their migrations."""

import sqlite3

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
)


def version_of(db: sqlite3.Connection) -> int:
    """The number of migrations the file has been through."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def migrate(db: sqlite3.Connection) -> None:
    """Run the migrations the file lacks. The caller holds a write transaction, so all or none are applied."""
    for number in range(version_of(db), len(MIGRATIONS)):
        for statement in MIGRATIONS[number]:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number + 1}")
