"""`storytime-tui corpus`: list the shelf, add texts to it, show a collection."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import cells, printable
from storytime_tui.workshop import shelves


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define what may follow `corpus`."""
    actions = parser.add_subparsers(dest="action", metavar="list|add|show", required=True)
    listing = actions.add_parser("list", help="the collections on the shelf")
    adding = actions.add_parser("add", help="import .txt files, or folders of them, as a collection")
    adding.add_argument("paths", nargs="+", metavar="PATH", help="a .txt file, or a folder of them")
    adding.add_argument("--name", help="what to call the new collection")
    showing = actions.add_parser("show", help="the stories of one collection")
    showing.add_argument("name", metavar="N", help="a collection's name, or the path of a folder or file")
    showing.add_argument("--text", action="store_true", help="print the cleaned text, as a model learns it")
    for action in (listing, adding, showing):
        action.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Do it and return the exit status. Raises StorytimeError."""
    if args.action == "list":
        return _list(as_json=args.json)
    if args.action == "add":
        return _add(args.paths, args.name, as_json=args.json)
    return _show(args.name, with_text=args.text, as_json=args.json)


def _list(*, as_json: bool) -> int:
    collections, problems = shelves.shelf_with_problems()
    _tell(problems)
    if as_json:
        for collection in collections:
            print(json.dumps(_as_json(collection)))
    elif collections:
        rows = [
            (c.name, c.title, f"{len(c.stories):,}", f"{c.words:,}", "bundled" if c.bundled else "yours")
            for c in collections
        ]
        for line in _table(("name", "title", "stories", "words", "kind"), rows, right={2, 3}):
            print(line)
    else:
        _tell(["The shelf is empty: `storytime-tui corpus add PATH` puts a folder of .txt files on it."])
    return 0


def _add(paths: Sequence[str], name: str | None, *, as_json: bool) -> int:
    added = shelves.add([Path(path) for path in paths], name)
    collection = added.collection
    _tell(f"Left out: {problem}" for problem in added.problems)
    if as_json:
        print(json.dumps(_as_json(collection)))
    else:
        stories = "1 story" if len(collection.stories) == 1 else f"{len(collection.stories):,} stories"
        print(f"Added {collection.name}: {stories}, {collection.words:,} words.")
    return 0


def _show(name: str, *, with_text: bool, as_json: bool) -> int:
    collection = shelves.find(name)
    if as_json:
        for story in collection.stories:
            fields = {"collection": collection.name, "title": story.title, "words": story.words}
            print(json.dumps(fields | ({"text": story.text} if with_text else {})))
    elif with_text:
        # a pipe gets the text as it is; a terminal must not obey what stands in it
        shown = printable if sys.stdout.isatty() else str
        tales = (f"{printable(story.title)}\n\n{shown(story.text)}" for story in collection.stories)
        print("\n\n\n".join(tales))
    else:
        facts = (collection.author, collection.source, collection.licence)
        print(" · ".join(printable(fact) for fact in (collection.title, *facts) if fact))
        rows = [(story.title, f"{story.words:,}") for story in collection.stories]
        rows.append((f"{len(rows):,} in all", f"{collection.words:,}"))
        for line in _table(("story", "words"), rows, right={1}):
            print(line)
    return 0


def _as_json(collection: Collection) -> dict[str, str | int | bool]:
    return {
        "name": collection.name,
        "title": collection.title,
        "stories": len(collection.stories),
        "words": collection.words,
        "source": collection.source,
        "author": collection.author,
        "licence": collection.licence,
        "bundled": collection.bundled,
    }


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], right: set[int]) -> list[str]:
    """Lines with aligned columns; those whose place is in `right` are aligned to the right."""
    printed = [heads, *(tuple(printable(field) for field in row) for row in rows)]
    widths = [max(cells(row[place]) for row in printed) for place in range(len(heads))]
    lines = []
    for row in printed:
        fields = []
        for place, field in enumerate(row):
            space = " " * (widths[place] - cells(field))
            fields.append(space + field if place in right else field + space)
        lines.append("  ".join(fields).rstrip())
    return lines


def _tell(messages: Iterable[str]) -> None:
    for message in messages:
        print(printable(message), file=sys.stderr)
