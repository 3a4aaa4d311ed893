"""`storytime-tui evaluate`: how well a model knows a collection, and how much of what it tells sounds like it."""

import argparse
import dataclasses

from storytime_tui import log
from storytime_tui.cli import DONE
from storytime_tui.commands.output import StatusLine, print_json, progress_text, say
from storytime_tui.errors import Misused
from storytime_tui.jobs.evaluate import judge, judge_voice
from storytime_tui.jobs.voice import Voice
from storytime_tui.terminal import printable
from storytime_tui.training.voice_report import WHAT_IT_IS

PATHS = ("corpus",)  # arguments that may name a file: what a disk calls it need not be UTF-8
_FEW = 2_000  # tokens, below which a figure says more of these stories than of the model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `evaluate` takes."""
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
        "--all", action="store_true", help="on every story, not only those set aside for validation"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the split into training and validation stories"
    )
    parser.add_argument(
        "--stride",
        type=int,
        metavar="N",
        help="tokens from one window's start to the next: fewer give each token more to go by (half a window)",
    )
    parser.add_argument("--precision", default="auto", choices=["auto", "bf16", "fp32"])
    parser.add_argument(
        "--voice",
        action="store_true",
        help="also have it tell, and say how much of that sounds like the collections",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    if args.stride is not None and args.stride < 1:
        raise Misused(f"--stride is {args.stride}, but must be 1 or more.")
    if not 0 <= args.seed < 2**63:
        raise Misused(
            f"--seed is {args.seed}, but must be a whole number from 0 to 9,223,372,036,854,775,807."
        )
    log.start()
    status = StatusLine()

    def report(what: str, done: int, total: int) -> None:
        status.show(progress_text(what, done, total))

    try:
        judged = judge(
            args.model,
            args.corpus,
            report,
            everything=args.all,
            seed=args.seed,
            precision=args.precision,
            stride=args.stride,
        )
        voice = judge_voice(args.model, args.corpus, report, seed=args.seed) if args.voice else None
    finally:
        status.clear()
    if judged.told_at != 1:
        say(
            f"Measured as it was trained, at strength 1; `tell` uses {judged.told_at:g}, and so does --voice."
        )
    if args.json:
        heard = {} if voice is None else {"voice": voice.share, "voice_of": voice.per_class}
        print_json({"event": "finished", **dataclasses.asdict(judged), **heard})
        return DONE
    if judged.tokens < _FEW:
        say(f"Only {judged.tokens:,} tokens: another story or two could change these figures much.")
    which = ("" if args.all else "validation ") + ("story" if judged.stories == 1 else "stories")
    print(f"{judged.model} on {judged.stories:,} {which}, {judged.tokens:,} tokens, {judged.bytes:,} bytes")
    print(f"validation loss  {judged.validation_loss:.4f}")
    print(f"perplexity       {judged.perplexity:,.2f}")
    print(f"bits per byte    {judged.bits_per_byte:.4f}")
    if voice is not None:
        print(printable(_in_words(voice)))
    return DONE


def _in_words(voice: Voice) -> str:
    shelf = "the shelf" if len(voice.of_each) == 1 else "the shelf that they were told as"
    each = ", ".join(f"{count:,} {name or 'nobody'}" for name, count in voice.per_class.items())
    return (
        f"voice            {voice.of_shelf:,} of {voice.passages:,} told passages sound like {shelf} ({each})\n"
        f"recited          {voice.copied:.1%} of their runs of eight words stand in the training stories\n{WHAT_IT_IS}"
    )
