"""`storytime-tui write`: write a story with a model line by line, in plain text, without a screen."""

import argparse
import sys
from collections.abc import Callable, Iterator

from storytime_tui import log
from storytime_tui.cli import DONE, FAILED, INTERRUPTED
from storytime_tui.commands import telling_options
from storytime_tui.commands.output import say
from storytime_tui.commands.story_store import opened
from storytime_tui.commands.write_commands import obey
from storytime_tui.commands.write_loop import Loop
from storytime_tui.errors import StorytimeError
from storytime_tui.stories.naming import find_story
from storytime_tui.terminal import is_text, printable_line

TEXTS = ("memory", "note", "values")  # arguments that may be empty
DOWNLOADS = True  # it may download a model, and asks first
_PROMPT = "> "
_DESCRIPTION = """\
Write a story with a model, line by line and in plain text: for screen readers,
pipes and slow connections. A line is added to the story and the model goes on;
an empty line lets it go on. Ctrl+C stops the model and keeps its words. A line
that begins with / is a command: /help lists them. Everything is saved at once."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `write`."""
    parser.add_argument(
        "--story", metavar="STORY", help="go on with this story, named by its id or exact title (a new story)"
    )
    telling_options.add_arguments(parser)
    parser.description = _DESCRIPTION


def run(args: argparse.Namespace) -> int:
    """Read lines until standard input ends. Exit code 130 after Ctrl+C at the prompt, 1 if the model failed at last."""
    log.start()
    options = telling_options.options_of(args)
    with opened(adds=args.story is None) as store:
        story = find_story(store, args.story) if args.story is not None else None
        loop = Loop(store, options, story)
        at_keyboard = sys.stdin is not None and sys.stdin.isatty()
        loop.show_end()
        done = True
        try:
            if at_keyboard:
                say(loop.greeting())
                _attempt(loop.open)
            for line in _lines(at_keyboard):
                if line.startswith("/") and not line.startswith("//"):
                    if line.strip() == "/quit":
                        break
                    done = _attempt(lambda line=line: obey(loop, line))  # type: ignore[misc]
                else:
                    line = line.removeprefix("/") if line.startswith("//") else line
                    done = _attempt(lambda line=line: loop.write(line))  # type: ignore[misc]
        except KeyboardInterrupt:
            if at_keyboard:
                say("")
            loop.say_saved()
            return INTERRUPTED
        loop.say_saved()
    return DONE if done or at_keyboard else FAILED


def _attempt(act: Callable[[], object]) -> bool:
    """Do something that may fail with a sentence, which is said. Returns whether it did not fail."""
    try:
        act()
    except StorytimeError as error:
        say(printable_line(str(error)))
        return False
    return True


def _lines(at_keyboard: bool) -> Iterator[str]:
    """The lines of standard input. At a keyboard each is asked for; a pipe gets no prompt."""
    if sys.stdin is None:
        return
    if at_keyboard:
        _edit_lines()
        while True:
            try:
                line = _asked()
            except EOFError:
                say("")
                return
            if is_text(line):
                yield line
            else:
                say("This line is not UTF-8 text and is left out: type it in UTF-8.")
    for number, data in enumerate(sys.stdin.buffer):
        try:
            yield data.decode("utf-8-sig" if number == 0 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            say(f"Line {number + 1} of standard input is not UTF-8 text and is left out: convert it first.")


def _asked() -> str:
    """One typed line. The prompt goes to standard output only if that is the terminal, too."""
    if sys.stdout.isatty():
        return input(_PROMPT)
    print(_PROMPT, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")


def _edit_lines() -> None:
    """Let the arrow keys edit the typed line, where Python has readline."""
    try:
        import readline
    except ImportError:
        return
    readline.set_auto_history(True)
