"""Seconds until the first word: in the app, with the keys of a person who cannot wait, or on the command line.

python -m tests.e2e.first_word PROGRAM [--tell]
"""

import argparse
import os
import re
import subprocess
import time
from pathlib import Path

from tests.terminal import open_program

LINE = "Once upon a time there was a mouse"
ENTER_AFTER_TEXT = "\x1b[13u"


def in_app(program: str, home: Path) -> tuple[float, float]:
    """From the program's start to the first frame, and to the first told word."""
    began = time.monotonic()
    with open_program(120, 40, home, [program]) as app:
        app.wait_for("Hedgerow Tales")
        frame = time.monotonic() - began
        app.keys("3")
        app.wait_for("write the first line|how does the story begin|›", 60)
        app.keys(LINE + ENTER_AFTER_TEXT)
        told = re.compile(re.escape(LINE.split()[-1]) + r"[ ,.]+[\w\"']")
        app.wait_for(lambda text: told.search(" ".join(text.split())), 120)
        word = time.monotonic() - began
        app.keys("\x1b\x11")
        assert app.wait_for_end() == 0
    return frame, word


def on_the_command_line(program: str) -> float:
    """From the program's start to the first told letter on standard output."""
    began = time.monotonic()
    argv = [program, "tell", "--prompt", LINE, "--max-tokens", "30"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as telling:
        assert telling.stdout is not None
        shown = b""
        while len(shown.strip()) <= len(LINE):
            piece = os.read(telling.stdout.fileno(), 4096)
            assert piece, "nothing was told"
            shown += piece
        word = time.monotonic() - began
        telling.stdout.read()
    return word


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("program")
    parser.add_argument("--tell", action="store_true")
    args = parser.parse_args()
    if args.tell:
        print(f"{'tell, first word':<34} {on_the_command_line(args.program):7.1f} s   (at most 2.5 s asked)")
        return
    home = Path(os.environ["STORYTIME_HOME"])
    frame, word = in_app(args.program, home)
    print(f"{'the app, first frame':<34} {frame:7.1f} s")
    print(f"{'the app, first told word':<34} {word:7.1f} s   (at most 4 s asked)")


if __name__ == "__main__":
    main()
