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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The app takes none: everything is chosen inside it."""


def run(args: argparse.Namespace) -> int:
    """Open the app; 0 when it is left, 1 when it broke (where it broke is in the log)."""
    from storytime_tui.tui.app import StorytimeApp
    from storytime_tui.tui.guard import native_output_to
    from storytime_tui.tui.services import real_services

    # Textual reads the keys from one, and draws on the other
    if not all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__)):
        say("The app needs a terminal; `storytime-tui --help` lists what works without one.")
        return 1
    log.start()
    log.watch_for_crashes()
    app = StorytimeApp(real_services())
    with native_output_to(Path(os.devnull)):  # not to the log: a library's message may quote a story
        app.run()
    if app.return_code:
        say("The app broke and closed; what was written is kept. " + log.place_in_words())
    code = app.return_code or 0
    if any(thread.name.startswith("storytime-") for thread in threading.enumerate()):
        # One may be inside native code, waking a model: Python's own end would tear it down there, and abort. All is
        # on the disk by now.
        with contextlib.suppress(OutputLost):
            sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
