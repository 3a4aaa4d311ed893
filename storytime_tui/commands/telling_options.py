"""What `tell` and `write` have in common: their options, the model that they open, and Ctrl+C."""

import argparse
import contextlib
import dataclasses
import random
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

from storytime_tui.commands.computing_options import NAMES, add_device_argument, computing_of
from storytime_tui.commands.downloads import add_yes_argument
from storytime_tui.commands.output import (
    StatusLine,
    add_set_argument,
    progress_shown,
    say,
    strength_of,
    values_of,
)
from storytime_tui.errors import Misused, ModelError, PlanError, RunError, StorytimeError
from storytime_tui.formatting import progress
from storytime_tui.generation import voice as voices
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.sampling.presets import PRESETS, with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs import generate, records
from storytime_tui.jobs.copied import RUN_OF_WORDS
from storytime_tui.jobs.told_record import last_model, last_strength
from storytime_tui.knobs import table, with_values
from storytime_tui.models.catalogue import STARTER, bases, has_starter, whole_name
from storytime_tui.models.voices import check_contrast, check_shares
from storytime_tui.stories.steering import Steering, from_json
from storytime_tui.stories.story import Passage, Story
from storytime_tui.terminal import printable, printable_line

# settings with their own option, and the default that its help names
_NAMED = {
    "max_tokens": f"{SamplerSettings.max_tokens}, and from there to the sentence's end",
    "temperature": SamplerSettings.temperature,
    "top_k": SamplerSettings.top_k,
    "top_p": SamplerSettings.top_p,
    "seed": "a new seed each time",
}


@dataclasses.dataclass(frozen=True)
class Options:
    """The options as they were given. `strength`, `contrast`, `memory`, `note` None: not given.

    `settings`: their seed is 0 unless it was given (`seeded`). `voice`: None: not given; (): no voice.
    """

    model: str | None
    settings: SamplerSettings
    seeded: bool
    strength: float | None
    blend: tuple[tuple[str, float], ...]
    contrast: float | None
    voice: tuple[str, ...] | None
    memory: str | None
    note: str | None
    computing: Computing = Computing()  # noqa: RUF009 - frozen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the common options."""
    parser.add_argument(
        "--model",
        help="a run, run/step-20, a folder, or a Hub id (the model that told the story last; else the newest run, or "
        "the starter)",
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
    add_yes_argument(parser)
    presets = " ".join(f"{name}: {line}" for name, (line, _) in PRESETS.items())
    parser.add_argument("--preset", metavar="NAME", help=presets.replace("%", "%%"))
    parser.add_argument(
        "--memory", metavar="TEXT", help="text that the model always sees before the story; a story keeps it"
    )
    parser.add_argument(
        "--note", metavar="TEXT", help="text that the model sees a few lines before the end; a story keeps it"
    )
    parser.add_argument(
        "--voice",
        action="append",
        metavar="TITLE",
        help="tell as this shelf of the model, given by its title or the start of it (the story's last voice, or the "
        "first shelf; `runs show` "
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
    add_device_argument(parser)
    add_set_argument(
        parser,
        "of the sampler or of the machine, such as top_k=40 or precision=fp32 (the options above take precedence)",
        SamplerSettings,
        Computing,
    )


def options_of(args: argparse.Namespace) -> Options:
    """Check the common options. Raises Misused."""
    values = values_of(args.values)
    computing = computing_of(args.device, {name: values.pop(name) for name in NAMES if name in values})
    settings, seeded = _settings(args, values)
    if args.no_voice and args.voice:
        raise Misused("--no-voice and --voice exclude each other: leave one of them out.")
    voices.check_asked(args.voice or ())
    strength, blend = strength_of(args.strength), tuple(_blend(args.blend))
    if args.contrast is not None:
        check_contrast(args.contrast)
    voice = () if args.no_voice else None if args.voice is None else tuple(args.voice)
    return Options(
        args.model and whole_name(args.model),
        settings,
        seeded,
        strength,
        blend,
        args.contrast,
        voice,
        args.memory,
        args.note,
        computing,
    )


def _settings(args: argparse.Namespace, given: Mapping[str, str]) -> tuple[SamplerSettings, bool]:
    """Sampler settings: the preset, then `given`, then the named options; and whether a seed was given."""
    settings = SamplerSettings()
    named = {
        option: value for option in (*_NAMED, "avoid_copying") if (value := getattr(args, option)) is not None
    }
    try:
        if args.preset:
            settings = with_preset(settings, args.preset)
        with_values(settings, named)
        values = {**given, **named}
        # a story ends on a whole sentence, unless a length was given
        values.setdefault("finish_sentence", "false" if "max_tokens" in values else "true")
        return with_values(settings, values), "seed" in values
    except PlanError as error:
        raise Misused(str(error)) from error


def with_seed(settings: SamplerSettings) -> SamplerSettings:
    """The settings with a seed drawn by chance."""
    return dataclasses.replace(settings, seed=random.randrange(1, 2**31))


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


def usual_model() -> str:
    """The newest run with a checkpoint, else the starter (`choices` lists runs before bases). Raises StorytimeError."""
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


def open_teller(name: str, strength: float | None, options: Options) -> generate.Teller:
    """Open a model with its progress on a status line; a note of the model is said. Raises StorytimeError."""
    status = StatusLine()
    try:
        teller = generate.open_teller(
            name,
            lambda event: status.show(progress(printable(event.what), event.done, event.total)),
            strength=strength,
            blend=list(options.blend),
            contrast=options.contrast,
            wanted=lambda: options.computing,
        )
    finally:
        status.clear()
    if teller.note:
        say(printable(teller.note))
    return teller


def open_for(passages: Sequence[Passage], options: Options) -> generate.Teller:
    """Open the model that was asked for, else the one that told these passages last, else the usual one.

    Its strength is chosen likewise. Raises StorytimeError.
    """
    last = last_model(passages)
    name = options.model or last or usual_model()
    strength = last_strength(passages, name) if options.strength is None else options.strength
    try:
        return open_teller(name, strength, options)
    except (ModelError, RunError) as error:
        if options.model or not last:
            raise
        raise type(error)(f"{error} It told this story last: --model chooses another.") from error


def steering_of(story: Story | None, options: Options) -> Steering:
    """A story's memory and author's note, with the ones that were given in their place."""
    steering = from_json(story.steering) if story is not None else Steering()
    if options.memory is not None:
        steering = dataclasses.replace(steering, characters="", title="", tone="", memory=options.memory)
    return steering if options.note is None else dataclasses.replace(steering, note=options.note)


def index_learned(teller: generate.Teller) -> None:
    """Build the index of what a model learned from, with progress; say so if that is not known."""
    with progress_shown() as report:
        unknown = teller.learned(report).unknown
    if unknown:
        say(printable_line(unknown))


def voice_of(asked: Sequence[str] | None, usual: voices.Voice | None, titles: Sequence[str]) -> voices.Voice:
    """The voice that was asked for, else `usual` if the model has it, else its first. Raises ModelError and Misused."""
    if asked is None:
        return voices.known(usual, titles)
    return voices.asked_for(asked, titles) if asked else ()


@contextlib.contextmanager
def interrupt_sets(stop: threading.Event) -> Iterator[None]:
    """Make Ctrl+C end the stream after whole characters; a second Ctrl+C ends the program."""

    def request_stop(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, request_stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
