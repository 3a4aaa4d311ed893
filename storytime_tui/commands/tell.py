"""`storytime-tui tell`: go on with a text, word by word, on the terminal or into a pipe."""

import argparse
import contextlib
import dataclasses
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from storytime_tui import log
from storytime_tui.cli import DONE, INTERRUPTED
from storytime_tui.commands.output import (
    StatusLine,
    add_set_argument,
    print_json,
    progress_text,
    say,
    values_of,
)
from storytime_tui.errors import StorytimeError
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.settings import SamplerSettings, with_values
from storytime_tui.models.catalogue import BASES
from storytime_tui.terminal import printable
from storytime_tui.workshop import telling

_STOPPED_BY = {"length": "as long as asked for", "end": "the story came to its end", "you": "stopped"}
_NAMED = ("max_tokens", "temperature", "top_k", "top_p", "seed")  # settings with an option of their own


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tell` takes."""
    usual = SamplerSettings()
    parser.add_argument(
        "--model", help="a run, run/step-20, a folder, or a Hub id (otherwise the newest run)"
    )
    parser.add_argument(
        "--prompt",
        metavar="TEXT",
        help="how the story begins; - reads standard input, as does a pipe (otherwise the model begins)",
    )
    parser.add_argument(
        "--max-tokens", type=int, metavar="N", help=f"stop after N tokens ({usual.max_tokens})"
    )
    parser.add_argument(
        "--temperature",
        type=float,
        metavar="T",
        help=f"higher is bolder, 0 always takes the likeliest token ({usual.temperature})",
    )
    parser.add_argument(
        "--top-k",
        type=int,
        metavar="K",
        help=f"choose among the K likeliest, 0 for all ({usual.top_k})",
    )
    parser.add_argument(
        "--top-p",
        type=float,
        metavar="P",
        help=f"choose among the likeliest that hold the probability P together ({usual.top_p})",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help=f"the same seed tells the same story ({usual.seed})"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line for every token")
    add_set_argument(parser, "the sampler, such as top_k=40; the options above win")


def run(args: argparse.Namespace) -> int:
    """Tell in this process; Ctrl+C keeps what was told and exits with 130."""
    log.start()
    settings = _settings(args)
    name = args.model or _newest_run()
    prompt = _prompt(args.prompt)
    stop = threading.Event()
    status = StatusLine()
    try:
        teller = telling.open_teller(
            name, lambda event: status.show(progress_text(printable(event.what), event.done, event.total))
        )
    finally:
        status.clear()
    with _interrupt_sets(stop):
        stream = teller.tell(prompt, settings, stop)
        told = _tell_json(stream) if args.json else _tell_plain(prompt, stream)
    if not args.json:
        say(f"{told.tokens} tokens, {told.tokens_per_second:.1f} tokens/s, {_STOPPED_BY[told.stopped_by]}")
    return INTERRUPTED if stop.is_set() else DONE


def _settings(args: argparse.Namespace) -> SamplerSettings:
    """What `--set` and the named options say; a named option wins. Raises PlanError."""
    values = values_of(args.values)
    for option in _NAMED:
        value = getattr(args, option)
        if value is not None:
            values[option] = str(value)
    return with_values(SamplerSettings(), values)


def _newest_run() -> str:
    """The newest run that has a checkpoint: `choices` lists runs before the untrained bases."""
    bases = {base.name for base in BASES}
    for choice in telling.choices():
        if choice.name not in bases:
            return choice.name
    raise StorytimeError(
        "There is no trained model to tell with yet. Train one (`storytime-tui train --corpus NAME`; "
        "`storytime-tui corpus list` shows the names), or name a base, such as `--model distilgpt2`."
    )


def _prompt(given: str | None) -> str:
    """The text to go on with. A pipe's last line end is the shell's, not the story's, and is dropped."""
    piped = sys.stdin is not None and not sys.stdin.isatty()
    if given == "-" or (given is None and piped):
        text = sys.stdin.buffer.read().decode("utf-8", "replace").replace("\r\n", "\n")
        return text.removesuffix("\n")
    # What of an argument is no UTF-8 comes as lone surrogates, which no tokenizer can read.
    return (given or "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _tell_plain(prompt: str, stream: Iterator[Piece | Told]) -> Told:
    """Print the prompt and each piece as it comes; give the stream's last word."""
    show: Callable[[str], str] = printable if sys.stdout.isatty() else str
    print(show(prompt), end="", flush=True)
    for item in stream:
        if isinstance(item, Told):
            print(show(item.tail), flush=True)
            return item
        print(show(item.text), end="", flush=True)
    raise AssertionError("a story's stream ends with Told")


def _tell_json(stream: Iterator[Piece | Told]) -> Told:
    """Print an object for each token and a closing one; give the stream's last word."""
    for item in stream:
        if isinstance(item, Told):
            print_json({"event": "finished", **dataclasses.asdict(item)})
            return item
        print_json({"event": "token", **dataclasses.asdict(item)})
    raise AssertionError("a story's stream ends with Told")


@contextlib.contextmanager
def _interrupt_sets(stop: threading.Event) -> Iterator[None]:
    """Ctrl+C asks the stream to end, so that its text stays whole; a second one ends the program."""

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
