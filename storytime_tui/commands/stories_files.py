"""`storytime-tui stories export|import`: a story to a file for other programs, and a file as a new story."""

import argparse
from pathlib import Path
from typing import Any

from storytime_tui.commands.output import print_json
from storytime_tui.formatting import size
from storytime_tui.stories.export.write import write_story
from storytime_tui.stories.importing import import_story
from storytime_tui.stories.naming import find_story
from storytime_tui.stories.store import StoryStore
from storytime_tui.terminal import printable_line, printable_path


def add_arguments(actions: Any) -> None:
    """Define the options of these actions of `stories`."""
    exporting = actions.add_parser("export", help="write a story to a file, in the format of its ending")
    exporting.add_argument("name", metavar="STORY", help="a story's id or exact title")
    exporting.add_argument(
        "--to",
        required=True,
        metavar="FILE",
        help="the file to write; it ends in .txt, .md, .html, .epub or .json (the whole tree)",
    )
    exporting.add_argument(
        "--language", default="en", metavar="TAG", help="the story's language, for .html and .epub (en)"
    )
    importing = actions.add_parser("import", help="add a file as a new story")
    importing.add_argument("file", metavar="FILE", help="a .json of `stories export`, a .txt or a .md")
    importing.add_argument(
        "--title", metavar="TITLE", help="what to call it (its own title, or the file's name)"
    )


def export(store: StoryStore, args: argparse.Namespace) -> None:
    """Export a story."""
    story = find_story(store, args.name)
    path = write_story(store, story.id, Path(args.to), args.language)
    if args.json:
        print_json({"id": story.id, "path": str(path), "bytes": path.stat().st_size})
    else:
        print(f"{printable_line(story.title)} is in {printable_path(path)} ({size(path.stat().st_size)}).")


def add(store: StoryStore, args: argparse.Namespace) -> None:
    """Import a file."""
    story = import_story(store, Path(args.file), args.title)
    if args.json:
        print_json({"id": story.id, "title": story.title})
    else:
        print(f"{printable_line(story.title)} is story {story.id} now.")
