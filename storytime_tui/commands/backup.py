"""`storytime-tui backup`: save stories, collections, runs and settings in one file, and bring them back."""

import argparse
from dataclasses import asdict

from storytime_tui.cli import DONE, FAILED
from storytime_tui.commands.output import print_json, progress_shown, say
from storytime_tui.formatting import count, size
from storytime_tui.jobs.housekeeping import restore
from storytime_tui.jobs.housekeeping.backup import create_backup
from storytime_tui.terminal import printable_line, printable_path

PATHS = ("file",)  # arguments that are file names, which need not be UTF-8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `backup`."""
    actions = parser.add_subparsers(dest="action", metavar="create|restore", required=True)
    create = actions.add_parser("create", help="write a backup", description="Write a backup to a new file.")
    create.add_argument(
        "file", metavar="FILE|FOLDER", help="the zip file to write, or a folder to write it into"
    )
    create.add_argument(
        "--checkpoints",
        choices=("all", "best", "none"),
        default="all",
        help="of each run all checkpoints, those that it is told and resumed with, or none (all)",
    )
    back = actions.add_parser(
        "restore",
        help="bring a backup back",
        description="Bring back what a backup holds. What is here stays as it is.",
    )
    back.add_argument("file", metavar="FILE", help="a file that `backup create` has written")
    for each in (create, back):
        each.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Make or restore a backup."""
    return _create(args) if args.action == "create" else _restore(args)


def _create(args: argparse.Namespace) -> int:
    with progress_shown() as report:
        made = create_backup(args.file, report, args.checkpoints)
    for sentence in made.left_out:
        say(printable_line(sentence))
    if args.json:
        print_json({"event": "finished", **asdict(made), "path": str(made.path)})
    else:
        held = (
            count(made.stories, "story", "stories"),
            count(made.collections, "collection"),
            count(made.runs, "run"),
        )
        print(f"Saved {held[0]}, {held[1]}, {held[2]} and the settings, {size(made.bytes)}, in ", end="")
        print(printable_path(made.path))
    return FAILED if made.left_out else DONE


def _restore(args: argparse.Namespace) -> int:
    with progress_shown() as report:
        back = restore.restore_backup(args.file, report)
    for sentence in back.notes:
        say(printable_line(sentence))
    if args.json:
        print_json({"event": "finished", **asdict(back)})
    else:
        print(restore.in_words(back))
    return DONE
