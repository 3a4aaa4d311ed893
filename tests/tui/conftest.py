"""What the app's tests share: a world of fakes, and waiting for something to become true."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from storytime_tui.tui.app import StorytimeApp
from tests.tui.fakes import World
from tests.tui.frames import paint_only_what_is_seen, remember_what_was_seen
from tests.tui.shared_styles import share_styles

SMALL = (80, 24)

share_styles()
remember_what_was_seen()


@pytest.fixture(autouse=True)
def _no_idling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pilot waits for an idle processor after every key; the tests wait for what they look for instead.

    A picture waits at its end: everything must have come to rest in it (see `test_snapshots`).
    """
    if "snap_compare" not in request.fixturenames:
        do_not_idle(monkeypatch)


@pytest.fixture(autouse=True)
def _few_frames(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is looked at is painted (see `frames`), unless a test asks for `every_frame`."""
    if "every_frame" not in request.fixturenames:
        paint_only_what_is_seen(monkeypatch)


@pytest.fixture
def every_frame() -> None:
    """Each frame is painted, as in a terminal."""


def do_not_idle(patches: pytest.MonkeyPatch) -> None:
    """Let the pilot's keys return after a few turns of the event loop."""

    async def briefly(*_: float) -> None:
        for _turn in range(5):
            await asyncio.sleep(0.001)

    patches.setattr("textual.pilot.wait_for_idle", briefly)
    patches.setattr("textual.app.wait_for_idle", briefly)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    world = World(tmp_path / "stories")
    yield world
    world.end()


@pytest.fixture
def app(world: World) -> StorytimeApp:
    return make_app(world)


def make_app(world: World) -> StorytimeApp:
    app = StorytimeApp(world.services())
    app.theme = "storytime"  # whatever the terminal of whoever runs the tests can show
    app.animation_level = "none"
    return app


async def until(pilot: Pilot[Any], holds: Callable[[], object]) -> None:
    """Let the app work until something holds; fail, saying so, where it does not within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if holds():
            await pilot.pause()
            return
        await asyncio.sleep(0.015)
    raise AssertionError("what was waited for never came")


async def type_text(pilot: Pilot[Any], text: str) -> None:
    """Put a text into the field that has the focus, as a paste does."""
    await until(pilot, lambda: isinstance(pilot.app.focused, Input | TextArea))
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


def screen_text(app: StorytimeApp) -> str:
    """What stands on the screen now, line by line."""
    return "\n".join("".join(segment.text for segment in strip) for strip in _strips(app))


def flat(app: StorytimeApp) -> str:
    """What stands on the screen now, as one line: to look for what may be wrapped."""
    return " ".join(screen_text(app).split())


def _strips(app: StorytimeApp) -> list[Any]:
    return app.screen._compositor.render_strips()


async def shelf_is_open(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: pilot.app.desk.collections)
