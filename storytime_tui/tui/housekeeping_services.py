"""The services of the Disk screen: each imports its job when it is first called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.reporting import Report

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.housekeeping.backup import MadeBackup
    from storytime_tui.jobs.housekeeping.disk import Cleared, DiskUse


def _disk_use() -> DiskUse:
    from storytime_tui.jobs.housekeeping import disk

    return disk.disk_use()


def _clear(what: str) -> Cleared:
    from storytime_tui.jobs.housekeeping import disk

    return disk.clear(what)


def _create_backup(to: str, report: Report) -> MadeBackup:
    from storytime_tui.jobs.housekeeping import backup

    return backup.create_backup(to, report)


def _restore_backup(file: str, report: Report) -> tuple[str, ...]:
    from storytime_tui.jobs.housekeeping import restore

    restored = restore.restore_backup(file, report)
    return restore.in_words(restored), *restored.notes


@dataclass(frozen=True)
class HousekeepingServices:
    """The services, by default the jobs of this machine. All may block."""

    disk_use: Callable[[], DiskUse] = _disk_use
    clear: Callable[[str], Cleared] = _clear  # a part, by its name
    create_backup: Callable[[str, Report], MadeBackup] = _create_backup  # a file or a folder
    restore_backup: Callable[[str, Report], tuple[str, ...]] = _restore_backup  # what came back, and notes
