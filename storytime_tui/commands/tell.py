"""`storytime-tui tell`: continue a text, word by word, on the terminal or into a pipe."""

import argparse
import contextlib
import dataclasses
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType

from storytime_tui import log
from storytime_tui.cli import DONE, INTERRUPTED
from storytime_tui.commands.input import read_standard_input
from storytime_tui.commands.output import (
    StatusLine,
    add_set_argument,
    print_json,
    progress_shown,
    say,
    strength_of,
    values_of,
)
from storytime_tui.errors import Misused, PlanError, StorytimeError
from storytime_tui.formatting import progress
from storytime_tui.generation import voice as voices
from storytime_tui.generation.pieces import WHY_IT_STOPPED, Piece, Told
from storytime_tui.generation.sampling.presets import PRESETS, with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs import generate, records
from storytime_tui.jobs.copied import RUN_OF_WORDS
from storytime_tui.knobs import table, with_values
from storytime_tui.models.catalogue import STARTER, bases, has_starter
from storytime_tui.models.voices import check_contrast, check_shares
from storytime_tui.terminal import printable, printable_line

TEXTS = ("prompt", "memory", "note", "values")  # arguments that may be empty
_MOST = 64  # continuations at once
Stream = Iterator[tuple[int, Piece | Told]]
# settings with their own option, and the default that its help names
_NAMED = {
    "max_tokens": f"{SamplerSettings.max_tokens}, and from there to the sentence's end",
    "temperature": SamplerSettings.temperature,
    "top_k": SamplerSettings.top_k,
    "top_p": SamplerSettings.top_p,
    "seed": "a new seed each time",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `tell`."""
    parser.add_argument(
        "--model", help="a run, run/step-20, a folder, or a Hub id (the newest run, or the starter)"
    )
    parser.add_argument(
        "--prompt",
        metavar="TEXT",
        help="the beginning of the story; - reads standard input, and so does a pipe (empty)",
    )
    for name, usual in _NAMED.items():
        option, line = name.replace("_", "-"), table(SamplerSettings)[name].line
        parser.add_argument(f"--{option}", metavar="N", help=f"{line} ({usual})")
    parser.add_argument(
        "--strength",
        metavar="S",
        help="how far from the base towards the run: 0 is the base, 1 the run as trained, 2 twice as far (the strength "
        "chosen when the run ended, or 1)",
    )
    parser.add_argument(
        "--contrast",
        type=float,
        metavar="C",
        help="how far a voice leans away from the model's other voices, 0 to 2; above 0 each token takes twice the "
        "time (otherwise what was chosen when the run ended, or 0)",
    )
    parser.add_argument(
        "--blend",
        action="append",
        default=[],
        metavar="RUN=W",
        help="move the weights by W, 0 to 1, towards another run of the same base; may be repeated",
    )
    presets = " ".join(f"{name}: {line}" for name, (line, _) in PRESETS.items())
    parser.add_argument("--preset", metavar="NAME", help=presets.replace("%", "%%"))
    parser.add_argument("--n", type=int, default=1, metavar="N", help="tell N continuations at once (1)")
    parser.add_argument(
        "--memory", default="", metavar="TEXT", help="text that the model always sees before the story"
    )
    parser.add_argument(
        "--note", default="", metavar="TEXT", help="text that the model sees a few lines before the end"
    )
    parser.add_argument(
        "--voice",
        action="append",
        metavar="TITLE",
        help="tell as this shelf of the model, given by its title or the start of it (the first shelf; `runs show` "
        'lists them). Give it twice to mix two voices, half each or by weight as in "TITLE=0.3". "none" is no voice. '
        "The model sees the shelf's line, but the line is not part of the story",
    )
    parser.add_argument(
        "--no-voice", action="store_true", help="like --voice none, even if a shelf has the title none"
    )
    parser.add_argument(
        "--avoid-copying",
        nargs="?",
        const=str(RUN_OF_WORDS),
        metavar="N",
        help=f"tell no N words in a row ({RUN_OF_WORDS}, if N is left out) that stand in the stories that the model "
        "learned from",
    )
    parser.add_argument(
        "--alternatives",
        type=int,
        default=0,
        metavar="N",
        help="with --json: the N most likely tokens at each place",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per token")
    add_set_argument(
        parser, SamplerSettings, "of the sampler, such as top_k=40 (the options above take precedence)"
    )


def run(args: argparse.Namespace) -> int:
    """Tell and print the story. Ctrl+C stops it, keeps the text so far and exits with 130."""
    log.start()
    settings = _settings(args)
    if args.no_voice and args.voice:
        raise Misused("--no-voice and --voice exclude each other: leave one of them out.")
    voices.check_asked(args.voice or ())
    strength, blend = strength_of(args.strength), _blend(args.blend)
    if args.contrast is not None:
        check_contrast(args.contrast)
    name = _usual_model() if args.model is None else args.model
    prompt = _prompt(args.prompt)
    stop = threading.Event()
    status = StatusLine()
    try:
        teller = generate.open_teller(
            name,
            lambda event: status.show(progress(printable(event.what), event.done, event.total)),
            strength=strength,
            blend=blend,
            contrast=args.contrast,
        )
    finally:
        status.clear()
    if teller.note:
        say(printable(teller.note))
    if settings.avoid_copying:
        with progress_shown() as report:
            unknown = teller.learned(report).unknown
        if unknown:
            say(printable_line(unknown))
    voice = () if args.no_voice else voices.usual(teller.voices)
    if args.voice:
        voice = voices.asked_for(args.voice, teller.voices)
    with _interrupt_sets(stop):
        options = {
            "memory": args.memory,
            "note": args.note,
            "voice": voice,
            "alternatives": args.alternatives,
        }
        stream = teller.tell_several(prompt, settings, args.n, stop, **options)
        if args.json:
            fields = {
                "voice": [title for title, _ in voice],
                "strength": teller.strength,
                "contrast": teller.contrast,
            }
            fields |= {"blend": dict(blend)} if blend else {}
            ends = _tell_json(stream, settings.seed, fields, several=args.n > 1)
        else:
            ends = (_tell_several_plain if args.n > 1 else _tell_plain)(prompt, stream)
    if not args.json:
        others = "".join(f" + {share:g} {other}" for other, share in blend)
        as_voice = f" as {voices.describe(voice)}" if voice else ""
        at = f", strength {teller.strength:g}" if teller.strength != 1 else ""
        say(f"{printable_line(name + others + as_voice)}{at}, seed {settings.seed}: {_summary(ends)}")
    return INTERRUPTED if stop.is_set() else DONE


def _settings(args: argparse.Namespace) -> SamplerSettings:
    """Sampler settings: the preset, then `--set`, then the named options. Raises Misused."""
    if args.n < 1 or args.n > _MOST:
        raise Misused(f"--n is {args.n}, but must be from 1 to {_MOST}.")
    if args.alternatives < 0 or (args.alternatives and not args.json):
        raise Misused("--alternatives must be a number of tokens from 0, and needs --json.")
    settings = SamplerSettings()
    named = {
        option: value for option in (*_NAMED, "avoid_copying") if (value := getattr(args, option)) is not None
    }
    try:
        if args.preset:
            settings = with_preset(settings, args.preset)
        with_values(settings, named)
        values = {**values_of(args.values), **named}
        # a story ends on a whole sentence, unless a length was given
        values.setdefault("finish_sentence", "false" if "max_tokens" in values else "true")
        settings = with_values(settings, values)
    except PlanError as error:
        raise Misused(str(error)) from error
    if "seed" in values:
        return settings
    return dataclasses.replace(settings, seed=random.randrange(1, 2**31))  # printed at the end


def _blend(given: Sequence[str]) -> list[tuple[str, float]]:
    """Parse `RUN=W` options into (run, share) pairs. Raises Misused."""
    shares: dict[str, float] = {}
    for entry in given:
        name, _, typed = entry.rpartition("=")
        try:
            share = float(typed)
        except ValueError:
            name = ""
        if not name:
            raise Misused(f"--blend is {entry!r}, but must be RUN=NUMBER, such as other-run=0.4.")
        if name in shares:
            raise Misused(f"--blend names {name} twice: give it one share.")
        shares[name] = share
    check_shares(list(shares.items()))
    return list(shares.items())


def _usual_model() -> str:
    """The newest run with a checkpoint, else the starter (`choices` lists runs before bases)."""
    untrained = {base.name for base in bases()}
    for sentence in records.troubles(records.run_records()):
        say(printable_line(sentence))
    for choice in generate.choices():
        if choice.name not in untrained:
            return choice.name
    if has_starter():
        return STARTER
    raise StorytimeError(
        "There is no trained model yet. Train one (`storytime-tui train --corpus NAME`; `storytime-tui corpus list` "
        "shows the names), or name a base, such as `--model distilgpt2`."
    )


def _prompt(given: str | None) -> str:
    """The text to continue."""
    piped = sys.stdin is not None and not sys.stdin.isatty()
    if given == "-" or (given is None and piped):
        return read_standard_input("prompt", "--prompt")
    return given or ""


def _tell_plain(prompt: str, stream: Stream) -> list[Told]:
    """Print the prompt and each piece as it arrives. Returns the Told of the stream."""
    show: Callable[[str], str] = printable if sys.stdout.isatty() else str
    print(show(prompt), end="", flush=True)
    ends = []
    for _, item in stream:
        if isinstance(item, Told):
            ends.append(item)
            print(flush=True)
        else:
            print(show(item.text), end="", flush=True)
    return ends


def _tell_several_plain(prompt: str, stream: Stream) -> list[Told]:
    """Print each continuation when it is complete, in order, because they are told at the same time."""
    show: Callable[[str], str] = printable if sys.stdout.isatty() else str
    texts: dict[int, str] = {}
    ends: dict[int, Told] = {}
    printed = 0
    for row, item in stream:
        if isinstance(item, Told):
            ends[row] = item
        else:
            texts[row] = texts.get(row, "") + item.text
        while printed in ends:
            print(f"--- {printed + 1} ---\n{show(prompt + texts.get(printed, ''))}", flush=True)
            printed += 1
    return [ends[row] for row in sorted(ends)]


def _tell_json(stream: Stream, seed: int, fields: Mapping[str, object], *, several: bool) -> list[Told]:
    """Print one object per token, and a closing one per continuation with its seed and the `fields`.

    Returns the Told of each continuation.
    """
    ends = []
    for row, item in stream:
        which = {"continuation": row} if several else {}
        values = dataclasses.asdict(item)
        if isinstance(item, Told):
            ends.append(item)
            print_json({"event": "finished", **which, **values, "seed": seed + row, **fields})
        else:
            if not item.alternatives:
                del values["alternatives"]
            print_json({"event": "token", **which, **values})
    return ends


def _summary(ends: Sequence[Told]) -> str:
    """A line with the number of tokens, the speed and why telling stopped."""
    tokens = sum(told.tokens for told in ends)
    speed = sum(told.tokens_per_second for told in ends)
    how = list(dict.fromkeys(WHY_IT_STOPPED[told.stopped_by] for told in ends))
    parts = [f"{tokens} token{'' if tokens == 1 else 's'}", f"{speed:.1f} tokens/s", "; ".join(how)]
    seen = ends[0].seen if ends else None
    if seen is not None and seen.begins:
        parts.append(f"the model saw the prompt from character {seen.begins:,} on")
    if seen is not None and (seen.memory_left_out or seen.note_left_out):
        parts.append(f"{seen.memory_left_out + seen.note_left_out} tokens of memory and note did not fit")
    return ", ".join(parts)


@contextlib.contextmanager
def _interrupt_sets(stop: threading.Event) -> Iterator[None]:
    """Make Ctrl+C end the stream after whole characters; a second Ctrl+C ends the program."""

    def request_stop(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, request_stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
