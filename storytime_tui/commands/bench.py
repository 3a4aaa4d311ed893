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

_LABEL = 28  # cells of a figure's name at least
_TEN_MORE = "10 more tokens behind {}, s"
_IN_A_PRECISION = "_tokens_per_second"
_LABELS = {
    "long_prompt_tokens": "long prompt, tokens",
    "long_prompt_seconds": "reading the long prompt, s",
    "eight_at_once": "8 stories at once, times one story's tokens/s",
}
_TELL_ROWS = """\
what the rows say:
  fp32, bf16, int8    tokens told per second, one story, in each precision that
                      this machine can compute in
  long prompt         how many tokens it has: 90% of what the model sees, at most
                      2,048
  reading             seconds to read it, all but its last ten tokens
  10 more tokens      seconds to read these ten, when all before them is known
  8 stories at once   the tokens of all eight per second, over those of one story;
                      like the rows above in the last precision
Each is measured after a few tokens that do not count. It is the median of three
passes, or of one that takes ten seconds or longer."""


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
    telling = subjects.add_parser(
        "tell",
        help="tokens told per second, for a model of a base's shape",
        epilog=_TELL_ROWS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    rows = [(_label(name, figures), _shown(value)) for name, value in figures.items()]
    width = max(len(label) for label, _ in rows)
    for label, shown in rows:
        print(f"{label:<{max(width, _LABEL)}}{shown:>16}")
    return DONE


def _label(name: str, figures: Mapping[str, object]) -> str:
    """What a figure is, with its unit."""
    if name == "ten_tokens_more_seconds":
        return _TEN_MORE.format(_shown(int(str(figures["long_prompt_tokens"])) - 10))
    if name.endswith(_IN_A_PRECISION):
        return f"{name.removesuffix(_IN_A_PRECISION)}, tokens/s"
    return _LABELS.get(name) or name.replace("_", " ")


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
