"""What is typed and told is kept: while one types, with another window at the story, with a store that is not well."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from storytime_tui.errors import StoryError
from storytime_tui.stories.store import StoryStore
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.dialogs import AskScreen
from storytime_tui.tui.screens.palette import PaletteScreen
from storytime_tui.tui.screens.story import StoryScreen
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.widgets.choice_list import ChoiceList
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.story_list import StoryList
from tests.terminal import kill_app, open_app
from tests.tui.conftest import SMALL, flat, make_app, screen_text, type_text, until
from tests.tui.fakes import World
from tests.tui.test_story import LINE, go_to_story, send, told


@pytest.fixture
def other(world: World) -> Iterator[StoryStore]:
    """Another window on the same stories."""
    world.folder.mkdir(parents=True, exist_ok=True)
    with closing(world.store()) as store:
        yield store


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Another program holds the stories file for as long as it likes."""
    with closing(sqlite3.connect(world.folder / "stories.sqlite3", isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


async def a_story(pilot: Pilot[Any], app: StorytimeApp) -> None:
    await go_to_story(pilot, app)
    await send(pilot)
    await until(pilot, lambda: "tokens told" in screen_text(app) and not app.desk.busy)


async def test_a_draft_is_kept_while_one_goes_on_typing(app: StorytimeApp, other: StoryStore) -> None:
    """The half second is a ceiling: no key puts the keeping off."""
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        began, typed = time.monotonic(), ""
        while not any(
            story.draft for story in other.stories()
        ):  # the story is there a moment before its draft
            assert time.monotonic() - began < 10, "nothing is kept while one types"
            await pilot.press("a")
            typed += "a"
            await asyncio.sleep(0.05)
        assert typed.startswith(other.stories()[0].draft)


async def test_a_letter_that_is_still_on_its_way_is_kept_when_the_app_is_asked_to_leave(
    app: StorytimeApp, other: StoryStore
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        app.screen.query_one(Prompt).insert("An owl")  # its message passes through several queues
        app.asked_to_leave()
        await until(pilot, lambda: app._exit)
    assert [story.draft for story in other.stories()] == ["An owl"]


async def test_a_line_typed_before_the_last_story_is_there_is_kept_when_one_leaves(
    app: StorytimeApp, other: StoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StoryScreen, "_load_last_story", lambda self: None)  # it never comes
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await type_text(pilot, "An owl")
        app.asked_to_leave()
        await until(pilot, lambda: app._exit)
    assert [story.draft for story in other.stories()] == ["An owl"]


async def test_a_stray_digit_leaves_no_story(world: World) -> None:
    """Whoever presses the Story screen's own key twice has a digit in the line; no model is there to tell from it."""
    world.choices = ()
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await pilot.press("3", "enter")
        await until(pilot, lambda: "There is no model" in flat(app))
        await until(pilot, lambda: [story.draft for story in world.store().stories()] == ["3"])
        assert app.screen.query_one(Prompt).text == "3"  # nothing typed is taken away while one is there
        await pilot.press("escape", "o")
        await until(pilot, lambda: "No stories yet" in screen_text(app))


async def test_a_locked_store_freezes_nothing_and_loses_nothing(
    app: StorytimeApp, world: World, other: StoryStore
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        with locked(world):
            await pilot.press(*"half a ")
            await until(pilot, lambda: "Another program is writing to the stories file" in flat(app))
            await pilot.press(*"thou")
            assert app.screen.query_one(Prompt).text == "half a thou"
            await until(pilot, lambda: "saving…" in screen_text(app))
            await pilot.press("escape", "o")  # reading goes on
            await until(pilot, lambda: isinstance(app.focused, StoryList) and app.focused.rows)
            await pilot.press("escape")
            assert other.story(1).draft == ""
        await until(pilot, lambda: other.story(1).draft == "half a thou")
        await until(pilot, lambda: "Another program" not in flat(app) and "saving…" not in screen_text(app))


async def test_the_event_loop_never_calls_the_store(
    app: StorytimeApp, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[threading.Thread] = set()
    transaction = StoryStore._transaction

    def watched(store: StoryStore, kind: str = "IMMEDIATE") -> Any:
        threads.add(threading.current_thread())
        return transaction(store, kind)

    monkeypatch.setattr(StoryStore, "_transaction", watched)
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        await pilot.press("a", "escape", "u", "y", "R")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("x", "enter", "o")
        await until(pilot, lambda: isinstance(app.focused, StoryList) and app.focused.rows)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, PaletteScreen))
        await type_text(pilot, "Go to Train")
        await until(pilot, lambda: "Go to Train" in screen_text(app))
        await pilot.press("escape", "n")
        await until(pilot, lambda: "A blank page" in screen_text(app))
    assert threads
    assert threading.main_thread() not in threads


async def test_a_line_sent_to_a_locked_store_stays_in_view_and_goes_when_it_can(
    app: StorytimeApp, world: World, other: StoryStore
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        with locked(world):
            await send(pilot, "Then it rained.")
            await until(pilot, lambda: "saving…" in screen_text(app) and "Another program" in flat(app))
            assert app.screen.query_one(Prompt).text == "Then it rained."
            assert len(world.told) == 1
            await pilot.press(*" And")
        await until(pilot, lambda: len(world.told) == 2)
        assert app.screen.query_one(Prompt).text == " And"
        assert other.text(1).count("Then it rained.") == 1


async def test_words_told_to_a_locked_store_are_kept_when_it_can(
    app: StorytimeApp, world: World, other: StoryStore
) -> None:
    world.gate = threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: world.told)
        with locked(world):
            world.gate.release(1000)
            await until(pilot, lambda: "said the mouse." in screen_text(app))
            await until(pilot, lambda: "Another program" in flat(app))
            assert app.desk.busy  # what the screen calls ended is on the disk
        await until(pilot, lambda: not app.desk.busy)
        assert other.text(1) == LINE + told(world)


async def test_leaving_waits_for_the_last_words(world: World, other: StoryStore) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        with locked(world):
            await type_text(pilot, "half a thou")
            await pilot.press("ctrl+q")
            await until(pilot, lambda: "Saving your last words…" in screen_text(app))
        await until(pilot, lambda: app._exit)
    assert other.story(1).draft == "half a thou"


async def test_two_windows_have_a_draft_each(world: World, other: StoryStore) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        other.set_draft(other.open_story(1).story.id, "theirs")
        await type_text(pilot, "ours")
        await until(pilot, lambda: other.story(1).draft == "ours")
    assert other.open_story(1).draft == "theirs"
    again = make_app(world)
    async with again.run_test(size=SMALL) as pilot:  # the window that is gone had "ours"
        await go_to_story(pilot, again)
        assert again.screen.query_one(Prompt).text == "ours"


async def test_a_story_that_moved_on_elsewhere_is_shown_anew(
    app: StorytimeApp, world: World, other: StoryStore
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        await type_text(pilot, "half a thou")
        await pilot.press("escape")
        other.add_passage(1, "you", " Theirs.")
        await pilot.press("u")  # what is not on the page is not taken back
        await until(pilot, lambda: "changed in another window" in flat(app) and "Theirs." in flat(app))
        assert other.text(1) == LINE + told(world) + " Theirs."
        assert app.screen.query_one(Prompt).text == "half a thou"
        await pilot.press("u")  # now it is
        await until(pilot, lambda: "Theirs." not in flat(app))
        other.add_passage(1, "you", " Again theirs.")
        await until(pilot, lambda: "Again theirs." in flat(app))  # noticed without a key
        other.add_passage(1, "you", " And theirs.")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: len(world.told) == 2)
        assert "And theirs." in world.told[1][0]
        assert world.told[1][0].endswith("half a thou")
        await until(pilot, lambda: "And theirs." in flat(app))


async def test_a_home_that_is_deleted_under_the_app_is_noticed_and_written_anew(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        await a_story(pilot, app)
        shutil.rmtree(world.folder)
        await type_text(pilot, "half a thou")
        await until(pilot, lambda: "was removed while it was open" in flat(app))
        await until(pilot, lambda: world.store().story(1).draft == "half a thou")
        assert world.store().text(1) == LINE + told(world)
        assert "said the mouse." in flat(app)
        await pilot.press("enter")
        await until(pilot, lambda: len(world.told) == 2)
        await until(pilot, lambda: world.store().text(1).endswith("half a thou" + told(world)))


async def test_stories_that_cannot_be_opened_are_opened_once_they_can_be(world: World) -> None:
    path = world.folder / "stories.sqlite3"
    path.mkdir(parents=True)
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: "it is a folder, not a file" in flat(app))
        await type_text(pilot, "half a thou")
        path.rmdir()
        await until(pilot, lambda: path.exists() and any(each.draft for each in world.store().stories()))
        assert world.store().stories()[0].draft == "half a thou"
        await until(pilot, lambda: "it is a folder" not in flat(app))


def lose_a_page(path: Path, page: int) -> None:
    """As a failing disk does: nothing of the page is left."""
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))


async def test_damaged_stories_are_recovered_shown_and_said(world: World) -> None:
    world.folder.mkdir(parents=True)
    path = world.folder / "stories.sqlite3"
    with closing(world.store()) as store:
        story = store.new_story("The owl").id
        store.add_passage(story, "you", "An owl sat in a tree.")
        store.set_draft(story, "half a thou")
    lose_a_page(path, 1)  # the list of the tables; no story stands there
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(
            pilot, lambda: "was damaged. Recovered into a new one: 1 story with 1 passage." in flat(app)
        )
        assert "stories-damaged-" in screen_text(app).replace("\n", "").replace(" ", "")
        assert "An owl sat in a tree." in flat(app)
        assert app.screen.query_one(Prompt).text == "half a thou"
        await pilot.press("enter")
        await until(pilot, lambda: world.told and not app.desk.busy)
    assert world.store().text(story) == "An owl sat in a tree. half a thou" + told(world)


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be moved there")
async def test_stories_damaged_while_they_are_open_are_recovered_and_the_line_is_kept(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        path = world.folder / "stories.sqlite3"
        world.store().rename(1, "The mouse")  # what the app has read is old, so it reads the file again
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        data = path.read_bytes()
        for page in range(2, len(data) // 4096 + 1):
            if data[(page - 1) * 4096] == 0x0A:  # of an index
                lose_a_page(path, page)
        await send(pilot, "Then it rained.")
        await until(
            pilot, lambda: "was damaged. Recovered into a new one: 1 story with 2 passages." in flat(app)
        )
        await until(pilot, lambda: len(world.told) == 2 and not app.desk.busy)
    text = world.store().text(1)
    assert text.startswith(LINE)
    assert "Then it rained." in text


async def test_stories_of_a_newer_version_are_refused_in_a_sentence_and_left_alone(world: World) -> None:
    world.folder.mkdir(parents=True)
    world.store().close()
    path = world.folder / "stories.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
        db.commit()
    before = path.read_bytes()
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: "newer version of Storytime" in flat(app))
        await send(pilot)
        await until(pilot, lambda: "saving…" not in screen_text(app))
        assert "newer version of Storytime" in flat(app)
        assert app.screen.query_one(Prompt).text == LINE  # what was typed is in view
    assert path.read_bytes() == before


# -- keys ------------------------------------------------------------------------------------------------


async def test_after_a_dialog_the_focus_is_where_it_was(app: StorytimeApp, world: World) -> None:
    """Keys that meant something before `o`, `m`, `u`, `R` mean the same after them; `n` begins a line."""
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        prompt = app.screen.query_one(Prompt)
        await pilot.press("escape", "o")
        await until(pilot, lambda: isinstance(app.focused, StoryList) and app.focused.rows)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.focused, Page))
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.focused, ChoiceList) and app.focused.rows)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.focused, Page))
        await pilot.press("u")
        await until(pilot, lambda: "frog" not in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: "A blank page" in screen_text(app))
        assert isinstance(app.focused, Prompt)
        await pilot.press("escape", "R")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, Page))
        assert prompt.text == ""
        await pilot.press("enter", "r")  # in the line again: a letter
        await until(pilot, lambda: prompt.text == "r")


async def test_the_footer_shows_the_way_out_while_digits_are_letters(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        foot = screen_text(app).splitlines()[-1]
        for key in ("f1 Help", "f2 Library", "f3 Train", "f4 Story", "Send"):
            assert key in foot
        await pilot.press("escape")
        await until(pilot, lambda: "Write" in screen_text(app).splitlines()[-1])
        assert "f2" not in screen_text(app).splitlines()[-1]


def test_what_waiting_does_not_help_is_told_to_who_asked(world: World, other: StoryStore) -> None:
    said: list[str] = []
    store_thread = StoreThread(lambda: other, said.append)
    with pytest.raises(StoryError, match="There is no story 99"):
        store_thread.write(lambda store: store.rename(99, "x")).result(10)
    assert store_thread.write(lambda store: store.new_story("owl").title).result(10) == "owl"
    assert said == []
    assert store_thread.drain(10)


@pytest.mark.skipif(os.name == "nt", reason="Windows offers no pseudo-terminal")
def test_kill_9_while_one_types_costs_the_last_half_second_alone(home: Path) -> None:
    with open_app(80, 24, home) as terminal:
        terminal.wait_for("Library")
        terminal.keys("3")
        terminal.wait_for("A blank page")
        typed, kept = "", ""
        until_then = time.monotonic() + 30
        while not kept and time.monotonic() < until_then:
            terminal.press("a", at=r"› a*")  # never half a second without a key, on a machine at rest
            typed += "a"
            kept = draft_in(home / "stories.sqlite3")
        kill_app(terminal)
    assert kept
    assert typed.startswith(draft_in(home / "stories.sqlite3"))


def draft_in(path: Path) -> str:
    """The draft of the only story; "" where there is none yet."""
    with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        row = db.execute("SELECT text FROM draft").fetchone()
        return str(row[0]) if row else ""
    return ""


async def test_that_a_story_changed_elsewhere_is_no_news_with_the_next_page(
    app: StorytimeApp, other: StoryStore
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        await pilot.press("escape")
        other.add_passage(1, "you", " Theirs.")
        await pilot.press("u")
        await until(pilot, lambda: "changed in another window" in flat(app))
        await pilot.press("n")
        await until(pilot, lambda: "A blank page" in screen_text(app))
        assert "changed in another window" not in flat(app)


async def test_a_story_that_was_removed_elsewhere_says_so_once(
    app: StorytimeApp, world: World, other: StoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storytime_tui.tui.screens.story.POLL", 0.1)
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        other.remove(1)
        await until(pilot, lambda: "removed elsewhere" in flat(app))
        await pilot.press("escape", "k")
        await until(pilot, lambda: "removed elsewhere" not in flat(app))
