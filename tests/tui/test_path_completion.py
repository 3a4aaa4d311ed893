"""Tab completes the path of an import: what fits, how it is written, and folders that never answer."""

import dataclasses
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Input

from storytime_tui.jobs.shelves import AddedCollection
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.pasted import typed_sources
from storytime_tui.tui.path_completion import Completion, Entry, complete, list_folder
from storytime_tui.tui.screens import ask_path
from storytime_tui.tui.screens.ask_path import AskPathScreen
from storytime_tui.tui.screens.bookshelf import BookshelfScreen
from storytime_tui.tui.screens.story import StoryScreen
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.path_choices import PathChoices
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, type_text, until
from tests.tui.fake_library import SHELF
from tests.tui.fakes import World

FOLDERS = {
    "/b/": [
        Entry("my tales", True),
        Entry("my tale.txt"),
        Entry("Robin's.txt"),
        Entry(".hidden"),
        Entry("a\\b.txt"),
    ],
    "/b/my tales/": [Entry("狐.txt"), Entry("fox.txt")],
    "~/": [Entry("books", True), Entry("bread.txt")],
    "": [Entry("here.txt")],
}


def read(folder: str) -> Sequence[Entry]:
    if folder not in FOLDERS:
        raise FileNotFoundError(2, "No such file or directory", folder)
    return FOLDERS[folder]


def completed(text: str) -> str:
    """The line after Tab, with a stroke where the cursor is if not at its end, and the names that fit."""
    found = complete(text, read)
    if found is None:
        return "nothing"
    line = found.text + ("|" + found.rest if found.rest else "")
    return " ".join([line, *(f"({entry.shown})" for entry in found.choices)])


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("/b/my", "/b/my tale (my tales/) (my tale.txt)"),
        ("/b/my tales", "/b/my tales/"),
        ("/b/MY TALE.", "/b/my tale.txt"),
        ("/b/my\\ tales", "/b/my\\ tales/"),
        ("'/b/my tales", "'/b/my tales/|'"),
        ('"/b/my tale.', '"/b/my tale.txt"'),
        ("/b/R", "/b/Robin's.txt"),
        ("'/b/R", "'/b/Robin's.txt'"),
        ("/b/a", "/b/a\\\\b.txt"),
        ("/b/", "/b/ (my tales/) (my tale.txt) (Robin's.txt) (a\\b.txt)"),
        ("/b/.", "/b/.hidden"),
        ("/b/my tales/狐", "/b/my tales/狐.txt"),
        ("/b/my tales/x", "nothing"),
        ("~", "~/b (books/) (bread.txt)"),
        ("~/bo", "~/books/"),
        ("he", "here.txt"),
        ("", "here.txt"),
        ("~/books /b/my\\ tales", "~/books /b/my\\ tales/"),
        ("'/b/my tales' ~/br", "'/b/my tales' ~/bread.txt"),
    ],
)
def test_what_tab_makes_of_a_line(typed: str, expected: str) -> None:
    assert completed(typed) == expected


def test_a_folder_that_is_not_there_is_an_error_and_only_if_no_reading_of_the_line_has_one() -> None:
    with pytest.raises(FileNotFoundError):
        complete("/no such/fold", read)
    assert complete("/b/my\\ tales/fo", read) is not None


NAMES = st.text(st.sampled_from("ab 'é狐\"\\~.-$*#\u202f"), min_size=1, max_size=8).filter(
    lambda name: name.strip() == name and name not in (".", "..")
)


@given(
    NAMES,
    st.booleans(),
    st.sampled_from(["/b/", "~/", "./c/"]),
    st.sampled_from(["", "'", '"', "\\"]),
    st.data(),
)
def test_a_completed_line_is_read_as_that_path_whatever_the_name(
    name: str, is_folder: bool, folder: str, quote: str, data: Any
) -> None:
    entry = Entry(name, is_folder)

    def alone(asked: str) -> Sequence[Entry]:
        if asked != folder:
            raise FileNotFoundError(asked)
        return [entry]

    begun = folder + name[: data.draw(st.integers(1, len(name)))]
    escaped = "".join("\\" + sign if sign in " '\"\\\u202f" else sign for sign in begun)
    typed = {
        "": begun,
        "'": f"'{begun}",
        '"': '"' + begun.replace("\\", "\\\\").replace('"', '\\"'),
        "\\": escaped,
    }[quote]
    if quote == "'" and "'" in begun:
        return  # such a quote ends before the name does
    found = complete(typed, alone)
    assert found is not None
    wanted = os.path.expanduser(folder + entry.shown)
    assert typed_sources(found.text + found.rest) == (wanted,)


@given(NAMES, st.booleans(), st.data())
def test_where_one_path_is_asked_for_it_stands_as_it_is(name: str, is_folder: bool, data: Any) -> None:
    entry = Entry(name, is_folder)
    begun = "/b/" + name[: data.draw(st.integers(1, len(name)))]
    found = complete(begun, lambda folder: [entry], one_path=True)
    assert found is not None and (found.text, found.rest) == ("/b/" + entry.shown, "")


@given(st.text(max_size=60))
def test_any_line_can_be_completed_or_not(text: str) -> None:
    def anything(folder: str) -> Sequence[Entry]:
        if len(folder) > 5:
            raise OSError(folder)
        return [Entry("name"), Entry("other", True)]

    try:
        found = complete(text, anything)
    except OSError:
        return
    assert found is None or isinstance(found, Completion)


def test_a_folder_is_listed_with_what_can_be_typed(tmp_path: Path) -> None:
    for name in ("b.txt", "A.txt", "Über.txt", ".hidden", "line\nend.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    entries = list_folder(f"{tmp_path}/")
    assert [entry.shown for entry in entries] == [
        ".hidden", "A.txt", "b.txt", "broken", "folder/", "link/", "Über.txt",
    ]  # fmt: skip
    with pytest.raises(OSError, match="nowhere"):
        list_folder(f"{tmp_path}/nowhere/")


# -- the dialog -------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path = tmp_path / "mine"  # the tests' world has its stories beside it
    for name in ("tale one.txt", "tale two.txt", "other.txt", ".hidden"):
        (tmp_path / "books" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "books" / name).write_text("Once.")
    return tmp_path


def field(app: StorytimeApp) -> Input:
    return app.screen.query_one(Input)


async def ask(pilot: Pilot[Any], typed: str) -> None:
    await shelf_is_open(pilot)
    await pilot.press("i")
    await until(
        pilot, lambda: isinstance(pilot.app.screen, AskPathScreen) and isinstance(pilot.app.focused, Input)
    )
    await retype(pilot, typed)


async def retype(pilot: Pilot[Any], typed: str) -> None:
    at = pilot.app.screen.query_one(Input)
    at.value = typed
    at.cursor_position = len(typed)
    await pilot.pause()


async def test_tab_completes_as_far_as_is_certain_and_lists_the_names(
    app: StorytimeApp, folder: Path
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await ask(pilot, f"{folder}/bo")
        await pilot.press("tab")
        await until(pilot, lambda: field(app).value == f"{folder}/books/")
        await pilot.press("tab")
        await until(pilot, lambda: "tale one.txt" in screen_text(app) and "other.txt" in screen_text(app))
        assert ".hidden" not in screen_text(app)
        await pilot.press("t")
        await until(pilot, lambda: "other.txt" not in screen_text(app))
        await pilot.press("tab")
        await until(pilot, lambda: field(app).value == f"{folder}/books/tale ")
        await pilot.press("tab", "down")
        await until(pilot, lambda: "Take it" in flat(app))
        await pilot.press("enter")
        await until(pilot, lambda: field(app).value == f"{folder}/books/tale two.txt")
        assert not app.screen.query_one(PathChoices).display


async def test_enter_imports_what_is_typed_and_not_what_is_only_listed(
    app: StorytimeApp, world: World, folder: Path
) -> None:
    world.to_add = AddedCollection(SHELF[1])
    async with app.run_test(size=SMALL) as pilot:
        await ask(pilot, f"{folder}/books/")
        await pilot.press("tab")
        await until(pilot, lambda: "other.txt" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: world.added == [f"{folder}/books/"])


async def test_a_long_list_is_short_and_says_how_many_more(app: StorytimeApp, folder: Path) -> None:
    for number in range(40):
        (folder / f"tale {number:02}.txt").touch()
    (folder / "books").rename(folder / "tale books")
    async with app.run_test(size=SMALL) as pilot:
        await ask(pilot, f"{folder}/")
        await pilot.press("tab")
        await until(pilot, lambda: field(app).value == f"{folder}/tale ")
        await until(
            pilot, lambda: "tale 00.txt" in screen_text(app) and "and 36 more entries" in screen_text(app)
        )
        assert "esc Cancel" in flat(app)  # the dialog is whole
        await pilot.press("up", "up", "up")
        await until(pilot, lambda: "tale 38.txt" in screen_text(app))
        await pilot.press("tab")
        await until(pilot, lambda: field(app).value == f"{folder}/tale 38.txt")


async def test_what_cannot_be_read_and_what_fits_nothing_is_said(app: StorytimeApp, folder: Path) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await ask(pilot, f"{folder}/nowhere/x")
        await pilot.press("tab")
        await until(
            pilot, lambda: "nowhere/: no such file or directory." in app.screen.query_one(MessageLine).error
        )
        await retype(pilot, f"{folder}/books/zzz")
        await pilot.press("tab")
        await until(pilot, lambda: "Nothing here begins like this." in screen_text(app))


async def test_a_folder_that_never_answers_blocks_nothing(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead network mount: the keys go on, other folders are completed, and so many threads wait, not more."""
    monkeypatch.setattr(ask_path, "_PATIENCE", 0.2)
    gate, waiting = threading.Event(), []

    def dead(asked: str) -> Sequence[Entry]:
        if asked.startswith("/mnt/dead"):
            waiting.append(asked)
            gate.wait(60)
        return list_folder(asked)

    app = StorytimeApp(dataclasses.replace(world.services(), list_folder=dead))
    app.animation_level = "none"
    try:
        async with app.run_test(size=SMALL) as pilot:
            await ask(pilot, "/mnt/dead/x")
            await pilot.press("tab", "tab", "tab")
            await until(pilot, lambda: "This folder does not answer." in flat(app))
            assert len(waiting) == 1
            await pilot.press("y")
            assert field(app).value == "/mnt/dead/xy"
            await retype(pilot, f"{folder}/bo")
            await pilot.press("tab")
            await until(pilot, lambda: field(app).value == f"{folder}/books/")
            for number in range(9):
                await retype(pilot, f"/mnt/dead/{number}/x")
                await pilot.press("tab")
            await until(pilot, lambda: len(waiting) >= 4)
            assert len(waiting) <= 4
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, AskPathScreen))
    finally:
        gate.set()


async def test_the_bookshelfs_import_and_export_complete_paths_too(app: StorytimeApp, folder: Path) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and isinstance(app.focused, Prompt))
        await type_text(pilot, "Once.")
        await pilot.press("escape", "o")
        await until(pilot, lambda: isinstance(app.screen, BookshelfScreen))
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, AskPathScreen) and isinstance(app.focused, Input))
        await retype(pilot, f"{folder}/books/oth")
        await pilot.press("tab")
        await until(pilot, lambda: field(app).value == f"{folder}/books/other.txt")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BookshelfScreen) and "Imported" in flat(app))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskPathScreen) and isinstance(app.focused, Input))
        assert field(app).value == "~/other.epub"
        await retype(pilot, f"{folder}/bo")
        await pilot.press("tab")
        await until(pilot, lambda: field(app).value == f"{folder}/books/")
        await retype(pilot, f"{folder}/books/my other.txt")
        await pilot.press("enter")
        await until(pilot, lambda: (folder / "books" / "my other.txt").is_file())
