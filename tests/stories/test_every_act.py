"""Undo after any acts gives back the exact page, and redo the page after it; nothing is ever deleted."""

from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storytime_tui.stories.history import redo, undo
from storytime_tui.stories.steering import Steering, set_steering
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.tree import go_to, go_to_branch, label, passages_of, rewrite
from tests.examples import many

Shown = tuple[tuple[str, str], ...]  # what a page shows: the writer and the text of each passage
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)


class EveryAct(RuleBasedStateMachine):
    """One story, on which anything is done; a plain list of pages says what undo and redo must show."""

    pick = st.integers(0, 1_000_000)

    @initialize()
    def begin(self) -> None:
        self.store = StoryStore(Path(":memory:"))
        self.story = self.store.new_story("owl").id
        self.before: list[list[int]] = []  # the paths to which undo goes back, the next one last
        self.after: list[list[int]] = []  # those to which redo goes, the next one last
        self.texts: dict[int, str] = {}  # each passage that there ever was, with its last text
        self.told: int | None = None  # the passage that streams

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    def path(self) -> list[int]:
        return [passage.id for passage in self.store.passages(self.story)]

    def act(self, do: Any) -> None:
        """Do something that may move the page; if it does, it is one step."""
        before = self.path()
        do()
        if self.path() != before:
            self.before.append(before)
            self.after = []
        self.know()

    def know(self) -> None:
        for passage in passages_of(self.store, self.story):
            self.texts.setdefault(passage.id, passage.text)

    def some_passage(self, pick: int) -> int | None:
        return list(self.texts)[pick % len(self.texts)] if self.texts else None

    @rule(words=WORDS)
    def add_line(self, words: str) -> None:
        self.act(lambda: self.store.add_line(self.story, lambda text: words))

    @rule(words=WORDS)
    def tell(self, words: str) -> None:
        self.act(lambda: self.store.add_passage(self.story, "model", words, "m", "{}", ids="1"))
        self.told = self.path()[-1]

    @rule(pick=pick, words=WORDS)
    def retry(self, pick: int, words: str) -> None:
        """Tell again what follows an earlier passage, or the beginning."""
        beginning = pick % 3 == 0
        after = None if beginning else self.some_passage(pick)
        self.act(lambda: self.store.add_passage(self.story, "model", words, after=after))

    @rule(words=WORDS)
    def extend(self, words: str) -> None:
        if self.told is not None:
            self.store.extend_passage(self.told, words, "2")
            self.texts[self.told] += words

    @rule(pick=pick, words=WORDS, keep_rest=st.booleans())
    def edit(self, pick: int, words: str, keep_rest: bool) -> None:
        path = self.path()
        if path:
            rewritten = {path[pick % len(path)]: words}
            self.act(lambda: rewrite(self.store, self.story, rewritten, keep_rest=keep_rest))

    @rule(picks=st.sets(pick, max_size=3), words=WORDS)
    def replace_all(self, picks: set[int], words: str) -> None:
        path = self.path()
        if path:
            rewritten = {path[pick % len(path)]: words for pick in picks}
            self.act(lambda: rewrite(self.store, self.story, rewritten))

    @rule(pick=pick)
    def go_to(self, pick: int) -> None:
        self.act(lambda: go_to(self.store, self.story, self.some_passage(pick) if pick % 4 else None))

    @rule(pick=pick)
    def go_to_branch(self, pick: int) -> None:
        passage = self.some_passage(pick)
        if passage is not None:
            self.act(lambda: go_to_branch(self.store, self.story, passage))

    @rule(pick=pick, name=WORDS, marked=st.booleans(), pruned=st.booleans())
    def label(self, pick: int, name: str, marked: bool, pruned: bool) -> None:
        passage = self.some_passage(pick)
        if passage is not None:
            before = self.path()
            label(self.store, passage, name=name, marked=marked, pruned=pruned)
            assert self.path() == before

    @rule(words=WORDS)
    def steer(self, words: str) -> None:
        before = self.path()
        set_steering(self.store, self.story, Steering(note=words))
        self.store.rename(self.story, words)
        self.store.set_draft(self.story, words)
        assert self.path() == before

    @rule(times=st.integers(1, 4))
    def undo(self, times: int) -> None:
        for _ in range(times):
            now = self.path()
            undo(self.store, self.story)
            if self.before:
                self.after.append(now)
            assert self.path() == (self.before.pop() if self.before else now)

    @rule(times=st.integers(1, 4))
    def redo(self, times: int) -> None:
        for _ in range(times):
            now = self.path()
            redo(self.store, self.story)
            if self.after:
                self.before.append(now)
            assert self.path() == (self.after.pop() if self.after else now)

    @invariant()
    def nothing_is_deleted(self) -> None:
        if hasattr(self, "store"):
            assert {each.id: each.text for each in passages_of(self.store, self.story)} == self.texts
            assert self.store.text(self.story) == "".join(self.texts[id] for id in self.path())


TestEveryAct = EveryAct.TestCase
TestEveryAct.settings = settings(max_examples=many(40), stateful_step_count=25, deadline=None)
