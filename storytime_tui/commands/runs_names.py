"""`storytime-tui runs rename|note`: what the user calls a run and writes about it."""

import argparse
from typing import Any

from storytime_tui.cli import DONE
from storytime_tui.commands.output import print_json
from storytime_tui.jobs import records, run_details
from storytime_tui.terminal import printable_line

VERBS = ("rename", "note")


def add_arguments(actions: Any) -> None:
    """Define the options of these actions of `runs`."""
    renaming = actions.add_parser("rename", help="give a run another name")
    renaming.add_argument("name", metavar="RUN")
    renaming.add_argument("new_name", metavar="NEW-NAME")
    renaming.add_argument("--json", action="store_true", help="print one JSON object")
    noting = actions.add_parser("note", help="keep a short note with a run, or print it")
    noting.add_argument("name", metavar="RUN")
    what = noting.add_mutually_exclusive_group()
    what.add_argument(
        "text",
        nargs="?",
        metavar="TEXT",
        help="the note; an empty one removes it, and without it the note is printed",
    )
    what.add_argument("--remove", action="store_true", help="remove the note")
    noting.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the action and return the exit code."""
    return _rename(args) if args.action == "rename" else _note(args)


def _rename(args: argparse.Namespace) -> int:
    records.rename_run(args.name, args.new_name)
    if args.json:
        print_json({"run": args.new_name, "before": args.name})
    else:
        print(f"The run {printable_line(args.name)} is now called {printable_line(args.new_name)}.")
    return DONE


def _note(args: argparse.Namespace) -> int:
    name, text = args.name, "" if args.remove else args.text
    before = run_details.note_of(name)
    note = before if text is None else run_details.set_note(name, text)
    if args.json:
        print_json({"run": name, "note": note})
    elif text is None or not (note or before):
        print(printable_line(note) or f"The run {printable_line(name)} has no note.")
    else:
        done = "is kept with" if note else "is removed from"
        print(f"The note {done} the run {printable_line(name)}.")
    return DONE
