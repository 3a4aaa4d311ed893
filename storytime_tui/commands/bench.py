"""`storytime-tui bench`: this machine's own figures."""

import argparse

from storytime_tui.cli import DONE
from storytime_tui.commands.output import print_json, say
from storytime_tui.workshop.measuring import measure_ui


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `bench` takes."""
    subjects = parser.add_subparsers(dest="subject", required=True, metavar="WHAT")
    screens = subjects.add_parser("ui", help="how soon the first frame is painted, beside a bare Textual app")
    screens.add_argument("--json", action="store_true", help="one JSON object, as the last line")
    screens.add_argument("--rounds", type=int, default=7, help="pairs of starts, of which the median counts")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    figures = measure_ui(args.rounds, say)
    if args.json:
        print_json(figures)
        return DONE
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<28}{value:>8.3f}")
    return DONE
