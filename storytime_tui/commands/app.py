"""The app: `storytime-tui` without a verb. The only command that imports `tui`, and only when called."""

import argparse
import os
import sys
import threading

from storytime_tui import paths


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The app takes none: everything is chosen inside it."""


def run(args: argparse.Namespace) -> int:
    """Open the app; 0 when it is left, 1 when it broke (its traceback is in the log)."""
    from storytime_tui.tui.app import StorytimeApp
    from storytime_tui.tui.guard import native_output_to
    from storytime_tui.tui.services import real_services

    if not (sys.__stdin__ and sys.__stdin__.isatty()):
        print(
            "The app needs a terminal; `storytime-tui --help` lists what works without one.", file=sys.stderr
        )
        return 1
    app = StorytimeApp(real_services())
    log = paths.log_file()
    with native_output_to(log):
        app.run()
    if app.return_code:
        print(
            f"The app broke and closed; what was written is kept. The details are in {log}.", file=sys.stderr
        )
    code = app.return_code or 0
    if any(thread.name.startswith("storytime-") for thread in threading.enumerate()):
        # One may be inside native code, waking a model: Python's own end would tear it down there, and abort. All is
        # on the disk by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
