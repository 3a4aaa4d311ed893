"""`storytime-tui doctor`: looks for the usual troubles, and says what to do."""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict

from storytime_tui import paths
from storytime_tui.cli import DONE, FAILED
from storytime_tui.commands.output import print_json
from storytime_tui.formatting import count
from storytime_tui.jobs.checkup.finding import Finding
from storytime_tui.jobs.checkup.gpu import gpu_findings, read_system, read_torch
from storytime_tui.jobs.checkup.installation import settings_findings, starter_finding, versions
from storytime_tui.jobs.checkup.network import hub_finding, plain_http_findings
from storytime_tui.jobs.checkup.room import folder_finding, memory_finding, once, read_memory
from storytime_tui.jobs.checkup.terminal import terminal_findings
from storytime_tui.settings import load_settings
from storytime_tui.terminal import printable
from storytime_tui.terminal_kind import size

_BEFORE = 20  # cells before what was found
_BAD, _COULD_BE_BETTER = "!", "*"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `doctor`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object per finding")


def run(args: argparse.Namespace) -> int:
    """Look at everything. Returns exit code 1 if a finding is not well."""
    bad = better = 0
    for finding in _findings():
        bad += not finding.well
        better += finding.well and bool(finding.advice)
        if args.json:
            print_json({"event": "finding", **asdict(finding)})
        else:
            _print(finding)
    if not args.json:
        print(f"\n{_conclusion(bad, better)}")
    return FAILED if bad else DONE


def _print(finding: Finding) -> None:
    mark = _BAD if not finding.well else _COULD_BE_BETTER if finding.advice else ""
    print(f"{mark:<2}{finding.what:<{_BEFORE - 2}}{printable(finding.found)}", flush=True)
    if finding.advice:
        print(f"{'':<{_BEFORE}}{printable(finding.advice)}", flush=True)


def _conclusion(bad: int, better: int) -> str:
    parts = []
    if bad:
        parts.append(f"{count(bad, 'trouble')} ({_BAD})")
    if better:
        parts.append(f"{count(better, 'thing')} that could be better ({_COULD_BE_BETTER})")
    return f"{', '.join(parts)}: below each stands what to do." if parts else "All is well."


def _findings() -> Iterator[Finding]:
    yield from versions()
    yield from _devices()
    yield memory_finding(read_memory())
    folders = [
        ("stories and runs", paths.data_folder()),
        ("cache", paths.cache_folder()),
        ("log", paths.log_file().parent),
        ("settings", paths.settings_file().parent),
    ]
    yield from once(folder_finding(name, folder) for name, folder in folders)
    yield from settings_findings(_settings_mistakes())
    yield starter_finding()
    yield from terminal_findings(os.environ, _terminal_size())
    yield hub_finding()
    yield from plain_http_findings()


def _settings_mistakes() -> tuple[str, ...]:
    loaded = load_settings()
    try:  # which themes and keys there are, only the app knows
        from storytime_tui.tui.settings_mistakes import settings_mistakes
    except ImportError:  # of textual: `versions` says so
        return loaded.troubles
    return settings_mistakes(loaded)


def _devices() -> Iterator[Finding]:
    try:
        import torch

        from storytime_tui.jobs.devices import device_lines
    except Exception as error:  # a broken installation of torch raises anything
        yield Finding(
            "devices",
            f"torch cannot be loaded: {error}",
            well=False,
            advice="Install torch again: https://pytorch.org/get-started/locally has the command.",
        )
        return
    for name, found in device_lines(torch):
        yield Finding(name, found)
    yield from gpu_findings(read_system(), read_torch(torch))


def _terminal_size() -> tuple[int, int] | None:
    """The size of the terminal that the app would open on: it reads standard input and draws on standard error."""
    if not all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__)):
        return None
    return size(2) or (80, 24)
