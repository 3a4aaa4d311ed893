"""`storytime-tui copied`: shows which parts of a text stand word for word in collections or in training stories."""

import argparse
import dataclasses
from pathlib import Path

from storytime_tui import log
from storytime_tui.cli import DONE
from storytime_tui.commands.input import read_file, read_standard_input
from storytime_tui.commands.output import print_json, progress_shown
from storytime_tui.commands.tables import cut
from storytime_tui.errors import StorytimeError
from storytime_tui.formatting import count
from storytime_tui.jobs.copied import RUN_OF_WORDS, Copies, find_copies, sources_in, sources_of
from storytime_tui.terminal import cells, printable_line

PATHS = ("corpus", "file")  # arguments that may be file names, which need not be UTF-8
_MOST = 20_000_000  # bytes of a text
_WIDTH = 78  # terminal columns of a run of words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `copied`."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--corpus",
        action="append",
        metavar="NAME|PATH",
        help="a collection that the text may be copied from; may be repeated",
    )
    where.add_argument("--run", metavar="NAME", help="a run: the stories that it learned from")
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="the text; - reads standard input, as does leaving it out"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per copied run of words, and the share"
    )


def run(args: argparse.Namespace) -> int:
    """Print the copied runs of words with their sources, and the share of the text that they are."""
    log.start()
    with progress_shown() as report:
        sources = sources_of(args.run) if args.run else sources_in(args.corpus, report)
        text = _text(args.file)
        copies = find_copies(text, sources, report)
    if args.json:
        _print_json(copies)
    else:
        _print_text(copies)
    return DONE


def _text(file: str | None) -> str:
    """The text to look at. Raises StorytimeError if it is blank, too long or cannot be read."""
    if file is None or file == "-":
        text = read_standard_input("text", "FILE", _MOST)
    else:
        text = read_file(Path(file), _MOST)
    if not text.strip():
        raise StorytimeError("The text is empty: name a file, or give a text on standard input.")
    return text


def _print_json(copies: Copies) -> None:
    for place in copies.places:
        print_json({"event": "copied_place", **dataclasses.asdict(place)})
    print_json({"event": "finished", "copied": copies.share})


def _print_text(copies: Copies) -> None:
    for place in copies.places:
        source = f"{cut(place.collection)}, {cut(place.story)}, from word {place.place:,}"
        print(f"{place.words:,} words: {source}\n  {_shortened(place.text)}")
    runs = count(len(copies.places), "run") if copies.places else "no run"
    print(f"copied  {copies.share:.1%} of the words, in {runs} of {RUN_OF_WORDS} words and more")


def _shortened(text: str) -> str:
    """The words on one line that fits a terminal; the middle of many is left out."""
    line = printable_line(text)
    if cells(line) <= _WIDTH:
        return line
    room = _WIDTH // 2 - 1
    start, end = cut(line, room).rstrip("…"), cut(line, room, keep="end").lstrip("…")
    return f"{start.rpartition(' ')[0] or start} … {end.partition(' ')[2] or end}"
