"""`storytime-tui`, and `python -m storytime_tui`, which is also what torchrun starts."""

import contextlib
import logging
import os
import sys
from typing import NoReturn


def start() -> int:
    """Run one command. Ctrl+C is no error, however early it comes."""
    try:
        from storytime_tui.cli import main

        return main()
    except KeyboardInterrupt:
        with contextlib.suppress(Exception):  # the terminal may be gone, too
            sys.stderr.write("storytime-tui: interrupted\n")
        return 130


def leave(code: int) -> NoReturn:
    """End this process with an exit code.

    One of torchrun's processes ends at once: the threads of torch's process groups outlive the groups for a moment, and
    one that asks for Python while Python is already shutting down aborts the process, after all its work was done.
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
