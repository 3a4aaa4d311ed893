"""`storytime-tui runs`: list and show fine-tuning runs."""

import argparse
import dataclasses
import math

from storytime_tui.cli import DONE
from storytime_tui.commands.output import print_json
from storytime_tui.terminal import printable
from storytime_tui.training.runs import RunSummary
from storytime_tui.workshop.records import evaluations_of, run_record, run_records


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `runs` takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every run, newest first")
    listing.add_argument("--json", action="store_true", help="one JSON object a run")
    showing = actions.add_parser("show", help="one run: its plan, its evaluations, its checkpoints")
    showing.add_argument("name", metavar="RUN")
    showing.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """List or show."""
    if args.action == "list":
        return _list(args.json)
    return _show(args.name, args.json)


def _list(as_json: bool) -> int:
    summaries = run_records()
    if as_json:
        for summary in summaries:
            print_json(_record(summary))
        return DONE
    if not summaries:
        print("No runs yet: `storytime-tui train --corpus hedgerow-tales` makes the first.")
        return DONE
    width = max(len(s.name) for s in summaries)
    print(f"{'run':<{width}}  {'base':<14}{'state':<12}{'step':>12}  {'validation loss':>15}")
    for s in summaries:
        loss = f"{s.best_validation_loss:.3f}" if s.best_validation_loss is not None else "-"
        print(
            printable(
                f"{s.name:<{width}}  {_short(s.base):<14}{s.state:<12}{f'{s.step}/{s.total_steps}':>12}  {loss:>15}"
            )
        )
    return DONE


def _short(base: str) -> str:
    return base if len(base) <= 13 else "…" + base[-12:]


def _show(name: str, as_json: bool) -> int:
    summary = run_record(name)
    evaluations = evaluations_of(name)
    if as_json:
        print_json({**_record(summary), "evaluations": [dataclasses.asdict(e) for e in evaluations]})
        return DONE
    collections = ", ".join(summary.collections)
    print(printable(f"{summary.name}: {summary.base} taught {collections}, {summary.state}"))
    if summary.trouble:
        print(printable(summary.trouble))
    print(f"step {summary.step:,} of {summary.total_steps:,}, {summary.seconds:,.0f} s of training")
    kept = ", ".join(f"step-{step}" for step in summary.checkpoints) or "none"
    print(f"checkpoints: {kept}")
    for e in evaluations:
        print(
            f"step {e.step:>6,}  validation loss {e.validation_loss:.3f}  perplexity {e.perplexity:,.1f}"
            f"  bits per byte {e.bits_per_byte:.3f}" + ("  best" if e.best else "")
        )
    return DONE


def _record(summary: RunSummary) -> dict[str, object]:
    record = dataclasses.asdict(summary)
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
