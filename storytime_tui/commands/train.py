"""`storytime-tui train`: begin or continue a run, and print what it says."""

import argparse
import contextlib
import dataclasses
import os
import shlex
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from storytime_tui import log
from storytime_tui.cli import DONE, FAILED, INTERRUPTED
from storytime_tui.commands.output import (
    StatusLine,
    add_set_argument,
    print_json,
    progress_text,
    say,
    values_of,
)
from storytime_tui.errors import Misused, PlanError, StorytimeError
from storytime_tui.formatting import count
from storytime_tui.generation.sentences import marked_where_cut
from storytime_tui.jobs.boards import on_board
from storytime_tui.jobs.progress import Stopped
from storytime_tui.jobs.train import learn, resume
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.settings import load_settings
from storytime_tui.streams import OutputLost, terminal_lost
from storytime_tui.terminal import printable, printable_line
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import PRESETS, TrainingPlan, read_plan, with_preset, with_values
from storytime_tui.training.voice_report import in_words, strength_in_words

PATHS = (
    "plan",
)  # arguments that name a file: what a disk calls it need not be UTF-8; a plan is UTF-8 itself
TEXTS = ("values",)  # arguments that name nothing: they may be empty
_ONE_PRESS = 0.5  # seconds within which several interrupts are one press of Ctrl+C, sent by several programs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `train` takes."""
    parser.add_argument(
        "--corpus",
        action="extend",
        nargs="+",
        metavar="NAME|PATH",
        help="collections by name, or folders of texts",
    )
    parser.add_argument(
        "--base",
        help="what to start from: starter, scratch-small, scratch-9x320, gpt2, a folder, a run, …",
    )
    # torchrun takes `--run` for the beginning of an option of its own
    parser.add_argument(
        "--run", "--name", metavar="NAME", help="a name for the run (otherwise the collection's, numbered)"
    )
    parser.add_argument("--plan", metavar="FILE", help="a plan in TOML to start from")
    parser.add_argument("--max-steps", type=int, metavar="N", help="stop after this many steps")
    parser.add_argument("--resume", metavar="RUN", help="continue a run where its last checkpoint stands")
    parser.add_argument(
        "--more-epochs",
        type=float,
        metavar="N",
        help="with --resume: so many passes more, for a finished run too",
    )
    parser.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(map(repr, PRESETS))}")
    parser.add_argument(
        "--tensorboard", action="store_true", help="write the run's numbers for TensorBoard, in its folder"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line for every event")
    add_set_argument(parser, "a plan, such as epochs=4 or precision=fp32")


def run(args: argparse.Namespace) -> int:
    """Train in this process; Ctrl+C, or a terminal that is gone, saves a checkpoint first (exit 130, or 1)."""
    log.start()
    control = Control()
    with _stopped_by_signals(control) as interrupted:
        return _train(args, control, interrupted)


def _train(args: argparse.Namespace, control: Control, interrupted: list[int]) -> int:
    said = _events(args, control)
    if args.tensorboard:
        said = on_board(said)
    status = StatusLine()
    lost: OutputLost | None = None
    learned = False
    last: ev.Event | None = None
    try:
        for last in said:
            if isinstance(last, ev.Failed):
                raise StorytimeError(last.message)
            learned = learned or isinstance(last, ev.StepDone | ev.Resumed)
            if lost is not None:
                if isinstance(last, ev.CheckpointSaved):
                    control.stop()
                continue
            lost = _shown(last, status, as_json=args.json)
            if lost is None:
                continue
            if learned or isinstance(last, ev.Preparing):
                control.stop()  # and save
            else:
                control.checkpoint()  # after the first step: before it there is nothing to save
    except Stopped as stopped:
        status.clear()
        say(str(stopped))
        return INTERRUPTED if interrupted else FAILED
    finally:
        status.clear()
    lost = lost or terminal_lost()
    if lost is not None and not interrupted:
        raise StorytimeError(_how_it_stands(lost, last))
    stopped_early = isinstance(last, ev.Finished) and last.stopped_by == "stopped"
    return INTERRUPTED if interrupted and (stopped_early or lost is not None) else DONE


def _shown(event: ev.Event, status: StatusLine, *, as_json: bool) -> OutputLost | None:
    """Print an event. Gives what became of the output or of the terminal, where either is gone."""
    try:
        if not as_json:
            _print(event, status)
        elif not isinstance(event, ev.Preparing):
            print_json(ev.to_json(event))
    except OutputLost as lost:
        return lost
    return terminal_lost()


def _how_it_stands(lost: OutputLost, last: ev.Event | None) -> str:
    """For the terminal, if that is what is left."""
    if not isinstance(last, ev.Finished):
        return str(lost)
    if last.stopped_by == "stopped":
        return (
            f"{lost} The run is saved at step {last.step:,}: "
            f"storytime-tui train --resume {shlex.quote(last.run)} goes on."
        )
    return f"{lost} The run {last.run} has finished, and is saved."


def _events(args: argparse.Namespace, control: Control) -> Iterator[ev.Event]:
    if args.resume is not None:
        if args.corpus or args.base or args.run or args.plan or args.values or args.max_steps or args.preset:
            raise PlanError("--resume goes on with the run's own plan: leave the other options out.")
        return resume(args.resume, control, args.more_epochs)
    if args.more_epochs is not None:
        raise PlanError("--more-epochs is for a run that there is: name it with --resume RUN.")
    if args.plan is not None:
        plan = read_plan(Path(args.plan))
    else:
        loaded = load_settings()
        if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one speaks
            for trouble in loaded.troubles:
                say(printable_line(trouble))
        plan = TrainingPlan(base=loaded.settings.base, device=loaded.settings.device)
    changed: dict[str, object] = {}
    if args.corpus:
        changed.update(collections=tuple(args.corpus), stories=())
    if args.base:
        changed.update(base=args.base)
    if args.max_steps is not None:
        changed.update(max_steps=args.max_steps)
    plan = dataclasses.replace(plan, **changed)  # type: ignore[arg-type]
    if args.preset:
        try:
            plan = with_preset(plan, args.preset, from_scratch=scratch_shape(plan.base) is not None)
        except PlanError as error:
            raise Misused(str(error)) from error
    plan = with_values(plan, values_of(args.values))
    return learn(plan, control, args.run)


@contextlib.contextmanager
def _stopped_by_signals(control: Control) -> Iterator[list[int]]:
    """Make Ctrl+C, SIGTERM and a closed window requests to stop. Yields what arrives.

    Only another Ctrl+C gives up without saving. A closed window may send its signal twice, from the system and from
    the shell, and so does `timeout`; torchrun passes on a Ctrl+C that came already.
    """
    arrived: list[int] = []
    pressed: list[float] = []

    def stop(number: int, frame: FrameType | None) -> None:
        control.stop()
        if number == signal.SIGINT:
            pressed.append(time.monotonic())
            if pressed[-1] - pressed[0] > _ONE_PRESS:
                raise KeyboardInterrupt
        arrived.append(number)
        if len(arrived) == 1:
            say("\nstopping: saving a checkpoint (Ctrl+C gives up without)…")

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # the last is a closed window, or a lost connection
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]  # Windows has no hang-up
    # what is ignored already stays so: nohup asks for that, and a shell for what runs in its background
    before = {n: h for n in numbers if (h := signal.getsignal(n)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _print(event: ev.Event, status: StatusLine) -> None:
    """One event in words; steps share a status line and leave a line only when they are evaluated."""
    if isinstance(event, ev.Preparing):
        status.show(progress_text(event.what, event.done, event.total))
        return
    if isinstance(event, ev.StepDone):
        status.show(
            f"step {event.step:,}  loss {event.loss:.3f}  epoch {event.epoch:.2f}  "
            f"{event.tokens_per_second:,.0f} tokens/s"
        )
        return
    status.clear()
    print(printable(_in_words(event)), flush=True)


def _memory_in_words(event: ev.Started) -> str:
    if not event.memory_needed:
        return ""
    needed, available = event.memory_needed / 1e9, event.memory_available / 1e9
    more = "" if needed <= available else ": it may run out, and will then read fewer windows at a time"
    return f"\nneeds about {needed:.1f} GB of memory, of {available:.1f} GB{more}"


def _beginning_of(event: ev.Sampled) -> str:
    behind = f", as {event.voice}" if event.voice else ""
    of = "a held-out story: " if event.held_out else ""
    return f"{of}“{' '.join(event.prompt.split())}”{behind}"


def _in_words(event: ev.Event) -> str:
    match event:
        case ev.Started():
            again = f" ({event.copies} told twice, learned once)" if event.copies else ""
            stories, steps = count(event.stories, "story", "stories"), count(event.total_steps, "step")
            return (
                f"{event.run}: {event.base} ({event.parameters:,} parameters) on {event.device}, {event.precision}\n"
                f"{stories} to learn, {event.validation_stories} to measure by{again}; "
                f"{event.training_tokens:,} and {event.validation_tokens:,} tokens; {steps} "
                f"of {event.steps_per_epoch:.1f} an epoch\n"
                f"token frequencies alone would give {event.token_frequency_loss:.3f}"
                + _memory_in_words(event)
            )
        case ev.Evaluated():
            return (
                f"step {event.step:>6,}  validation loss {event.validation_loss:.3f}  "
                f"perplexity {event.perplexity:,.1f}  bits per byte {event.bits_per_byte:.3f}"
                + ("  best" if event.best else "")
            )
        case ev.StrengthChosen():
            return f"step {event.step:>6,}  {strength_in_words(event)}"
        case ev.VoiceMeasured():
            return f"step {event.step:>6,}  {in_words(event)}"
        case ev.Sampled():
            text = f"  | {marked_where_cut(event.prompt + event.text)}".replace("\n", "\n  | ")
            return f"step {event.step:>6,}  told from {_beginning_of(event)}\n{text}"
        case ev.CheckpointSaved():
            return f"step {event.step:>6,}  saved {event.path}"
        case ev.Resumed():
            return f"going on from step {event.step:,}"
        case ev.Recovered():
            return event.message
        case ev.Finished():
            end = {
                "done": "finished",
                "patience": f"finished at step {event.step:,}, no longer getting better,",
            }.get(event.stopped_by, f"stopped at step {event.step:,}")
            best = f", best validation loss {event.best_validation_loss:.3f}" if event.best_step else ""
            go_on = (
                ""
                if event.stopped_by != "stopped"
                else f"\ngo on with: storytime-tui train --resume {shlex.quote(event.run)}"
            )
            tell = f"tell with: storytime-tui tell --model {shlex.quote(event.run)}"
            return f"{end} after {event.seconds:,.0f} s of training{best}\n{tell}{go_on}"
        case _:
            return ev.event_name(type(event)).replace("_", " ")
