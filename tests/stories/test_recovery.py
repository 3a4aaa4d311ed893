"""A damaged stories file is set aside, and all that can be read in it is in a new one; nothing is lost in silence."""

import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.errors import StoryError, StoryMoved, StoryUnavailable
from storytime_tui.stories import raw_pages, recovery
from storytime_tui.stories.history import redo, undo
from storytime_tui.stories.raw_pages import rows_of
from storytime_tui.stories.schema import MIGRATIONS
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.tree import label, passages_of, rewrite
from storytime_tui.stories.whole import Tree, read_tree
from tests.examples import many

NOON = 1_796_040_000.0  # 30 November 2026 in every time zone west of UTC+12


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "stories.sqlite3"


def opened(path: Path) -> StoryStore:
    return StoryStore(path, now=lambda: NOON)


def aside(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.glob("*-damaged-*.sqlite3"))


def integrity(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as db:
        broken = db.execute("PRAGMA foreign_key_check").fetchall()
        return [*(row[0] for row in db.execute("PRAGMA integrity_check")), *broken]


def trees(path: Path) -> dict[int, Tree]:
    with closing(opened(path)) as store:
        everything = (*store.stories(), *store.stories(removed=True))
        return {story.id: read_tree(store, story.id) for story in everything}


def fill(path: Path, stories: int = 3, passages: int = 10) -> None:
    """Stories with long and short passages, branches, edits, undone steps, drafts, names and a removed one."""
    with closing(opened(path)) as store:
        for number in range(stories):
            story = store.new_story(f"Tale {number}").id
            for place in range(passages):
                long = 400 if place % 7 == 3 else 12  # some take more than a page
                author = "you" if place % 2 else "model"
                store.add_passage(
                    story,
                    author,
                    f"{number}.{place} " + "żółw went on. " * long,
                    "m",
                    '{"seed": 7}',
                    ids="1,2",
                )
                if place % 6 == 5:
                    undo(store, story)
            label(store, store.passages(story)[2].id, name="the pond", marked=True)
            rewrite(store, story, {store.passages(story)[1].id: "edited"})
            undo(store, story)
            store.set_draft(story, f"draft {number}")
        store.remove(stories)


@cache
def a_whole_file() -> tuple[bytes, dict[int, Tree]]:
    """A stories file, and what is in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stories.sqlite3"
        fill(path)
        return path.read_bytes(), trees(path)


@pytest.fixture
def whole() -> tuple[bytes, dict[int, Tree]]:
    return a_whole_file()


def texts(tree: Tree) -> list[str]:
    return [node.text for node in tree.nodes]


def test_every_row_of_a_whole_file_is_read_page_by_page(whole: tuple[bytes, dict[int, Tree]]) -> None:
    data, before = whole
    passages = {row.id: row.values[4] for row in rows_of(data) if len(row.values) == 14 and not row.deleted}
    originals = {text for text in passages.values() if text}
    assert originals == {text for tree in before.values() for text in texts(tree)}
    assert all(row.whole for row in rows_of(data))


def test_a_file_that_only_sqlite_cannot_read_is_recovered_whole(
    path: Path, whole: tuple[bytes, dict[int, Tree]]
) -> None:
    """Its first page is lost: the header and the list of tables, where no story stands."""
    data, before = whole
    path.parent.mkdir()
    path.write_bytes(b"\0" * 4096 + data[4096:])
    with closing(opened(path)) as store:
        said = store.notice
        assert {each.title for each in store.stories()} == {"Tale 0", "Tale 1"}
        assert store.open_story(1).draft == "draft 0"
    assert trees(path) == before
    count = sum(len(tree.nodes) for tree in before.values())
    assert said == (
        f"The stories file was damaged. Recovered into a new one: 3 stories with {count} passages. "
        f"No gap was found in it. The damaged file is kept: {path.parent}/stories-damaged-2026-11-30.sqlite3"
    )
    assert aside(path) == ["stories-damaged-2026-11-30.sqlite3"]
    assert (path.parent / aside(path)[0]).read_bytes() == b"\0" * 4096 + data[4096:]
    assert integrity(path) == ["ok"]
    assert sorted(each.name for each in path.parent.iterdir()) == [*aside(path), path.name]


def test_undo_and_redo_go_on_in_what_was_recovered_whole(path: Path) -> None:
    with closing(opened(path)) as store:
        story = store.new_story("owl").id
        store.add_passage(story, "you", "a")
        store.add_passage(story, "model", "b")
        rewrite(store, story, {store.passages(story)[0].id: "A"})
        undo(store, story)
        undo(store, story)
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])
    with closing(opened(path)) as store:
        assert store.text(story) == "a"
        said = [redo(store, story) and store.text(story) for _ in range(3)]
        assert said == ["ab", "Ab", "Ab"]
        said = [undo(store, story) and store.text(story) for _ in range(4)]
        assert said == ["ab", "a", "", ""]


@pytest.mark.parametrize("lost", range(1, 40))
def test_a_lost_page_costs_what_stood_on_it_and_the_gap_is_said(
    path: Path, whole: tuple[bytes, dict[int, Tree]], lost: int
) -> None:
    data, before = whole
    place = lost * (len(data) // 4096) // 40 * 4096
    path.parent.mkdir()
    path.write_bytes(data[:place] + bytes(random.Random(lost).randbytes(4096)) + data[place + 4096 :])
    with closing(opened(path)) as store:
        said = store.notice
    after = trees(path)
    lost_texts = left_out(before, after)
    if lost_texts:
        assert "Could not be read: " in said
    assert len(lost_texts) <= 60  # a page holds no more
    assert integrity(path) == ["ok"]
    assert len(aside(path)) == (1 if said else 0)


def left_out(before: dict[int, Tree], after: dict[int, Tree]) -> set[str]:
    there = {text for tree in after.values() for text in texts(tree)}
    return {text for tree in before.values() for text in texts(tree)} - there


def use(store: StoryStore, story: int) -> None:
    store.open_story(story)
    passages_of(store, story)
    undo(store, story)
    redo(store, story)
    store.add_passage(story, "you", "and on")


@settings(max_examples=many(25), deadline=None)
@given(data=st.data())
def test_whatever_bytes_are_wrong_nothing_crashes_and_nothing_is_lost_in_silence(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bytes_, before = a_whole_file()
    damaged = bytearray(bytes_)
    seed = data.draw(st.integers(0, 2**32))
    draw = random.Random(seed)
    kind = data.draw(st.sampled_from(["bits", "bytes", "stretch", "cut", "zeros", "swapped", "first page"]))
    for _ in range(data.draw(st.integers(1, 12))):
        at = draw.randrange(len(damaged))
        length = draw.choice((1, 8, 100, 5_000, 40_000))
        match kind:
            case "bits":
                damaged[at] ^= 1 << draw.randrange(8)
            case "bytes":
                damaged[at] = draw.randrange(256)
            case "stretch":
                damaged[at : at + length] = draw.randbytes(len(damaged[at : at + length]))
            case "zeros":
                damaged[at : at + length] = bytes(len(damaged[at : at + length]))
            case "cut":
                del damaged[max(at, 1) :]
                break
            case "swapped":
                one, two = (draw.randrange(len(bytes_) // 4096) * 4096 for _ in range(2))
                first, second = damaged[one : one + 4096], damaged[two : two + 4096]
                damaged[one : one + 4096], damaged[two : two + 4096] = second, first
            case "first page":
                damaged[draw.randrange(4096)] = draw.randrange(256)
    path = tmp_path_factory.mktemp("damaged") / "stories.sqlite3"
    path.write_bytes(damaged)
    try:
        with closing(opened(path)) as store:
            said_at_once = store.notice
            for story in (*store.stories(), *store.stories(removed=True)):
                for _ in range(2):
                    with contextlib.suppress(StoryUnavailable, StoryMoved):  # damage that was found only now
                        use(store, story.id)
                        break
                else:
                    use(store, story.id)
            said = store.notice
    except StoryError as refused:
        if "newer version" not in str(refused):  # the number of its version is one of the bytes
            raise
        assert path.read_bytes() == bytes(damaged)
        return
    after = trees(path)
    if said:
        assert integrity(path) == ["ok"]
        assert not said_at_once or (path.parent / aside(path)[0]).read_bytes() == bytes(damaged)
        readable = {
            text
            for tree in before.values()
            for text in texts(tree)
            if text and text.encode() in bytes(damaged)
        }
        there = {text for tree in after.values() for text in texts(tree)}
        lost = {text for text in readable if text not in there}
        assert not lost or "Could not be read" in said or "Nothing in it" in said
    else:  # a letter may be another, but no passage and no story is missing
        assert {id: len(tree.nodes) + 1 for id, tree in before.items()} == {
            id: len(tree.nodes) for id, tree in after.items()
        }
    shutil.rmtree(path.parent)


@settings(max_examples=many(200), deadline=None)
@given(st.binary(max_size=300), st.integers(0, 5), st.integers(0, 2**32))
def test_reading_pages_ends_whatever_they_hold(start: bytes, pages: int, seed: int) -> None:
    draw = random.Random(seed)
    body = b"".join(
        bytes((draw.choice((0x0D, 0x05, 0)), 0, 0, 0, draw.randrange(200))) + draw.randbytes(4091)
        for _ in range(pages)
    )
    rows_of(start + body, draw.randbytes(draw.choice((0, 32, 9000))))
    rows_of(b"SQLite format 3\0" + start + body)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"not a database at all " * 400, b"SQLite format 3\0", b"SQLite format 3\0" + b"\0" * 5000],
    ids=["empty", "one byte", "other", "the first bytes alone", "zeros"],
)
def test_what_holds_no_story_is_set_aside_and_a_fresh_file_begun(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with closing(opened(path)) as store:
        assert store.stories() == ()
        assert ("Nothing in it could be read, so an empty one was begun." in store.notice) == bool(content)
        store.new_story("owl")
    assert integrity(path) == ["ok"]
    assert [(path.parent / name).read_bytes() for name in aside(path)] == [content] * bool(content)


def test_the_next_damaged_file_of_a_day_gets_another_name(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"one" * 100, b"two" * 100):
        path.write_bytes(content)
        opened(path).close()
    assert aside(path) == ["stories-damaged-2026-11-30-2.sqlite3", "stories-damaged-2026-11-30.sqlite3"]
    assert [(path.parent / name).read_bytes()[:3] for name in aside(path)] == [b"two", b"one"]


# -- the write-ahead log ---------------------------------------------------------------------------------


def killed_while_open(path: Path) -> None:
    """Stories whose newest words stand in the log alone."""
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom storytime_tui.stories.store import StoryStore\n"
        "store = StoryStore(Path(sys.argv[1]))\nstory = store.new_story('owl').id\n"
        "for n in range(30): store.add_passage(story, 'model', f'{n} went on. ' * 50)\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
    assert path.with_name(path.name + "-wal").stat().st_size > 10_000


@pytest.mark.skipif(
    os.name == "nt", reason="an exit leaves the log there, too, but the file stays locked a moment"
)
@pytest.mark.parametrize("left", ["nothing", "garbage", "a header"])
def test_what_stands_in_the_log_alone_is_recovered(path: Path, left: str) -> None:
    killed_while_open(path)
    log = path.with_name(path.name + "-wal").read_bytes()
    size = path.stat().st_size
    path.write_bytes({"nothing": b"", "garbage": b"\xff" * size, "a header": path.read_bytes()[:100]}[left])
    with closing(opened(path)) as store:
        assert "was damaged" in store.notice or left != "nothing"
        assert [len(store.passages(story.id)) for story in store.stories()] == [30]
        assert store.text(1).startswith("0 went on. ")
        assert store.text(1).endswith("29 went on. ")
    assert integrity(path) == ["ok"]
    if left == "nothing":
        assert (path.parent / (aside(path)[0] + "-wal")).read_bytes() == log


@pytest.mark.skipif(os.name == "nt", reason="there are no hard links to look for")
def test_a_crash_between_the_two_moves_loses_no_log(path: Path) -> None:
    killed_while_open(path)
    path.write_bytes(b"")
    with (
        mock.patch.object(recovery.os, "replace", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        opened(path)
    assert path.read_bytes() == b""
    assert not path.with_name(path.name + "-wal").exists()
    path.write_bytes(b"\xff" * 100)  # the same file, at both its names
    with closing(opened(path)) as store:
        assert len(store.passages(1)) == 30
    assert aside(path) == ["stories-damaged-2026-11-30.sqlite3"]
    assert (path.parent / (aside(path)[0] + "-wal")).is_file()


# -- older versions --------------------------------------------------------------------------------------


def of_version(path: Path, version: int) -> None:
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as db:
        for statement in (each for entry in MIGRATIONS[:version] for each in entry):
            db.execute(statement)
        db.execute(
            "INSERT INTO story (id, title, created, changed, draft) VALUES (1, 'owl', 5.0, 6.5, 'half')"
        )
        for id in range(1, 81):
            db.execute(
                "INSERT INTO passage (id, story, parent, author, text, model, settings, created) "
                "VALUES (?, 1, ?, 'you', ?, '', '', 5.0)",
                (id, id - 1 or None, f"{id} " + "went on. " * 30),
            )
        db.execute("UPDATE story SET head = 78")
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_damaged_file_of_an_older_version_is_recovered_as_well(path: Path, version: int) -> None:
    of_version(path, version)
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])
    with closing(opened(path)) as store:
        assert "1 story with 80 passages" in store.notice
        assert (store.story(1).title, store.story(1).draft, store.story(1).changed) == ("owl", "half", 6.5)
        assert [passage.id for passage in store.passages(1)] == list(range(1, 79))
        undo(store, 1)
        for _ in range(3):
            redo(store, 1)
        assert "80 went" in store.text(1)  # it waited for redo
    assert integrity(path) == ["ok"]


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_number_of_the_version_that_is_lost_is_damage(path: Path, version: int) -> None:
    of_version(path, version)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {version - 1}")
        db.commit()
    with closing(opened(path)) as store:
        assert "1 story with 80 passages" in store.notice
        assert len(passages_of(store, 1)) == 80


def test_a_newer_version_is_refused_and_left_alone_also_when_it_is_damaged(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
        db.commit()
    path.write_bytes(path.read_bytes()[: 5 * 4096] + b"\xff" * 4096 * 5)
    before = path.read_bytes()
    with pytest.raises(StoryError, match="newer version"):
        opened(path)
    assert path.read_bytes() == before
    assert aside(path) == []


# -- what is said of what is lost ------------------------------------------------------------------------


def changed(path: Path, *statements: str) -> str:
    """Change a file behind the store's back, make SQLite unable to read it, and open it: what is said."""
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])
    with closing(opened(path)) as store:
        return store.notice


def line_of_passages(path: Path, count: int = 9) -> None:
    with closing(opened(path)) as store:
        story = store.new_story("owl").id
        for number in range(count):
            store.add_passage(story, "model", f"{number} ")


def test_what_follows_a_lost_passage_begins_the_story_anew(path: Path) -> None:
    line_of_passages(path)
    said = changed(path, "DELETE FROM passage WHERE id = 4")
    assert "1 story with 8 passages. Could not be read: 1 passage." in said
    with closing(opened(path)) as store:
        assert store.text(1) == "4 5 6 7 8 "
        assert [(each.parent, each.text) for each in passages_of(store, 1)][2:5] == [
            (2, "2 "),
            (None, "4 "),
            (5, "5 "),
        ]
        undo(store, 1)
        assert store.text(1) == "4 5 6 7 "


def test_a_lost_head_is_the_newest_passage_that_is_there(path: Path) -> None:
    line_of_passages(path)
    assert "Could not be read: 1 passage." in changed(path, "DELETE FROM passage WHERE id = 9")
    with closing(opened(path)) as store:
        assert store.text(1) == "0 1 2 3 4 5 6 7 "


def test_passages_of_a_lost_story_are_in_one_that_is_called_recovered(path: Path) -> None:
    fill(path)
    said = changed(path, "DELETE FROM story WHERE id < 3")
    assert "Could not be read: the title of 2 stories." in said
    with closing(opened(path)) as store:
        assert {story.title for story in store.stories()} == {"Recovered", "Recovered 2"}
        assert all(store.text(story.id) for story in store.stories())


def test_a_copy_of_a_lost_passage_holds_its_place(path: Path) -> None:
    line_of_passages(path, 3)
    with closing(opened(path)) as store:
        rewrite(store, 1, {1: "edited "})
    changed(path, "DELETE FROM passage WHERE id = 2")
    with closing(opened(path)) as store:
        assert store.text(1) == "edited 2 "


def test_parents_in_a_circle_are_no_endless_loop(path: Path) -> None:
    line_of_passages(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE passage SET parent = 7 WHERE id = 3")
        db.commit()
    with closing(opened(path)) as store:
        assert "9 passages" in store.notice
        assert len(store.passages(1)) in range(3, 10)
    assert integrity(path) == ["ok"]


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE story SET head = 99",
        "UPDATE passage SET parent = 99 WHERE id = 4",
        "UPDATE passage SET text = x'00ff' WHERE id = 4",
        "UPDATE passage SET created = 1e300 WHERE id = 4",
        "UPDATE story SET version = 'x'",
        "UPDATE story SET title = x'41'",
        "UPDATE step SET after = 99 WHERE id = 4",
        "DELETE FROM passage WHERE id = 2",
    ],
)
def test_values_that_make_no_sense_are_damage(path: Path, wrong: str) -> None:
    line_of_passages(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(wrong)
        db.commit()
    with closing(opened(path)) as store:
        assert "was damaged" in store.notice
        for story in store.stories():
            assert store.text(story.id)
    assert integrity(path) == ["ok"]


def test_a_letter_that_is_none_is_shown_as_such(path: Path) -> None:
    line_of_passages(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"modelmodel4 ", b"modelmodel4 ").replace(b"model4 ", b"model\xff "))
    with closing(opened(path)) as store:
        assert store.text(1) == "0 1 2 3 \ufffd 5 6 7 8 "
        assert store.notice == ""


# -- what is no damage -----------------------------------------------------------------------------------


def test_a_locked_file_is_not_set_aside(path: Path) -> None:
    line_of_passages(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoryUnavailable, match="Another program"):
            StoryStore(path, patience=0.1)
    assert aside(path) == []
    with closing(opened(path)) as store:
        assert store.notice == ""


@pytest.mark.parametrize(
    "code", ["SQLITE_FULL", "SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN"]
)
def test_no_other_trouble_is_taken_for_damage(path: Path, code: str) -> None:
    line_of_passages(path)
    error = sqlite3.OperationalError(code)
    error.sqlite_errorcode = getattr(sqlite3, code)
    with closing(opened(path)) as store:
        with pytest.raises(StoryUnavailable), store.writing():
            raise error
        assert store.text(1) == "0 1 2 3 4 5 6 7 8 "
    assert aside(path) == []


def test_a_damaged_file_stays_where_it_is_until_there_is_room_for_a_new_one(path: Path) -> None:
    line_of_passages(path)
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])
    before = path.read_bytes()
    with (
        mock.patch.object(recovery, "_write", side_effect=OSError(28, "No space left on device")),
        pytest.raises(StoryUnavailable, match="The disk is full: recovering the stories"),
    ):
        opened(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    with closing(opened(path)) as store:
        assert "1 story with 9 passages" in store.notice


# -- several windows -------------------------------------------------------------------------------------


def test_of_windows_that_open_it_at_once_one_sets_it_aside(path: Path) -> None:
    fill(path)
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])
    ready = threading.Barrier(6)

    def open_and_write(number: int) -> str:
        ready.wait()
        with closing(opened(path)) as store:
            store.new_story(f"new {number}")
            return store.notice

    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(open_and_write, range(6)))
    assert len(aside(path)) == 1
    assert sum("Recovered into a new one" in each for each in said) == 1
    with closing(opened(path)) as store:
        assert {story.title for story in store.stories()} >= {f"new {number}" for number in range(6)}
        assert len(store.stories()) == 8
    assert integrity(path) == ["ok"]


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be moved there")
def test_a_window_that_has_it_open_goes_on_with_the_new_one(path: Path) -> None:
    line_of_passages(path)
    with closing(opened(path)) as window:
        window.open_story(1)
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE story SET version = 'x'")
            db.commit()
        with closing(opened(path)) as other:
            assert "was damaged" in other.notice
        window.add_passage(1, "you", "and on")
        assert window.moved(1)
        assert window.path == path
    with closing(opened(path)) as store:
        assert store.text(1).endswith("8 and on")
    assert len(aside(path)) == 1
    assert not list(path.parent.glob("stories-2*"))


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be moved there")
def test_damage_that_shows_while_it_is_open_is_recovered_with_the_next_call(path: Path) -> None:
    fill(path)
    with closing(opened(path)) as store:
        before = {story.id: store.text(story.id) for story in store.stories()}
    with closing(opened(path)) as store:
        store._db.execute("PRAGMA cache_size = 0")
        data = path.read_bytes()
        with path.open("r+b") as file:  # as a failing disk would: the file is the same
            for place in range(4096, len(data), 4096):
                if data[place] == 0x05:  # an inner page of a table: no row stands there
                    file.seek(place)
                    file.write(b"\xff" * 4096)
        with pytest.raises(StoryUnavailable, match=r"is damaged\. Try again"):
            for story in before:
                store.text(story)
        assert {story: store.text(story) for story in before} == before
        assert re.search(r"was damaged\. Recovered into a new one: 3 stories", store.notice)
    assert integrity(path) == ["ok"]


def test_a_page_of_another_size_is_read(tmp_path: Path) -> None:
    small = tmp_path / "small.sqlite3"
    with closing(sqlite3.connect(small)) as db:
        db.execute("PRAGMA page_size = 1024")
        db.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c REAL)")
        db.executemany("INSERT INTO t VALUES (?, ?, ?)", [(n, "é" * n * 40, n / 3) for n in range(1, 60)])
        db.commit()
    rows: list[Callable[[], object]] | list[raw_pages.Row] = rows_of(small.read_bytes())
    read = {row.id: row.values for row in rows if isinstance(row, raw_pages.Row) and row.values[0] is None}
    assert read == {n: (None, "é" * n * 40, n / 3) for n in range(1, 60)}
