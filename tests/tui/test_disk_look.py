"""How the Disk screen and the question before a download look."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from storytime_tui.jobs import downloads
from storytime_tui.jobs.downloads import Wanted
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.download_questions import DownloadQuestion
from storytime_tui.tui.housekeeping_services import HousekeepingServices
from tests.tui.conftest import flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fakes import World
from tests.tui.test_disk_screen import Disk
from tests.tui.test_snapshots import SIZES, Compare


@SIZES
def test_disk(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    disk = Disk()
    app = StorytimeApp(
        replace(world.services(), housekeeping=HousekeepingServices(disk.use, disk.clear, disk.back_up))
    )
    app.theme, app.animation_level = "storytime", "none"

    async def to(pilot: Pilot[Any]) -> None:
        app.action_disk()
        await until(pilot, lambda: "hub/distilgpt2" in screen_text(app))
        await pilot.press("down", "down")
        await until(
            pilot, lambda: "eeps the checkpoint of step 8" in flat(app) and "Measuring" not in flat(app)
        )

    assert taken(snap_compare, app, size, to)


def test_download_question(snap_compare: Compare, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 19_800_000_000})
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage)
    app = make_app(world)
    wanted = Wanted(
        "distilgpt2", 352_824_413, "https://huggingface.co", Path("/home/me/.cache/huggingface/hub")
    )

    async def to(pilot: Pilot[Any]) -> None:
        app.post_message(DownloadQuestion(wanted))
        await until(pilot, lambda: "Download distilgpt2?" in screen_text(app))

    assert taken(snap_compare, app, (80, 24), to)


def taken(
    snap_compare: Compare,
    app: StorytimeApp,
    size: tuple[int, int],
    to: Callable[[Pilot[Any]], Awaitable[None]],
) -> bool:
    async def run_before(pilot: Pilot[Any]) -> None:
        await shelf_is_open(pilot)
        await to(pilot)
        app.screen.refresh()
        await pilot.pause()

    return snap_compare(app, terminal_size=size, run_before=run_before)
