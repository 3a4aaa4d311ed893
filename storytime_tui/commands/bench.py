"""`storytime-tui bench`: this machine's own figures."""

import argparse
from collections.abc import Mapping

from storytime_tui.cli import DONE
from storytime_tui.commands.output import StatusLine, print_json, say
from storytime_tui.errors import Misused
from storytime_tui.jobs.bench.app import measure_ui
from storytime_tui.jobs.bench.keys import measure_keys
from storytime_tui.jobs.bench.tell import measure_telling
from storytime_tui.jobs.bench.train import measure_training, shapes
from storytime_tui.models.catalogue import default_base


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `bench` takes."""
    subjects = parser.add_subparsers(dest="subject", required=True, metavar="WHAT")
    screens = subjects.add_parser("ui", help="how soon the app paints, and answers keys while it trains")
    screens.add_argument("--json", action="store_true", help="one JSON object, as the last line")
    screens.add_argument("--rounds", type=int, default=7, help="pairs of starts, of which the median counts")
    screens.add_argument(
        "--walks",
        type=int,
        default=10,
        help="walks over all screens, some thirty keys each, while a run trains",
    )
    learning = subjects.add_parser("train", help="tokens learned in a second by a model of a base's shape")
    learning.add_argument("--json", action="store_true", help="one JSON object, as the last line")
    learning.add_argument(
        "--base", choices=shapes(), default=default_base(), help="whose shape (random weights)"
    )
    learning.add_argument("--steps", type=int, default=20, help="steps, of which the median counts")
    learning.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    telling = subjects.add_parser("tell", help="tokens told in a second by a model of a base's shape")
    telling.add_argument("--json", action="store_true", help="one JSON object, as the last line")
    telling.add_argument(
        "--base", choices=shapes(), default=default_base(), help="whose shape (random weights)"
    )
    telling.add_argument("--tokens", type=int, default=200, help="tokens to tell in each precision")
    telling.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    figures: Mapping[str, object]
    for option, most in (("rounds", 1_000), ("steps", 100_000), ("tokens", 100_000)):
        value, least = getattr(args, option, None), 2 if option == "tokens" else 1
        if value is not None and not least <= value <= most:
            raise Misused(f"--{option} is {value}, but must be from {least} to {most:,}.")
    if args.subject == "train":
        status = StatusLine()
        figures = measure_training(args.base, args.steps, status.show, device=args.device)
        status.clear()
    elif args.subject == "tell":
        status = StatusLine()
        figures = measure_telling(args.base, args.tokens, status.show, device=args.device)
        status.clear()
    else:
        figures = {**measure_ui(args.rounds, say), **measure_keys(max(1, args.walks), say)}
    if args.json:
        print_json(dict(figures))
        return DONE
    for name, value in figures.items():
        shown = (
            f"{value:,.3f}"
            if isinstance(value, float)
            else f"{value:,}"
            if isinstance(value, int)
            else str(value)
        )
        print(f"{name.replace('_', ' '):<28}{shown:>16}")
    return DONE
