"""Leaves a text console clean: it may have no second screen, and the app's last picture would stay."""

from textual.drivers.linux_driver import LinuxDriver


class ConsoleDriver(LinuxDriver):
    """Clears the screen before it gives the terminal back. Where there is a second screen, the first comes back."""

    def stop_application_mode(self) -> None:
        """Clear the screen, then restore the terminal."""
        self.write("\x1b[0m\x1b[2J\x1b[H")
        super().stop_application_mode()
