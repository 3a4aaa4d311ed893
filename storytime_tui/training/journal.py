"""A run's journal, `events.jsonl`: what it said, one JSON object a line. Knows no torch.

It may have a million lines, and anybody may have edited it. So it is read line by line, each of a bounded length,
and a line that is no event is left out and counted.
"""

import contextlib
import dataclasses
import functools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files, small_files
from storytime_tui.small_files import UnreadableFile
from storytime_tui.training import events as ev

JOURNAL = "events.jsonl"

_LONGEST_LINE = small_files.LIMIT  # bytes; a sample of 10,000 tokens has a hundredth of it
_LONGEST = 4_000_000_000  # bytes; ten million steps have half of it


class Journal:
    """Appends events to `events.jsonl`, one JSON object a line; a line that a crash tore is cut off first."""

    def __init__(self, path: Path) -> None:
        """Open for appending. Raises OSError, and UnreadableFile where something else than a file is there."""
        if os.path.lexists(path):
            _cut_torn_line(path)
        files.make_private(path)  # it keeps the samples that were told
        self._file = path.open("ab", buffering=0)

    def append(self, event: ev.Event) -> None:
        """Write one event: with the system when this returns, so a killed program loses nothing of it.

        Raises OSError; a full disk may take half a line first, which the next opening cuts off.
        """
        line = json.dumps(ev.to_json(event)).encode() + b"\n"
        while line:
            line = line[self._file.write(line) :]

    def close(self) -> None:
        """Make all of it durable, as far as the disk lets us: what was said before is with the system already."""
        with contextlib.suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()


def _cut_torn_line(path: Path) -> None:
    if not small_files.is_regular(path):
        raise UnreadableFile(f"{path} is not a file, so nothing can be written to it: move it away.")
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        keep, step = end, 65_536
        while keep > 0:
            start = max(0, keep - step)
            file.seek(start)
            newline = file.read(keep - start).rfind(b"\n")
            if newline >= 0:
                keep = start + newline + 1
                break
            keep = start
        if keep < end:
            file.truncate(keep)


@dataclass(frozen=True)
class Said:
    """What a journal holds: its events, in order, and how many of its lines could not be read and were left out."""

    events: list[ev.Event]
    left_out: int = 0


def read_journal(folder: Path) -> Said:
    """What the run in `folder` said, without what a resume from an earlier checkpoint made void.

    Where there is no journal yet it said nothing. Raises UnreadableFile for what is no file, or cannot be opened.
    """
    said: list[ev.Event] = []
    left_out = 0
    for event in _events_in(folder / JOURNAL):
        if event is None:
            left_out += 1
            continue
        if isinstance(event, ev.Started):
            said = []  # it began again: there was no checkpoint to go on from
        if isinstance(event, ev.Resumed) and event.from_checkpoint:
            while said and (isinstance(said[-1], ev.Failed) or getattr(said[-1], "step", 0) > event.step):
                said.pop()
        said.append(_named(event, folder.name))
    return Said(said, left_out)


def read_all(folder: Path) -> list[ev.Event]:
    """All that the run in `folder` said, in order, and what a resume made void with it. Raises UnreadableFile."""
    return [_named(event, folder.name) for event in _events_in(folder / JOURNAL) if event is not None]


def read_events(folder: Path) -> list[ev.Event]:
    """The events that `read_journal` gives. Raises UnreadableFile."""
    return read_journal(folder).events


@dataclass(frozen=True)
class RunFacts:
    """What a journal comes to: steps taken and planned, losses, seconds, when it began, the last event, the last
    measure of its voice, and how many lines could not be read."""

    step: int = 0
    total_steps: int = 0
    per_epoch: float = 0.0
    best: float | None = None
    first: float | None = None
    seconds: float = 0.0
    started: float | None = None
    last: ev.Event | None = None
    voice: ev.VoiceMeasured | None = None
    left_out: int = 0


def run_facts(folder: Path) -> RunFacts:
    """What the journal of the run in `folder` comes to; read again only where it has changed. Raises UnreadableFile."""
    try:
        now = os.stat(folder / JOURNAL)
    except OSError:  # missing, or it will be said why
        return _facts_of_journal(folder, None)
    return _facts_of_journal(folder, (now.st_ino, now.st_size, now.st_mtime_ns))


@functools.lru_cache(maxsize=512)
def _facts_of_journal(folder: Path, version: object) -> RunFacts:
    journal = read_journal(folder)
    said = journal.events
    started = next((e for e in said if isinstance(e, ev.Started)), None)
    losses = [e.validation_loss for e in said if isinstance(e, ev.Evaluated)]
    steps = [e for e in said if isinstance(e, ev.StepDone)]
    totals = [e.total_steps for e in said if isinstance(e, ev.Started | ev.Resumed) and e.total_steps]
    return RunFacts(
        step=max((e.step for e in steps), default=0),
        total_steps=totals[-1] if totals else 0,
        per_epoch=started.steps_per_epoch if started else 0.0,
        best=min((loss for loss in losses if loss == loss), default=None),
        first=losses[0] if losses else None,
        seconds=max((e.elapsed for e in steps if e.elapsed == e.elapsed), default=0.0),
        started=started.time if started else None,
        last=said[-1] if said else None,
        voice=next((e for e in reversed(said) if isinstance(e, ev.VoiceMeasured)), None),
        left_out=journal.left_out,
    )


def _named(event: ev.Event, run: str) -> ev.Event:
    """The event with the run's name of today: its folder may have been copied, or renamed by hand."""
    if isinstance(event, ev.Started | ev.Finished | ev.Failed) and event.run != run:
        return dataclasses.replace(event, run=run)
    return event


def _events_in(path: Path) -> Iterator[ev.Event | None]:
    """The event of each line, None for a line that is none. A later version's events are passed over."""
    try:
        for line, whole in _lines(path):
            try:
                record = json.loads(line) if line is not None else None
            except (ValueError, RecursionError):  # ValueError: not JSON, or a number of thousands of digits
                record = None
            event = ev.from_json(record)
            if event is not None:
                yield event
            elif whole and (ev.is_known(record) or not _is_of_later_version(record)):
                yield None
    except FileNotFoundError:
        return


def _is_of_later_version(record: object) -> bool:
    return isinstance(record, dict) and isinstance(record.get("event"), str)


def _lines(path: Path) -> Iterator[tuple[bytes | None, bool]]:
    """Each line that is not blank, None for one that is too long; and whether a line end follows it.

    The last one has none where a crash tore it, or where it is being written this moment.
    """
    with small_files.open_regular(path) as file:
        # its size of now: it may grow, and a file of /proc, whose size is 0, may go on for ever
        left = os.fstat(file.fileno()).st_size
        if left > _LONGEST:
            raise UnreadableFile(f"{path} cannot be read: it has more than {_LONGEST:,} bytes.")
        too_long = False
        while left > 0:
            try:
                line = file.readline(min(left, _LONGEST_LINE))
            except OSError as error:
                raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}.") from error
            if not line:
                return
            left -= len(line)
            whole = line.endswith(b"\n")
            if not whole and left > 0:
                too_long = True
            elif too_long:
                too_long = False
                yield None, whole
            elif not line.isspace():
                yield line, whole
