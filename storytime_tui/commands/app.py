"""The app: `storytime-tui` without a verb. The only command that imports `tui`, and only when called."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from storytime_tui import crash_words, log, watcher
from storytime_tui.commands.output import say
from storytime_tui.errors import is_fault
from storytime_tui.streams import OutputLost
from storytime_tui.terminal_kind import is_dumb

if TYPE_CHECKING:
    from storytime_tui.tui.app import StorytimeApp
    from storytime_tui.tui.plain_signs import Signs

SAVED = 20.0  # seconds to wait for what is still being saved, where no screen can say so


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The app has no options."""


def run(args: argparse.Namespace) -> int:
    """Open the app. Returns 0 after a normal exit, 1 after an error (its traceback is in the log)."""
    from storytime_tui.tui.app import StorytimeApp
    from storytime_tui.tui.ask_terminal import takes_utf8
    from storytime_tui.tui.drivers import chosen_driver, in_a_browser
    from storytime_tui.tui.faults import still_saving
    from storytime_tui.tui.guard import native_output_to
    from storytime_tui.tui.plain_signs import signs_for
    from storytime_tui.tui.real_services import real_services
    from storytime_tui.tui.terminal_input import replace_undecodable

    # Textual reads keys from stdin and draws on stderr
    has_terminal = all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__))
    if not (has_terminal or in_a_browser()):
        say("The app needs a terminal; `storytime-tui --help` lists what works without one.")
        return 1
    if is_dumb(os.environ) and not in_a_browser():
        say(
            f"This terminal cannot show the app (TERM is {os.environ['TERM']}). If it is a usual one after all, "
            "`TERM=xterm-256color storytime-tui` opens it."
        )
        return 1
    log.start()
    log.watch_for_crashes()
    replace_undecodable()
    signs = "all" if in_a_browser() else signs_for(os.environ, takes_utf8)
    crash = ""
    with native_output_to(log.for_native_output()):
        app = StorytimeApp(real_services(), chosen_driver(), signs)
        try:
            app.run()
        except BaseException as error:
            if not is_fault(error):
                raise
            log.keep(error, "around the app")
            crash = type(error).__name__
        if app.return_code:
            crash = crash or app.kind_of_crash
        if crash and _opened_again(app, crash, signs):
            watcher.open_again()
            crash = ""
        elif crash:
            until = time.monotonic() + SAVED
            while still_saving(app.desk) and time.monotonic() < until:
                time.sleep(0.05)
    if crash:
        say(crash_words.wrapped(crash_words.after_error(crash, log.place_in_words())))
    elif not in_a_browser() and (parting := app.parting_words):
        with contextlib.suppress(OutputLost):
            print(crash_words.wrapped(parting), flush=True)
    code = 1 if crash else 0
    if any(thread.name.startswith("storytime-") for thread in threading.enumerate()):
        # A thread may be inside native code, loading a model; Python's shutdown would abort there. Everything is on the
        # disk already.
        with contextlib.suppress(OutputLost):
            sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _opened_again(app: StorytimeApp, kind: str, signs: Signs) -> bool:
    """Show what happened until the user chooses. Whether the app is wanted again; a page in a browser asks itself."""
    from storytime_tui.tui.crash import CrashApp
    from storytime_tui.tui.drivers import chosen_driver, in_a_browser
    from storytime_tui.tui.faults import still_saving

    if in_a_browser():
        return False
    place = log.place_in_words()
    try:
        screen = CrashApp(app.theme, kind, place, lambda: still_saving(app.desk), chosen_driver(), signs)
        return bool(screen.run())
    except Exception as error:
        log.keep(error, "on the screen after a crash")
        return False
