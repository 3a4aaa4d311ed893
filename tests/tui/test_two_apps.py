"""Two real apps on one stories file: both keep working, and nothing is overwritten."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.tree import passages_of
from tests.terminal import open_app


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
        one.wait_for("It sang", row=None)
        two.keys("\r")
        two.wait_for("(?s)It sang.*It slept")
        for app in (one, two):
            app.keys("\x1b\x1b")
        with closing(StoryStore(path)) as store:
            texts = {passage.text.strip() for passage in passages_of(store, story)}
    assert {"An owl sat in a tree.", "It sang.", "It slept."} <= texts
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
