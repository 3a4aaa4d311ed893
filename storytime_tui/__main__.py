"""`python -m storytime_tui`, which is also what torchrun starts."""

import sys

from storytime_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
