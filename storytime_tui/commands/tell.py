"""`storytime-tui tell`: continue a text or a written story, word by word, on the terminal or into a pipe."""

import argparse
import contextlib
import dataclasses
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from storytime_tui import log
from storytime_tui.cli import DONE, INTERRUPTED
from storytime_tui.commands import telling_options
from storytime_tui.commands.input import read_standard_input
from storytime_tui.commands.output import print_json, say
from storytime_tui.commands.story_store import opened
from storytime_tui.commands.telling_options import (
    Options,
    index_learned,
    interrupt_sets,
    open_for,
    options_of,
    steering_of,
    voice_of,
    with_seed,
)
from storytime_tui.errors import Misused
from storytime_tui.generation import voice as voices
from storytime_tui.generation.pieces import WHY_IT_STOPPED, Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.generate import Teller
from storytime_tui.jobs.tell_on import HowToTell, TellOn
from storytime_tui.jobs.told_record import last_voice
from storytime_tui.stories.joining import joined
from storytime_tui.stories.naming import find_story
from storytime_tui.stories.steering import set_steering
from storytime_tui.stories.store import StoryStore
from storytime_tui.terminal import printable, printable_line

TEXTS = ("prompt", "memory", "note", "values")  # arguments that may be empty
DOWNLOADS = True  # it may download a model, and asks first
_MOST = 64  # continuations at once
Stream = Iterator[tuple[int, Piece | Told]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `tell`."""
    parser.add_argument(
        "--prompt",
        metavar="TEXT",
        help="the beginning of the story, or your next words in it; - reads standard input, and so does a pipe (empty)",
    )
    parser.add_argument(
        "--story",
        metavar="STORY",
        help="go on with this story, named by its id or exact title, and save the words",
    )
    parser.add_argument("--save", metavar="TITLE", help="save what is told, and the prompt, as a new story")
    parser.add_argument("--n", type=int, default=1, metavar="N", help="tell N continuations at once (1)")
    parser.add_argument(
        "--alternatives",
        type=int,
        default=0,
        metavar="N",
        help="with --json: the N most likely tokens at each place",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per token")
    telling_options.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Tell and print the story. Ctrl+C stops it, keeps the text so far and exits with 130."""
    log.start()
    _check(args)
    options = options_of(args)
    if args.story is not None or args.save is not None:
        with opened(adds=args.save is not None) as store:
            return _tell_story(store, args, options)
    prompt = _prompt(args.prompt)
    teller = open_for((), options)
    voice = voice_of(options.voice, None, teller.voices)
    settings = _ready(teller, options)
    stop = threading.Event()
    with interrupt_sets(stop):
        added = {
            "memory": options.memory or "",
            "note": options.note or "",
            "voice": voice,
            "alternatives": args.alternatives,
        }
        stream = teller.tell_several(prompt, settings, args.n, stop, **added)
        _show(args, options, teller, settings, voice, prompt, stream, {})
    return INTERRUPTED if stop.is_set() else DONE


def _tell_story(store: StoryStore, args: argparse.Namespace, options: Options) -> int:
    """Go on with a story, or begin one: the prompt is added first, the told words while they are told."""
    story = find_story(store, args.story) if args.story is not None else None
    prompt = _prompt(args.prompt)
    passages = store.passages(story.id) if story is not None else ()
    teller = open_for(passages, options)
    voice = voice_of(options.voice, last_voice(passages), teller.voices)
    settings = _ready(teller, options)
    if story is None:
        story = store.new_story(" ".join(args.save.split()))
    steering = steering_of(story, options)
    if options.memory is not None or options.note is not None:
        set_steering(store, story.id, steering)
    added = store.add_line(story.id, lambda text: joined(text, prompt)).added
    telling = TellOn(
        store,
        story.id,
        teller,
        HowToTell(settings, voice, steering, args.alternatives),
        say=lambda sentence: say(printable_line(sentence)),
    )
    stop = threading.Event()
    with interrupt_sets(stop), contextlib.closing(telling.stream(stop)) as stream:
        numbered = ((0, item) for item in stream)
        saved: dict[str, object] = {"story": story.id}
        _show(args, options, teller, settings, voice, added, numbered, saved)
    return INTERRUPTED if stop.is_set() else DONE


def _check(args: argparse.Namespace) -> None:
    """Raise Misused for options that are out of range or exclude each other."""
    if args.n < 1 or args.n > _MOST:
        raise Misused(f"--n is {args.n}, but must be from 1 to {_MOST}.")
    if args.alternatives < 0 or (args.alternatives and not args.json):
        raise Misused("--alternatives must be a number of tokens from 0, and needs --json.")
    if args.story is not None and args.save is not None:
        raise Misused(
            "--story and --save exclude each other: --story goes on with a story, --save begins one."
        )
    if args.n > 1 and (args.story is not None or args.save is not None):
        raise Misused("--n tells several continuations, but a story goes on with one: leave --n out.")


def _ready(teller: Teller, options: Options) -> SamplerSettings:
    """The settings to tell with, with a seed; what they need of the model is made ready."""
    if options.settings.avoid_copying:
        index_learned(teller)
    return options.settings if options.seeded else with_seed(options.settings)  # printed at the end


def _show(
    args: argparse.Namespace,
    options: Options,
    teller: Teller,
    settings: SamplerSettings,
    voice: voices.Voice,
    prompt: str,
    stream: Stream,
    saved: Mapping[str, object],
) -> None:
    """Print the stream, and how it was told. `saved`: more fields of the last JSON object."""
    blend = dict(options.blend)
    if args.json:
        fields = {
            "voice": [title for title, _ in voice],
            "strength": teller.strength,
            "contrast": teller.contrast,
            **({"blend": blend} if blend else {}),
            **saved,
        }
        _tell_json(stream, settings.seed, fields, several=args.n > 1)
        return
    ends = (_tell_several_plain if args.n > 1 else _tell_plain)(prompt, stream)
    others = "".join(f" + {share:g} {other}" for other, share in blend.items())
    as_voice = f" as {voices.describe(voice)}" if voice else ""
    at = f", strength {teller.strength:g}" if teller.strength != 1 else ""
    kept = f", saved in story {saved['story']}" if saved else ""
    name = printable_line(teller.name + others + as_voice)
    say(f"{name}{at}, seed {settings.seed}: {_summary(ends)}{kept}")


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
