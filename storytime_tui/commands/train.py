"""`storytime-tui train`: start or resume a run, and print its events."""

import argparse
import contextlib
import dataclasses
import os
import shlex
import signal
import time
from collections.abc import Iterator
from types import FrameType

from storytime_tui import log
from storytime_tui.cli import DONE, FAILED, INTERRUPTED
from storytime_tui.commands.downloads import add_yes_argument
from storytime_tui.commands.output import StatusLine, add_set_argument, say, values_of
from storytime_tui.commands.run_events import print_event
from storytime_tui.errors import Misused, PlanError, StorytimeError
from storytime_tui.jobs.past_plans import past_plan
from storytime_tui.jobs.progress import Stopped
from storytime_tui.jobs.tensorboard import with_tensorboard
from storytime_tui.jobs.train import learn, resume
from storytime_tui.knobs import with_values
from storytime_tui.models.catalogue import whole_name
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.settings import load_settings
from storytime_tui.streams import OutputLost, terminal_lost
from storytime_tui.terminal import printable_line
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import PRESETS, TrainingPlan, with_preset

PATHS = ("plan",)  # arguments that are file names, which need not be UTF-8
TEXTS = ("values",)  # arguments that may be empty
DOWNLOADS = True  # it may download a model, and asks first
_ONE_PRESS = 0.5  # seconds; several programs may send an interrupt for one press of Ctrl+C


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `train`."""
    parser.add_argument(
        "--corpus",
        action="extend",
        nargs="+",
        metavar="NAME|PATH",
        help="collections by name, or folders of texts",
    )
    parser.add_argument(
        "--base",
        help="the model to start from: starter, scratch-small, scratch-9x320, gpt2, a folder, a run, …",
    )
    # `--name` is for torchrun, which takes `--run` as the start of one of its own options
    parser.add_argument(
        "--run", "--name", metavar="NAME", help="the name of the run (the collection's name with a number)"
    )
    parser.add_argument(
        "--plan", metavar="FILE|RUN", help="start from a plan in TOML, or from the plan of an earlier run"
    )
    parser.add_argument(
        "--find-rate",
        action="store_true",
        help="train nothing, but test learning rates on a copy of the base and suggest one",
    )
    parser.add_argument(
        "--device", metavar="D", help="cpu, cuda, cuda:1 for the second GPU, mps, or auto for the fastest"
    )
    parser.add_argument("--max-steps", type=int, metavar="N", help="stop after N steps")
    parser.add_argument("--resume", metavar="RUN", help="resume a run from its last checkpoint")
    parser.add_argument(
        "--more-epochs",
        type=float,
        metavar="N",
        help="with --resume: train N more epochs, also after the run has finished",
    )
    parser.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(map(repr, PRESETS))}")
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="also write the figures for TensorBoard, in the run's folder",
    )
    add_yes_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per event")
    add_set_argument(parser, "of the plan, such as epochs=4 or precision=fp32", TrainingPlan)


def run(args: argparse.Namespace) -> int:
    """Train and print the events. Ctrl+C saves a checkpoint and exits with 130, a lost terminal with 1."""
    log.start()
    control = Control()
    with _stopped_by_signals(control) as interrupted:
        if args.find_rate:
            return _find_rate(args, control, interrupted)
        return _train(args, control, interrupted)


def _find_rate(args: argparse.Namespace, control: Control, interrupted: list[int]) -> int:
    from storytime_tui.commands.find_rate import print_rates

    if args.resume is not None or args.run is not None or args.tensorboard:
        raise PlanError("--find-rate makes no run: leave --resume, --run and --tensorboard out.")
    try:
        print_rates(_plan(args), control, as_json=args.json)
    except Stopped as stopped:
        say(str(stopped))
    return INTERRUPTED if interrupted else DONE


def _train(args: argparse.Namespace, control: Control, interrupted: list[int]) -> int:
    events = _events(args, control)
    if args.tensorboard:
        events = with_tensorboard(events)
    status = StatusLine()
    lost: OutputLost | None = None
    trained = False
    last: ev.Event | None = None
    try:
        for last in events:
            if isinstance(last, ev.Failed):
                raise StorytimeError(last.message)
            trained = trained or isinstance(last, ev.StepDone | ev.Resumed)
            if lost is not None:
                if isinstance(last, ev.CheckpointSaved):
                    control.stop()
                continue
            lost = _show(last, status, as_json=args.json)
            if lost is None:
                continue
            if trained or isinstance(last, ev.Preparing):
                control.stop()  # saves a checkpoint
            else:
                control.checkpoint()  # after the first step, because there is nothing to save yet; then it stops
    except Stopped as stopped:
        status.clear()
        say(str(stopped))
        return INTERRUPTED if interrupted else FAILED
    finally:
        status.clear()
    lost = lost or terminal_lost()
    if lost is not None and not interrupted:
        raise StorytimeError(_lost_message(lost, last))
    stopped_early = isinstance(last, ev.Finished) and last.stopped_by == "stopped"
    return INTERRUPTED if interrupted and (stopped_early or lost is not None) else DONE


def _show(event: ev.Event, status: StatusLine, *, as_json: bool) -> OutputLost | None:
    """Print an event. Returns the error if stdout or the terminal can no longer be written."""
    try:
        print_event(event, status, as_json=as_json)
    except OutputLost as lost:
        return lost
    return terminal_lost()


def _lost_message(lost: OutputLost, last: ev.Event | None) -> str:
    """The message after a lost output: the error, and what happened to the run."""
    if not isinstance(last, ev.Finished):
        return str(lost)
    if last.stopped_by == "stopped":
        return (
            f"{lost} The run is saved at step {last.step:,}: "
            f"`storytime-tui train --resume {shlex.quote(last.run)}` resumes it."
        )
    return f"{lost} The run {last.run} has finished and is saved."


def _events(args: argparse.Namespace, control: Control) -> Iterator[ev.Event]:
    if args.resume is not None:
        if (
            args.corpus
            or args.base
            or args.run
            or args.plan
            or args.values
            or args.max_steps
            or args.preset
            or args.device
        ):
            raise PlanError("--resume uses the run's own plan: leave the other options out.")
        return resume(args.resume, control, args.more_epochs)
    if args.more_epochs is not None:
        raise PlanError("--more-epochs extends an existing run: name it with --resume RUN.")
    return learn(_plan(args), control, args.run)


def _plan(args: argparse.Namespace) -> TrainingPlan:
    """The plan of a new run. Raises PlanError, Misused for a wrong option."""
    if args.plan is not None:
        plan = past_plan(args.plan).plan
    else:
        loaded = load_settings()
        if os.environ.get("RANK", "0") == "0":  # only the first process of torchrun prints
            for trouble in loaded.troubles:
                say(printable_line(trouble))
        usual = loaded.settings
        plan = TrainingPlan(base=usual.base, **usual.plan)
    changed: dict[str, object] = {"base": whole_name(args.base or plan.base)}
    if args.corpus:
        changed.update(collections=tuple(args.corpus), stories=())
    if args.max_steps is not None:
        changed.update(max_steps=args.max_steps)
    plan = dataclasses.replace(plan, **changed)  # type: ignore[arg-type]
    if args.preset:
        try:
            plan = with_preset(plan, args.preset, from_scratch=scratch_shape(plan.base) is not None)
        except PlanError as error:
            raise Misused(str(error)) from error
    try:
        device = {} if args.device is None else {"device": args.device}
        return with_values(plan, {**values_of(args.values), **device})
    except PlanError as error:
        raise Misused(str(error)) from error


@contextlib.contextmanager
def _stopped_by_signals(control: Control) -> Iterator[list[int]]:
    """Make Ctrl+C, SIGTERM and a closed window stop the run with a checkpoint. Yields the list of received signals.

    Only a second Ctrl+C ends the program without saving. The same event may send a signal twice: a closed window (the
    system and the shell), `timeout`, and torchrun, which forwards a Ctrl+C.
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
            say("\nstopping: what was learned is saved first (Ctrl+C again stops without saving)…")

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # SIGHUP: a closed window, or a lost connection
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]  # Windows has no SIGHUP
    # a signal that is already ignored stays ignored: nohup and background jobs of a shell rely on it
    before = {n: h for n in numbers if (h := signal.getsignal(n)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
