"""`storytime-tui evaluate`: measure a model's loss on collections, and how much of what it tells sounds like them."""

import argparse
import dataclasses

from storytime_tui import log
from storytime_tui.cli import DONE
from storytime_tui.commands.computing_options import add_device_argument, device_of
from storytime_tui.commands.downloads import add_yes_argument
from storytime_tui.commands.output import StatusLine, print_json, say
from storytime_tui.errors import Misused
from storytime_tui.formatting import progress
from storytime_tui.jobs.evaluate import evaluate_model, evaluate_voice
from storytime_tui.jobs.voice import VoiceScore
from storytime_tui.terminal import printable
from storytime_tui.training.voice_report import WHAT_IT_IS

PATHS = ("corpus",)  # arguments that may be file names, which need not be UTF-8
DOWNLOADS = True  # it may download a model, and asks first
_FEW = 2_000  # tokens; with fewer, the figures depend much on the choice of stories


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `evaluate`."""
    parser.add_argument("--model", required=True, help="a run, run/step-20, a folder, or a Hub id")
    parser.add_argument(
        "--corpus",
        action="extend",
        nargs="+",
        required=True,
        metavar="NAME|PATH",
        help="collections to measure on",
    )
    parser.add_argument(
        "--all", action="store_true", help="measure on all stories, not only on the validation stories"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the split into training and validation stories (0)"
    )
    parser.add_argument(
        "--stride",
        type=int,
        metavar="N",
        help="tokens between the starts of two windows; fewer give each token more context (half a window)",
    )
    add_device_argument(parser)
    parser.add_argument("--precision", default="auto", choices=["auto", "bf16", "fp32"])
    parser.add_argument(
        "--voice",
        action="store_true",
        help="also tell passages, and measure how many sound like the collections",
    )
    add_yes_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Measure and print the figures."""
    if args.stride is not None and args.stride < 1:
        raise Misused(f"--stride is {args.stride}, but must be 1 or more.")
    if not 0 <= args.seed < 2**63:
        raise Misused(
            f"--seed is {args.seed}, but must be a whole number from 0 to 9,223,372,036,854,775,807."
        )
    log.start()
    device = device_of(args.device)
    status = StatusLine()

    def report(what: str, done: int, total: int) -> None:
        status.show(progress(what, done, total))

    try:
        judged = evaluate_model(
            args.model,
            args.corpus,
            report,
            everything=args.all,
            seed=args.seed,
            precision=args.precision,
            stride=args.stride,
            device_name=device,
        )
        voice = None
        if args.voice:
            voice = evaluate_voice(args.model, args.corpus, report, seed=args.seed, device_name=device)
    finally:
        status.clear()
    if judged.told_at != 1:
        say(f"The loss is measured at strength 1, as trained; `tell` and --voice use {judged.told_at:g}.")
    if args.json:
        voice_fields = {} if voice is None else {"voice": voice.share, "voice_of": voice.per_class}
        print_json({"event": "finished", **dataclasses.asdict(judged), **voice_fields})
        return DONE
    if judged.tokens < _FEW:
        say(f"Only {judged.tokens:,} tokens: with a few more stories the figures may differ much.")
    which = ("" if args.all else "validation ") + ("story" if judged.stories == 1 else "stories")
    print(f"{judged.model} on {judged.stories:,} {which}, {judged.tokens:,} tokens, {judged.bytes:,} bytes")
    print(f"validation loss  {judged.validation_loss:.4f}")
    print(f"perplexity       {judged.perplexity:,.2f}")
    print(f"bits per byte    {judged.bits_per_byte:.4f}")
    if voice is not None:
        print(printable(_in_words(voice)))
    return DONE


def _in_words(voice: VoiceScore) -> str:
    shelf = "the shelf" if len(voice.of_each) == 1 else "the shelf that they were told as"
    each = ", ".join(f"{count:,} {name or 'none'}" for name, count in voice.per_class.items())
    return (
        f"voice            {voice.of_shelf:,} of {voice.passages:,} told passages sound like {shelf} ({each})\n"
        f"copied           {voice.copied:.1%} of their runs of eight words are in the training stories\n{WHAT_IT_IS}"
    )
