"""The Train screen says which GPU a plan would use, and how to choose another."""

from dataclasses import replace
from typing import Any

from storytime_tui.tui.app import StorytimeApp
from tests.tui.conftest import flat, shelf_is_open, until
from tests.tui.fakes import World


async def test_the_gpus_are_named_beside_the_base(world: World) -> None:
    words = "GPU: cuda:0 NVIDIA H200. Device may also be cuda:1 NVIDIA H200."
    services = world.services()

    def preview(*args: Any) -> Any:
        return replace(world.preview(*args), gpu=words)

    app = StorytimeApp(replace(services, preview=preview))
    async with app.run_test(size=(120, 40)) as pilot:
        await shelf_is_open(pilot)
        await app.action_mode("train")
        await until(pilot, lambda: "GPU: cuda:0 NVIDIA H200" in flat(app))
        note = app.screen.query_one("#base-note").render()
        assert words in str(note)
