"""The command line: finds the verb, loads its module, turns errors into one line. Imports nothing heavy."""

import argparse
import contextlib
import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence

from storytime_tui import __version__, paths
from storytime_tui.errors import StorytimeError, is_fault

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
    """Run one command. Returns the exit code: 0 done, 1 failed, 2 misused, 130 interrupted (and saved)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        words = ["app"]
    verb = words[0]
    if verb not in VERBS:
        _parser().parse_args(words)  # prints help, the version, or what is wrong, and exits
        return MISUSED
    logging.captureWarnings(
        True
    )  # what libraries warn of is for the log, where there is one, not for the screen
    command = importlib.import_module(f"storytime_tui.commands.{verb}")
    parser = argparse.ArgumentParser(prog=f"storytime-tui {verb}", description=_sentence(VERBS[verb]))
    command.add_arguments(parser)
    args = parser.parse_args(words[1:])
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows "?" instead of stopping
    try:
        paths.check_home()
        code: int = command.run(args)
        sys.stdout.flush()
        return code
    except StorytimeError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # whoever read our output is gone: nothing is left to say, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        print("storytime-tui: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BaseException as error:
        if not is_fault(error):
            raise
        from storytime_tui import log

        if os.environ.get("RANK", "0") != "0":  # torchrun's first process says what went wrong
            return FAILED
        where = log.keep(error, f"storytime-tui {verb}")
        return _fail(
            f"Something unexpected went wrong ({type(error).__name__}: {error}). The details are in {where}."
        )


def _fail(message: str) -> int:
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    from storytime_tui.terminal import printable

    print(f"storytime-tui: {printable(' '.join(message.split()))}", file=sys.stderr)
    return FAILED


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _parser() -> argparse.ArgumentParser:
    verbs = "\n".join(f"  {verb:<10}{line}" for verb, line in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="storytime-tui",
        usage="storytime-tui [VERB] [OPTIONS]",
        description="Teach a small language model stories you love, and write new ones with it.",
        epilog=f"verbs:\n{verbs}\n\n`storytime-tui VERB --help` says what each takes.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"storytime-tui {__version__}")
    parser.add_argument("verb", nargs="?", choices=list(VERBS), metavar="VERB", help=argparse.SUPPRESS)
    return parser
