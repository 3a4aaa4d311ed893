"""Fewer frames: what changes again at once is painted once.

Textual paints up to sixty times a second, and once more after every key of a test: a third of what a test of the
screens took. Here a screen is laid out as often as ever, and painted at most every 100 ms, the last change for certain.
"""

import asyncio
import time
from typing import Any

from textual.screen import Screen

APART = 0.1  # seconds

_own_refresh = Screen._compositor_refresh


def paint_few_frames() -> None:
    """From now on each screen paints at most every 100 ms."""
    Screen._compositor_refresh = _refresh  # type: ignore[method-assign]


def _refresh(screen: Any) -> None:
    app = screen.app
    if not app.is_headless or screen is not app.screen:
        _own_refresh(screen)
        return
    left = getattr(screen, "_painted", 0.0) + APART - time.monotonic()
    if left <= 0:
        screen._painted = time.monotonic()
        _own_refresh(screen)
        return
    screen._dirty_widgets.clear()  # the compositor has their regions
    app._update_mouse_over(screen)
    if not getattr(screen, "_to_paint", False):
        screen._to_paint = True
        asyncio.get_running_loop().call_later(left, _paint, screen)


def _paint(screen: Any) -> None:
    screen._to_paint = False
    if screen.is_running and screen.is_current and screen._compositor._dirty_regions:
        try:
            _refresh(screen)
        except Exception as error:
            screen.app._handle_exception(error)
