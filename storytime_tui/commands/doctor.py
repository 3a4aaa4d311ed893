"""`storytime-tui doctor`: checks versions, devices, memory, folders and the connection to the Hub."""

import argparse
import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from storytime_tui import __version__, paths, small_files
from storytime_tui.cli import DONE, FAILED
from storytime_tui.commands.output import print_json
from storytime_tui.formatting import size
from storytime_tui.models.catalogue import STARTER, bases
from storytime_tui.settings import load_settings
from storytime_tui.terminal import printable

PACKAGES = ("textual", "torch", "transformers", "tokenizers", "safetensors", "huggingface-hub", "numpy")


@dataclass(frozen=True)
class Finding:
    """One checked item. `well` is False if the program cannot work with it."""

    what: str
    found: str
    well: bool = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `doctor`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object per finding")


def run(args: argparse.Namespace) -> int:
    """Check everything. Returns exit code 1 if a finding is not well."""
    well = True
    for finding in _findings():
        well = well and finding.well
        if args.json:
            print_json({"event": "finding", **asdict(finding)})
        else:
            print(f"{'' if finding.well else '!':<2}{finding.what:<18}{printable(finding.found)}", flush=True)
    return DONE if well else FAILED


def _findings() -> Iterator[Finding]:
    yield Finding("storytime-tui", __version__)
    yield Finding("python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    for package in PACKAGES:
        try:
            yield Finding(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "missing: install storytime-tui again with pip", well=False)
    yield from _devices()
    yield _memory()
    for name, folder in [
        ("stories and runs", paths.data_folder()),
        ("cache", paths.cache_folder()),
        ("log", paths.log_file().parent),
        ("settings", paths.settings_file().parent),
    ]:
        yield _folder(name, folder)
    yield _settings()
    yield _starter()
    yield _hub()


def _devices() -> Iterator[Finding]:
    try:
        import torch

        from storytime_tui.jobs.devices import device_lines
    except Exception as error:  # a broken installation of torch raises anything
        yield Finding("devices", f"torch cannot be loaded: {error}", well=False)
        return
    for name, found in device_lines(torch):
        yield Finding(name, found)


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    return Finding("memory", f"{size(memory.available)} of {size(memory.total)} free", memory.available > 5e8)


def _folder(name: str, folder: Path) -> Finding:
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError as error:
        return Finding(name, f"{folder}: {error.strerror}", well=False)
    free = shutil.disk_usage(existing).free
    if not os.access(existing, os.W_OK):
        return Finding(name, f"{folder}: no permission to write", well=False)
    return Finding(name, f"{folder}, {size(free)} free", well=free > 2e8)


def _settings() -> Finding:
    troubles = load_settings().troubles
    if troubles:
        return Finding("settings file", " ".join(troubles), well=False)
    return Finding(
        "settings file",
        "valid" if small_files.is_regular(paths.settings_file()) else "none: the defaults apply",
    )


def _starter() -> Finding:
    """The starter may be missing in a checkout; the program works without it."""
    starter = next((base for base in bases() if base.name == STARTER), None)
    if starter is None:
        return Finding("starter", "missing in this copy; the default base is scratch-small")
    return Finding("starter", f"present, {starter.parameters / 1e6:,.1f} million parameters")


def _hub() -> Finding:
    """Being offline is not an error: the starter and the scratch bases need no network."""
    import urllib.error
    import urllib.request

    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return Finding("hugging face hub", "switched off by HF_HUB_OFFLINE; downloaded bases still work")
    try:
        with urllib.request.urlopen(f"{endpoint}/api/models/openai-community/gpt2", timeout=5):
            return Finding("hugging face hub", f"reached at {endpoint}")
    except urllib.error.HTTPError as error:
        return Finding("hugging face hub", f"answers at {endpoint} (with {error.code})")
    except (OSError, ValueError):
        return Finding(
            "hugging face hub", f"not reached at {endpoint}; scratch bases and downloaded bases still work"
        )
