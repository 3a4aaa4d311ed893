"""Memory and disk: what is there, and what it is enough for."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storytime_tui.formatting import size
from storytime_tui.jobs.checkup.finding import Finding

_TELLS = 5e8  # bytes of free memory that telling with the starter needs
_TRAINS = 2.5e9  # and training it, without saving memory
_LEAST_DISK = 2e8  # bytes
_LITTLE_DISK = 2e9  # a run of the starter has a few checkpoints of 170 MB; a larger base takes gigabytes


@dataclass(frozen=True)
class Memory:
    """Bytes. `limit`: what a container may use at most, if it is one, and `used` what it uses."""

    free: int
    total: int
    limit: int | None = None
    used: int = 0


def read_memory(root: Path = Path("/")) -> Memory:
    """The machine's memory, and the limit of the container that this program runs in."""
    import psutil

    memory = psutil.virtual_memory()
    group = root / "sys/fs/cgroup"
    return Memory(
        memory.available, memory.total, _number(group / "memory.max"), _number(group / "memory.current") or 0
    )


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # "max" is no limit
        return None


def memory_finding(memory: Memory) -> Finding:
    """Whether the memory is enough to tell, and to train the starter."""
    free, found = memory.free, f"{size(memory.free)} of {size(memory.total)} free"
    if memory.limit is not None and memory.limit < memory.total:
        free = min(free, max(0, memory.limit - memory.used))
        found = f"{size(free)} of {size(memory.limit)} free, the limit of this container"
    if free < _TELLS:
        return Finding("memory", found, well=False, advice="Close other programs: telling needs 500 MB.")
    if free < _TRAINS:
        return Finding(
            "memory",
            found,
            advice="Training the starter takes up to 2.5 GB: close other programs, or train scratch-tiny "
            "or with --set checkpointing=on.",
        )
    return Finding("memory", found)


def folder_finding(what: str, folder: Path) -> Finding:
    """Whether a folder can be written, and how much its disk has free."""
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding(
            what,
            f"{folder}: {error.strerror}",
            well=False,
            advice="Set STORYTIME_HOME to a folder of your own.",
        )
    if not os.access(existing, os.W_OK):
        return Finding(
            what,
            f"{folder}: no permission to write",
            well=False,
            advice="Give yourself permission, or set STORYTIME_HOME to a folder of your own.",
        )
    found = f"{folder}, {size(free)} free"
    clear = "Make room: `storytime-tui disk` shows what our files take"
    if free < _LEAST_DISK:
        return Finding(what, found, well=False, advice=f"{clear}.")
    return Finding(what, found, advice=f"{clear}; a run needs up to 2 GB." if free < _LITTLE_DISK else "")


def once(findings: Iterator[Finding]) -> Iterator[Finding]:
    """The same advice is given once: several folders are on one disk."""
    given: set[str] = set()
    for finding in findings:
        repeated = finding.advice in given
        given.add(finding.advice)
        yield Finding(
            finding.what, finding.found, finding.well, "" if repeated and finding.well else finding.advice
        )
