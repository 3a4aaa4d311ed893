"""`storytime-tui stories retell`, and how each passage was told, for `stories show --told`."""

import argparse
import threading
from typing import Any

from storytime_tui import log
from storytime_tui.cli import DONE, FAILED, INTERRUPTED
from storytime_tui.commands.output import StatusLine, print_json, say
from storytime_tui.commands.tables import cut, print_table
from storytime_tui.commands.telling_options import interrupt_sets
from storytime_tui.errors import StoryError
from storytime_tui.formatting import count, progress
from storytime_tui.jobs.tell_again import ToldAgain, tell_again
from storytime_tui.jobs.told_record import last_told, told_line
from storytime_tui.stories.naming import find_story
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Passage
from storytime_tui.terminal import printable, printable_line

_WIDEST = 48  # terminal columns of a passage's first words


def add_arguments(actions: Any) -> None:
    """Define the options of `retell`."""
    telling = actions.add_parser(
        "retell",
        help="tell a passage again exactly as it was told, and say whether it comes out the same; the story stays "
        "as it is",
    )
    telling.add_argument("name", metavar="STORY", help="a story's id or exact title")
    telling.add_argument(
        "--passage",
        type=int,
        metavar="N",
        help="which passage of the present text, from 1; `stories show --told` numbers them (the last told one)",
    )


def retell(store: StoryStore, args: argparse.Namespace) -> int:
    """Tell a passage again. Exit code 1 if other words come out, or if it cannot be told again."""
    log.start()
    story = find_story(store, args.name)
    passages = store.passages(story.id)
    passage = _chosen(passages, args.passage)
    number, how = passages.index(passage) + 1, told_line(passage)
    status, stop = StatusLine(), threading.Event()
    try:
        with interrupt_sets(stop):
            told = tell_again(
                store,
                passage.id,
                lambda event: status.show(progress(printable(event.what), event.done, event.total)),
                stop,
            )
    finally:
        status.clear()
    if args.json:
        print_json({"id": story.id, "passage": number, "told": how, "same": told.same, "why": told.why,
                    "text": told.text})  # fmt: skip
    else:
        _print(told, f"Passage {number} of {printable_line(story.title)}", printable_line(how))
    if stop.is_set():
        return INTERRUPTED
    return DONE if told.same else FAILED


def _print(told: ToldAgain, which: str, how: str) -> None:
    if told.text:
        print(printable(told.text.strip("\n")))
    if told.same:
        say(f"{which} came out the same, word for word: {how}.")
    else:
        say(
            f"{which} {'differs' if told.same is False else 'cannot be told again'}. {printable_line(told.why)}"
        )


def _chosen(passages: tuple[Passage, ...], number: int | None) -> Passage:
    """The passage with this number, or the last told one. Raises StoryError."""
    if number is None:
        last = last_told(passages)
        if last is None:
            raise StoryError("No passage of this story was told by a model, so none can be told again.")
        return last
    if not 1 <= number <= len(passages):
        raise StoryError(
            f"The story has {count(len(passages), 'passage')}, so --passage must be from 1 to {len(passages)}, not "
            f"{number}."
        )
    return passages[number - 1]


def print_told(passages: tuple[Passage, ...]) -> None:
    """Print a line for each passage: its number, who wrote it or how it was told, and its first words."""
    rows = [
        (str(number), told_line(passage) or "you", cut(" ".join(passage.text[:400].split()), _WIDEST))
        for number, passage in enumerate(passages, 1)
    ]
    print_table([("passage", "by", "begins"), *rows], right={0})


def told_fields(passages: tuple[Passage, ...]) -> list[dict[str, object]]:
    """The passages for JSON: who wrote each, how it was told, and its text."""
    return [
        {"passage": number, "author": passage.author, "told": told_line(passage), "text": passage.text}
        for number, passage in enumerate(passages, 1)
    ]
