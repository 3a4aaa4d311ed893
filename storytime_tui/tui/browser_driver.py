"""Textual's driver for a browser's page, made to save what is open when the page or the server is gone."""

import contextlib
import os
from typing import TYPE_CHECKING, Any, cast

from textual.drivers.web_driver import WebDriver

if TYPE_CHECKING:
    from storytime_tui.tui.app import StorytimeApp


class BrowserDriver(WebDriver):
    """Talks to the server through pipes; a closed page asks the app to save and leave."""

    def __init__(self, app: "StorytimeApp", **options: Any) -> None:
        super().__init__(app, **options)
        self._write = self._write_all  # type: ignore[assignment]

    def run_input_thread(self) -> None:
        """Read until the app leaves, or the server is gone."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._lost()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Do what the server asks for. Textual's own answer to `quit` saves nothing."""
        if packet_type == "quit":
            self._lost()
        else:
            super().on_meta(packet_type, payload)

    def _lost(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(cast("StorytimeApp", self._app).terminal_lost)

    def _write_all(self, data: bytes) -> int:
        """Write to the server; what no server takes is dropped."""
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self.fileno, left) :]
        except OSError:
            self._lost()
        return len(data)
