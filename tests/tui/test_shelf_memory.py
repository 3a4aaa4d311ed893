"""What the Library remembers: ticks, open collections and the cursor's place, whatever happens to the file."""

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from storytime_tui import paths
from storytime_tui.errors import StorytimeError
from storytime_tui.jobs.shelves import AddedCollection
from storytime_tui.tui import shelf_file
from storytime_tui.tui.shelf_memory import ShelfMemory, ShelfState, from_json, state_of, ticks_of, to_json
from storytime_tui.tui.ticks import Ticks
from tests.tui.conftest import SMALL, make_app, screen_text, shelf_is_open, until
from tests.tui.fake_library import SHELF, collection
from tests.tui.fakes import World

MINE = collection("mine", "My Tales", ["One", "Two", "Three"], bundled=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STORYTIME_HOME", str(tmp_path))
    return tmp_path


async def test_ticks_and_place_are_as_they_were_after_a_restart(world: World) -> None:
    """An import that is ticked stays ticked; a story that is not stays so, and the cursor stands on it."""
    world.collections = SHELF[:2]
    world.to_add = AddedCollection(MINE)
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.imports.start("Importing", lambda report, stop: app.desk.services.add(["x"], report, stop))  # type: ignore[attr-defined]
        await until(pilot, lambda: "[x] My Tales" in screen_text(app))
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("down", "down", "space")
        await until(pilot, lambda: "[ ] Two" in screen_text(app))
        ticked = app.desk.ticks
    again = make_app(world)
    async with again.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "[ ] Two" in screen_text(again))
        assert again.desk.ticks == ticked
        tree = again.screen.shelf_tree  # type: ignore[attr-defined]
        assert tree.leaf is not None
        assert tree.leaf.title == "Two"


async def test_a_tick_is_kept_at_once(world: World) -> None:
    """Whoever is killed a moment later has ticked."""
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("space")
        await until(pilot, lambda: world.remembered and world.remembered.ticked["hedgerow"] == frozenset())


async def test_what_was_imported_while_the_app_was_closed_is_ticked_and_what_vanished_is_no_trouble(
    world: World,
) -> None:
    world.remembered = ShelfState(
        {"hedgerow": frozenset(), "gone": None}, frozenset({"gone"}), ("gone", "a:1")
    )
    world.collections = (*SHELF, MINE)
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "3 stories" in screen_text(app))
        assert app.desk.ticks.chosen == {"mine": frozenset({0, 1, 2})}


async def test_a_file_that_cannot_be_read_is_named_and_the_usual_is_ticked(world: World) -> None:
    world.remembered_error = StorytimeError("desk.json is not valid JSON.")
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "desk.json is not valid JSON." in screen_text(app))
        assert app.desk.ticks.count(app.desk.collections) == 10


async def test_the_cursor_stays_where_it_was_when_one_comes_back_from_another_screen(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("end", "right", "end", "2")
        await until(pilot, lambda: app.current_mode == "train")
        await pilot.press("1")
        await until(pilot, lambda: app.current_mode == "library" and "Nonsense 15" in screen_text(app))
        assert app.screen.shelf_tree.leaf.title == "Nonsense 15"  # type: ignore[attr-defined]


def test_a_state_is_the_same_after_the_file(home: Path) -> None:
    ticks = Ticks({"hedgerow": frozenset(range(10)), "attic": frozenset({3})})
    read = {("attic", "03.txt:1"): 1200, ("hedgerow", "00.txt:1"): 7}
    state = state_of(SHELF, ticks, {"attic", "gone"}, ("attic", "03.txt:1"), read)
    shelf_file.save(state)
    kept = shelf_file.load()
    assert kept == state
    assert kept is not None
    assert list(kept.read) == list(read)  # the story read last is still the last one
    assert ticks_of(state, SHELF) == ticks
    assert state.opened == {"attic"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_the_file_is_its_owners_alone(home: Path) -> None:
    shelf_file.save(ShelfState())
    assert stat.S_IMODE(paths.desk_file().stat().st_mode) == 0o600


def test_without_a_file_there_is_no_state(home: Path) -> None:
    assert shelf_file.load() is None


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "1" * 5_000, "\x00", '{"ticked": ' + "9" * 5000 + "}"])
def test_a_broken_file_is_one_sentence(home: Path, text: str) -> None:
    paths.desk_file().write_text(text)
    with pytest.raises(StorytimeError, match=r"desk\.json"):
        shelf_file.load()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_pipe_in_its_place_is_not_waited_for(home: Path) -> None:
    os.mkfifo(paths.desk_file())
    with pytest.raises(StorytimeError, match="pipe"):
        shelf_file.load()


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        [],
        "x",
        {"ticked": 5, "opened": {"a": 1}, "cursor": "ab"},
        {"ticked": {"hedgerow": False, "attic": "all", "x": None}, "opened": [1, None], "cursor": ["a"]},
        {"ticked": {"hedgerow": [1, None, ["deep"]]}, "cursor": [1, 2]},
        {"ticked": ["hedgerow"], "opened": "hedgerow", "cursor": {"hedgerow": 1}},
    ],
)
def test_anything_of_the_wrong_shape_is_passed_over(value: Any) -> None:
    state = from_json(value)
    assert all(places in (None, frozenset()) for places in state.ticked.values())
    assert (state.opened, state.cursor) == (frozenset(), None)
    ticks_of(state, SHELF)
    json.dumps(to_json(state))


def test_the_newest_state_is_written_last_and_in_no_ones_way() -> None:
    gate, written = threading.Semaphore(0), []

    def keep(state: ShelfState) -> None:
        gate.acquire(timeout=10)
        written.append(state)

    memory = ShelfMemory(keep, print)
    states = [ShelfState(opened=frozenset({str(i)})) for i in range(50)]
    for state in states:
        memory.keep(state)
    gate.release(50)
    assert memory.drain(10)
    assert written[-1] == states[-1]
    assert len(written) <= 3


def test_a_full_disk_is_said_once() -> None:
    said: list[str] = []

    def keep(state: ShelfState) -> None:
        raise StorytimeError("The disk is full.")

    memory = ShelfMemory(keep, said.append)
    for i in range(5):
        memory.keep(ShelfState(opened=frozenset({str(i)})))
        assert memory.drain(10)
    assert said == ["The disk is full."]


@pytest.mark.parametrize(
    "kept", ["{}", "[]", '{"ticked": 7}', '{"ticked": {}}', '{"ticked": {"hedgerow": 1}}']
)
def test_a_file_that_says_nothing_of_ticks_leaves_a_newcomers(home: Path, kept: str) -> None:
    paths.desk_file().write_text(kept)
    assert ticks_of(shelf_file.load(), SHELF) == Ticks().with_all_of(SHELF[0])


def test_a_folder_in_its_place_is_named_and_what_to_do(home: Path) -> None:
    paths.desk_file().mkdir()
    with pytest.raises(StorytimeError, match=r"desk\.json is a folder, so .* saved there: move it away\."):
        shelf_file.save(ShelfState())
