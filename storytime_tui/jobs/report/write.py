"""Writes a run's report to a file. Loads no torch."""

import os
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.errors import Misused, PlanError, RunError
from storytime_tui.jobs import records, run_details
from storytime_tui.jobs.report.chart import loss_chart
from storytime_tui.jobs.report.contents import contents_of
from storytime_tui.jobs.report.facts import figures_of
from storytime_tui.jobs.report.html_page import html_page
from storytime_tui.jobs.report.markdown_page import markdown_page
from storytime_tui.training import runs
from storytime_tui.training.journal import iter_events
from storytime_tui.training.plan import read_plan

_PAGES = {".html": html_page, ".md": markdown_page}


def write_report(run: str, to: Path) -> Path:
    """Write a report of a run, open or ended, as Markdown or HTML by the ending of `to`. Returns the file's path.

    The file appears whole or not at all, and replaces none. Raises Misused for another ending, RunError, PlanError, and
    UnreadableFile for a journal that cannot be read.
    """
    to = paths.expanded(to, RunError)
    page = _PAGES.get(to.suffix.lower())
    if page is None:
        raise Misused(
            f"A report is Markdown or HTML: give --to a name that ends in .md or .html, not {to.name!r}."
        )
    folder = runs.run_folder(run)
    there = RunError(f"{to} exists already and is not overwritten: choose another name, or remove it.")
    if os.path.lexists(to):
        raise there
    try:
        plan = read_plan(folder / runs.PLAN)
    except PlanError:
        plan = None  # the journal may still be readable
    figures = figures_of(iter_events(folder))
    if figures.started is None:
        raise RunError(f"The run {run!r} has not started, so there is nothing to report.")
    shelves = records.voices_of(run).titles or figures.started.collections
    state = runs.state_of(folder, figures.last)
    text = page(
        contents_of(run, state, plan, shelves, figures, run_details.note_of(run)), loss_chart(figures)
    )
    try:
        with files.file_written_atomically(to, shared=True, replace=False) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(to):  # else its folder is a file
            raise there from None
        raise RunError(files.explain(error, f"writing the report {to}")) from error
    return to.resolve()
