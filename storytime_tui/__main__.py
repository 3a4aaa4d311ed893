"""Entry point of `storytime-tui` and of `python -m storytime_tui`, which torchrun starts."""

import contextlib
import logging
import os
import sys
from typing import NoReturn

from storytime_tui import watcher


def start() -> int:
    """Run one command, the app in a process of its own. Ctrl+C returns 130, even while the modules are imported."""
    return watcher.watched(_run, sys.argv[1:])


def _run() -> int:
    try:
        from storytime_tui.cli import main

        return main()
    except KeyboardInterrupt:
        with contextlib.suppress(Exception):  # the terminal may be gone
            sys.stderr.write("storytime-tui: interrupted\n")
        return 130


def leave(code: int) -> NoReturn:
    """End this process with an exit code.

    Under torchrun the process exits without Python's shutdown. The threads of torch's process groups outlive the groups
    for a moment; a thread that calls into Python during the shutdown would abort the process after its work was done.
    """
    if os.environ.get("WORLD_SIZE", "1") != "1" and "RANK" in os.environ:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    leave(start())
