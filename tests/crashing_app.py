"""The app as it is started, with a fault in it: the key `?` breaks something, and a story is in the way of it.

python -m tests.crashing_app handler|worker|thread|task|render|timer|native
"""

import asyncio
import ctypes
import sys
import threading
from typing import Any

SECRET = "the hedgehog buried Aunt Ottoline"


def stumble(text: str) -> None:
    story = text  # a local variable with a story in it
    raise ValueError(f"bad text {story!r}")


def break_by(kind: str) -> None:
    """Make the help key break the app in this way."""
    from textual.app import RenderResult
    from textual.widgets import Static

    from storytime_tui.tui.app import StorytimeApp

    class Unpaintable(Static):
        def render(self) -> RenderResult:
            stumble(SECRET)
            return ""

    async def work() -> None:
        stumble(SECRET)

    def fail(app: Any) -> None:
        if kind == "handler":
            stumble(SECRET)
        elif kind == "worker":
            app.run_worker(work())
        elif kind == "thread":
            threading.Thread(target=stumble, args=(SECRET,), daemon=True).start()
        elif kind == "task":
            app.unseen = asyncio.get_running_loop().create_task(work())
            app.set_timer(0.1, lambda: delattr(app, "unseen"))
        elif kind == "render":
            app.screen.mount(Unpaintable())
        elif kind == "timer":
            app.set_timer(0.01, lambda: stumble(SECRET))
        elif kind == "native":
            # what a native library says, and then its crash
            ctypes.CDLL(None).puts(SECRET.encode())
            ctypes.CDLL(None).fflush(None)
            ctypes.string_at(0)

    StorytimeApp.action_help = fail  # type: ignore[method-assign]


def start() -> int:
    break_by(sys.argv.pop())
    from storytime_tui.cli import main

    return main([])


if __name__ == "__main__":
    from storytime_tui import watcher

    sys.exit(watcher.watched(start, []))
