"""Library over a real shelf that other programs change, and that holds things which cannot be read."""

import dataclasses
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.library.shelf import find_collection, load_shelf
from storytime_tui.jobs import shelves
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.real_services import real_services
from storytime_tui.tui.screens.dialogs import AskScreen
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import World


@pytest.fixture
def app(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorytimeApp:
    """Two collections on the disk; all that concerns the shelf is real."""
    monkeypatch.setattr(paths, "bundled_collections_folder", lambda: tmp_path / "nowhere")
    for name in ("fables", "grimm"):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(2):
            (folder / f"{number}.txt").write_text(
                f"{name} {number}\n\nOnce a fox of {name} ran {number} miles."
            )
        add_collection([folder])
    real = real_services()
    shelf = ("shelf", "rename", "remove", "removed", "undo", "set_punctuation", "original_text")
    return StorytimeApp(
        dataclasses.replace(world.services(), **{name: getattr(real, name) for name in shelf})
    )


async def test_what_another_program_removed_is_said_and_goes_from_the_screen(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("grimm", None)  # type: ignore[attr-defined]
        shelves.remove(find_collection("grimm"))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await type_text(pilot, "New title")
        await pilot.press("enter")
        await until(pilot, lambda: "“Grimm” is no longer there: it was removed or replaced" in flat(app))
        await until(pilot, lambda: [each.name for each in app.desk.collections] == ["fables"])
        assert "[ ] Grimm" not in screen_text(app)
    assert not (paths.collections_folder() / "grimm").exists()
    assert shelves.restore("grimm").name == "grimm"


async def test_renames_in_two_apps_are_both_kept(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("grimm", 1)  # type: ignore[attr-defined]
        shelves.rename(find_collection("grimm"), 0, "Theirs")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await type_text(pilot, "Ours")
        await pilot.press("enter")
        await until(pilot, lambda: "Now called “Ours”" in screen_text(app))
    assert [story.title for story in find_collection("grimm").stories] == ["Theirs", "Ours"]


async def test_what_cannot_be_read_is_named_beside_the_rest(app: StorytimeApp) -> None:
    root = paths.collections_folder()
    (root / "grimm" / "collection.toml").write_text("title = " + "9" * 5000)
    (root / "notes.txt").write_text("[b]Once.")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        assert [each.name for each in app.desk.collections] == ["fables"]
        await until(pilot, lambda: "2 things on the shelf cannot be read (l):" in flat(app))
        await pilot.press("l")
        await until(pilot, lambda: "is not valid TOML: a number in it has too many" in flat(app))
        assert "notes.txt is not a folder" in flat(app)
    assert [each.name for each in load_shelf()] == ["fables"]


async def test_a_title_without_end_is_refused(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("grimm", None)  # type: ignore[attr-defined]
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        app.screen.dismiss("x" * 100_000)
        await until(
            pilot, lambda: "A title may have at most 300 letters, but this one has 100,000" in flat(app)
        )
    assert find_collection("grimm").title == "Grimm"
