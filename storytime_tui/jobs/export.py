"""An export job: from a run's checkpoint or a base to files that other programs open. Loads torch as it begins."""

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

from storytime_tui import files, paths, small_files
from storytime_tui.errors import ModelError, RunError
from storytime_tui.jobs import blending
from storytime_tui.jobs.find_model import Origin, find_origin, model_in
from storytime_tui.models import catalogue, hub
from storytime_tui.models import folder as model_folder
from storytime_tui.models.voices import Voices, write_voices
from storytime_tui.reporting import Report
from storytime_tui.training import runs
from storytime_tui.training.sums import check_model

if TYPE_CHECKING:
    from storytime_tui.models.export.weight_files import Weights


FORMATS = ("safetensors", "gguf")
DTYPES = ("fp32", "fp16", "bf16")

_SPARE = 50_000_000  # bytes to leave free: a disk filled to the last one helps nobody
_ADAPTER_CONFIG = "adapter_config.json"  # merging's, which would load torch to be asked
_CARD = "README.md"
# What goes along with the weights; the trainer's own files stay behind.
_TOKENIZER = (*model_folder.TOKENIZER_FILES, "added_tokens.json", "tokenizer.model", "chat_template.jinja")
_BESIDE = (model_folder.GENERATION_CONFIG, "LICENSE")


@dataclass(frozen=True)
class Exported:
    """What was written: `path` is a folder, or a file for GGUF; `bytes` counts all of it.

    `run` is the run or the base; `checkpoint` the run's, None of a base. `base` is the model that an adapter was
    merged into, None where the run taught all of its weights; `dtype` is what the matrices are in ("mixed" where they
    differ); `address` is the repository's on the Hub, if pushed.
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
    """Write a model so that other programs open it; a LoRA run is merged.

    Its weights are those at `strength` (None: what the run is usually told at), which other programs know nothing of.

    `name` is a run, of which `checkpoint` is written (None: the best, else the last), `run/step-N`, or a base: the
    starter, a folder, an id on the Hub. A base's name is the base's, as everywhere (see `find_origin`).
    `dtype` None keeps what is stored; a file of weights holds at most `shard_bytes` of them (None: as many as the Hub
    takes), unless a single matrix is larger. `push` is a repository on the Hub, owner/model, made where there is none
    (`private` then). All that can be refused is refused before anything is written. Raises RunError or ModelError
    with what to do; then there is nothing at `to`, unless only the upload failed.
    """
    to = paths.expanded(to, ModelError)
    _check_target(to, format)
    if shard_bytes is not None and format == "gguf":
        raise ModelError("GGUF is one file and has no shards: leave --shard-size out.")
    chosen, name, which = _chosen(name, checkpoint, report)
    called = f"{name} {which}" if which else name
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
            written = _write(source, to, format, dtype, shard_bytes, called, report)
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
                f"{str(error).rstrip('.')}; the export is whole in {to}, and `hf upload {push} {to}` sends it later."
            ) from error
    size = sum(path.stat().st_size for path in to.iterdir()) if to.is_dir() else to.stat().st_size
    return Exported(name, which, to.resolve(), format, written, size, base, address)


def _check_target(to: Path, format: str) -> None:
    if format == "gguf" and to.suffix != ".gguf":
        raise ModelError(
            f"GGUF is one file: let --to name one that ends in .gguf, such as {to.name or 'model'}.gguf."
        )
    if to.exists() or to.is_symlink():
        raise ModelError(
            f"{to} is there already, and nothing is written over: choose another name, or remove it."
        )


def _chosen(name: str, checkpoint: str | None, report: Report) -> tuple[Path, str, str | None]:
    """The folder with the model, its run or the base, and which checkpoint of the run. Raises RunError, ModelError."""
    run, _, which = name.partition("/")
    a_base = catalogue.is_base_name(name) and not which and checkpoint is None
    if not a_base and runs.is_run(run):
        found = _checkpoint(runs.run_folder(run), checkpoint or which)
        return found, run, found.name
    if checkpoint is not None or not _is_known_base(name):
        runs.run_folder(name)  # raises: there is none, and only a run has checkpoints
    origin = find_origin(name, report)
    if origin.folder is None:
        raise ModelError(f"{name} is an empty shape and has no weights to export yet: train it first.")
    return origin.folder, name, None


def _is_known_base(name: str) -> bool:
    """Whether a name is no run's that was mistyped: a base's, a folder's, or an id on the Hub."""
    if "/" in name or catalogue.is_base_name(name) or os.path.isdir(os.path.expanduser(name)):
        return True
    return catalogue.is_repo_id(name) and hub.cached(name) is not None


def _checkpoint(folder: Path, which: str | None) -> Path:
    """The folder of a checkpoint with a model in it. Raises RunError where there is none such."""
    steps = runs.checkpoint_steps(folder)
    if not steps:
        raise RunError(f"The run {folder.name!r} has no checkpoint yet: let it learn a little longer.")
    found = model_in(folder, which)
    if found is None:
        kept = ", ".join(f"step-{step}" for step in steps)
        raise RunError(f"The run {folder.name!r} keeps no checkpoint {which!r}; it has best, last, {kept}.")
    return found


# -- what is exported --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    """An opened checkpoint: its weights (merged), and where the small files beside them are taken from."""

    weights: Weights
    config: dict[str, Any]
    tokenizer: Path
    beside: tuple[Path, ...]  # folders, the first that has a file gives it
    base: str | None
    voices: tuple[str, ...] = ()
    strength: float = 1.0  # that the weights are at


@contextmanager
def _at_strength(checkpoint: Path, name: str, strength: float | None, report: Report) -> Iterator[_Source]:
    """An opened checkpoint, its weights moved towards its base or away from it where it is told so."""
    with ExitStack() as stack:
        source = stack.enter_context(_opened(checkpoint, report))
        told = blending.choose(name, strength, (), report)
        if told.strength == 0:  # the base itself
            source = stack.enter_context(_opened(_weights_of(told.origin), report))
        elif told.parts is not None:
            from storytime_tui.models.export.merging import WeightsAtStrength

            base = stack.enter_context(_opened(_weights_of(told.parts.base), report))
            strong = WeightsAtStrength(base.weights, source.weights, told.strength, told.parts.base.name)
            source = replace(source, weights=strong)
        strength = told.strength if told.parts else 1.0
        yield replace(source, voices=told.origin.voices.titles, strength=strength)


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
        name = merging.base_of(checkpoint)
        origin = find_origin(name, report)
        if origin.folder is None:
            raise ModelError(f"The adapter in {checkpoint} names {name!r} as its base, which has no weights.")
        base = stack.enter_context(_opened(origin.folder, report))  # a base may be an adapter's run itself
        adapter = stack.enter_context(weight_files.open_file(checkpoint / merging.ADAPTER_WEIGHTS))
        adapter_config = model_folder.read_json(checkpoint / merging.ADAPTER_CONFIG)
        merged = merging.MergedWeights(base.weights, adapter, adapter_config, base.config, str(checkpoint))
        own = (checkpoint / model_folder.TOKENIZER).is_file() or (checkpoint / "vocab.json").is_file()
        tokenizer = checkpoint if own else base.tokenizer
        yield _Source(merged, base.config, tokenizer, (checkpoint, *base.beside), name)


def _config(folder: Path) -> dict[str, Any]:
    config = model_folder.read_json(folder / model_folder.CONFIG)
    if "quantization_config" in config:
        raise ModelError(f"The weights in {folder} are quantised, and only plain ones can be exported.")
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
            f"The export needs {(needed + _SPARE) / 1e9:,.1f} GB of disk in {folder}, and {free / 1e9:,.1f} GB are "
            "free: make room, or let --to name a place on a bigger disk."
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
    """Write it all, whole or not at all; gives the dtype that the matrices have now."""
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
        # the small files first: a run that learns on may prune its checkpoint, and only open files outlive that
        config = weight_files.config_in(source.config, common) if common is not None else source.config
        (part / model_folder.CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        for each in _TOKENIZER:
            _copy(each, (source.tokenizer,), part)
        for each in _BESIDE:
            _copy(each, source.beside, part)
        _copy_card(source.beside[0], part, source.strength)
        if source.voices:
            write_voices(part, Voices(source.voices))
        if not any((part / each).is_file() for each in (model_folder.TOKENIZER, model_folder.VOCABULARY[0])):
            raise ModelError(f"{source.tokenizer} holds no tokenizer (any more): choose another checkpoint.")
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
    """The run's own card goes along, and says so where the weights are not those that it is about.

    The one that peft writes is about an adapter, which this is no longer.
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
        "above, but for the voice, are those of the run as it was trained, at strength 1.\n"
    )
