"""Makes the folder of a run in training again after somebody removed it. Loads no torch."""

import contextlib
from pathlib import Path
from types import TracebackType

from storytime_tui import files
from storytime_tui.errors import RunError
from storytime_tui.jobs.run_bases import BASE_FILE
from storytime_tui.training import runs
from storytime_tui.training.journal import JOURNAL, Journal
from storytime_tui.training.notes import NOTE

_KEPT = (runs.PLAN, BASE_FILE, NOTE)


class RemovedFolder:
    """What a run's folder needs besides its journal and checkpoints, kept in memory. A context manager: it holds the
    lock of a folder that it made again.
    """

    def __init__(self, folder: Path) -> None:
        """Read the small files. The caller holds the run's lock."""
        self._folder = folder
        self._files: dict[str, bytes] = {}
        self._held = contextlib.ExitStack()
        for name in _KEPT:
            with contextlib.suppress(OSError):
                self._files[name] = (folder / name).read_bytes()

    def make_again(self, journal: Journal) -> str:
        """Write the small files and the journal again, and lock the folder. Returns a sentence about it.

        Raises RunError if another run has the name by now, and OSError.
        """
        folder = self._folder
        if any((folder / name).exists() for name in (runs.PLAN, JOURNAL)):
            raise RunError(
                f"The folder of the run {folder.name!r} was removed, and another run has its name now."
            )
        files.make_folder(folder)
        for name, data in self._files.items():
            files.write_atomically(folder / name, data)
        journal.write_again()
        self._held.enter_context(runs.run_locked(folder))
        return "The run's folder was removed: it is made again, without the earlier checkpoints."

    def __enter__(self) -> "RemovedFolder":
        """Hold nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the lock go."""
        self._held.close()
