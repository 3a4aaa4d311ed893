"""The command line: finds the verb, loads its module and prints errors as one line. Imports nothing heavy."""

import argparse
import contextlib
import importlib
import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from storytime_tui import __version__, paths, streams
from storytime_tui.errors import Misused, StorytimeError, is_fault
from storytime_tui.terminal import is_text, printable_line

VERBS = {
    "app": "open the app (the default)",
    "serve": "open the app in a browser",
    "corpus": "list, add, show and change collections of stories",
    "train": "train a base model on a collection",
    "tell": "tell a story with a model, or go on with a written one",
    "write": "write a story with a model line by line, without a screen",
    "evaluate": "measure how well a model predicts a collection",
    "explain": "show how likely a model finds each token of a text",
    "copied": "show which parts of a text are copied from collections",
    "runs": "list, watch, steer, compare, report, export and remove runs",
    "stories": "list, read, search, export, import, retell and remove written stories",
    "bench": "measure the speed of this machine",
    "disk": "see what takes room on the disk, and clear it",
    "backup": "save stories, collections, runs and settings in one file, or bring them back",
    "doctor": "check versions, devices, memory, folders and the network",
}

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 failed, 2 bad usage, 130 interrupted (and saved).

    A command has failed if its output could not be written.
    """
    words = list(sys.argv[1:] if argv is None else argv) or ["app"]
    with streams.guarded():
        try:
            try:
                code = _run(words)
            except SystemExit:  # from argparse, after its help or a usage error
                sys.stdout.flush()
                raise
            sys.stdout.flush()
            return code
        except streams.OutputLost as lost:
            # a closed pipe needs no message: its reader closed it
            return FAILED if lost.reader_left else _fail(str(lost))
        except KeyboardInterrupt:
            print("storytime-tui: interrupted", file=sys.stderr)
            return INTERRUPTED
        except BaseException as error:
            if not is_fault(error):
                raise
            return _failed(error, words)


def _run(words: list[str]) -> int:
    verb = words[0]
    if verb not in VERBS:
        _parser().parse_args(words)  # prints the help, the version or the error, and exits
        return MISUSED
    logging.captureWarnings(True)  # libraries' warnings go to the log, not to the screen
    command = importlib.import_module(f"storytime_tui.commands.{verb}")
    parser = _Parser(prog=f"storytime-tui {verb}", description=_sentence(VERBS[verb]))
    command.add_arguments(parser)
    args = parser.parse_args(words[1:])
    paths.check_home()
    _check_text(args, getattr(command, "PATHS", ()))
    _check_named(args, getattr(command, "TEXTS", ()), words)
    with _downloads_asked(args) if getattr(command, "DOWNLOADS", False) else contextlib.nullcontext():
        code: int = command.run(args)
    return code


def _downloads_asked(args: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    """Ask before a command downloads a model."""
    from storytime_tui.commands.downloads import asked

    return asked(yes=getattr(args, "yes", False))


class _Parser(argparse.ArgumentParser):
    """Makes error messages printable: a terminal would execute an escape sequence in an argument."""

    def error(self, message: str) -> NoReturn:
        super().error(_shortened(printable_line(_with_near(message))))


def _with_near(message: str) -> str:
    """argparse's sentence on a misspelt verb or value, with the nearest one in place of the list of all."""
    found = re.search(r"invalid choice: '([^']+)' \(choose from (.+)\)$", message)
    if found is None:
        return message
    import difflib  # only when something is wrong: it would delay every start

    near = difflib.get_close_matches(found[1], re.findall(r"[\w-]+", found[2]), n=2)
    return f"{message[: found.end(1) + 1]}: did you mean {' or '.join(near)}?" if near else message


def _check_text(args: argparse.Namespace, paths_too: Sequence[str]) -> None:
    """Raise StorytimeError for an argument that is not UTF-8; arguments in `paths_too` may be any file name."""
    for name, value in vars(args).items():
        if name in paths_too:
            continue
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str | os.PathLike) and not is_text(os.fspath(text)):
                shown = printable_line(os.fspath(text))[:60]
                raise StorytimeError(f"The argument “{shown}” is not UTF-8 text: type it in UTF-8.")


def _check_named(args: argparse.Namespace, texts: Sequence[str], words: Sequence[str]) -> None:
    """Raise StorytimeError for an empty argument; arguments in `texts` may be empty.

    An unset variable in a script becomes "", and an empty path would mean the current folder.
    """
    typed = {word.partition("=")[0] for word in words}
    for name, value in vars(args).items():
        blank = [text for text in (value if isinstance(value, list) else [value]) if _is_blank(text)]
        if name in texts or not blank:
            continue
        option, plain = f"--{name.replace('_', '-')}", name.replace("_", " ")
        shown = option if option in typed else f"the {plain}"
        if isinstance(value, list) and (len(value) > 1 or option not in typed):
            shown = f"one of {shown}"
        raise StorytimeError(f"{shown[0].upper()}{shown[1:]} is empty: give it a value or leave it out.")


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _failed(error: BaseException, words: list[str]) -> int:
    if isinstance(error, Misused):
        return _fail(str(error), MISUSED)
    if isinstance(error, StorytimeError):
        return _fail(str(error))
    if os.environ.get("RANK", "0") != "0":  # only the first process of torchrun prints the error
        return FAILED
    from storytime_tui import log

    return _fail(log.sentence_for(error, f"storytime-tui {words[0]}"))


def _fail(message: str, code: int = FAILED) -> int:
    with contextlib.suppress(streams.OutputLost):
        sys.stdout.flush()
    print(f"storytime-tui: {_shortened(printable_line(message))}", file=sys.stderr)
    return code


def _shortened(message: str) -> str:
    """The message with words of hundreds of letters cut, so that the rest of it stays visible."""
    return re.sub(r"(\S{200})\S{101,}", r"\1…", message)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _parser() -> argparse.ArgumentParser:
    verbs = "\n".join(f"  {verb:<10}{line}" for verb, line in VERBS.items())
    parser = _Parser(
        prog="storytime-tui",
        usage="storytime-tui [VERB] [OPTIONS]",
        description="Train a small language model on stories you love, and write new stories with it.",
        epilog=f"verbs:\n{verbs}\n\n`storytime-tui VERB --help` lists a verb's options.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"storytime-tui {__version__}")
    parser.add_argument("verb", nargs="?", choices=list(VERBS), metavar="VERB", help=argparse.SUPPRESS)
    return parser
