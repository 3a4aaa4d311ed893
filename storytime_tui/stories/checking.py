"""Whether the stories file is whole: what SQLite's own check finds, and what it does not look at."""

import contextlib
import functools
import sqlite3

from storytime_tui.stories.schema import MIGRATIONS, is_newer, version_of

LATEST = 253_370_764_800  # seconds: the year 9999, the last that dates can be written for
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# what reading alone never meets in a whole file
_SENSELESS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH})


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is no valid database. A full disk or a locked file is no damage."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED


def is_damaged(db: sqlite3.Connection) -> bool:
    """Whether the tables have a fault. Reads all of them, and changes nothing.

    The full-text index is left out: it can be made again, and from 3.44 on SQLite reads all of it to check it. Raises
    sqlite3.Error if the file cannot be read now.
    """
    try:
        db.execute("BEGIN")  # another program may migrate it meanwhile
        try:
            return _is_damaged(db)
        finally:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
    except UnicodeDecodeError:  # of SQLite's own message, which quotes what it found
        return True
    except sqlite3.DatabaseError as error:
        if is_damage(error) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _SENSELESS:
            return True
        raise


def _is_damaged(db: sqlite3.Connection) -> bool:
    version = version_of(db)
    if is_newer(version):
        return False  # nothing is known of it
    if not 0 <= version <= len(MIGRATIONS):
        return True
    there, wanted = _schema(db), _schema_at(version)
    if any(there.get(name) != sql for name, sql in wanted.items()):
        return True
    if there.keys() & (_schema_at(len(MIGRATIONS)).keys() - wanted.keys()):
        return True  # the number of its version is wrong
    tables = [name for name, sql in wanted.items() if sql.startswith("createtable")]
    checks = [f"quick_check('{name}')" for name in tables] or ["quick_check(1)"]
    if any(db.execute(f"PRAGMA {check}").fetchone()[0] != "ok" for check in checks):
        return True
    return bool(tables) and _means_nothing(db)


def _schema(db: sqlite3.Connection) -> dict[str, str]:
    """The tables, views and indexes with their SQL, which SQLite may space in its own way."""
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: "".join(str(sql).lower().split()) for name, sql in rows}


@functools.cache
def _schema_at(version: int) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                db.execute(statement)
        return _schema(db)


def _means_nothing(db: sqlite3.Connection) -> bool:
    """Whether a value is of a wrong type, a time is none, a reference leads nowhere, or parents stand in a circle.

    What SQLite's check and the constraints of the tables find is not looked for again.
    """
    for table in ("story", "passage"):
        columns = [(name, kind) for _, name, kind, *_ in db.execute(f"PRAGMA table_info({table})")]
        # Of all types only blobs are greater than x'', and this is quicker than typeof.
        wrong = [f"{name} >= x''" for name, kind in columns if kind == "TEXT"]
        wrong += [f"NOT {name} BETWEEN 0 AND {LATEST}" for name, kind in columns if kind == "REAL"]
        wrong += [f"typeof({name}) != 'integer'" for name, _ in columns if name == "version"]
        if db.execute(f"SELECT 1 FROM {table} WHERE {' OR '.join(wrong)} LIMIT 1").fetchone():
            return True
    if db.execute("PRAGMA foreign_key_check").fetchone():
        return True
    # A passage is made after its parent, except by some imports.
    if db.execute("SELECT 1 FROM passage WHERE parent >= id LIMIT 1").fetchone() is None:
        return False
    return bool(in_circles(dict(db.execute("SELECT id, parent FROM passage"))))


def in_circles(parents: dict[int, int | None]) -> set[int]:
    """For each circle of parents one passage of it. Takes time linear in the number of passages."""
    ends: set[int] = set()  # looked at
    found: set[int] = set()
    for start in parents:
        at: int | None = start
        path: dict[int, None] = {}
        while at is not None and at not in ends:
            if at in path:
                found.add(at)
                break
            path[at] = None
            at = parents.get(at)
        ends |= path.keys()
    return found
