"""`storytime-tui runs watch|pause|resume|stop|checkpoint|sample`: follow and steer a run of another program."""

import argparse
import shlex
from typing import Any

from storytime_tui.cli import DONE, INTERRUPTED
from storytime_tui.commands.output import StatusLine, print_json, say
from storytime_tui.commands.run_events import print_alerts, print_event
from storytime_tui.errors import StorytimeError
from storytime_tui.jobs import steer
from storytime_tui.terminal import printable_line
from storytime_tui.training import events as ev
from storytime_tui.training.alerts import Watch, watched

_HELP = {
    "pause": "ask a run to pause",
    "resume": "ask a paused run to resume",
    "stop": "ask a run to save a checkpoint and stop",
    "checkpoint": "ask a run to save a checkpoint and continue",
    "sample": "ask a run to tell a sample now",
}
VERBS = ("watch", *_HELP)


def add_arguments(actions: Any) -> None:
    """Define the options of these actions of `runs`."""
    watching = actions.add_parser("watch", help="print what a run says, live, until it ends")
    watching.add_argument("name", metavar="RUN")
    watching.add_argument("--json", action="store_true", help="print one JSON object per event")
    for verb, line in _HELP.items():
        asking = actions.add_parser(verb, help=line)
        asking.add_argument("name", metavar="RUN")
        if verb == "sample":
            asking.add_argument("--prompt", metavar="TEXT", help="how it begins (the run's usual prompts)")
        asking.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the action and return the exit code."""
    return _watch(args.name, args.json) if args.action == "watch" else _ask(args)


def _watch(name: str, as_json: bool) -> int:
    status = StatusLine()
    last: ev.Event | None = None
    watch = Watch()
    try:
        for last in steer.watch(name):
            if not isinstance(last, ev.Failed):
                print_event(last, status, as_json=as_json)
            elif as_json:
                print_json(ev.to_json(last))
            watch, alerts = watched(watch, last)
            if not as_json:
                print_alerts(alerts, getattr(last, "step", 0), status)
    except KeyboardInterrupt:
        status.clear()
        say("\nstopped watching; the run goes on.")
        return INTERRUPTED
    finally:
        status.clear()
    if isinstance(last, ev.Failed):
        raise StorytimeError(last.message)
    return DONE


def _ask(args: argparse.Namespace) -> int:
    name, prompt = args.name, getattr(args, "prompt", None)
    taken = steer.ask(name, args.action, prompt)
    if args.json:
        print_json({"run": name, "request": args.action, "read": taken})
        return DONE
    shown, quoted = printable_line(name), shlex.quote(name)
    asked = {
        "pause": f"pause: `storytime-tui runs resume {quoted}` resumes it",
        "resume": "resume",
        "stop": "save a checkpoint and stop",
        "checkpoint": "save a checkpoint",
        "sample": f"tell a sample: `storytime-tui runs watch {quoted}` shows it",
    }[args.action]
    later = "" if taken else " It is busy and has not read this yet."
    print(printable_line(f"The run {shown} was asked to {asked}.{later}"))
    return DONE
