"""The command line: finds the verb, loads its module, turns errors into one line. Imports nothing heavy."""

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
    "app": "open the app (what happens without a verb)",
    "corpus": "the shelf: list, add and show collections of stories",
    "train": "teach a base the stories of a collection",
    "tell": "tell a story with a model",
    "evaluate": "measure how well a model knows a collection",
    "runs": "list, show, compare, export and remove runs",
    "bench": "measure this machine",
    "doctor": "check versions, devices, memory, folders and the network",
}

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 failed, 2 misused, 130 interrupted (and saved).

    A command whose answer could not be printed has failed, whatever became of standard output.
    """
    words = list(sys.argv[1:] if argv is None else argv) or ["app"]
    with streams.guarded():
        try:
            try:
                code = _run(words)
            except SystemExit:  # argparse's, after its help or what was wrong with the words
                sys.stdout.flush()
                raise
            sys.stdout.flush()
            return code
        except streams.OutputLost as lost:
            # whoever read our output and left knows that
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
        _parser().parse_args(words)  # prints help, the version, or what is wrong, and exits
        return MISUSED
    logging.captureWarnings(
        True
    )  # what libraries warn of is for the log, where there is one, not for the screen
    command = importlib.import_module(f"storytime_tui.commands.{verb}")
    parser = _Parser(prog=f"storytime-tui {verb}", description=_sentence(VERBS[verb]))
    command.add_arguments(parser)
    args = parser.parse_args(words[1:])
    paths.check_home()
    _check_text(args, getattr(command, "PATHS", ()))
    _check_named(args, getattr(command, "TEXTS", ()), words)
    code: int = command.run(args)
    return code


class _Parser(argparse.ArgumentParser):
    """Repeats what was typed without obeying it: a terminal would take an escape sequence for a command."""

    def error(self, message: str) -> NoReturn:
        super().error(_shortened(printable_line(message)))


def _check_text(args: argparse.Namespace, paths_too: Sequence[str]) -> None:
    """Raise StorytimeError for an argument that is not UTF-8; those in `paths_too` may name any file."""
    for name, value in vars(args).items():
        if name in paths_too:
            continue
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str | os.PathLike) and not is_text(os.fspath(text)):
                shown = printable_line(os.fspath(text))[:60]
                raise StorytimeError(f"The argument “{shown}” is not UTF-8 text: write it in UTF-8.")


def _check_named(args: argparse.Namespace, texts: Sequence[str], words: Sequence[str]) -> None:
    """Raise StorytimeError for an argument that names nothing; those in `texts` are texts, which may be empty.

    A script whose variable is not set writes "", and an empty path would be the folder that it runs in.
    """
    typed = {word.partition("=")[0] for word in words}
    for name, value in vars(args).items():
        blank = [text for text in (value if isinstance(value, list) else [value]) if _is_blank(text)]
        if name in texts or not blank:
            continue
        option, plain = f"--{name.replace('_', '-')}", name.replace("_", " ")
        said = option if option in typed else f"the {plain}"
        if isinstance(value, list) and (len(value) > 1 or option not in typed):
            said = f"one of {said}"
        raise StorytimeError(
            f"{said[0].upper()}{said[1:]} is empty: write there what is meant, or leave it out."
        )


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _failed(error: BaseException, words: list[str]) -> int:
    if isinstance(error, Misused):
        return _fail(str(error), MISUSED)
    if isinstance(error, StorytimeError):
        return _fail(str(error))
    if os.environ.get("RANK", "0") != "0":  # torchrun's first process says what went wrong
        return FAILED
    from storytime_tui import log

    return _fail(log.told(error, f"storytime-tui {words[0]}"))


def _fail(message: str, code: int = FAILED) -> int:
    with contextlib.suppress(streams.OutputLost):
        sys.stdout.flush()
    print(f"storytime-tui: {_shortened(printable_line(message))}", file=sys.stderr)
    return code


def _shortened(message: str) -> str:
    """Without most of a word of hundreds of letters, which would hide what is said about it."""
    return re.sub(r"(\S{200})\S{101,}", r"\1…", message)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _parser() -> argparse.ArgumentParser:
    verbs = "\n".join(f"  {verb:<10}{line}" for verb, line in VERBS.items())
    parser = _Parser(
        prog="storytime-tui",
        usage="storytime-tui [VERB] [OPTIONS]",
        description="Teach a small language model stories you love, and write new ones with it.",
        epilog=f"verbs:\n{verbs}\n\n`storytime-tui VERB --help` says what each takes.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"storytime-tui {__version__}")
    parser.add_argument("verb", nargs="?", choices=list(VERBS), metavar="VERB", help=argparse.SUPPRESS)
    return parser
