"""The machine beside a run: what is shown of it, and a GPU that vanishes."""

import dataclasses
from functools import reduce

import pytest

from storytime_tui.jobs.machine import Gpu, Machine
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.run_view import RunView, view_after
from storytime_tui.tui.widgets.machine_panel import machine_rows
from tests.tui.conftest import make_app, screen_text, until
from tests.tui.fakes import STARTED, World, a_run
from tests.tui.test_train import begin

GB = 1_000_000_000
ON_GPU = dataclasses.replace(
    STARTED, device="cuda:0", precision="bf16", parameters=124_000_000, memory_available=128 * GB
)
H200 = Gpu("NVIDIA H200", 0.98, 14 * GB, 141 * GB, 71)


def view(started=STARTED) -> RunView:  # type: ignore[no-untyped-def]
    return reduce(view_after, [started, *a_run(30)[1:]], RunView())


def test_on_a_processor_memory_stands_beside_what_the_run_may_take() -> None:
    started = dataclasses.replace(STARTED, memory_needed=int(1.3 * GB), memory_available=int(19.8 * GB))
    rows = machine_rows(Machine(0.94, int(1.8 * GB), 32 * GB), view(started))
    assert rows == [("processor", "94%"), ("memory", "1.8 of 19.8 GB")]
    unknown = machine_rows(Machine(0.94, int(1.8 * GB), 32 * GB), view())
    assert unknown[-1] == ("memory", "1.8 of 32.0 GB")
    assert [name for name, _ in machine_rows(None, view())] == [name for name, _ in rows]  # nothing jumps


def test_on_a_gpu_its_numbers_come_first() -> None:
    rows = machine_rows(Machine(0.1, GB, 32 * GB, (H200,)), view(ON_GPU))
    assert rows == [
        ("GPU", "98%"),
        ("memory", "14.0 of 141.0 GB"),
        ("temperature", "71 °C"),
        ("share of peak", "0%"),
        ("processor", "10%"),
        ("program memory", "1.0 GB"),
    ]
    unknown = machine_rows(Machine(0.1, GB, 32 * GB, (Gpu("Tesla T4"),)), view(ON_GPU))
    assert [value for _, value in unknown[:3]] == ["–", "–", "–"]
    assert "share of peak" not in dict(unknown)


@pytest.mark.parametrize("size", [(120, 40), (200, 60)])
async def test_a_gpu_that_vanishes_is_said_and_the_run_goes_on(world: World, size: tuple[int, int]) -> None:
    world.machine = Machine(0.1, GB, 32 * GB, (H200,))
    app: StorytimeApp = make_app(world)
    async with app.run_test(size=size) as pilot:
        await begin(pilot, app)
        world.run.say(ON_GPU, *a_run(30)[1:])
        await until(pilot, lambda: "71 °C" in screen_text(app))
        world.machine = Machine(0.1, GB, 32 * GB, (), "The GPU no longer answers: GPU is lost.")
        await until(pilot, lambda: "no answer" in screen_text(app) and "71 °C" not in screen_text(app))
        world.machine = Machine(0.1, GB, 32 * GB, (H200,))
        await until(pilot, lambda: "71 °C" in screen_text(app))
        app.desk.training.stop()
