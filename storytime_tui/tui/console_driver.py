"""Leaves a text console clean: it may have no second screen, and the app's last picture would stay."""

from storytime_tui.tui.terminal_driver import TerminalDriver


class ConsoleDriver(TerminalDriver):
    """Clears the screen before it gives the terminal back. A second screen would hide that."""

    def stop_application_mode(self) -> None:
        """Give the screen back, empty."""
        self.write("\x1b[0m\x1b[2J\x1b[H")
        super().stop_application_mode()
