"""Which of Textual's drivers the app uses: ours for a terminal, a text console and a browser."""

import os

from textual.driver import Driver

from storytime_tui.terminal_kind import is_console

BROWSER = "web_driver"  # in the driver that textual-serve asks for


def in_a_browser() -> bool:
    """Whether a web server runs the app: it talks to a browser's page through standard input and output."""
    return BROWSER in os.environ.get("TEXTUAL_DRIVER", "")


def chosen_driver() -> type[Driver] | None:
    """The driver for where the app runs; None leaves the choice to Textual."""
    if in_a_browser():
        from storytime_tui.tui.browser_driver import BrowserDriver

        return BrowserDriver
    if os.name == "nt" or os.environ.get("TEXTUAL_DRIVER"):
        return None
    if is_console(os.environ):
        from storytime_tui.tui.console_driver import ConsoleDriver

        return ConsoleDriver
    from storytime_tui.tui.terminal_driver import TerminalDriver

    return TerminalDriver
