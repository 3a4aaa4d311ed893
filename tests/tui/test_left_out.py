"""What an import left out: said, shown beside the text of the file, put back with a key and left out again."""

import dataclasses
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.real_services import real_services
from storytime_tui.tui.screens.left_out import LeftOutScreen
from storytime_tui.tui.widgets.part_list import PartList
from storytime_tui.tui.widgets.sheet_view import SheetView
from tests.commands.test_corpus_left_out import BOOK
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, until
from tests.tui.fakes import World


@pytest.fixture
def app(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorytimeApp:
    monkeypatch.setattr(paths, "bundled_collections_folder", lambda: tmp_path / "nowhere")
    path = tmp_path / "three.txt"
    path.write_text(BOOK)
    add_collection([path], "three")
    real = real_services()
    names = ("shelf", "add", "remove", "undo", "original_text", "left_out", "put_back", "leave_out")
    return StorytimeApp(
        dataclasses.replace(world.services(), **{name: getattr(real, name) for name in names})
    )


@pytest.mark.parametrize("size", [SMALL, (130, 40)])
async def test_a_part_is_shown_in_its_text_put_back_and_left_out_again(
    app: StorytimeApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, LeftOutScreen) and bool(app.screen._list.rows))
        screen = app.screen
        assert isinstance(screen, LeftOutScreen)
        parts = screen.query_one(PartList)
        assert "contents list" in screen_text(app)
        at = next(at for at, part in enumerate(parts.rows) if part.asked)
        await pilot.press(*["down"] * at)
        text = screen.query_one(SheetView)
        await until(pilot, lambda: "In the year 1800 I began to write." in "\n".join(text.sheet.lines))
        quiet = [text.sheet.lines[row] for row, kind in text.sheet.kinds.items() if kind == "quiet"]
        assert "THE HERON" in "\n".join(quiet)  # the contents list before it
        assert not any("In the year 1800" in line for line in quiet)
        await until(pilot, lambda: "In the year 1800" in screen_text(app))
        await pilot.press("p")
        await until(pilot, lambda: "is a story now. u leaves it out again." in flat(app))
        assert find_collection("three").stories[0].title == "PREFACE"
        assert not any(part.asked for part in parts.rows)
        await pilot.press("u")
        await until(pilot, lambda: "is left out again." in flat(app))
        assert len(find_collection("three").stories) == 3
        assert any(part.asked for part in parts.rows)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, LeftOutScreen))


async def test_an_import_asks_about_a_large_part_and_its_remarks_say_what_was_kept(
    app: StorytimeApp, tmp_path: Path
) -> None:
    async with app.run_test(size=(130, 40)) as pilot:
        await shelf_is_open(pilot)
        app.screen.imports._import([str(tmp_path / "three.txt")])  # type: ignore[attr-defined]
        await until(
            pilot,
            lambda: "Is this a story? three.txt, lines 17 to 117 (front matter, 401 words)" in flat(app),
        )
        await pilot.press("l")
        await until(
            pilot, lambda: "words are in its stories" in flat(app) and "licence 16 words" in flat(app)
        )


async def test_of_a_file_whose_words_are_all_in_stories_it_says_so(app: StorytimeApp, tmp_path: Path) -> None:
    path = tmp_path / "plain.txt"
    path.write_text("The goose sat down by the lamp and slept.")
    add_collection([path], "plain")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("plain", None)  # type: ignore[attr-defined]
        await pilot.press("o")
        await until(pilot, lambda: "Every word of the files is in one of the stories." in flat(app))
        await pilot.press("p", "u")
        await pilot.pause()
        assert len(find_collection("plain").stories) == 1
