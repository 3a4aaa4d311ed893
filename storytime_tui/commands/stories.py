"""`storytime-tui stories`: list, show, search, rename, remove and restore written stories; files: `stories_files`."""

import argparse
import sys
from datetime import datetime

from storytime_tui.cli import DONE
from storytime_tui.commands import stories_files, stories_told
from storytime_tui.commands.output import print_json, say
from storytime_tui.commands.story_store import opened
from storytime_tui.commands.tables import print_table
from storytime_tui.formatting import count
from storytime_tui.jobs.told_record import last_told, told_line
from storytime_tui.stories.naming import find_story
from storytime_tui.stories.pages import Listed, listed
from storytime_tui.stories.search import search
from storytime_tui.stories.store import StoryStore
from storytime_tui.terminal import printable, printable_line, wrapped
from storytime_tui.terminal_kind import size
from storytime_tui.word_count import count_words

PATHS = ("file", "to")  # arguments that are names of files, which need not be UTF-8
DOWNLOADS = True  # it may download a model, and asks first
_SHOWN = 50  # results of a search, unless --limit says otherwise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `stories`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="list the stories, last changed first")
    showing = actions.add_parser("show", help="print a story")
    showing.add_argument("name", metavar="STORY", help="a story's id or exact title")
    showing.add_argument(
        "--told", action="store_true", help="list its passages instead, and how each of them was told"
    )
    searching = actions.add_parser("search", help="find stories by words of their titles and texts")
    searching.add_argument(
        "phrases",
        nargs="+",
        metavar="PHRASE",
        help="a word, a part of one, or several in quotes; a story must hold every phrase",
    )
    searching.add_argument(
        "--limit", type=_positive, default=_SHOWN, metavar="N", help=f"show at most N stories ({_SHOWN})"
    )
    stories_files.add_arguments(actions)
    stories_told.add_arguments(actions)
    renaming = actions.add_parser("rename", help="give a story another title")
    renaming.add_argument("name", metavar="STORY", help="a story's id or exact title")
    renaming.add_argument("title", metavar="TITLE")
    removing = actions.add_parser("remove", help="remove stories from the list; nothing of them is deleted")
    removing.add_argument("names", nargs="+", metavar="STORY", help="a story's id or exact title")
    restoring = actions.add_parser("restore", help="restore removed stories")
    restoring.add_argument(
        "names",
        nargs="*",
        metavar="STORY",
        help="a story's id or exact title; without one, list the removed stories",
    )
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="print one JSON object per line")


def _positive(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and 0 < len(typed) < 10 and int(typed)):
        raise argparse.ArgumentTypeError(f"{typed!r} is not a number from 1 on")
    return int(typed)


def run(args: argparse.Namespace) -> int:
    """Run the action and return the exit code. Raises StorytimeError."""
    actions = {"list": _list, "show": _show, "search": _search, "rename": _rename, "remove": _remove,
               "restore": _restore, "export": stories_files.export, "import": stories_files.add}  # fmt: skip
    with opened(adds=args.action == "import") as store:
        if args.action == "retell":
            return stories_told.retell(store, args)
        actions[args.action](store, args)
    return DONE


def _list(store: StoryStore, args: argparse.Namespace) -> None:
    _print_list(listed(store), args.json, "No stories yet: write one in the app, or `stories import` a file.")


def _print_list(stories: tuple[Listed, ...], as_json: bool, nothing: str) -> None:
    if as_json:
        for each in stories:
            print_json(_record(each))
        return
    if not stories:
        print(nothing)
        return
    rows = [
        (
            str(each.story.id),
            each.story.title,
            f"{each.words:,}",
            each.model or "–",
            _date(each.story.changed),
        )
        for each in stories
    ]
    print_table([("id", "title", "words", "model", "changed"), *rows], right={0, 2}, widest=40)


def _record(each: Listed) -> dict[str, object]:
    story = each.story
    return {
        "id": story.id,
        "title": story.title,
        "words": each.words,
        "model": each.model,
        "changed": story.changed,
    }


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _show(store: StoryStore, args: argparse.Namespace) -> None:
    story = find_story(store, args.name)
    passages = store.passages(story.id)
    text = "".join(passage.text for passage in passages)
    model = next((passage.model for passage in reversed(passages) if passage.model), "")
    each = Listed(story, count_words(text), model)
    if args.json:
        record = {"created": story.created, "draft": story.draft, "text": text}
        print_json({**_record(each), **record, "passages": stories_told.told_fields(passages)})
        return
    if args.told:
        stories_told.print_told(passages)
        return
    last = last_told(passages)
    told_by = f", {told_line(last)}" if last is not None else ""
    print(_fitted(printable_line(story.title)))
    facts = f"{count(each.words, 'word')}{told_by}, changed {_date(story.changed)}"
    print(_fitted(printable_line(facts)))
    print()
    print(_fitted(printable(text.rstrip("\n"))))
    if story.draft.strip():
        print()
        print(_fitted(printable(f"draft: {story.draft}")))


def _fitted(text: str) -> str:
    """The text with its lines broken between words where it goes to a terminal. What is piped stays as it is."""
    terminal = size(1) if sys.stdout.isatty() else None
    return wrapped(text, terminal[0]) if terminal else text


def _search(store: StoryStore, args: argparse.Namespace) -> None:
    found = search(store, args.phrases, args.limit)
    width = max((len(str(hit.story.id)) for hit in found.hits), default=0)
    for hit in found.hits:
        if args.json:
            each = Listed(hit.story, hit.words, hit.model)
            print_json({**_record(each), "context": hit.context})
        else:
            print(f"{hit.story.id:>{width}}  {printable_line(hit.story.title)}")
            print(f"{'':>{width}}  {printable_line(hit.context)}")
    if not found.total and not args.json:
        print("No story holds this.")
    if found.total > len(found.hits):
        say(
            f"{found.total:,} stories hold this. Shown: the {len(found.hits):,} changed last "
            f"(--limit {found.total} shows all)."
        )


def _rename(store: StoryStore, args: argparse.Namespace) -> None:
    story = find_story(store, args.name)
    title = " ".join(args.title.split())
    store.rename(story.id, title)
    if args.json:
        print_json({"id": story.id, "title": title, "before": story.title})
    else:
        print(f"The story {printable_line(story.title)} is now called {printable_line(title)}.")


def _remove(store: StoryStore, args: argparse.Namespace) -> None:
    for story in dict.fromkeys(
        find_story(store, name) for name in args.names
    ):  # all are found before one is removed
        store.remove(story.id)
        if args.json:
            print_json({"id": story.id, "title": story.title})
        else:
            print(
                f"The story {printable_line(story.title)} is removed: "
                f"`storytime-tui stories restore {story.id}` brings it back."
            )


def _restore(store: StoryStore, args: argparse.Namespace) -> None:
    if not args.names:
        _print_list(listed(store, removed=True), args.json, "There is no removed story to restore.")
        return
    for story in dict.fromkeys(
        find_story(store, name, removed=True) for name in args.names
    ):  # as in `_remove`
        store.restore(story.id)
        if args.json:
            print_json({"id": story.id, "title": story.title})
        else:
            print(f"The story {printable_line(story.title)} is back.")
