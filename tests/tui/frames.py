"""The frames of an app without a terminal: nobody sees them, and they are a third of the work of the app's tests.

A screen is painted when a test looks at it (`screen_text`, a snapshot), and at the end of each app. The frames between
are painted where they are tested: with the fixture `every_frame`, and in real terminals (`test_painted`,
`test_journey`, `test_evening`).

A test looks again and again until something stands there. Where nothing has been laid out or has asked to be painted
since the last look, it is given what it saw then: a terminal, too, would show nothing else.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from textual._compositor import Compositor
from textual._styles_cache import StylesCache
from textual.app import App
from textual.strip import Strip
from textual.widget import Widget

_changes = 0  # how often anything was laid out, or asked to be painted
_own_render_strips = Compositor.render_strips


def remember_what_was_seen() -> None:
    """From now on a screen in which nothing has changed is not painted again."""
    for owner, name in (
        (StylesCache, "set_dirty"),
        (StylesCache, "clear"),
        (Widget, "_set_dirty"),
        (Widget, "refresh"),
        (Compositor, "reflow"),
        (Compositor, "reflow_visible"),
    ):
        setattr(owner, name, _counted(getattr(owner, name)))
    Compositor.render_strips = _render_strips  # type: ignore[method-assign]


def _counted(act: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(act)
    def counted(*arguments: Any, **named: Any) -> Any:
        global _changes
        _changes += 1
        return act(*arguments, **named)

    return counted


def _render_strips(compositor: Any, size: Any = None) -> list[Strip]:
    seen = getattr(compositor, "_seen", None)
    if seen is None or seen[0] != (_changes, size):
        before = _changes
        seen = compositor._seen = ((before, size), _own_render_strips(compositor, size))
    return list(seen[1])


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
