"""A GGUF file as an ordinary model folder, which is made once and kept in the cache. Knows no torch."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from storytime_tui import disk_cache, files, paths
from storytime_tui.errors import ModelError, StorytimeError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.gguf import header as gguf_header
from storytime_tui.models.gguf.shape import FACTORS, check, config_of
from storytime_tui.reporting import Report
from storytime_tui.terminal import printable_path

_SAMPLED = 1 << 20  # bytes at the beginning and at the end that stand for the file, besides its size


def folder_of(path: Path, report: Report, cancelled: Callable[[], bool] | None = None) -> Path:
    """The folder with the model of the GGUF file `path`, made now if it is not in the cache.

    Quantised weights become fp16. Raises ModelError for a file that cannot be read, and where the disk is full.
    """
    place = cached_folder(path)
    try:
        return disk_cache.find_or_build(place, _usable, lambda part: _build(path, part, report, cancelled))
    except gguf_header.UnusableFile as error:
        raise ModelError(f"{printable_path(path)} {error}") from error
    except OSError as error:
        raise ModelError(files.explain(error, f"reading {path}")) from error


def cached_folder(path: Path) -> Path:
    """Where the folder of this file is kept. Raises ModelError if the file cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            digest = hashlib.sha256(str(size).encode() + file.read(_SAMPLED))
            file.seek(max(0, size - _SAMPLED))
            digest.update(file.read(_SAMPLED))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    return paths.cache_folder() / "gguf" / f"{path.stem[:60]}-{digest.hexdigest()[:16]}"


def _usable(folder: Path) -> Path | None:
    with contextlib.suppress(OSError, StorytimeError):
        model_folder.check_folder(folder)
        return folder
    return None


def _build(path: Path, part: Path, report: Report, cancelled: Callable[[], bool] | None) -> None:
    # numpy and the tokenizers are of no use to those who only look for a model
    from storytime_tui.models.gguf.tokenizer_files import tokenizer_files
    from storytime_tui.models.gguf.weights import read_floats, write_safetensors

    header = gguf_header.read_header(path)
    check(header, str(path))
    names, end = tokenizer_files(header)

    def on_bytes(done: int, total: int) -> None:
        if cancelled is not None and cancelled():
            raise ModelError(f"Reading {path} was stopped.")
        report(f"reading {path.name}", done, total)

    factors = read_floats(path, header.tensors[FACTORS]) if FACTORS in header.tensors else ()
    config = config_of(header, end, factors)
    model_folder.check_config(config, str(path))
    for name, data in names.items():
        (part / name).write_bytes(data)
    (part / model_folder.CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    write_safetensors(path, header, part / model_folder.WEIGHTS, on_bytes)
    model_folder.check_folder(part)
