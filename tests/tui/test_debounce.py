"""Short blocking calls run one at a time, and what is shown last is as new as the last request."""

import threading

from textual.app import App, ComposeResult
from textual.widgets import Static

from storytime_tui.tui.debounce import Debounced
from tests.tui.conftest import until


class Bare(App[None]):
    """An app with one widget to own the calls."""

    def compose(self) -> ComposeResult:
        """The widget."""
        yield Static()


async def test_a_call_that_is_requested_again_while_it_runs_runs_once_more() -> None:
    """What it reads may have changed since it began: the list of runs was stale after a quick visit elsewhere."""
    async with Bare().run_test() as pilot:
        seen: list[str] = []
        begun, gate = threading.Event(), threading.Event()
        text = "before"

        def read() -> str:
            now = text
            begun.set()
            gate.wait(30)
            return now

        reads = Debounced(pilot.app.query_one(Static), seen.append, lambda error: None)
        reads.request(read, at_once=True)
        await until(pilot, begun.is_set)
        text = "after"
        reads.request(read, at_once=True)
        gate.set()
        await until(pilot, lambda: bool(seen))
        assert seen == ["after"] and not reads.is_working


async def test_the_result_of_a_call_that_another_replaced_is_dropped() -> None:
    async with Bare().run_test() as pilot:
        seen: list[str] = []
        begun, gate = threading.Event(), threading.Event()

        def slow() -> str:
            begun.set()
            gate.wait(30)
            return "slow"

        reads = Debounced(pilot.app.query_one(Static), seen.append, lambda error: None)
        reads.request(slow, at_once=True)
        await until(pilot, begun.is_set)
        reads.request(lambda: "newer", at_once=True)
        gate.set()
        await until(pilot, lambda: bool(seen))
        assert seen == ["newer"]
