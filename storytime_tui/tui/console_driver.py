"""Leaves a text console clean: it may have no second screen, and the app's last picture would stay."""

import os
from collections.abc import Mapping

from textual.driver import Driver

from storytime_tui.terminal_kind import is_console


def driver_for(environment: Mapping[str, str]) -> type[Driver] | None:
    """The driver for a text console; None for every other terminal: Textual has one."""
    if os.name == "nt" or not is_console(environment):
        return None
    from textual.drivers.linux_driver import LinuxDriver

    class ConsoleDriver(LinuxDriver):
        """Clears the screen before it gives the terminal back. A second screen would hide that."""

        def stop_application_mode(self) -> None:
            self.write("\x1b[0m\x1b[2J\x1b[H")
            super().stop_application_mode()

    return ConsoleDriver
