"""No acknowledged write is ever lost, whatever is done in any order, and trouble is said in a sentence."""

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storytime_tui.errors import StoryError
from storytime_tui.stories.history import redo, undo
from storytime_tui.stories.schema import MIGRATIONS
from storytime_tui.stories.store import StoryStore
from tests.examples import many


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "stories.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[StoryStore]:
    ticks = itertools.count(1_000.0)
    store = StoryStore(path, now=lambda: next(ticks))
    yield store
    store.close()


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_only_its_owner_reads_the_stories_also_those_of_an_older_version(path: Path) -> None:
    for _ in range(2):
        store = StoryStore(path)
        store.new_story("owl")
        files = list(path.parent.iterdir())  # SQLite's own two beside it
        assert len(files) == 3 and {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert path.parent.stat().st_mode & 0o777 == 0o700
        store.close()
        path.chmod(0o644)  # as an older version left it


def test_a_story_is_kept_with_who_wrote_what_and_how(store: StoryStore) -> None:
    story = store.new_story("The [/b] owl")
    assert (story.title, story.head, story.draft, story.removed) == ("The [/b] owl", None, "", False)
    first = store.add_passage(story.id, "you", "Once upon a time")
    second = store.add_passage(story.id, "model", ", an owl", model="grimm", settings='{"seed": 7}')
    store.extend_passage(second.id, " sang.")
    assert store.text(story.id) == "Once upon a time, an owl sang."
    root, head = store.passages(story.id)
    assert root == first
    assert (head.parent, head.author, head.text) == (root.id, "model", ", an owl sang.")
    assert (head.model, head.settings, head.story) == ("grimm", '{"seed": 7}', story.id)
    assert store.story(story.id).head == head.id
    assert root.created < head.created < store.story(story.id).changed


def test_undo_deletes_nothing_and_redo_takes_the_newest_branch(store: StoryStore) -> None:
    story = store.new_story("").id
    store.add_passage(story, "you", "a")
    store.add_passage(story, "model", "b")
    undo(store, story)
    store.add_passage(story, "model", "c")
    assert store.text(story) == "ac"
    undo(store, story)
    assert store.text(story) == "a"
    undo(store, story)
    assert (store.text(story), store.story(story).head) == ("", None)
    unchanged = store.story(story)
    assert undo(store, story) == unchanged
    redo(store, story)
    redo(store, story)
    assert store.text(story) == "ac"
    unchanged = store.story(story)
    assert redo(store, story) == unchanged


def test_the_last_changed_story_comes_first_and_a_removed_one_can_come_back(store: StoryStore) -> None:
    a, b, c = (store.new_story(title).id for title in "abc")
    passage = store.add_passage(a, "model", "x")
    assert [story.id for story in store.stories()] == [a, c, b]
    store.rename(b, "bear")
    assert [story.title for story in store.stories()] == ["bear", "a", "c"]
    store.remove(a)
    assert [story.id for story in store.stories()] == [b, c]
    assert [story.id for story in store.stories(removed=True)] == [a]
    store.extend_passage(passage.id, "y")  # a stream that was still running
    store.restore(a)
    assert [story.id for story in store.stories()] == [a, b, c]
    assert store.text(a) == "xy"


def test_a_draft_is_kept(store: StoryStore, path: Path) -> None:
    story = store.new_story("owl").id
    store.set_draft(story, "And then\0 he ")
    other = StoryStore(path)
    assert other.story(story).draft == "And then\0 he "
    other.close()
    assert store.set_draft(story, "").draft == ""


class AnyOperations(RuleBasedStateMachine):
    """Any sequence of operations gives what a plain model of lists and dictionaries gives."""

    texts = st.one_of(
        st.text(max_size=12), st.text(st.characters(codec="utf-8"), max_size=5), st.just("\0[/b]'; --")
    )
    pick = st.integers(0, 1_000_000)

    @initialize()
    def begin(self) -> None:
        self.store = StoryStore(Path(":memory:"))
        self.heads: dict[int, int | None] = {}
        self.titles: dict[int, str] = {}
        self.removed: set[int] = set()
        self.said: dict[int, str] = {}
        self.parents: dict[int, tuple[int, int | None]] = {}  # passage -> story and parent

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    def some_story(self, pick: int) -> int:
        if not self.heads:
            self.new_story("first")
        return list(self.heads)[pick % len(self.heads)]

    @rule(title=texts)
    def new_story(self, title: str) -> None:
        story = self.store.new_story(title)
        self.heads[story.id], self.titles[story.id] = None, title

    @rule(pick=pick, text=texts, author=st.sampled_from(["you", "model"]))
    def add_passage(self, pick: int, text: str, author: str) -> None:
        story = self.some_story(pick)
        passage = self.store.add_passage(story, author, text)  # type: ignore[arg-type]
        self.said[passage.id], self.parents[passage.id] = text, (story, self.heads[story])
        self.heads[story] = passage.id

    @rule(pick=pick, text=texts)
    def extend_passage(self, pick: int, text: str) -> None:
        if self.said:
            passage = list(self.said)[pick % len(self.said)]
            self.store.extend_passage(passage, text)
            self.said[passage] += text

    @rule(pick=pick)
    def undo(self, pick: int) -> None:
        story = self.some_story(pick)
        undo(self.store, story)
        head = self.heads[story]
        self.heads[story] = None if head is None else self.parents[head][1]

    @rule(pick=pick)
    def redo(self, pick: int) -> None:
        story = self.some_story(pick)
        redo(self.store, story)
        children = [each for each, place in self.parents.items() if place == (story, self.heads[story])]
        self.heads[story] = max(children, default=self.heads[story])

    @rule(pick=pick, title=texts)
    def rename(self, pick: int, title: str) -> None:
        story = self.some_story(pick)
        self.store.rename(story, title)
        self.titles[story] = title

    @rule(pick=pick, hide=st.booleans())
    def remove_or_restore(self, pick: int, hide: bool) -> None:
        story = self.some_story(pick)
        (self.store.remove if hide else self.store.restore)(story)
        (self.removed.add if hide else self.removed.discard)(story)

    @invariant()
    def every_story_reads_as_the_model_says(self) -> None:
        if not hasattr(self, "store"):
            return
        listed = {story.id: story.title for story in self.store.stories()}
        assert listed == {s: title for s, title in self.titles.items() if s not in self.removed}
        for story, head in self.heads.items():
            texts: list[str] = []
            while head is not None:
                texts.append(self.said[head])
                head = self.parents[head][1]
            assert self.store.text(story) == "".join(reversed(texts))


TestAnyOperations = AnyOperations.TestCase
TestAnyOperations.settings = settings(max_examples=many(40), stateful_step_count=20, deadline=None)


def test_half_a_surrogate_pair_is_no_reason_to_lose_a_text(store: StoryStore) -> None:
    story = store.new_story("a\ud83e")
    assert story.title == "a\ufffd"
    store.add_passage(story.id, "you", "\ufeffb\udd89c\ud83e\udd89")
    assert store.text(story.id) == "\ufeffb\ufffdc🦉"


# -- threads, processes and crashes ------------------------------------------------------------------


def test_many_threads_may_write_at_once(store: StoryStore) -> None:
    story = store.new_story("owl").id
    passage = store.add_passage(story, "model", "").id
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.extend_passage(passage, f"{n};"), range(100)))
    assert sorted(map(int, store.text(story).rstrip(";").split(";"))) == list(range(100))


def test_two_programs_may_open_a_new_file_at_once(path: Path) -> None:
    ready = threading.Barrier(8)

    def open_and_write(number: int) -> None:
        ready.wait()
        store = StoryStore(path)
        store.new_story(str(number))
        store.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_and_write, range(8)))
    store = StoryStore(path)
    assert sorted(story.title for story in store.stories()) == [str(n) for n in range(8)]
    store.close()


WRITER = """
import sys
from pathlib import Path
from storytime_tui.stories.store import StoryStore
store = StoryStore(Path(sys.argv[1]))
story = store.new_story("owl").id
passage = store.add_passage(story, "model", "").id
n = 0
while True:
    store.extend_passage(passage, f"{n};")
    print(n, flush=True)
    n += 1
    if n % 20 == 0:
        passage = store.add_passage(story, "model", "").id
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 there")
@pytest.mark.parametrize("acknowledged", [1, 37, 150])
def test_kill_9_in_the_middle_of_writing_keeps_what_was_acknowledged(path: Path, acknowledged: int) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(acknowledged):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines()  # acknowledged between our last look and its death
    last = max([last, *map(int, rest[:-1])])
    store = StoryStore(path)
    (story,) = store.stories()
    numbers = [int(number) for number in store.text(story.id).rstrip(";").split(";")]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > last
    store.add_passage(story.id, "you", "and on")  # it is a whole file, to go on with
    store.close()


# -- trouble -----------------------------------------------------------------------------------------


def test_a_newer_file_is_refused_and_left_as_it_is(path: Path) -> None:
    store = StoryStore(path)
    store.new_story("owl")
    store.close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoryError, match="newer version") as caught:
        StoryStore(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_migration_is_all_or_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = StoryStore(path)
    story = store.new_story("owl")
    store.close()
    broken = (*MIGRATIONS, ("CREATE TABLE later (id INTEGER)", "not SQL"))
    for module in ("schema", "opening"):
        monkeypatch.setattr(f"storytime_tui.stories.{module}.MIGRATIONS", broken)
    with pytest.raises(StoryError, match="could not be used"):
        StoryStore(path)
    monkeypatch.undo()
    store = StoryStore(path)
    assert store.stories() == (story,)
    store.close()


def test_a_full_disk_is_said_and_loses_nothing(store: StoryStore) -> None:
    story = store.new_story("owl").id
    passage = store.add_passage(story, "model", "kept")
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    for write in (
        lambda: store.add_passage(story, "model", "x" * 100_000),
        lambda: store.extend_passage(passage.id, "x" * 100_000),
        lambda: store.set_draft(story, "x" * 100_000),
    ):
        with pytest.raises(StoryError, match="The disk is full"):
            write()
    assert store.passages(story) == (passage,)
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.extend_passage(passage.id, "x" * 100_000)
    assert store.text(story) == "kept" + "x" * 100_000


def test_another_programs_long_write_is_said(store: StoryStore, path: Path) -> None:
    store._db.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoryError, match="Another program"):
        store.new_story("owl")
    assert store.stories() == ()  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    store.new_story("owl")


@pytest.mark.parametrize("what", ["a pipe", "a folder", "a link that leads nowhere"])
def test_what_is_no_file_is_called_what_it_is(what: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if what == "a folder":
        path.mkdir()
    elif what == "a pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("the system has no pipes with names")
        os.mkfifo(path)
    else:
        path.symlink_to(path.name)
    with pytest.raises(StoryError, match=f"it is {what}, not a file"):
        StoryStore(path)


def test_a_place_where_no_file_can_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="cannot be opened"):
        StoryStore(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoryError, match="Making the folder"):
        StoryStore(tmp_path / "file" / "stories.sqlite3")


@pytest.mark.parametrize("missing", [0, -1, 99, 2**63, 10**30])
def test_what_does_not_exist_is_said(store: StoryStore, missing: int) -> None:
    for call in (
        lambda: store.story(missing),
        lambda: store.passages(missing),
        lambda: store.text(missing),
        lambda: undo(store, missing),
        lambda: redo(store, missing),
        lambda: store.rename(missing, "x"),
        lambda: store.remove(missing),
        lambda: store.restore(missing),
        lambda: store.set_draft(missing, "x"),
        lambda: store.add_passage(missing, "you", "x"),
        lambda: store.extend_passage(missing, "x"),
    ):
        with pytest.raises(StoryError, match="There is no"):
            call()
    assert store.stories() == ()


def test_an_unknown_author_is_refused_and_the_store_goes_on(store: StoryStore) -> None:
    story = store.new_story("owl").id
    with pytest.raises(StoryError):
        store.add_passage(story, "a ghost", "boo")  # type: ignore[arg-type]
    assert store.text(story) == ""
    store.add_passage(story, "you", "on")
    assert store.text(story) == "on"
