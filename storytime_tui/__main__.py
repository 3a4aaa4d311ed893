"""`storytime-tui`, and `python -m storytime_tui`, which is also what torchrun starts."""

import contextlib
import sys


def start() -> int:
    """Run one command. Ctrl+C is no error, however early it comes."""
    try:
        from storytime_tui.cli import main

        return main()
    except KeyboardInterrupt:
        with contextlib.suppress(Exception):  # the terminal may be gone, too
            sys.stderr.write("storytime-tui: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(start())
