"""Two real apps on one stories file: both keep working, and nothing is overwritten."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.tree import passages_of
from tests.terminal import Terminal, open_app


@pytest.mark.skipif(os.name == "nt", reason="Windows offers no pseudo-terminal")
@pytest.mark.needs_torch
def test_two_apps_add_to_one_story(home: Path) -> None:
    path = home / "stories.sqlite3"
    home.mkdir(exist_ok=True)
    with closing(StoryStore(path)) as store:
        story = store.new_story("The owl").id
        store.add_passage(story, "you", "An owl sat in a tree.")
    with open_app(80, 24, home) as one, open_app(80, 24, home) as two:
        for app in (one, two):
            app.wait_for("Library")
            app.keys("3")
            app.wait_for("An owl sat in a tree")
        one.keys(" It sang.")
        two.keys(" It slept.")
        for app in (one, two):
            app.wait_for(r"› +It s")
        one.keys("\r")
        two.keys("\r")  # at the same moment: either may be the first

        def both_are_kept(_: str) -> bool:  # what is told may push them off the screen
            with closing(StoryStore(path)) as store:
                texts = {passage.text.strip() for passage in passages_of(store, story)}
            return {"An owl sat in a tree.", "It sang.", "It slept."} <= texts

        two.wait_for(both_are_kept)
        for app in (one, two):
            app.keys("\x1b\x1b")
    assert both_are_kept("")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@pytest.mark.skipif(os.name == "nt", reason="Windows offers no pseudo-terminal")
@pytest.mark.needs_torch
def test_two_apps_edit_and_undo_in_one_story(home: Path) -> None:
    path = home / "stories.sqlite3"
    home.mkdir(exist_ok=True)
    owl = "An owl sat in a tree."
    with closing(StoryStore(path)) as store:
        story = store.new_story("The owl").id
        store.add_passage(story, "you", owl)
    with open_app(80, 24, home) as one, open_app(80, 24, home) as two:
        for app in (one, two):
            app.wait_for("Library")
            app.keys("3")
            app.wait_for(r"tree\.(?s:.*)›")
            app.keys("\x1b")
            app.wait_for("passage 1 of 1")
        edit(one, " Alone.")
        one.wait_for("Changed on a new branch")
        two.wait_for("(?s)tree. Alone.*in another window")
        edit(two, " Twice.")
        two.wait_for("Changed on a new branch")
        one.wait_for("Alone. Twice.")
        for app, key, shown in ((one, "u", "Alone"), (two, "u", "tree"), (one, "y", "Alone")):
            app.keys(key)
            for each in (one, two):
                each.wait_for(rf"{shown}\. *\n")
        two.keys("e")
        two.wait_for("Rewrite sentence", row=-1)
        two.keys(" By day.")
        two.wait_for("By day")
        one.keys("u")
        one.wait_for(r"tree\. *\n")
        two.keys("\x1b")  # the edit of a passage that is not in the story any more
        two.wait_for(r"Your edit is\s+a branch of its own")
        for app in (one, two):
            app.wait_for(r"tree\. *\n")
            app.keys("e")  # both go on working
            app.wait_for("Rewrite sentence", row=-1)
    with closing(StoryStore(path)) as store:
        assert store.text(story) == owl
        texts = [passage.text for passage in passages_of(store, story)]
    assert texts == [owl, f"{owl} Alone.", f"{owl} Alone. Twice.", f"{owl} Alone. By day."]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def edit(app: Terminal, words: str) -> None:
    """Add words to the passage, in its place."""
    app.keys("e")
    app.wait_for("Rewrite sentence", row=-1)
    app.keys(words)
    app.wait_for(words.strip())
    app.keys("\x13")
