"""In the app nothing is downloaded before the user was asked, and every way out of the question is an answer."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storytime_tui.jobs.downloads import Wanted
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.download import DownloadScreen
from tests.tui.conftest import SMALL, flat, until
from tests.tui.fakes import World

Ask = Callable[[Wanted, Callable[[], bool]], bool]


class Asking:
    """A thread that wants a model, as a training or a telling one does."""

    def __init__(self, world: World) -> None:
        self.asks: list[Ask] = []
        self.answers: list[bool] = []
        self.cancelled = threading.Event()
        self.app = StorytimeApp(replace(world.services(), downloads_asked=self._registered))

    @contextlib.contextmanager
    def _registered(self, ask: Ask) -> Iterator[None]:
        self.asks.append(ask)
        yield
        self.asks.remove(ask)

    def want(self) -> threading.Thread:
        wanted = Wanted("owner/[b]tale", 352_824_413, "https://huggingface.co", Path("/"))
        thread = threading.Thread(
            target=lambda: self.answers.append(self.asks[0](wanted, self.cancelled.is_set)), daemon=True
        )
        thread.start()
        return thread


@pytest.fixture
def asking(world: World) -> Asking:
    return Asking(world)


def without_borders(app: StorytimeApp) -> str:
    return " ".join(flat(app).replace("│", " ").split())


@pytest.mark.parametrize(("key", "answer"), [("enter", True), ("escape", False)])
async def test_the_size_is_said_and_the_keys_answer(asking: Asking, key: str, answer: bool) -> None:
    async with asking.app.run_test(size=SMALL) as pilot:
        asking.want()
        await until(pilot, lambda: "Escape downloads nothing" in without_borders(asking.app))
        said = without_borders(asking.app)
        assert "Download owner/[b]tale?" in said
        assert "353 MB to download from https://huggingface.co" in said and "free" in said
        assert "↵ Download" in said and "Escape downloads nothing" in said
        assert asking.answers == []
        await pilot.press(key)
        await until(pilot, lambda: asking.answers)
        assert asking.answers == [answer]
        assert not isinstance(asking.app.screen, DownloadScreen)


async def test_going_to_another_screen_is_a_no(asking: Asking) -> None:
    async with asking.app.run_test(size=SMALL) as pilot:
        asking.want()
        await until(pilot, lambda: isinstance(asking.app.screen, DownloadScreen))
        await asking.app.action_mode("library")
        await until(pilot, lambda: asking.answers)
        assert asking.answers == [False]


async def test_the_question_goes_away_when_the_work_is_stopped(asking: Asking) -> None:
    async with asking.app.run_test(size=SMALL) as pilot:
        asking.want()
        await until(pilot, lambda: isinstance(asking.app.screen, DownloadScreen))
        asking.cancelled.set()
        await until(pilot, lambda: not isinstance(asking.app.screen, DownloadScreen))
        assert asking.answers == [False]


async def test_leaving_the_app_is_a_no(asking: Asking) -> None:
    async with asking.app.run_test(size=SMALL) as pilot:
        thread = asking.want()
        await until(pilot, lambda: isinstance(asking.app.screen, DownloadScreen))
        asking.app.exit()
    thread.join(10)
    assert asking.answers == [False]
    assert asking.asks == []
