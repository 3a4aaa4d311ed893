"""`storytime-tui disk`: what takes room, and clearing a part of it."""

import argparse
import sys
from dataclasses import asdict

from storytime_tui.cli import DONE, FAILED
from storytime_tui.commands.output import print_json, say
from storytime_tui.commands.questions import agreed
from storytime_tui.commands.tables import print_table
from storytime_tui.errors import StorytimeError
from storytime_tui.formatting import size
from storytime_tui.jobs.housekeeping import disk
from storytime_tui.terminal import printable_line, printable_path
from storytime_tui.terminal_kind import size as terminal_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `disk`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object per part")
    actions = parser.add_subparsers(dest="action", metavar="clear")
    clear = actions.add_parser(
        "clear", help="clear one part", description="Clear one part of what takes room."
    )
    clear.add_argument(
        "what",
        metavar="WHAT",
        help="a name of the table: bin, tokens, texts, words, books, models, other, logs, hub/MODEL, "
        "checkpoints/RUN; or `caches` or `checkpoints` for all of those",
    )
    clear.add_argument("--yes", action="store_true", help="clear it without asking")
    clear.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print what takes room, or clear a part."""
    return _clear(args) if args.action == "clear" else _list(args.json)


def _list(as_json: bool) -> int:
    use = disk.disk_use()
    if as_json:
        for part in use.parts:
            print_json({"event": "part", **asdict(part)})
        print_json({"event": "finished", "bytes": use.bytes, "can_go": use.can_go, "free": use.free})
        return DONE
    rows = [("what", "size", "can go", "")]
    for part in use.parts:
        rows.append((part.what, size(part.bytes), size(part.can_go) if part.can_go else "–", part.note))
    names, terminal = max(len(row[0]) for row in rows), terminal_size(1) if sys.stdout.isatty() else None
    widest = max(30, terminal[0] - names - 2 * 9 - 2) if terminal else None  # what is piped stays whole
    print_table(rows, right=(1, 2), widest=widest)
    print(f"\n{size(use.bytes)} in all, {size(use.can_go)} of it can go; {size(use.free)} free in ", end="")
    print(printable_path(use.folder))
    print("`storytime-tui disk clear WHAT` clears one of them, `disk clear caches` all caches.")
    return DONE


def _clear(args: argparse.Namespace) -> int:
    what = args.what.strip()
    disk.check(what)
    if not args.yes and sys.stdin is not None and sys.stdin.isatty():
        named = [part for part in disk.disk_use().parts if part.what == what]
        if named and not named[0].can_go:
            say(f"{printable_line(what)}: nothing can go ({printable_line(named[0].note)}).")
            return DONE
        much, after = (f", {size(named[0].can_go)}", named[0].after) if named else ("", "")
        if not agreed(" ".join(filter(None, [f"Clear {printable_line(what)}{much}?", after]))):
            say("Nothing was cleared.")
            return DONE
    elif not args.yes:
        raise StorytimeError("Clearing cannot be undone: add --yes to clear it without a question.")
    cleared = disk.clear(what)
    for sentence in cleared.stayed:
        say(printable_line(sentence))
    if args.json:
        print_json(
            {"event": "finished", "what": what, "bytes": cleared.bytes, "stayed": list(cleared.stayed)}
        )
    else:
        print(disk.in_words(cleared))
    return FAILED if cleared.stayed else DONE
