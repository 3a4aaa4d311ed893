"""The app: `storytime-tui` without a verb. The only command that imports `tui`, and only when called."""

import argparse
import contextlib
import os
import sys
import threading
from pathlib import Path

from storytime_tui import log
from storytime_tui.commands.output import say
from storytime_tui.streams import OutputLost
from storytime_tui.terminal_kind import is_dumb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The app has no options."""


def run(args: argparse.Namespace) -> int:
    """Open the app. Returns 0 after a normal exit, 1 after an error (its traceback is in the log)."""
    from storytime_tui.tui.app import StorytimeApp
    from storytime_tui.tui.ask_terminal import takes_utf8
    from storytime_tui.tui.console_driver import driver_for
    from storytime_tui.tui.guard import native_output_to
    from storytime_tui.tui.plain_signs import signs_for
    from storytime_tui.tui.real_services import real_services
    from storytime_tui.tui.terminal_input import replace_undecodable

    # Textual reads keys from stdin and draws on stderr
    if not all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__)):
        say("The app needs a terminal; `storytime-tui --help` lists what works without one.")
        return 1
    if is_dumb(os.environ):
        say(
            f"This terminal cannot show the app (TERM is {os.environ['TERM']}). If it is a usual one after all, "
            "`TERM=xterm-256color storytime-tui` opens it."
        )
        return 1
    log.start()
    log.watch_for_crashes()
    replace_undecodable()
    app = StorytimeApp(real_services(), signs_for(os.environ, takes_utf8), driver_for(os.environ))
    with native_output_to(Path(os.devnull)):  # not to the log: a library's message may quote a story
        app.run()
    if app.return_code:
        say("The app closed because of an error; what was written is kept. " + log.place_in_words())
    code = app.return_code or 0
    if any(thread.name.startswith("storytime-") for thread in threading.enumerate()):
        # A thread may be inside native code, loading a model; Python's shutdown would abort there. Everything is on the
        # disk already.
        with contextlib.suppress(OutputLost):
            sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
