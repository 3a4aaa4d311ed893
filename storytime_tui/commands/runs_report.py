"""`storytime-tui runs report`: a run as one page of Markdown or HTML."""

import argparse
from pathlib import Path
from typing import Any

from storytime_tui.cli import DONE
from storytime_tui.commands.output import print_json, progress_shown
from storytime_tui.jobs.report.write import write_report
from storytime_tui.terminal import printable_line, printable_path


def add_arguments(actions: Any) -> None:
    """Define the options of `runs report`."""
    reporting = actions.add_parser(
        "report", help="write a run's plan, figures, loss curves and samples to one page"
    )
    reporting.add_argument("name", metavar="RUN")
    reporting.add_argument(
        "--to", required=True, metavar="FILE", help="the file to write; it ends in .md or .html"
    )
    reporting.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Write the report and return the exit code."""
    with progress_shown() as report:
        report(f"reading the journal of {args.name}", 0, 0)  # of a million steps it takes half a minute
        path = write_report(args.name, Path(args.to))
    if args.json:
        print_json({"run": args.name, "path": str(path), "bytes": path.stat().st_size})
    else:
        print(f"The report of {printable_line(args.name)} is in {printable_path(path)}.")
    return DONE
