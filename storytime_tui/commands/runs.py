"""`storytime-tui runs`: list, show, compare, remove and restore training runs. What else it does is in `runs_*.py`."""

import argparse
import dataclasses
import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from storytime_tui.cli import DONE
from storytime_tui.commands import runs_export, runs_names, runs_report, runs_watch
from storytime_tui.commands.output import print_json, say
from storytime_tui.commands.tables import print_table
from storytime_tui.errors import RunError
from storytime_tui.jobs import records, run_details
from storytime_tui.jobs.records import ComparedRun, evaluations_of, run_record, run_records
from storytime_tui.terminal import printable, printable_line
from storytime_tui.training.runs import RunSummary
from storytime_tui.training.voice_report import of_passages

TEXTS = ("text",)  # arguments that may be empty
PATHS = ("to", "name", "names")  # arguments that are names of files or runs, which need not be UTF-8
DOWNLOADS = True  # it may download a model, and asks first
_COLUMN = 32  # terminal columns; longer names are cut at the start, where they are most alike


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `runs`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list the runs, newest first")
    listing.add_argument(
        "--where",
        metavar="QUERY",
        help="only runs that match, such as 'base:starter rate>1e-4 loss<3.2 -state:failed'",
    )
    listing.add_argument("--json", action="store_true", help="print one JSON object per run")
    showing = actions.add_parser("show", help="show a run's state, checkpoints, voices and evaluations")
    showing.add_argument("name", metavar="RUN")
    showing.add_argument("--json", action="store_true", help="print one JSON object")
    comparing = actions.add_parser("compare", help="compare runs: results, and options that differ")
    comparing.add_argument("names", nargs="+", metavar="RUN")
    comparing.add_argument("--json", action="store_true", help="print one JSON object per run")
    runs_names.add_arguments(actions)
    runs_watch.add_arguments(actions)
    runs_report.add_arguments(actions)
    runs_export.add_arguments(actions)
    removing = actions.add_parser("remove", help="remove runs; they are kept for thirty days")
    removing.add_argument("names", nargs="+", metavar="RUN")
    removing.add_argument("--json", action="store_true", help="print one JSON object per run")
    restoring = actions.add_parser("restore", help="restore a removed run")
    restoring.add_argument(
        "name", nargs="?", metavar="RUN", help="the run; without it, list the runs that can be restored"
    )
    restoring.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the action and return the exit code."""
    if args.action == "list":
        return _list(args.json, args.where)
    if args.action == "show":
        return _show(args.name, args.json)
    if args.action == "compare":
        return _compare(args.names, args.json)
    if args.action in runs_names.VERBS:
        return runs_names.run(args)
    if args.action in runs_watch.VERBS:
        return runs_watch.run(args)
    if args.action == "report":
        return runs_report.run(args)
    if args.action == "export":
        return runs_export.run(args)
    if args.action == "remove":
        return _remove(args.names, args.json)
    return _restore(args.name, args.json)


def _list(as_json: bool, where: str | None) -> int:
    records.sweep_removed()
    summaries = run_records()
    if where is not None:
        summaries = run_details.narrowed(summaries, where)
    _say_troubles(summaries)
    if as_json:
        for summary in summaries:
            print_json(_record(summary))
        return DONE
    if not summaries and where is not None:
        print("No run matches this.")
        return DONE
    if not summaries:
        print("No runs yet: `storytime-tui train --corpus hedgerow-tales` makes the first.")
        return DONE
    width = max(len(printable_line(s.name)) for s in summaries)
    print(f"{'run':<{width}}  {'base':<14}{'state':<12}{'step':>12}  {'validation loss':>15}  {'voice':>8}")
    for s in summaries:
        loss = f"{s.best_validation_loss:.3f}" if s.best_validation_loss is not None else "–"
        steps = f"{s.step}/{s.total_steps}"
        name, voice = printable_line(s.name), of_passages(s.voice, s.passages)
        print(
            printable(
                f"{name:<{width}}  {_short(s.base):<14}{s.state:<12}{steps:>12}  {loss:>15}  {voice:>8}"
            )
        )
    return DONE


def _say_troubles(summaries: Sequence[RunSummary]) -> None:
    for sentence in records.troubles(summaries):
        say(printable_line(sentence))


def _short(base: str) -> str:
    return base if len(base) <= 13 else "…" + base[-12:]


def _show(name: str, as_json: bool) -> int:
    summary = run_record(name)
    if summary.state == "damaged":
        raise RunError(f"The run {name} is damaged. {summary.trouble}")
    evaluations, voices = evaluations_of(name), records.voices_of(name)
    _say_troubles([summary])
    if as_json:
        figures = [_finite(dataclasses.asdict(e)) for e in evaluations]
        voice_fields = {"voices": voices.titles, "strength": voices.strength, "contrast": voices.contrast}
        print_json({**_record(summary), **voice_fields, "evaluations": figures})
        return DONE
    collections = ", ".join(summary.collections)
    print(printable(f"{summary.name}: {summary.base} trained on {collections}, {summary.state}"))
    if summary.trouble:
        print(printable(summary.trouble))
    if note := run_details.note_of(name):
        print(printable_line(f"note: {note}"))
    print(f"step {summary.step:,} of {summary.total_steps:,}, {summary.seconds:,.0f} s of training")
    kept = ", ".join(f"step-{step}" for step in summary.checkpoints) or "none"
    print(f"checkpoints: {kept}")
    if voices.titles:
        print(printable_line(f"voices: {', '.join(voices.titles)}"))
    if voices.strength != 1:
        print(f"told at strength {voices.strength:g} by default")
    if voices.contrast:
        print(f"each voice leans away from the others: contrast {voices.contrast:g}")
    if summary.voice is not None:
        passages = of_passages(summary.voice, summary.passages)
        print(f"{passages} told passages sound like its shelf")
    for e in evaluations:
        print(
            f"step {e.step:>6,}  validation loss {e.validation_loss:.3f}  perplexity {e.perplexity:,.1f}"
            f"  bits per byte {e.bits_per_byte:.3f}" + ("  best" if e.best else "")
        )
    return DONE


# -- comparing ---------------------------------------------------------------------------------------------


def _compare(names: list[str], as_json: bool) -> int:
    compared = records.compare_runs(names)
    _say_troubles([run_record(each.name) for each in compared])
    if as_json:
        for each in compared:
            print_json(dataclasses.asdict(each))
        return DONE
    rows = [["", *(each.name for each in compared)], *_figures(compared)]
    plans = [each.plan for each in compared]
    for knob in run_details.differing_knobs(plans):
        if knob != "epochs":  # as they were meant; the figures have what was trained
            rows.append([knob, *run_details.knobs_in_words(plans, knob)])
    print_table(rows, widest=_COLUMN, keep="end")
    for each in compared:
        if not each.same_stories:
            say(
                printable_line(
                    f"{each.name} has other validation stories than {compared[0].name}: "
                    "their losses are not comparable."
                )
            )
        elif not each.same_tokens:
            say(
                printable_line(
                    f"{each.name} has another tokenizer than {compared[0].name}: "
                    "compare their bits per byte, not their losses."
                )
            )
    measured = [each for each in compared if each.voice is not None]
    if len({frozenset(each.collections) for each in measured}) > 1:
        say(
            "These runs learned different shelves, and some shelves are easier to recognise: "
            "their voices are not comparable."
        )
    return DONE


def _figures(compared: tuple[ComparedRun, ...]) -> list[list[str]]:
    def row(title: str, *values: str) -> list[str]:
        return [title, *values]

    return [
        row("base", *(each.base for each in compared)),
        row("collections", *(", ".join(map(_short_path, each.collections)) for each in compared)),
        row("state", *(each.state for each in compared)),
        row("steps", *(f"{each.step:,} of {each.total_steps:,}" for each in compared)),
        row("epochs", *(_number(each.epochs, ",.2f") for each in compared)),
        row("best at step", *(_number(each.best_step, ",d") for each in compared)),
        row("validation loss", *(_loss(each, each.best_validation_loss, ".3f") for each in compared)),
        row("perplexity", *(_loss(each, each.perplexity, ",.1f") for each in compared)),
        row("bits per byte", *(_bits(each) for each in compared)),
        row("sounds like its shelf", *(_voice(each, compared[0]) for each in compared)),
        row("seconds of training", *(f"{each.seconds:,.0f}" for each in compared)),
        row("tokens per second", *(_number(each.tokens_per_second, ",.0f") for each in compared)),
    ]


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _loss(run: ComparedRun, value: float | None, form: str) -> str:
    comparable = run.same_stories and run.same_tokens
    return _number(value, form) + ("" if comparable or value is None else " (not comparable)")


def _bits(run: ComparedRun) -> str:
    value = run.bits_per_byte
    return _number(value, ".3f") + ("" if run.same_stories or value is None else " (not comparable)")


def _voice(run: ComparedRun, first: ComparedRun) -> str:
    other = set(run.collections) != set(first.collections)
    return of_passages(run.voice, run.passages) + (
        " (other shelf)" if other and run.voice is not None else ""
    )


def _short_path(name: str) -> str:
    return Path(name).name or name


# -- removing ----------------------------------------------------------------------------------------------


def _remove(names: list[str], as_json: bool) -> int:
    for name, others in records.dependent_runs(names).items():
        say(
            printable_line(
                f"{', '.join(others)} {'needs' if len(others) == 1 else 'need'} {name} as LoRA base, and cannot tell "
                f"without it. Export a merged copy first, or restore {name} within thirty days."
            )
        )
    for each in records.remove_runs(names):
        if as_json:
            print_json({"run": each.name, "folder": str(each.folder), "until": each.until.isoformat()})
        else:
            name = printable_line(each.name)
            print(
                f"The run {name} is removed. It is kept until {each.until:%d %B %Y}: "
                f"`storytime-tui runs restore {shlex.quote(name)}` brings it back."
            )
    return DONE


def _restore(name: str | None, as_json: bool) -> int:
    if name is None:
        return _list_removed(as_json)
    records.restore_run(name)
    if as_json:
        print_json({"run": name})
    else:
        print(f"The run {printable_line(name)} is back.")
    return DONE


def _list_removed(as_json: bool) -> int:
    removed = records.removed_runs()
    for each in removed:
        if as_json:
            print_json({"run": each.name, "folder": str(each.folder), "until": each.until.isoformat()})
        else:
            print(f"{printable_line(each.name)}, kept until {each.until:%d %B %Y}")
    if not removed and not as_json:
        print("There is no removed run to restore.")
    return DONE


def _record(summary: RunSummary) -> dict[str, object]:
    return {**_finite(dataclasses.asdict(summary)), "note": run_details.note_of(summary.name)}


def _finite(record: dict[str, object]) -> dict[str, object]:
    """The record with null for NaN and infinity, which JSON does not have."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
