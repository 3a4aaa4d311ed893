"""Checksums of checkpoints (SHA-256), in the format of `sha256sum --check`. Knows no torch."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from storytime_tui import files, small_files
from storytime_tui.errors import ModelError

SUMS = "SHA256SUMS"

_NEEDED = {"trainer.json", "trainer.safetensors"}
_CHUNK = 4_000_000  # bytes


def write_sums(folder: Path) -> None:
    """Write the checksums of all files in the folder. Raises OSError."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    with ThreadPoolExecutor() as pool:  # the two files of a gigabyte each are hashed in parallel
        sums = pool.map(_sum_of, [folder / name for name in names])
        lines = [f"{checksum}  {name}\n" for checksum, name in zip(sums, names, strict=True)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Replace a file in a folder with checksums, and update its checksum. Raises OSError.

    In between, the file has no checksum instead of a wrong one, so the folder never counts as damaged.
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
    """The name of a file that changed since it was saved; "" if none did.

    Hashes all files, or with `model_only` all but the trainer's own, which are larger.
    """
    names = set()
    try:
        for line in small_files.read_text(checkpoint / SUMS).splitlines():
            expected, name = line.split("  ", 1)
            if Path(name).name != name or name in ("", ".."):
                return SUMS  # a path outside of the checkpoint
            names.add(name)
            if model_only and name.startswith("trainer."):
                continue
            if _sum_of(checkpoint / name) != expected:
                return name
    except (OSError, ValueError, small_files.UnreadableFile):
        return SUMS
    return "" if (names if model_only else names >= _NEEDED) else SUMS


def check_model(folder: Path) -> None:
    """Raise ModelError if a checkpoint's model has changed; a folder without checksums is not checked."""
    damaged = damage_in(folder, model_only=True) if os.path.lexists(folder / SUMS) else ""
    if damaged:
        raise ModelError(
            f"The checkpoint in {folder} is damaged: {damaged} has changed since it was saved. Use another one."
        )


def _sum_of(path: Path) -> str:
    """The checksum of a file, "" if there is none. Raises OSError."""
    try:
        with small_files.open_regular(path) as file:
            # limited to its size: a file in /proc has size 0 but may be endless
            remaining = os.fstat(file.fileno()).st_size
            hasher = hashlib.sha256()
            while remaining > 0 and (chunk := file.read(min(remaining, _CHUNK))):
                hasher.update(chunk)
                remaining -= len(chunk)
            return hasher.hexdigest()
    except (FileNotFoundError, small_files.UnreadableFile):
        return ""
