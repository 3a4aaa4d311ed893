"""Several windows on one stories file: nothing that was acknowledged is lost, and nobody takes back unseen words."""

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storytime_tui.errors import StoryError, StoryMoved, StoryUnavailable
from storytime_tui.stories import window_locks
from storytime_tui.stories.history import redo, undo
from storytime_tui.stories.schema import MIGRATIONS
from storytime_tui.stories.store import StoryStore
from tests.examples import many


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "stories.sqlite3"


@pytest.fixture
def two(path: Path) -> Iterator[tuple[StoryStore, StoryStore]]:
    with closing(StoryStore(path, patience=0.1)) as a, closing(StoryStore(path, patience=0.1)) as b:
        yield a, b


def integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return str(db.execute("PRAGMA integrity_check").fetchone()[0])


Two = tuple[StoryStore, StoryStore]


def test_each_window_has_its_own_draft(two: Two) -> None:
    a, b = two
    story = a.new_story("owl").id
    a.set_draft(story, "from a")
    assert b.open_story(story).draft == ""  # a is still there
    b.set_draft(story, "from b")
    assert (a.open_story(story).draft, b.open_story(story).draft) == ("from a", "from b")
    assert a.story(story).draft == "from b"  # what was kept last, for those who only read
    b.set_draft(story, "")
    assert a.story(story).draft == "from a"


def test_the_draft_of_a_window_that_is_gone_is_taken_over_by_one(two: Two, path: Path) -> None:
    a, b = two
    story = a.new_story("owl").id
    a.set_draft(story, "half a thou")
    a.close()
    assert b.open_story(story).draft == "half a thou"
    with closing(StoryStore(path)) as c:
        assert c.open_story(story).draft == ""
    b.add_line(story, lambda text: "sent")
    assert b.open_story(story).draft == ""


def test_a_second_lost_draft_comes_once_the_first_is_dealt_with(two: Two, path: Path) -> None:
    a, b = two
    story = a.new_story("owl").id
    a.set_draft(story, "one")
    b.set_draft(story, "two")
    a.close()
    b.close()
    with closing(StoryStore(path)) as c:
        assert c.open_story(story).draft == "two"
        c.set_draft(story, "")
        assert c.open_story(story).draft == "one"
    assert not list(window_locks.folder_of(path).glob("*")) if window_locks.folder_of(path).exists() else True


def test_words_go_behind_what_is_there_and_unseen_ones_are_not_taken_back(two: Two) -> None:
    a, b = two
    story = a.new_story("owl").id
    a.add_line(story, lambda text: "One.")
    a.open_story(story)
    b.open_story(story)
    assert not b.add_line(story, lambda text: text + " Two.").moved
    assert a.moved(story)
    for step in (undo, redo):
        with pytest.raises(StoryMoved, match="in another window"):
            step(a, story)
    added = a.add_line(story, lambda text: " Three.")
    assert (added.before, added.moved) == ("One.One. Two.", True)
    assert b.text(story) == "One.One. Two. Three."
    a.open_story(story)
    undo(a, story)
    assert a.text(story) == "One.One. Two."
    undo(a, story)  # our own change was no surprise
    assert a.text(story) == "One."


def test_a_stream_of_ones_own_is_no_surprise_and_that_of_another_is(two: Two) -> None:
    a, b = two
    story = a.new_story("owl").id
    a.open_story(story)
    b.open_story(story)
    passage = a.add_passage(story, "model", "Once")
    a.extend_passage(passage.id, " upon")
    assert not a.moved(story)
    assert b.moved(story)


def test_renaming_and_drafts_move_no_words(two: Two) -> None:
    a, b = two
    story = a.new_story("owl").id
    a.open_story(story)
    b.rename(story, "The Owl")
    b.set_draft(story, "x")
    assert not a.moved(story)


class Windows(RuleBasedStateMachine):
    """Two windows do anything, in any order, and die and come back: every acknowledged word is there."""

    which = st.integers(0, 1)
    words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.mkdtemp()
        self.path = Path(self.folder) / "stories.sqlite3"
        self.stores = [StoryStore(self.path), StoryStore(self.path)]
        self.story = self.stores[0].new_story("owl").id
        self.said: dict[int, str] = {}  # passage -> its text
        self.shown: list[list[int] | None] = [[], None]  # the passages that a window has in view
        self.typed: list[str | None] = [None, None]  # None: this window has not typed here yet
        self.lost: list[str] = []  # the drafts of windows that died

    def teardown(self) -> None:
        if hasattr(self, "stores"):
            for store in self.stores:
                store.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def path_now(self) -> list[int]:
        return [passage.id for passage in self.stores[0].passages(self.story)]

    @rule(which=which)
    def show(self, which: int) -> None:
        opened = self.stores[which].open_story(self.story)
        self.shown[which] = [passage.id for passage in opened.passages]
        if not self.typed[which]:
            if opened.draft:
                self.lost.remove(opened.draft)
            self.typed[which] = opened.draft
        assert opened.draft == self.typed[which]

    @rule(which=which, words=words)
    def type(self, which: int, words: str) -> None:
        self.stores[which].set_draft(self.story, words)
        self.typed[which] = words

    @rule(which=which, words=words)
    def send(self, which: int, words: str) -> None:
        before = self.path_now()
        added = self.stores[which].add_line(self.story, lambda text: words)
        now = self.path_now()
        assert now[:-1] == before  # at the end of what is there
        assert added.moved == (self.shown[which] is not None and self.shown[which] != before)
        self.said[now[-1]] = words
        self.typed[which] = ""
        if self.shown[which] == before:
            self.shown[which] = now

    @rule(which=which, words=words)
    def tell(self, which: int, words: str) -> None:
        before = self.path_now()
        passage = self.stores[which].add_passage(self.story, "model", words)
        self.said[passage.id] = words
        if self.shown[which] == before:
            self.shown[which] = self.path_now()

    @rule(which=which, back=st.booleans())
    def step(self, which: int, back: bool) -> None:
        before = self.path_now()
        store = self.stores[which]
        try:
            (undo if back else redo)(store, self.story)
        except StoryMoved:
            assert self.shown[which] is not None
            return
        now = self.path_now()
        if self.shown[which] is not None and now != before:
            assert self.shown[which] == before, "unseen words were taken back"
            self.shown[which] = now

    @rule(which=which)
    def die(self, which: int) -> None:
        self.stores[which].close()
        draft = self.typed[which]
        if draft:
            self.lost.append(draft)
        self.stores[which] = StoryStore(self.path)
        self.typed[which], self.shown[which] = None, None

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "stores"):
            return
        with closing(sqlite3.connect(self.path)) as db:
            assert dict(db.execute("SELECT id, text FROM passage")) == self.said
            drafts = sorted(text for (text,) in db.execute("SELECT text FROM draft"))
            assert drafts == sorted([*(draft for draft in self.typed if draft), *self.lost])
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


TestWindows = Windows.TestCase
TestWindows.settings = settings(max_examples=many(15), stateful_step_count=20, deadline=None)


# -- the file itself -------------------------------------------------------------------------------------


def test_a_file_from_before_there_were_windows_keeps_its_draft(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        for statement in MIGRATIONS[0]:
            db.execute(statement)
        db.execute("INSERT INTO story VALUES (1, 'owl', NULL, 'half a thou', 5.0, 6.0, 0)")
        db.execute("INSERT INTO passage VALUES (1, 1, NULL, 'you', 'Once', '', '', 5.0)")
        db.execute("UPDATE story SET head = 1")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    with closing(StoryStore(path)) as store:
        assert store.text(1) == "Once"
        assert store.story(1).draft == store.open_story(1).draft == "half a thou"


posix = pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")


@posix
@pytest.mark.parametrize("what", ["the file", "the folder", "all three files"])
def test_a_file_that_is_removed_is_written_anew_with_all_that_it_held(
    two: Two, path: Path, what: str
) -> None:
    a, b = two
    story = a.new_story("owl").id
    a.add_line(story, lambda text: "Once upon a time")
    a.set_draft(story, "half a thou")
    if what == "the folder":
        shutil.rmtree(path.parent)
    else:
        for each in path.parent.glob("stories.sqlite3*" if what == "all three files" else "stories.sqlite3"):
            each.unlink() if each.is_file() else shutil.rmtree(each)
    a.add_passage(story, "model", ", an owl")
    assert "was removed while it was open" in a.notice
    b.rename(story, "The Owl")
    assert "nothing is lost" in b.notice
    assert (a.text(story), a.story(story).title) == ("Once upon a time, an owl", "The Owl")
    assert [a.path, b.path] == [path, path]
    b.set_draft(story, "theirs")
    a.close()
    b.close()
    assert integrity(path) == "ok"
    with closing(StoryStore(path)) as store:
        assert store.text(story) == "Once upon a time, an owl"
        assert {store.open_story(story).draft} <= {"theirs", "half a thou"}
    assert sorted(each.name for each in path.parent.iterdir() if each.is_file()) == ["stories.sqlite3"]


@posix
def test_a_file_that_is_replaced_is_left_alone_and_ours_is_kept_beside_it(path: Path, tmp_path: Path) -> None:
    with closing(StoryStore(tmp_path / "backup.sqlite3")) as backup:
        backup.new_story("An older one")
    with closing(StoryStore(path)) as store:
        story = store.new_story("owl").id
        store.add_line(story, lambda text: "Once upon a time")
        (tmp_path / "backup.sqlite3").replace(path)
        store.add_passage(story, "model", ", an owl")
        assert "was replaced by another" in store.notice
        assert "stories-2.sqlite3" in store.notice
        assert store.text(story) == "Once upon a time, an owl"
    with closing(StoryStore(path)) as store:
        assert [story.title for story in store.stories()] == ["An older one"]
    with closing(StoryStore(path.with_name("stories-2.sqlite3"))) as store:
        assert store.text(story) == "Once upon a time, an owl"


@posix
def test_a_file_that_cannot_be_written_anew_is_said_and_tried_again(path: Path) -> None:
    with closing(StoryStore(path)) as store:
        story = store.new_story("owl").id
        shutil.rmtree(path.parent)
        path.parent.write_text("a file where the folder was")
        with pytest.raises(StoryUnavailable, match="gone, and cannot be written again"):
            store.set_draft(story, "half a thou")
        path.parent.unlink()
        store.set_draft(story, "half a thou")
        assert store.story(story).draft == "half a thou"
    assert integrity(path) == "ok"


def test_what_waiting_may_help_is_told_from_what_it_does_not(two: Two, path: Path) -> None:
    a, _ = two
    story = a.new_story("owl").id
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoryUnavailable, match="Another program"):
            a.set_draft(story, "x")
        assert a.open_story(story).draft == ""  # reading goes on
        db.execute("ROLLBACK")
    with pytest.raises(StoryError) as caught:
        a.set_draft(99, "x")
    assert not isinstance(caught.value, StoryUnavailable)
