"""`storytime-tui corpus`: list the shelf, add to it, show a collection, change it, search Project Gutenberg."""

import argparse
import json
import shlex
import sys
import textwrap
from collections.abc import Iterable

from storytime_tui.commands.output import progress_shown
from storytime_tui.commands.tables import print_table
from storytime_tui.corpus.collection import Collection
from storytime_tui.errors import CorpusError
from storytime_tui.formatting import count, size
from storytime_tui.jobs import shelves
from storytime_tui.terminal import printable, printable_line

PATHS = ("paths", "name")  # arguments that may name a file: what a disk calls it need not be UTF-8
TEXTS = ("query",)  # arguments that name nothing: they may be empty
_SOME = 5  # sentences of one kind that are printed; the rest is a number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define what may follow `corpus`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="the collections on the shelf")
    adding = actions.add_parser("add", help="import texts as a collection")
    adding.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a .txt, .md, .html, .epub or .zip, a folder of them, or a web address",
    )
    adding.add_argument("--name", help="what to call the new collection")
    adding.add_argument(
        "--keep-punctuation",
        action="store_true",
        help="leave curly quotes and long dashes as they are written",
    )
    showing = actions.add_parser("show", help="the stories of one collection")
    showing.add_argument(
        "name", metavar="N", help="a collection's name or title, or the path of a folder or file"
    )
    showing.add_argument("--text", action="store_true", help="print the cleaned text, as a model learns it")
    showing.add_argument("--before", action="store_true", help="print the text as it stood in the files")
    showing.add_argument("--story", metavar="TITLE", help="only this story")
    renaming = actions.add_parser("rename", help="give a collection, or a story of it, another title")
    renaming.add_argument("name", metavar="N", help="a collection's name or title")
    renaming.add_argument("title", metavar="TITLE", help="what to call it")
    renaming.add_argument("--story", metavar="OLD", help="the story to rename, by its title")
    removing = actions.add_parser("remove", help="take a collection, or a story of it, off the shelf")
    removing.add_argument("name", metavar="N", help="a collection's name or title")
    removing.add_argument("--story", metavar="TITLE", help="only this story")
    restoring = actions.add_parser("restore", help="bring back a collection or a story that was removed")
    restoring.add_argument(
        "name",
        nargs="?",
        metavar="N",
        help="a collection's name or title; without it, what can be brought back",
    )
    restoring.add_argument("--story", metavar="TITLE", help="a story that was removed from this collection")
    restoring.add_argument(
        "--name", dest="new_name", metavar="OTHER", help="bring it back under another name"
    )
    searching = actions.add_parser(
        "search", help="find books at Project Gutenberg, by title, author or subject"
    )
    searching.add_argument(
        "query", nargs="*", metavar="WORD", help="nothing lists the classics known offline"
    )
    searching.add_argument(
        "--offline", action="store_true", help="only the built-in list of children's classics"
    )
    fetching = actions.add_parser("fetch", help="fetch a book from Project Gutenberg onto the shelf")
    fetching.add_argument(
        "number", type=_book_number, metavar="NUMBER", help="its number, as `corpus search` shows it"
    )
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="one JSON object a line")


def _book_number(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise argparse.ArgumentTypeError(
            f"{printable(typed)!r} is no book's number: `storytime-tui corpus search` shows them."
        )
    return int(typed)


def run(args: argparse.Namespace) -> int:
    """Do it and return the exit status. Raises StorytimeError."""
    actions = {
        "list": _list,
        "add": _add,
        "show": _show,
        "rename": _rename,
        "remove": _remove,
        "restore": _restore,
        "search": _search,
        "fetch": _fetch,
    }
    actions[args.action](args)
    return 0


def _list(args: argparse.Namespace) -> None:
    collections, problems = shelves.shelf_with_problems()
    _tell(problems)
    if args.json:
        for collection in collections:
            print(json.dumps(_as_json(collection)))
    elif collections:
        rows = [
            (c.name, c.title, f"{len(c.stories):,}", f"{c.words:,}", "bundled" if c.bundled else "yours")
            for c in collections
        ]
        print_table([("name", "title", "stories", "words", "kind"), *rows], right={2, 3})
    else:
        _tell(["The shelf is empty: `storytime-tui corpus add PATH` puts a file or a folder of texts on it."])


def _add(args: argparse.Namespace) -> None:
    with progress_shown() as report:
        added = shelves.add(args.paths, args.name, report=report, plain=not args.keep_punctuation)
    _say_added(added, as_json=args.json)


def _say_added(added: shelves.AddedCollection, *, as_json: bool) -> None:
    collection = added.collection
    _tell(f"Left out: {problem.replace(': it is left out.', '.')}" for problem in added.problems)
    _tell(added.notes)
    _tell(added.copies[:_SOME])
    if len(added.copies) > _SOME:
        _tell([f"So it is with {len(added.copies) - _SOME:,} more stories."])
    if as_json:
        print(json.dumps(_as_json(collection)))
    else:
        print(f"Added {collection.name}: {_stories(collection)}, {count(collection.words, 'word')}.")


def _show(args: argparse.Namespace) -> None:
    collection = shelves.find(args.name)
    chosen = range(len(collection.stories)) if args.story is None else [_place_of(collection, args.story)]
    shown = printable if sys.stdout.isatty() else str  # a terminal must not obey what stands in a text
    if args.json:
        for place in chosen:
            story = collection.stories[place]
            fields = {"collection": collection.name, "title": story.title, "words": story.words}
            fields |= {"chapters": [chapter.title for chapter in story.chapters]} if story.chapters else {}
            fields |= {"text": story.text} if args.text else {}
            print(json.dumps(fields | ({"before": shelves.before(collection, place)} if args.before else {})))
    elif args.before:
        print("\n\n\n".join(shown(shelves.before(collection, place)) for place in chosen))
    elif args.text:
        for number, place in enumerate(chosen):  # one at a time: a shelf may be larger than memory
            story = collection.stories[place]
            print(("\n\n" if number else "") + f"{printable(story.title)}\n\n{shown(story.text)}")
    else:
        facts = (collection.author, collection.source, collection.licence)
        print(" · ".join(printable(fact) for fact in (collection.title, *facts) if fact))
        if collection.description:
            print(textwrap.fill(printable(collection.description), 80))
        stories = [collection.stories[place] for place in chosen]
        rows = [(story.title, f"{story.words:,}") for story in stories]
        rows.append((f"{len(rows):,} in all", f"{sum(story.words for story in stories):,}"))
        print_table([("story", "words"), *rows], right={1})


def _rename(args: argparse.Namespace) -> None:
    collection = shelves.find(args.name)
    place = None if args.story is None else _place_of(collection, args.story)
    old = collection.title if place is None else collection.stories[place].title
    remark = shelves.rename(collection, place, args.title)
    title = printable_line(args.title)
    _tell([remark] if remark else [])
    if args.json:
        print(json.dumps({"collection": collection.name, "title": title}))
    else:
        print(f"Renamed “{printable(old)}” to “{title}”.")


def _remove(args: argparse.Namespace) -> None:
    removed = _removed(args.name, args.story)
    if args.json:
        print(json.dumps({"collection": removed.name, "removed": removed.title}))
        return
    what = f" --story {shlex.quote(removed.title)}" if removed.story else ""
    back = f" `storytime-tui corpus restore {shlex.quote(removed.name)}{what}` brings it back."
    print(printable(removed.sentence + back))


def _removed(name: str, story: str | None) -> shelves.Removed:
    try:
        collection = shelves.find(name)
    except CorpusError:
        removed = shelves.remove_unreadable(name) if story is None else None
        if removed is None:
            raise
        return removed
    return shelves.remove(collection, None if story is None else _place_of(collection, story))


def _restore(args: argparse.Namespace) -> None:
    if args.name is None:
        _list_removed(as_json=args.json)
        return
    restored = shelves.restore(args.name, story=args.story, new_name=args.new_name)
    if args.json:
        print(json.dumps({"collection": restored.name, "title": restored.title}))
    else:
        print(printable(restored.sentence))


def _list_removed(*, as_json: bool) -> None:
    removed = shelves.removed()
    if as_json:
        for gone in removed:
            fields = {"collection": gone.name, "title": gone.title}
            print(json.dumps(fields | {"kind": "story" if gone.story else "collection"}))
    elif removed:
        rows = [(gone.name, gone.title, "story" if gone.story else "collection") for gone in removed]
        print_table([("collection", "title", "kind"), *rows])
        _tell(["`storytime-tui corpus restore NAME` brings a collection back, with `--story TITLE` a story."])
    else:
        _tell(["Nothing was removed that could be brought back."])


def _search(args: argparse.Namespace) -> None:
    from storytime_tui.jobs import books

    query = " ".join(args.query)
    if args.offline or not query.strip():
        found = books.FoundBooks(books.search_offline(query), "")
    else:
        found = books.search(query)
    _tell([found.note] if found.note else [])
    if args.json:
        for book in found.books:
            fields = {"number": book.number, "title": book.title, "author": book.author}
            print(json.dumps(fields | {"year": book.year, "bytes": book.bytes}))
    elif found.books:
        rows = [
            (
                str(book.number),
                book.title,
                book.author,
                book.year,
                size(book.bytes) if book.bytes else "",
            )
            for book in found.books
        ]
        print_table([("number", "title", "author", "year", "size"), *rows], right={0, 3, 4})
        _tell(["`storytime-tui corpus fetch NUMBER` puts one on the shelf."])
    else:
        _tell([f"No book was found for {query!r}: try fewer words, or the author's name alone."])


def _fetch(args: argparse.Namespace) -> None:
    from storytime_tui.jobs import books

    with progress_shown() as report:
        added = books.fetch(books.numbered(args.number), report=report)
    _say_added(added, as_json=args.json)


# -- printing ---------------------------------------------------------------------------------------------


def _place_of(collection: Collection, title: str) -> int:
    for place, story in enumerate(collection.stories):
        if story.title.casefold() == title.strip().casefold():
            return place
    raise CorpusError(
        f"There is no story called {title!r} in {collection.name}: "
        f"`storytime-tui corpus show {shlex.quote(collection.name)}` lists them."
    )


def _stories(collection: Collection) -> str:
    return count(len(collection.stories), "story", "stories")


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


def _tell(messages: Iterable[str]) -> None:
    for message in messages:
        print(printable(message), file=sys.stderr)
