"""On what a command computes: `--device`, and what the settings say where it is not given."""

import argparse
from collections.abc import Mapping

from storytime_tui import knobs
from storytime_tui.commands.output import say
from storytime_tui.errors import Misused, PlanError
from storytime_tui.generation.computing import Computing
from storytime_tui.settings import load_settings
from storytime_tui.terminal import printable_line

NAMES = tuple(knobs.table(Computing))


def add_device_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--device`."""
    parser.add_argument(
        "--device",
        metavar="D",
        help="cpu, cuda, cuda:1, mps, or auto for the fastest (what the settings say, or auto)",
    )


def computing_of(device: str | None, values: Mapping[str, str]) -> Computing:
    """The settings' device, precision and threads, with those of `--set` and then of `--device` in their place.

    Raises Misused for a wrong value.
    """
    loaded = load_settings()
    for trouble in loaded.troubles:
        say(printable_line(trouble))
    given = {**values, **({} if device is None else {"device": device})}
    try:
        return knobs.with_values(loaded.settings.computing, given)
    except PlanError as error:
        raise Misused(str(error)) from error


def device_of(device: str | None) -> str:
    """The device of `--device`, or else of the settings. Raises Misused."""
    return computing_of(device, {}).device
