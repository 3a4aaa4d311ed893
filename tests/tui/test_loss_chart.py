"""The loss chart: every point that was measured can be seen, at each end of the axes too."""

import dataclasses

import pytest
from textual.app import App, ComposeResult
from textual_hires_canvas import Canvas

from storytime_tui.tui import theme
from storytime_tui.tui.widgets.loss_chart import LossChart
from tests.tui.conftest import until
from tests.tui.fakes import evaluated


class ChartApp(App[None]):
    def compose(self) -> ComposeResult:
        yield LossChart(id="chart")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {**super().get_theme_variable_defaults(), **theme.FALLBACKS}


def marks(app: App[None]) -> list[int]:
    """The columns in which a validation point stands."""
    canvas = app.query_one("#plot", Canvas)
    width, height = canvas.size
    return [x for x in range(width) if any(canvas.get_pixel(x, y)[0] == "●" for y in range(height))]


@pytest.mark.parametrize("rising", [False, True], ids=["falling", "rising"])
@pytest.mark.parametrize("size", [(40, 12), (53, 14), (91, 30)])
@pytest.mark.parametrize("steps", [(0, 30, 60), (0, 118), (0, 5)])
async def test_the_first_and_the_last_validation_point_are_seen(
    size: tuple[int, int], steps: tuple[int, ...], rising: bool
) -> None:
    said = [evaluated(step) for step in steps]
    if rising:
        said = [dataclasses.replace(e, validation_loss=3 + e.step / 9) for e in said]
    app = ChartApp()
    async with app.run_test(size=size) as pilot:
        points = [(e.step, e.validation_loss) for e in said]
        app.query_one(LossChart).show(points, said, None, steps[-1])
        await until(pilot, lambda: marks(app))
        assert len(marks(app)) == len(steps)
