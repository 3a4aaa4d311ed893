"""Reads a run's journal while another program writes it. Knows no torch."""

import os
from pathlib import Path
from typing import BinaryIO

from storytime_tui import small_files
from storytime_tui.training import events as ev
from storytime_tui.training.journal import JOURNAL, named, record_in

_FROM_END = 1_000_000  # bytes of a longer journal that the first call reads: some thousand steps
_PAUSE = 200_000  # bytes: a pause's samples are shorter
_LONGEST_LINE = small_files.LIMIT  # bytes


class JournalTail:
    """The events of a growing journal, each once. Used from one thread only."""

    def __init__(self, folder: Path, from_end: int | None = None) -> None:
        """`folder` is the run's. `from_end`: bytes of a longer journal that the first call reads. Reads nothing yet."""
        self._folder, self._from_end = folder, from_end or _FROM_END
        self._file: object = None  # identifies the file that was read last
        self._place = 0  # bytes; where the first line begins that was not read yet
        self._in_line = False  # whether it is the rest of a line that is too long

    def read(self) -> list[ev.Event]:
        """The events since the last call; the first call gives the run's beginning and what it said last.

        An incomplete last line waits for its end. Lines that are invalid or too long are skipped, as are events of a
        later version. Empty if there is no journal. Raises UnreadableFile if it cannot be opened, OSError if not read.
        """
        try:
            file = small_files.open_regular(self._folder / JOURNAL)
        except FileNotFoundError:
            return []
        with file:
            status = os.fstat(file.fileno())
            identity = (status.st_dev, status.st_ino)
            events: list[ev.Event | None] = []
            if identity != self._file or status.st_size < self._place:  # new to us, or replaced by another
                self._file, self._place, self._in_line = identity, 0, False
                if status.st_size > self._from_end:
                    events.append(self._next(file))
                    self._place, self._in_line = status.st_size - self._from_end, True
            file.seek(self._place)
            while self._place < status.st_size:
                before = self._place
                events.append(self._next(file))
                if self._place == before:
                    break
        return [named(event, self._folder.name) for event in events if event is not None]

    def _next(self, file: BinaryIO) -> ev.Event | None:
        """Read one line, and move `_place` behind it if it is complete. None for a line that gives no event."""
        line = file.readline(_LONGEST_LINE)
        complete = line.endswith(b"\n")
        if not complete and len(line) < _LONGEST_LINE and not self._in_line:
            return None
        self._place += len(line)
        rest, self._in_line = self._in_line, not complete
        return ev.from_json(record_in(line)) if complete and not rest else None


def is_paused(folder: Path) -> bool:
    """Whether an open run waits in a pause, by what its journal said last; False if that cannot be read.

    Samples and checkpoints that are asked for in a pause do not end it.
    """
    try:
        events = JournalTail(folder, _PAUSE).read()
    except (OSError, small_files.UnreadableFile):
        return False
    kinds = ev.Started | ev.StepDone | ev.Paused | ev.Resumed
    return isinstance(next((each for each in reversed(events) if isinstance(each, kinds)), None), ev.Paused)
