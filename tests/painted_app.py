"""The app over fakes, as a program of its own, which writes down what should be on the terminal when it is asked.

    python -m tests.painted_app FOLDER

SIGUSR1 makes it write FOLDER/shown.json: the mode, the screen on top, and that screen's text, row by row.
After a switch of modes the first layout takes as long as it does with a large shelf on a busy machine: longer than
the 50 ms for which Textual holds back painting then.
"""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from textual._compositor import Compositor, ReflowResult
from textual.geometry import Size
from textual.widget import Widget

from storytime_tui.tui import app as app_module
from storytime_tui.tui.app import StorytimeApp
from tests.tui.fakes import World


class PaintedApp(StorytimeApp):
    """Tells on SIGUSR1 what it means to show."""

    CSS_PATH = Path(app_module.__file__).with_name("app.tcss")  # looked for beside this file otherwise

    def __init__(self, folder: Path) -> None:
        world = World(folder / "stories")
        super().__init__(world.services())
        self._shown = folder / "shown.json"
        self._answers = 0

    def _large_shelf(self) -> None:
        layout, due = Compositor.reflow, []

        def reflow(compositor: Compositor, parent: Widget, size: Size) -> ReflowResult:
            if due:
                due.clear()
                time.sleep(0.1)
            return layout(compositor, parent, size)

        Compositor.reflow = reflow  # type: ignore[method-assign]
        self.mode_change_signal.subscribe(self, due.append, immediate=True)

    def on_load(self) -> None:
        """Listen from before the first frame on."""
        self._large_shelf()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._tell)

    def _tell(self) -> None:
        self._answers += 1
        strips = self.screen._compositor.render_strips()
        rows = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
        shown = {
            "answer": self._answers,
            "mode": self.current_mode,
            "screen": type(self.screen).__name__,
            "rows": rows,
        }
        part = self._shown.with_suffix(".part")
        part.write_text(json.dumps(shown), encoding="utf-8")
        os.replace(part, self._shown)


if __name__ == "__main__":
    PaintedApp(Path(sys.argv[1])).run()
