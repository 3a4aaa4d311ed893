"""`storytime-tui`, and `python -m storytime_tui`, which is also what torchrun starts."""

import sys


def start() -> int:
    """Run one command. Ctrl+C is no error, however early it comes."""
    try:
        from storytime_tui.cli import main

        return main()
    except KeyboardInterrupt:
        sys.stderr.write("storytime-tui: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(start())
