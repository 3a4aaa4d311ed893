"""`storytime-tui runs export`: a run's model, or a base, as files that other programs open."""

from __future__ import annotations

import argparse
import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storytime_tui import formatting
from storytime_tui.cli import DONE
from storytime_tui.commands.output import print_json, progress_shown, strength_of
from storytime_tui.terminal import printable_line, printable_path

if TYPE_CHECKING:
    from storytime_tui.jobs.export import Exported

_UNITS = {"": 1, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_LARGEST = 1e15  # bytes of one file


def add_arguments(actions: Any) -> None:
    """Define the options of `runs export`."""
    exporting = actions.add_parser(
        "export", help="export a run's model, or a base, as files that other programs open"
    )
    exporting.add_argument(
        "name",
        metavar="RUN|BASE",
        help="a run, RUN/step-20, or a base: starter, gpt2, a folder, an id on the Hub",
    )
    exporting.add_argument(
        "--to", required=True, metavar="FOLDER", help="the folder to write; for gguf, a file NAME.gguf"
    )
    exporting.add_argument(
        "--checkpoint",
        metavar="best|last|step-N",
        help="the run's checkpoint (the best, else the last)",
    )
    exporting.add_argument(
        "--format",
        choices=("safetensors", "gguf"),
        help="gguf is for llama.cpp (chosen by the file's ending)",
    )
    exporting.add_argument(
        "--dtype", choices=("fp32", "fp16", "bf16"), help="the data type of the weights (as stored)"
    )
    exporting.add_argument(
        "--shard-size",
        type=_bytes,
        metavar="SIZE",
        help="the largest size of a file of weights, such as 15MB (4.9GB)",
    )
    exporting.add_argument(
        "--strength",
        metavar="S",
        help="the strength of the weights: 0 is the base, 1 the run as trained, 2 twice as far (the run's usual one)",
    )
    exporting.add_argument("--push", metavar="OWNER/NAME", help="also upload it to the Hugging Face Hub")
    exporting.add_argument("--private", action="store_true", help="with --push: make the repository private")
    exporting.add_argument("--json", action="store_true", help="print one JSON object")
    exporting.set_defaults(misused=exporting.error)


def _bytes(text: str) -> int:
    """The number of bytes in `15MB`. Raises ArgumentTypeError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKMG]?)B?", text.strip())
    size = float(match[1]) * _UNITS[match[2].upper()] if match else 0.0
    if not 1 <= size <= _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: write one such as 15MB, 500kB or 2GB")
    return round(size)


def run(args: argparse.Namespace) -> int:
    """Export, and return the exit code."""
    if args.private and args.push is None:
        args.misused("--private needs --push")
    from storytime_tui.jobs.export import export_model

    with progress_shown() as report:
        done = export_model(
            args.name,
            Path(args.to),
            checkpoint=args.checkpoint,
            format=args.format or ("gguf" if args.to.endswith(".gguf") else "safetensors"),
            dtype=args.dtype,
            shard_bytes=args.shard_size,
            push=args.push,
            private=args.private,
            strength=strength_of(args.strength),
            report=report,
        )
    if args.json:
        print_json({**dataclasses.asdict(done), "path": str(done.path)})
        return DONE
    print(_where(done))
    if done.address:
        print(f"It is on the Hub: {printable_line(done.address)}")
    return DONE


def _where(done: Exported) -> str:
    """What is where, and how much room it takes; an adapter's base is in it and is itself as it was."""
    of_run = f"{done.checkpoint} of " if done.checkpoint else ""
    with_base = " with its base" if done.base else ""
    return (
        f"{of_run}{printable_line(done.run)}{with_base} is in {printable_path(done.path)} "
        f"({done.dtype}, {formatting.size(done.bytes)})."
    )
