"""The frames of an app without a terminal: nobody sees them, and they are a third of the work of the app's tests.

A screen is painted when a test looks at it (`screen_text`, a snapshot), and at the end of each app. The frames between
are painted where they are tested: with the fixture `every_frame`, and in real terminals (`test_painted`,
`test_journey`, `test_evening`).
"""

from typing import Any

import pytest
from textual._compositor import Compositor
from textual.app import App


def paint_only_what_is_seen(patches: pytest.MonkeyPatch) -> None:
    """Until the patches are undone, apps paint no frame of themselves but the last."""
    end, paint = App._shutdown, Compositor.render_update

    def paint_if_whole(compositor: Compositor, full: bool = False, **others: Any) -> Any:
        if full:  # a picture
            return paint(compositor, full, **others)
        compositor._dirty_regions.clear()
        return None

    async def paint_and_end(app: App[Any]) -> None:
        if app._screen_stack:
            app.screen._compositor.render_strips()
        await end(app)

    patches.setattr(Compositor, "render_update", paint_if_whole)
    patches.setattr(App, "_shutdown", paint_and_end)
