"""Watches and steers a run that another program trains. Loads no torch."""

import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from storytime_tui import files
from storytime_tui.errors import RunError
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.journal_tail import JournalTail
from storytime_tui.training.requests import LONGEST_PROMPT, Kind, Request, write_request

_EVERY = 0.2  # seconds between two looks at the journal
_PATIENCE = 2.0  # seconds in which a run usually takes a request


def watch(run: str, wait: Callable[[], object] = lambda: time.sleep(_EVERY)) -> Iterator[ev.Event]:
    """Yield what an open run says, until no program has it open; first what it said so far.

    Of a very long run's past this is the beginning and the last some thousand steps. A run that has ended yields its
    last event only. `wait` is called between two looks at the journal. Raises RunError if there is no such run, if it
    is removed meanwhile, or if it was interrupted.
    """
    folder = runs.run_folder(run)
    tail = JournalTail(folder)
    opened = runs.is_open(folder)
    events = _read(tail, folder)
    last = events[-1] if events else None
    yield from events if opened else events[-1:] if _is_end(last) else ()
    while opened:
        wait()
        opened = runs.is_open(folder)  # asked first, so that its last words are read after it let go
        events = _read(tail, folder)
        if not runs.is_run(run):
            raise RunError(f"The run {run!r} was removed while it was watched.")
        last = events[-1] if events else last
        yield from events
    if not _is_end(last):
        step = getattr(last, "step", 0)
        raise RunError(
            f"The run {run!r} was interrupted{f' at step {step:,}' if step else ''}: no program has it open. "
            f"{_how_to_resume(run)}"
        )


def ask(run: str, kind: Kind, prompt: str | None = None, *, patience: float = _PATIENCE) -> bool:
    """Ask an open run to do something; `prompt`: of a sample. Returns whether the run has read it within `patience`.

    Raises RunError if no program has the run open, or if it ended before it read the request.
    """
    folder = runs.run_folder(run)
    if prompt is not None and len(prompt) > LONGEST_PROMPT:
        raise RunError(
            f"The prompt has {len(prompt):,} characters, but a sample's may have at most {LONGEST_PROMPT:,}."
        )
    if not runs.is_open(folder):
        raise _not_open(run, folder)
    try:
        request = write_request(folder, Request(kind, prompt))
        until = time.monotonic() + patience
        while request.exists():
            if not runs.is_open(folder):
                request.unlink()  # fails if the run has taken it after all
                raise _not_open(run, folder)
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise RunError(files.explain(error, f"asking the run {run}")) from error
    return True


def _is_end(event: ev.Event | None) -> bool:
    return isinstance(event, ev.Finished | ev.Failed)


def _read(tail: JournalTail, folder: Path) -> list[ev.Event]:
    try:
        return tail.read()
    except OSError as error:
        raise RunError(files.explain(error, f"reading the journal of the run {folder.name}")) from error


def _not_open(run: str, folder: Path) -> RunError:
    events = _read(JournalTail(folder), folder)
    state = runs.state_of(folder, events[-1] if events else None)
    if state == "finished":
        return RunError(f"The run {run!r} has finished, so there is nothing to ask of it.")
    ended = {"stopped": ": it was stopped", "failed": ": it failed"}.get(state, "")
    return RunError(f"No program has the run {run!r} open{ended}. {_how_to_resume(run)}")


def _how_to_resume(run: str) -> str:
    return f"`storytime-tui train --resume {shlex.quote(run)}` resumes it."
