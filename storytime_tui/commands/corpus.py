"""`storytime-tui corpus`: list, add, show and change collections, and search Project Gutenberg."""

import argparse
import json
import shlex
import sys
import textwrap
from collections.abc import Iterable

from storytime_tui.commands import corpus_left_out
from storytime_tui.commands.output import progress_shown
from storytime_tui.commands.tables import print_table
from storytime_tui.corpus.collection import Collection
from storytime_tui.errors import CorpusError
from storytime_tui.formatting import count, size
from storytime_tui.jobs import shelves
from storytime_tui.terminal import printable, printable_line

PATHS = ("paths", "name")  # arguments that may be file names, which need not be UTF-8
TEXTS = ("query",)  # arguments that may be empty
_MOST_COPIES = 5  # messages about copies to print; the others are counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `corpus`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="list the collections")
    adding = actions.add_parser("add", help="import texts as a collection")
    adding.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help=f"a {shelves.formats_in_words()}, a folder of them, or a web address",
    )
    adding.add_argument("--name", help="what to call the new collection")
    adding.add_argument(
        "--keep-punctuation",
        action="store_false",
        dest="plain",
        default=None,
        help="keep curly quotes and long dashes (what the settings say, or plain)",
    )
    adding.add_argument(
        "--plain-punctuation", action="store_true", dest="plain", default=None, help="make them plain"
    )
    adding.add_argument(
        "--column",
        metavar="NAME",
        help="the column of a .csv, .json or .jsonl file that holds the texts; without it text, story, completion or "
        "content",
    )
    showing = actions.add_parser("show", help="list or print the stories of a collection")
    showing.add_argument(
        "name", metavar="N", help="a collection's name or title, or the path of a folder or file"
    )
    showing.add_argument(
        "--text", action="store_true", help="print the cleaned text that models are trained on"
    )
    showing.add_argument("--before", action="store_true", help="print the original text of the files")
    showing.add_argument(
        "--left-out",
        action="store_true",
        help="list what is in none of its stories, and why; with --text, print it",
    )
    showing.add_argument("--story", metavar="TITLE", help="only this story")
    putting = actions.add_parser("put-back", help="make stories of parts that were left out")
    putting.add_argument("name", metavar="N", help="a collection's name or title")
    putting.add_argument(
        "numbers",
        nargs="+",
        type=int,
        metavar="NUMBER",
        help="a part's number, from `corpus show N --left-out`",
    )
    renaming = actions.add_parser("rename", help="rename a collection or a story")
    renaming.add_argument("name", metavar="N", help="a collection's name or title")
    renaming.add_argument("title", metavar="TITLE", help="the new title")
    renaming.add_argument("--story", metavar="OLD", help="the title of the story to rename")
    removing = actions.add_parser("remove", help="remove a collection or a story; it is kept for thirty days")
    removing.add_argument("name", metavar="N", help="a collection's name or title")
    removing.add_argument("--story", metavar="TITLE", help="only this story")
    restoring = actions.add_parser("restore", help="restore a removed collection or story")
    restoring.add_argument(
        "name",
        nargs="?",
        metavar="N",
        help="a collection's name or title; without it, list what can be restored",
    )
    restoring.add_argument("--story", metavar="TITLE", help="a story that was removed from this collection")
    restoring.add_argument("--name", dest="new_name", metavar="OTHER", help="restore it under another name")
    searching = actions.add_parser(
        "search", help="find books at Project Gutenberg, by title, author or subject"
    )
    searching.add_argument(
        "query",
        nargs="*",
        metavar="WORD",
        help="words to search for; without any, list the built-in classics",
    )
    searching.add_argument(
        "--offline", action="store_true", help="search the built-in list of children's classics only"
    )
    fetching = actions.add_parser("fetch", help="add a book from Project Gutenberg")
    fetching.add_argument(
        "number", type=_book_number, metavar="NUMBER", help="the book's number, from `corpus search`"
    )
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="print one JSON object per line")


def _book_number(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise argparse.ArgumentTypeError(
            f"{printable(typed)!r} is not a book number: `storytime-tui corpus search` shows the numbers."
        )
    return int(typed)


def run(args: argparse.Namespace) -> int:
    """Run the action. Returns the exit code. Raises StorytimeError."""
    actions = {
        "list": _list,
        "add": _add,
        "show": _show,
        "put-back": lambda args: corpus_left_out.put_back(args.name, args.numbers, as_json=args.json),
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
    _print_messages(problems)
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
        _print_messages(
            ["The shelf is empty: `storytime-tui corpus add PATH` adds a file or a folder of texts."]
        )


def _add(args: argparse.Namespace) -> None:
    with progress_shown() as report:
        added = shelves.add(args.paths, args.name, report=report, plain=args.plain, column=args.column or "")
    _say_added(added, as_json=args.json)


def _say_added(added: shelves.AddedCollection, *, as_json: bool) -> None:
    collection = added.collection
    _print_messages(f"Left out: {problem.replace(': it is left out.', '.')}" for problem in added.problems)
    _print_messages(added.notes)
    _print_messages(added.copies[:_MOST_COPIES])
    if len(added.copies) > _MOST_COPIES:
        _print_messages([f"The same is true of {len(added.copies) - _MOST_COPIES:,} more stories."])
    corpus_left_out.say_account(collection)
    if as_json:
        files = [corpus_left_out.as_fields(account) for account in collection.accounts]
        print(json.dumps({**_as_json(collection), "files": files}))
    else:
        print(f"Added {collection.name}: {_stories(collection)}, {count(collection.words, 'word')}.")


def _show(args: argparse.Namespace) -> None:
    collection = shelves.find(args.name)
    if args.left_out:
        corpus_left_out.show(collection, text=args.text, as_json=args.json)
        return
    chosen = range(len(collection.stories)) if args.story is None else [_place_of(collection, args.story)]
    shown = printable if sys.stdout.isatty() else str  # a terminal would execute control characters in a text
    if args.json:
        for place in chosen:
            story = collection.stories[place]
            fields = {"collection": collection.name, "title": story.title, "words": story.words}
            fields |= {"chapters": [chapter.title for chapter in story.chapters]} if story.chapters else {}
            fields |= {"text": story.text} if args.text else {}
            print(
                json.dumps(
                    fields | ({"before": shelves.original_text(collection, place)} if args.before else {})
                )
            )
    elif args.before:
        print("\n\n\n".join(shown(shelves.original_text(collection, place)) for place in chosen))
    elif args.text:
        for number, place in enumerate(chosen):  # one at a time: a collection may be larger than the memory
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
    warning = shelves.rename(collection, place, args.title)
    title = printable_line(args.title)
    _print_messages([warning] if warning else [])
    if args.json:
        print(json.dumps({"collection": collection.name, "title": title}))
    else:
        print(f"Renamed “{printable(old)}” to “{title}”.")


def _remove(args: argparse.Namespace) -> None:
    removed = _remove_from_shelf(args.name, args.story)
    if args.json:
        print(json.dumps({"collection": removed.name, "removed": removed.title}))
        return
    what = f" --story {shlex.quote(removed.title)}" if removed.story else ""
    back = f" `storytime-tui corpus restore {shlex.quote(removed.name)}{what}` brings it back."
    print(printable(removed.sentence + back + _cache_left(removed)))


_WORTH_SAYING = 1_000_000  # bytes


def _cache_left(removed: shelves.Removed) -> str:
    """What clearing the caches would free, after a collection is removed: they are kept for several at once."""
    from storytime_tui.jobs.housekeeping import disk

    taken = 0 if removed.story else disk.made_bytes()
    kept = f"The cache has {size(taken)} of texts and tokens, of this collection and others"
    return (
        f" {kept}: `storytime-tui disk clear texts` and `… tokens` free them."
        if taken >= _WORTH_SAYING
        else ""
    )


def _remove_from_shelf(name: str, story: str | None) -> shelves.Removed:
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
        for each in removed:
            fields = {"collection": each.name, "title": each.title}
            print(json.dumps(fields | {"kind": "story" if each.story else "collection"}))
    elif removed:
        rows = [(each.name, each.title, "story" if each.story else "collection") for each in removed]
        print_table([("collection", "title", "kind"), *rows])
        _print_messages(
            ["`storytime-tui corpus restore NAME` restores a collection; add `--story TITLE` for a story."]
        )
    else:
        _print_messages(["There is nothing to restore."])


def _search(args: argparse.Namespace) -> None:
    from storytime_tui.jobs import books

    query = " ".join(args.query)
    if args.offline or not query.strip():
        found = books.FoundBooks(books.search_offline(query), "")
    else:
        found = books.search(query)
    _print_messages([found.note] if found.note else [])
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
        _print_messages(["`storytime-tui corpus fetch NUMBER` adds one to the shelf."])
    else:
        _print_messages([f"No book was found for {query!r}: try fewer words, or the author's name alone."])


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


def _print_messages(messages: Iterable[str]) -> None:
    for message in messages:
        print(printable(message), file=sys.stderr)
