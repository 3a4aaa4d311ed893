"""A run's journal, `events.jsonl`: its events, one JSON object per line. Knows no torch.

A journal may have a million lines and may have been edited by hand. It is read line by line, with a limit on a
line's length; invalid lines are skipped and counted. A long one has an index beside it (`journal_index`).
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
from storytime_tui.training.journal_index import Digest, read_index, write_index

JOURNAL = "events.jsonl"

_LONGEST_LINE = small_files.LIMIT  # bytes; a sample of 10,000 tokens needs a hundredth of it
_LONGEST = 4_000_000_000  # bytes; ten million steps need half of it


class Journal:
    """Appends events to `events.jsonl`; first removes a last line that a crash left incomplete."""

    def __init__(self, path: Path) -> None:
        """Open for appending. Raises OSError, and UnreadableFile if it is not a regular file."""
        if os.path.lexists(path):
            _cut_torn_line(path)
        files.make_private(path)  # it contains the samples
        self._path = path
        self._digest = _digest_of(path)[0]
        self._file = path.open("ab", buffering=0)

    def append(self, event: ev.Event) -> None:
        """Write one event to the operating system, so that killing the program does not lose it.

        Raises OSError. A full disk may leave an incomplete line, which the next opening removes.
        """
        self._digest.add(event, self._write(event))
        write_index(self._digest, self._path)

    def _write(self, event: ev.Event) -> int:
        line = json.dumps(ev.to_json(event)).encode() + b"\n"
        size = len(line)
        while line:
            line = line[self._file.write(line) :]
        return size

    def is_in_place(self) -> bool:
        """Whether the file still has its name: somebody may have removed the folder."""
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._file.fileno()))
        except OSError:
            return False

    def write_again(self) -> None:
        """Write the journal to a new file, of a long run without most of its steps. Raises OSError."""
        self._file.close()
        before, self._digest = self._digest.events, Digest()
        files.make_private(self._path)
        self._file = self._path.open("ab", buffering=0)
        for event in before:
            self._digest.add(event, self._write(event))

    def close(self) -> None:
        """Flush to disk as far as possible, and close."""
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
class JournalContents:
    """A journal's events in order, and the number of skipped lines."""

    events: list[ev.Event]
    left_out: int = 0


def read_journal(folder: Path) -> JournalContents:
    """The journal of the run in `folder`, without events made void by a resume from an earlier checkpoint.

    Of a long run most steps are left out; see `journal_index`. Empty if there is no journal yet. Raises
    UnreadableFile if it cannot be opened.
    """
    digest, unfinished = _digest_of(folder / JOURNAL)
    events: list[ev.Event] = []
    for event in [*digest.events, *unfinished]:
        if isinstance(event, ev.Started):
            events = []  # the run started over, without a checkpoint
        if isinstance(event, ev.Resumed) and event.from_checkpoint:
            while events and (
                isinstance(events[-1], ev.Failed) or getattr(events[-1], "step", 0) > event.step
            ):
                events.pop()
        events.append(named(event, folder.name))
    return JournalContents(events, digest.left_out)


def read_events(folder: Path) -> list[ev.Event]:
    """The events of `read_journal`. Raises UnreadableFile."""
    return read_journal(folder).events


def read_thinned(folder: Path) -> list[ev.Event]:
    """The events of the run in `folder`, in order, of a long run without most steps; see `journal_index`.

    With the events that a resume made void, except steps. Raises UnreadableFile.
    """
    digest, unfinished = _digest_of(folder / JOURNAL)
    return [named(event, folder.name) for event in [*digest.events, *unfinished]]


def iter_events(folder: Path) -> Iterator[ev.Event]:
    """Every event of the run in `folder`, in order, with those that a resume made void. Raises UnreadableFile."""
    for event in _events_in(folder / JOURNAL):
        if event is not None:
            yield named(event, folder.name)


@dataclass(frozen=True)
class RunFacts:
    """A summary of a journal: steps done and planned, losses, seconds, start time, the last event, the last voice
    measured, and the number of skipped lines."""

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
    """The summary of a run's journal, cached until the file changes. Raises UnreadableFile."""
    try:
        status = os.stat(folder / JOURNAL)
    except OSError:  # missing, or reading it raises the error
        return _facts_of_journal(folder, None)
    return _facts_of_journal(folder, (status.st_ino, status.st_size, status.st_mtime_ns))


@functools.lru_cache(maxsize=512)
def _facts_of_journal(folder: Path, version: object) -> RunFacts:
    journal = read_journal(folder)
    events = journal.events
    started = next((e for e in events if isinstance(e, ev.Started)), None)
    losses = [e.validation_loss for e in events if isinstance(e, ev.Evaluated)]
    steps = [e for e in events if isinstance(e, ev.StepDone)]
    totals = [e.total_steps for e in events if isinstance(e, ev.Started | ev.Resumed) and e.total_steps]
    return RunFacts(
        step=max((e.step for e in steps), default=0),
        total_steps=totals[-1] if totals else 0,
        per_epoch=started.steps_per_epoch if started else 0.0,
        best=min((loss for loss in losses if loss == loss), default=None),
        first=losses[0] if losses else None,
        seconds=max((e.elapsed for e in steps if e.elapsed == e.elapsed), default=0.0),
        started=started.time if started else None,
        last=events[-1] if events else None,
        voice=next((e for e in reversed(events) if isinstance(e, ev.VoiceMeasured)), None),
        left_out=journal.left_out,
    )


def named(event: ev.Event, run: str) -> ev.Event:
    """The event with the run's current name, since the folder may have been copied or renamed by hand."""
    if isinstance(event, ev.Started | ev.Finished | ev.Failed) and event.run != run:
        return dataclasses.replace(event, run=run)
    return event


def record_in(line: bytes | None) -> object:
    """The JSON value of a line; None if it has none."""
    try:
        return json.loads(line) if line is not None else None
    except (ValueError, RecursionError):  # ValueError: not JSON, or a number with thousands of digits
        return None


def _digest_of(path: Path) -> tuple[Digest, list[ev.Event]]:
    """The digest of a journal, and the event of a last line that is not complete yet, if it is one.

    Reads what the index does not cover, and writes the index if that was much. Raises UnreadableFile.
    """
    digest, unfinished = read_index(path), []
    with contextlib.suppress(FileNotFoundError):
        for line, complete, end in _lines(path, digest.bytes):
            event, valid = _event_in(line)
            if complete:
                digest.add(event, end - digest.bytes)
                digest.left_out += not valid
            elif event is not None:
                unfinished = [event]
    write_index(digest, path)
    return digest, unfinished


def _events_in(path: Path) -> Iterator[ev.Event | None]:
    """The event of each line, None for an invalid line; events of a later version are skipped."""
    with contextlib.suppress(FileNotFoundError):
        for line, complete, _ in _lines(path):
            event, valid = _event_in(line)
            if event is not None or (complete and not valid):
                yield event


def _event_in(line: bytes | None) -> tuple[ev.Event | None, bool]:
    """The event of a line, or None; and whether the line is valid: an event, or one of a later version."""
    record = record_in(line)
    event = ev.from_json(record)
    return event, event is not None or (_is_of_later_version(record) and not ev.is_known(record))


def _is_of_later_version(record: object) -> bool:
    return isinstance(record, dict) and isinstance(record.get("event"), str)


def _lines(path: Path, start: int = 0) -> Iterator[tuple[bytes | None, bool, int]]:
    """Each non-blank line from the byte `start` on, None for one that is too long, with whether a line break follows
    it, and the byte behind it.

    The last line has no line break if a crash interrupted it or it is being written right now.
    """
    with small_files.open_regular(path) as file:
        # limited to the current size: the file may grow, and a file in /proc has size 0 but may be endless
        size = os.fstat(file.fileno()).st_size
        if size > _LONGEST:
            raise UnreadableFile(f"{path} cannot be read: it has more than {_LONGEST:,} bytes.")
        file.seek(start)
        remaining, too_long = size - start, False
        while remaining > 0:
            try:
                line = file.readline(min(remaining, _LONGEST_LINE))
            except OSError as error:
                raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}.") from error
            if not line:
                return
            remaining -= len(line)
            complete = line.endswith(b"\n")
            if not complete and remaining > 0:
                too_long = True
            elif too_long:
                too_long = False
                yield None, complete, size - remaining
            elif not line.isspace():
                yield line, complete, size - remaining
