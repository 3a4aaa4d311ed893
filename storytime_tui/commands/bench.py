"""`storytime-tui bench`: measure the speed of this machine."""

import argparse
from collections.abc import Mapping

from storytime_tui.cli import DONE
from storytime_tui.commands.output import StatusLine, print_json, say
from storytime_tui.errors import Misused
from storytime_tui.jobs.bench.app import measure_ui
from storytime_tui.jobs.bench.keys import measure_keys
from storytime_tui.jobs.bench.shapes import bases
from storytime_tui.jobs.bench.tell import measure_telling
from storytime_tui.jobs.bench.train import measure_training
from storytime_tui.models.catalogue import default_base, whole_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `bench`."""
    subjects = parser.add_subparsers(dest="subject", required=True, metavar="WHAT")
    screens = subjects.add_parser(
        "ui", help="time to the app's first frame, and to answer keys during training"
    )
    screens.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    screens.add_argument("--rounds", type=int, default=7, help="pairs of starts to take the median of")
    screens.add_argument(
        "--walks",
        type=int,
        default=10,
        help="walks over all screens, about thirty keys each, during training",
    )
    training = subjects.add_parser("train", help="training tokens per second, for a model of a base's shape")
    training.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    training.add_argument(
        "--base",
        type=whole_name,
        choices=bases(),
        default=default_base(),
        help="the base (its shape, with random weights)",
    )
    training.add_argument("--steps", type=int, default=20, help="steps to take the median of")
    training.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    telling = subjects.add_parser("tell", help="tokens told per second, for a model of a base's shape")
    telling.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    telling.add_argument(
        "--base",
        type=whole_name,
        choices=bases(),
        default=default_base(),
        help="the base (its shape, with random weights)",
    )
    telling.add_argument("--tokens", type=int, default=200, help="tokens to tell in each precision")
    telling.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")


def run(args: argparse.Namespace) -> int:
    """Measure and print the figures."""
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
