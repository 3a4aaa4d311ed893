"""Whether a checkpoint is still what was saved: SHA-256 sums, as `sha256sum --check` reads them. Knows no torch."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from storytime_tui import files, small_files
from storytime_tui.errors import ModelError

SUMS = "SHA256SUMS"

_NEEDED = {"trainer.json", "trainer.safetensors"}
_PIECE = 4_000_000  # bytes read at once


def write_sums(folder: Path) -> None:
    """Write down what every file in the folder is now. Raises OSError."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    with ThreadPoolExecutor() as pool:  # the model's file and the optimiser's, a gigabyte each, side by side
        sums = pool.map(_sum_of, [folder / name for name in names])
        lines = [f"{found}  {name}\n" for found, name in zip(sums, names, strict=True)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Give a file of a folder with sums other content, and it its new sum. Raises OSError.

    In between the file has no sum, rather than a wrong one: whatever happens, the folder is never a damaged one.
    """
    with small_files.open_regular(folder / SUMS) as file:
        lines = file.read().splitlines(keepends=True)
    others = [line for line in lines if line.rstrip(b"\r\n").partition(b"  ")[2] != name.encode()]
    files.write_atomically(folder / SUMS, b"".join(others), shared=True)
    files.write_atomically(folder / name, data, shared=True)
    own = f"{hashlib.sha256(data).hexdigest()}  {name}\n".encode()
    lines = sorted([*others, own], key=lambda line: line.partition(b"  ")[2])
    files.write_atomically(folder / SUMS, b"".join(lines), shared=True)


def damage_in(checkpoint: Path, *, model_only: bool = False) -> str:
    """The name of a file that is not what was saved; "" where all are.

    Reads all of them, or with `model_only` not the trainer's own, which are the larger part.
    """
    named = set()
    try:
        for line in small_files.read_text(checkpoint / SUMS).splitlines():
            wanted, name = line.split("  ", 1)
            if Path(name).name != name or name in ("", ".."):
                return SUMS  # nothing outside of the checkpoint was saved with it
            named.add(name)
            if model_only and name.startswith("trainer."):
                continue
            if _sum_of(checkpoint / name) != wanted:
                return name
    except (OSError, ValueError, small_files.UnreadableFile):
        return SUMS
    return "" if (named if model_only else named >= _NEEDED) else SUMS


def check_model(folder: Path) -> None:
    """Raise ModelError where a checkpoint's model is not what was saved; a folder without sums is nobody's promise."""
    damaged = damage_in(folder, model_only=True) if os.path.lexists(folder / SUMS) else ""
    if damaged:
        raise ModelError(
            f"The checkpoint in {folder} is damaged: {damaged} is not what was saved. Name another one."
        )


def _sum_of(path: Path) -> str:
    """The sum of what a file holds, "" where there is no such file. Raises OSError."""
    try:
        with small_files.open_regular(path) as file:
            # no more than its size: one of /proc has none, and goes on for ever
            left = os.fstat(file.fileno()).st_size
            found = hashlib.sha256()
            while left > 0 and (part := file.read(min(left, _PIECE))):
                found.update(part)
                left -= len(part)
            return found.hexdigest()
    except (FileNotFoundError, small_files.UnreadableFile):
        return ""
