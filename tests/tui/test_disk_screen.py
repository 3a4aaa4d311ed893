"""The Disk screen: what takes room, clearing after a question, and a backup."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from storytime_tui import paths
from storytime_tui.errors import StorytimeError
from storytime_tui.jobs.housekeeping.backup import MadeBackup, create_backup
from storytime_tui.jobs.housekeeping.disk import Cleared, DiskUse, Part
from storytime_tui.reporting import Report
from storytime_tui.stories.store import StoryStore
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.housekeeping_services import HousekeepingServices
from storytime_tui.tui.screens.dialogs import ListScreen
from storytime_tui.tui.screens.disk import DiskScreen
from tests.tui.conftest import SMALL, flat, screen_text, type_text, until
from tests.tui.fakes import World

PARTS = (
    Part("stories", 41_000, 0, "what you wrote; never cleared", ""),
    Part("checkpoints", 812_000_000, 540_000_000, "2 runs"),
    Part(
        "checkpoints/[b]hedgerow-1",
        400_000_000,
        270_000_000,
        "keeps the checkpoint of step 8",
        of="checkpoints",
    ),
    Part("bin", 120_000_000, 120_000_000, "2 removed, kept for 30 days"),
    Part("hub/distilgpt2", 353_000_000, 353_000_000, "not used for 12 days", "It is downloaded again."),
)


class Disk:
    """A disk that remembers what was done to it."""

    def __init__(self) -> None:
        self.parts = PARTS
        self.cleared: list[str] = []
        self.saved: list[str] = []
        self.restored: list[str] = []
        self.notes: tuple[str, ...] = ()
        self.go_on = threading.Event()
        self.go_on.set()

    def use(self) -> DiskUse:
        return DiskUse(self.parts, 19_800_000_000, Path("/home"))

    def clear(self, what: str) -> Cleared:
        self.cleared.append(what)
        part = next(each for each in self.parts if each.what == what)
        self.parts = tuple(each for each in self.parts if each is not part)
        return Cleared(
            part.can_go, ("owl is open now, so all of it stays.",) if what == "checkpoints" else ()
        )

    def back_up(self, to: str, report: Report) -> MadeBackup:
        self.saved.append(to)
        if to == "/full":
            raise StorytimeError("The disk is full.")
        return MadeBackup(Path(to) / "storytime.zip", 900_000_000, 3, 2, 1)

    def restore(self, file: str, report: Report) -> tuple[str, ...]:
        report("reading", 1_000_000, 2_000_000)
        assert self.go_on.wait(60)
        self.restored.append(file)
        if file == "/broken.zip":
            raise StorytimeError("/broken.zip is no whole backup: nothing was restored.")
        return "Restored 3 stories, 1 collection and 0 runs.", *self.notes


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture(name="app")
def app_with_disk(world: World, disk: Disk) -> StorytimeApp:
    services = HousekeepingServices(disk.use, disk.clear, disk.back_up, disk.restore)
    return StorytimeApp(replace(world.services(), housekeeping=services))


async def open_disk(pilot: Pilot[None]) -> None:
    pilot.app.action_disk()  # type: ignore[attr-defined]
    await until(pilot, lambda: "hub/distilgpt2" in screen_text(pilot.app))  # type: ignore[arg-type]


async def test_it_lists_sizes_and_what_can_go(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_disk(pilot)
        said = flat(app)
        assert "1.3 GB, 1.0 GB of it can go · 19.8 GB free" in said
        assert "checkpoints/[b]hedgero" in said and "270 MB" in said
        assert "What you wrote; never cleared." in said
        assert "c Clear" not in said  # nothing of the stories can go
        await pilot.press("end")
        await until(pilot, lambda: "Not used for 12 days" in flat(app))
        assert "c Clear" in flat(app)


async def test_a_part_is_cleared_after_a_question(app: StorytimeApp, disk: Disk) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_disk(pilot)
        await pilot.press("down", "down", "down", "c")
        await until(pilot, lambda: "Clear 120 MB of bin?" in flat(app))
        await until(pilot, lambda: "What is cleared cannot be brought back." in flat(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DiskScreen))
        assert disk.cleared == []
        await pilot.press("c")
        await until(pilot, lambda: "Clear 120 MB of bin?" in flat(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Freed 120 MB." in flat(app))
        assert disk.cleared == ["bin"]
        assert "120 MB" not in flat(app).replace("Freed 120 MB", "")


async def test_what_stays_is_said(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_disk(pilot)
        await pilot.press("down", "c")
        await until(pilot, lambda: "Clear 540 MB of checkpoints?" in flat(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Freed 540 MB. owl is open now, so all of it stays." in flat(app))


async def test_a_backup_is_made_in_the_folder_that_is_typed(app: StorytimeApp, disk: Disk) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await open_disk(pilot)
        for folder, said in (
            ("/full", "The disk is full."),
            ("/mnt", "Saved 3 stories, 2 collections and 1 run"),
        ):
            await pilot.press("b")
            await until(pilot, lambda: "Back up stories, collections" in flat(app))
            await pilot.press("ctrl+u")
            await type_text(pilot, folder)
            await pilot.press("enter")
            await until(pilot, lambda said=said: said in flat(app))
        assert disk.saved == ["/full", "/mnt"]


async def restore(pilot: Pilot[None], app: StorytimeApp, file: str) -> None:
    await pilot.press("r")
    await until(pilot, lambda: "Restore a backup" in flat(app))
    await type_text(pilot, file)
    await pilot.press("enter")


async def test_a_backup_is_restored_after_it_was_said_what_happens(app: StorytimeApp, disk: Disk) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await open_disk(pilot)
        changed: list[object] = []
        app.desk.collections_changed.subscribe(app.screen, changed.append)
        await pilot.press("r")
        await until(pilot, lambda: "What is here stays as it is" in flat(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DiskScreen))
        assert disk.restored == []
        await restore(pilot, app, "/broken.zip")
        await until(pilot, lambda: "/broken.zip is no whole backup: nothing was restored." in flat(app))
        assert changed == []
        await restore(pilot, app, "/good.zip")
        await until(pilot, lambda: "Restored 3 stories, 1 collection and 0 runs." in flat(app))
        assert disk.restored == ["/broken.zip", "/good.zip"] and changed == [None]


async def test_what_came_back_under_another_name_is_listed(app: StorytimeApp, disk: Disk) -> None:
    disk.notes = ("Another run is called owl here and stays; that of the backup is owl-restored now.",)
    async with app.run_test(size=SMALL) as pilot:
        await open_disk(pilot)
        await restore(pilot, app, "/good.zip")
        await until(pilot, lambda: isinstance(app.screen, ListScreen) and "owl-restored now." in flat(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DiskScreen))


async def test_a_restore_goes_on_when_the_list_is_closed_and_says_how_it_went(
    app: StorytimeApp, disk: Disk
) -> None:
    disk.go_on.clear()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await open_disk(pilot)
        await restore(pilot, app, "/good.zip")
        await until(pilot, lambda: "Restoring: " in flat(app) and "r Restore" not in flat(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, DiskScreen))
        disk.go_on.set()
        await until(
            pilot,
            lambda: (
                [each.message for each in app._notifications]
                == ["Restored 3 stories, 1 collection and 0 runs."]
            ),
        )


async def test_a_real_backup_comes_back_into_the_library_beside_the_open_app(
    world: World, home: Path, tmp_path: Path
) -> None:
    """The store is open and in use: what it holds stays, and what the backup holds is added."""
    store = StoryStore(paths.stories_file())
    store.add_passage(store.new_story("The Owl").id, "you", "An owl sat up late.")
    create_backup(str(tmp_path / "kept.zip"), lambda *_: None)
    store.rename(store.stories()[0].id, "The Wren")
    store.add_passage(store.stories()[0].id, "you", " And a wren.")
    app = StorytimeApp(replace(world.services(), housekeeping=HousekeepingServices()))
    async with app.run_test(size=(120, 40)) as pilot:
        app.action_disk()
        await until(pilot, lambda: "stories" in screen_text(app) and "Measuring" not in flat(app))
        await restore(pilot, app, str(tmp_path / "kept.zip"))
        await until(pilot, lambda: "Restored 1 story, 0 collections and 0 runs." in flat(app))
    assert sorted(each.title for each in store.stories()) == ["The Owl", "The Wren"]
    store.close()


async def test_the_palette_and_a_key_of_runs_lead_to_it_and_help_explains_it(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        assert "Disk" in {command.title for command in app.get_system_commands(app.screen)}
        await app.action_mode("runs")
        await until(pilot, lambda: app.screen.id != "library" and app.current_mode == "runs")
        assert [command.title for command in app.get_system_commands(app.screen)].count("Disk") == 1
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, DiskScreen))
        await pilot.press("question_mark")
        await until(pilot, lambda: "Disk: what takes room" in flat(app))


async def test_two_long_names_that_begin_alike_are_told_apart(app: StorytimeApp, disk: Disk) -> None:
    for number in (1, 2):
        part = Part(
            f"checkpoints/hedgerow-tales-by-night-{number}", 5_000, 0, "1 checkpoint", of="checkpoints"
        )
        disk.parts = (*disk.parts, part)
    async with app.run_test(size=SMALL) as pilot:
        await open_disk(pilot)
        names = [line.split()[1] for line in screen_text(app).split("\n") if "checkpoints/h" in line]
        assert len(set(names)) == 2 and all("…" in name for name in names)
