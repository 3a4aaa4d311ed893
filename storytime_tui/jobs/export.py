"""Exports a run's checkpoint or a base as files that other programs open. Loads torch when an export starts."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storytime_tui import files, formatting, paths, small_files
from storytime_tui.errors import ModelError
from storytime_tui.jobs import blending
from storytime_tui.jobs.find_model import Origin, checkpoint_in, find_origin
from storytime_tui.models import catalogue, hub_cache
from storytime_tui.models import folder as model_folder
from storytime_tui.models.voices import Voices, write_voices
from storytime_tui.reporting import Report
from storytime_tui.training import runs
from storytime_tui.training.sums import check_model

if TYPE_CHECKING:
    from storytime_tui.models.export.weight_files import Weights


FORMATS = ("safetensors", "gguf")
DTYPES = ("fp32", "fp16", "bf16")

_SPARE = 50_000_000  # bytes to leave free on the disk
_ADAPTER_CONFIG = "adapter_config.json"  # also in `merging`, which loads torch
_CARD = "README.md"
# The files that are copied beside the weights; the trainer's own files are not.
_TOKENIZER = (*model_folder.TOKENIZER_FILES, "added_tokens.json", "tokenizer.model", "chat_template.jinja")
_BESIDE = (model_folder.GENERATION_CONFIG, "LICENSE")


@dataclass(frozen=True)
class Exported:
    """A finished export. `path`: a folder, or a file for GGUF. `bytes`: its whole size.

    `run`: the run or the base. `checkpoint`: of the run, None for a base. `base`: the model that an adapter was merged
    into, None without an adapter. `dtype`: of the matrices ("mixed" if they differ). `address`: of the repository on
    the Hub, if pushed.
    """

    run: str
    checkpoint: str | None
    path: Path
    format: str
    dtype: str
    bytes: int
    base: str | None
    address: str | None


def export_model(
    name: str,
    to: Path,
    *,
    checkpoint: str | None = None,
    format: str = "safetensors",
    dtype: str | None = None,
    shard_bytes: int | None = None,
    push: str | None = None,
    private: bool = False,
    strength: float | None = None,
    report: Report = lambda words, done, total: None,
) -> Exported:
    """Write a model as files that other programs open; a LoRA run is merged into its base.

    `name`: a run, `run/step-N`, or a base (the starter, a folder, an id on the Hub). The name of a base always means
    the base (see `find_origin`). `checkpoint`: of a run; None is the best, else the last. `strength`: of the written
    weights; None is the run's usual strength. `dtype` None keeps the stored one. `shard_bytes`: the largest size of a
    file of weights, unless a single matrix is larger; None is the Hub's limit. `push`: a repository on the Hub,
    owner/model, created if missing (as `private`).

    Everything is checked before anything is written. Raises RunError or ModelError with what to do; then nothing is at
    `to`, unless only the upload failed.
    """
    to = paths.expanded(to, ModelError)
    _check_target(to, format)
    if shard_bytes is not None and format == "gguf":
        raise ModelError("GGUF is one file and has no shards: leave --shard-size out.")
    chosen, name, which = _chosen(catalogue.whole_name(name), checkpoint, report)
    title = f"{name} {which}" if which else name
    if push is not None:
        from storytime_tui.models.export import upload

        upload.check_repo_id(push)
    if format == "gguf":
        from storytime_tui.models.export import gguf

        gguf.check_package()
    address = None
    with _at_strength(chosen, f"{name}/{which}" if which else name, strength, report) as source:
        try:
            needed = _size(source, format, dtype)
            _check_room(to, needed)
            if push is not None:
                report(f"asking the Hub for {push}", 0, 0)
                address = upload.make_repo(push, private=private)
            written = _write(source, to, format, dtype, shard_bytes, title, report)
        except OSError as error:
            raise ModelError(
                files.explain(error, f"exporting {'the run ' if which else ''}{name} to {to}")
            ) from error
        base = source.base
    if push is not None:
        report(f"uploading to {push}", 0, 0)
        try:
            upload.upload(to, push, f"{name}, {which}" if which else name)
        except ModelError as error:
            raise ModelError(
                f"{str(error).rstrip('.')}; the export is complete in {to}: `hf upload {push} {to}` uploads it later."
            ) from error
    size = sum(path.stat().st_size for path in to.iterdir()) if to.is_dir() else to.stat().st_size
    return Exported(name, which, to.resolve(), format, written, size, base, address)


def _check_target(to: Path, format: str) -> None:
    if format == "gguf" and to.suffix != ".gguf":
        raise ModelError(
            f"GGUF is one file: give --to a name that ends in .gguf, such as {to.name or 'model'}.gguf."
        )
    if format != "gguf" and to.suffix == ".gguf":
        raise ModelError(
            f"{to.name} is the name of a GGUF file, but {format} is a folder: choose the format gguf or another name."
        )
    if to.exists() or to.is_symlink():
        raise ModelError(f"{to} exists already and is not overwritten: choose another name, or remove it.")


def _chosen(name: str, checkpoint: str | None, report: Report) -> tuple[Path, str, str | None]:
    """(folder of the model, run or base, checkpoint of the run or None). Raises RunError, ModelError."""
    run, _, which = name.partition("/")
    is_base = catalogue.is_base_name(name) and not which and checkpoint is None
    if not is_base and runs.is_run(run):
        folder = checkpoint_in(runs.run_folder(run), checkpoint or which)
        return folder, run, folder.name
    if checkpoint is not None or not _is_known_base(name):
        runs.run_folder(name)  # raises RunError: there is no such run
    origin = find_origin(name, report)
    if origin.folder is None:
        raise ModelError(f"{name} has no weights to export yet: train it first.")
    return origin.folder, name, None


def _is_known_base(name: str) -> bool:
    """Whether a name is a base, a folder or an id on the Hub, and not a mistyped run."""
    if "/" in name or catalogue.is_base_name(name) or os.path.isdir(os.path.expanduser(name)):
        return True
    return catalogue.is_repo_id(name) and hub_cache.cached(name) is not None


# -- reading -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    """An opened checkpoint: its weights (merged), and the folders of the small files beside them."""

    weights: Weights
    config: dict[str, Any]
    tokenizer: Path
    beside: tuple[Path, ...]  # a file is copied from the first folder that has it
    base: str | None
    voices: Voices = Voices()  # noqa: RUF009 - frozen
    strength: float = 1.0  # of the weights


@contextmanager
def _at_strength(checkpoint: Path, name: str, strength: float | None, report: Report) -> Iterator[_Source]:
    """Open a checkpoint with its weights at a strength (None: the run's usual one)."""
    with ExitStack() as stack:
        source = stack.enter_context(_opened(checkpoint, report))
        chosen = blending.choose_model(name, strength, (), report)
        if chosen.strength == 0:  # the base itself
            source = stack.enter_context(_opened(_weights_of(chosen.origin), report))
        elif chosen.parts is not None:
            from storytime_tui.models.export.merging import WeightsAtStrength

            base = stack.enter_context(_opened(_weights_of(chosen.parts.base), report))
            strong = WeightsAtStrength(base.weights, source.weights, chosen.strength, chosen.parts.base.name)
            source = replace(source, weights=strong)
        strength = chosen.strength if chosen.parts else 1.0
        yield replace(source, voices=chosen.origin.voices, strength=strength)


def _weights_of(origin: Origin) -> Path:
    folder = origin.adapter or origin.folder
    assert folder is not None
    return folder


@contextmanager
def _opened(checkpoint: Path, report: Report) -> Iterator[_Source]:
    from storytime_tui.models.export import merging, weight_files

    check_model(checkpoint)
    with ExitStack() as stack:
        if not merging.is_adapter(checkpoint):
            config = _config(checkpoint)
            weights = stack.enter_context(weight_files.open_weights(checkpoint))
            yield _Source(weights, config, checkpoint, (checkpoint,), None)
            return
        name = merging.adapter_base(checkpoint)
        origin = find_origin(name, report)
        if origin.folder is None:
            raise ModelError(f"The adapter in {checkpoint} names {name!r} as its base, which has no weights.")
        base = stack.enter_context(_opened(origin.folder, report))  # the base may be an adapter too
        adapter = stack.enter_context(weight_files.open_file(checkpoint / merging.ADAPTER_WEIGHTS))
        adapter_config = model_folder.read_json(checkpoint / merging.ADAPTER_CONFIG)
        merged = merging.MergedWeights(base.weights, adapter, adapter_config, base.config, str(checkpoint))
        own = (checkpoint / model_folder.TOKENIZER).is_file() or (checkpoint / "vocab.json").is_file()
        tokenizer = checkpoint if own else base.tokenizer
        yield _Source(merged, base.config, tokenizer, (checkpoint, *base.beside), name)


def _config(folder: Path) -> dict[str, Any]:
    config = model_folder.read_json(folder / model_folder.CONFIG)
    if "quantization_config" in config:
        raise ModelError(f"The weights in {folder} are quantised: only unquantised weights can be exported.")
    return config


def _size(source: _Source, format: str, dtype: str | None) -> int:
    from storytime_tui.models.export import gguf, weight_files

    kind = weight_files.DTYPES[dtype] if dtype else None
    if format == "gguf":
        return gguf.total_bytes(source.weights, source.config, kind)
    return weight_files.total_bytes(source.weights, kind)


def _check_room(to: Path, needed: int) -> None:
    folder = next(each for each in to.absolute().parents if each.exists())
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise ModelError(
            f"The export needs {formatting.size(needed + _SPARE)} of disk in {folder}, and {formatting.size(free)} are "
            "free: make room, or choose a --to on a bigger disk."
        )


# -- writing -----------------------------------------------------------------------------------------------


def _write(
    source: _Source,
    to: Path,
    format: str,
    dtype: str | None,
    shard_bytes: int | None,
    name: str,
    report: Report,
) -> str:
    """Write the export atomically. Returns the dtype of the written matrices."""
    from storytime_tui.models.export import gguf, weight_files

    kind = weight_files.DTYPES[dtype] if dtype else None
    words = {value: key for key, value in weight_files.DTYPES.items()}

    def on_bytes(done: int, total: int) -> None:
        report("writing the weights", done, total)

    if format == "gguf":
        with files.file_written_atomically(to, shared=True, replace=False) as part:
            gguf.write_gguf(
                part,
                source.weights,
                source.config,
                source.tokenizer,
                name=name,
                dtype=kind,
                on_bytes=on_bytes,
            )
        return words[gguf.matrix_dtype(source.weights, kind)]
    common = weight_files.dtype_of(source.weights, kind)
    with files.folder_written_atomically(to, shared=True) as part:
        # small files first: a training run may delete this checkpoint, and only open files remain readable then
        config = weight_files.config_in(source.config, common) if common is not None else source.config
        (part / model_folder.CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        for each in _TOKENIZER:
            _copy(each, (source.tokenizer,), part)
        for each in _BESIDE:
            _copy(each, source.beside, part)
        _copy_card(source.beside[0], part, source.strength)
        if source.voices.titles:
            write_voices(
                part, replace(source.voices, strength=1.0)
            )  # the weights are at their strength already
        if not any((part / each).is_file() for each in (model_folder.TOKENIZER, model_folder.VOCABULARY[0])):
            raise ModelError(f"{source.tokenizer} has no tokenizer: choose another checkpoint.")
        weight_files.write_weights(
            source.weights, part, kind, on_bytes, shard_bytes or weight_files.SHARD_BYTES
        )
    return "mixed" if common is None else words.get(common, weight_files.dtype_name(common))


def _copy(name: str, folders: tuple[Path, ...], to: Path) -> None:
    for folder in folders:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, to / name)
            return


def _copy_card(folder: Path, to: Path, strength: float) -> None:
    """Copy the run's card, with a note if the weights are at another strength than the card's figures.

    A card written by peft describes an adapter; it is not copied.
    """
    try:
        card = small_files.read_bytes(folder / _CARD)
    except (FileNotFoundError, small_files.UnreadableFile):
        return
    if not re.search(rb"(?m)^library_name: *peft", card):
        (to / _CARD).write_bytes(card.rstrip() + (_at(strength).encode() if strength != 1 else b"\n"))


def _at(strength: float) -> str:
    return (
        f"\n\n## These weights\n\nThey are at strength {strength:g}: base + {strength:g} × (run − base). The figures "
        "above, except for the voice, are those of the run as trained, at strength 1.\n"
    )
