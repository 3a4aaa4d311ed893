"""A stories file of each older version opens with all that it held: texts, drafts, undo and redo as they were."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storytime_tui.stories.checking import is_damaged
from storytime_tui.stories.history import redo, undo
from storytime_tui.stories.pages import listed
from storytime_tui.stories.schema import MIGRATIONS, version_of
from storytime_tui.stories.search import search
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Story
from storytime_tui.stories.tree import passages_of

OLDER = range(1, len(MIGRATIONS))
# passage, parent, author, text: “c” was undone for “d”, which was undone after it; “e” followed the undone “c”
PASSAGES = [
    (1, None, "you", "a"),
    (2, 1, "model", "b"),
    (3, 2, "model", "c"),
    (5, 3, "you", "e"),
    (6, 2, "model", "d"),
    (7, 6, "model", "\u05e2\0"),
]


def old_file(path: Path, version: int) -> None:
    """A file as the program of that version wrote it: three stories, one of them empty and one all undone."""
    with closing(sqlite3.connect(path)) as db:
        for statement in (each for entry in MIGRATIONS[:version] for each in entry):
            db.execute(statement)
        db.execute("INSERT INTO story (id, title, created, changed) VALUES (1, 'owl', 5.0, 6.0)")
        for id, parent, author, text in PASSAGES:
            how = ("grimm-1", json.dumps({"seed": id})) if author == "model" else ("", "")
            db.execute(
                "INSERT INTO passage (id, story, parent, author, text, model, settings, created) "
                "VALUES (?, 1, ?, ?, ?, ?, ?, ?)",
                (id, parent, author, text, *how, 5.0 + id),
            )
        db.execute("UPDATE story SET head = 2 WHERE id = 1")
        db.execute(
            "INSERT INTO story (id, title, created, changed, removed) VALUES (2, 'empty', 5.0, 7.0, 1)"
        )
        db.execute("INSERT INTO story (id, title, created, changed) VALUES (3, 'all undone', 5.0, 8.0)")
        db.execute("INSERT INTO passage VALUES (4, 3, NULL, 'you', 'x', '', '', 9.0)")
        keep_draft(db, version, 1, "half a thou")
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()


def keep_draft(db: sqlite3.Connection, version: int, story: int, text: str) -> None:
    db.execute("UPDATE story SET draft = ? WHERE id = ?", (text, story))
    if version > 1:
        db.execute("INSERT INTO draft VALUES (?, 'a window that is gone', ?, 6.0)", (story, text))


@pytest.fixture(params=OLDER, ids=lambda version: f"version {version}")
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "stories.sqlite3"
    old_file(path, request.param)
    return path


def test_texts_times_and_drafts_are_as_they_were(path: Path) -> None:
    with closing(StoryStore(path)) as store:
        assert store.notice == ""
        assert [story.title for story in store.stories()] == ["all undone", "owl"]
        assert [story.title for story in store.stories(removed=True)] == ["empty"]
        assert store.story(1) == Story(1, "owl", 2, "half a thou", 5.0, 6.0)
        assert store.open_story(1).draft == "half a thou"
        assert (store.text(1), store.text(2), store.text(3)) == ("ab", "", "")
        whole = passages_of(store, 1)
        assert [(each.id, each.parent, each.author, each.text) for each in whole] == PASSAGES
        assert [each.created for each in whole] == [5.0 + each[0] for each in PASSAGES]
        assert {each.model for each in whole if each.author == "model"} == {"grimm-1"}
        assert whole[1].settings == '{"seed": 2}'


def test_what_a_version_has_no_column_for_has_its_default(path: Path) -> None:
    with closing(StoryStore(path)) as store:
        assert {(each.favourite, each.steering) for each in store.stories()} == {(False, "")}
        for each in passages_of(store, 1):
            assert (each.ids, each.edited_from, each.name, each.marked, each.pruned) == (
                "",
                None,
                "",
                False,
                False,
            )


def test_undo_goes_to_the_passage_before_and_redo_to_the_newest_after(path: Path) -> None:
    with closing(StoryStore(path)) as store:
        assert [redo(store, 1) and store.text(1) for _ in range(3)] == ["abd", "abd\u05e2\0", "abd\u05e2\0"]
        assert [undo(store, 1) and store.text(1) for _ in range(5)] == ["abd", "ab", "a", "", ""]
        assert [redo(store, 1) and store.text(1) for _ in range(2)] == ["a", "ab"]
        assert redo(store, 3).head == 4
        assert undo(store, 3).head is None
        store.add_passage(1, "you", "f")
        assert redo(store, 1).head == 8  # what waited for redo is a branch now
        assert [undo(store, 1) and store.text(1) for _ in range(2)] == ["ab", "a"]
        assert len(passages_of(store, 1)) == len(PASSAGES) + 1


def test_old_stories_are_listed_and_found(path: Path) -> None:
    with closing(StoryStore(path)) as store:
        assert [(each.story.title, each.words, each.model) for each in listed(store)] == [
            ("all undone", 0, ""),
            ("owl", 1, "grimm-1"),
        ]
        assert [hit.story.id for hit in search(store, ["ab"], 9).hits] == [1]


def test_the_migrated_file_is_whole_and_opens_again_unchanged(path: Path) -> None:
    StoryStore(path).close()
    before = path.read_bytes()
    with closing(StoryStore(path)) as store:
        assert store.text(1) == "ab"
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path)) as db:
        assert version_of(db) == len(MIGRATIONS)
        assert not is_damaged(db)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_long_old_story_has_as_many_steps_as_passages(tmp_path: Path) -> None:
    path = tmp_path / "stories.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        for statement in (each for entry in MIGRATIONS[:3] for each in entry):
            db.execute(statement)
        db.execute("INSERT INTO story (id, title, created, changed) VALUES (1, 'long', 5.0, 6.0)")
        db.executemany(
            "INSERT INTO passage VALUES (?, 1, ?, 'you', 'x', '', '', 5.0)",
            ((id, id - 1 or None) for id in range(1, 601)),
        )
        db.execute("UPDATE story SET head = 400")
        db.execute("PRAGMA user_version = 3")
        db.commit()
    with closing(StoryStore(path)) as store:
        for _ in range(200):
            redo(store, 1)
        assert len(store.text(1)) == 600
        for _ in range(600):
            undo(store, 1)
        assert (store.text(1), undo(store, 1).head) == ("", None)
