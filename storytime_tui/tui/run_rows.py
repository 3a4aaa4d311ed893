"""The rows of the table of runs, and how wide its columns are. Pure functions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.tui import wording
from storytime_tui.tui.shelf_rows import folded
from storytime_tui.tui.training_session import RunView

if TYPE_CHECKING:  # see services
    from storytime_tui.training.runs import RunSummary

WIDE = 100  # cells of a line; below, shelves and planned steps are left out
NARROW = 70  # below, base and date, too
GAP = 2  # cells between two columns
STEPS = 13  # cells of the steps done and planned


@dataclass(frozen=True)
class RunRow:
    """One run of the table. `loss`: the best validation loss; `started`: seconds since the epoch.

    `passages` told passages were compared with the shelf, and the share `voice` of them sounds like it. `trouble`: a
    sentence on why the run failed or is damaged.
    """

    name: str
    base: str
    shelves: str
    loss: float | None
    voice: float | None
    passages: int
    step: int
    total: int
    started: float
    state: str
    saved: bool  # whether it has a checkpoint
    trouble: str = ""


def row_of(summary: RunSummary, titles: Mapping[str, str]) -> RunRow:
    """The row of a run on the disk. `titles`: the collections' titles by name."""
    known = summary.state != "damaged" or summary.collections  # the plan may be unreadable
    return RunRow(
        name=summary.name,
        base=summary.base if known else "",
        shelves=_shelves(summary.collections, titles),
        loss=summary.best_validation_loss,
        voice=summary.voice,
        passages=summary.passages,
        step=summary.step,
        total=summary.total_steps,
        started=summary.started,
        state=summary.state,
        saved=bool(summary.checkpoints),
        trouble=summary.trouble,
    )


def with_live_run(rows: Sequence[RunRow], view: RunView, titles: Mapping[str, str]) -> tuple[RunRow, ...]:
    """The rows with the run that this app trains as it is now; a new run is the first."""
    started = view.started
    if started is None:
        return tuple(rows)
    now = RunRow(
        name=started.run,
        base=started.base,
        shelves=_shelves(started.collections, titles),
        loss=view.best.validation_loss if view.best else None,
        voice=view.voice.of_shelf / view.voice.passages if view.voice and view.voice.passages else None,
        passages=view.voice.passages if view.voice else 0,
        step=view.done,
        total=view.total,
        started=started.time,
        state=wording.run_state(view.phase, view.can_resume),
        saved=view.saved_step is not None,
        trouble=view.error,
    )
    if any(row.name == now.name for row in rows):
        return tuple(now if row.name == now.name else row for row in rows)
    return (now, *rows)


def narrowed(rows: Sequence[RunRow], query: str) -> tuple[RunRow, ...]:
    """The rows that have every word of the query in their name, base or shelves."""
    words = folded(query).split()
    return tuple(
        row
        for row in rows
        if not words or all(word in folded(f"{row.name} {row.base} {row.shelves}") for word in words)
    )


def _shelves(collections: Sequence[str], titles: Mapping[str, str]) -> str:
    return ", ".join(titles.get(name, name) for name in collections)


# -- the columns ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column: the field it shows, its title, and its width in cells; numbers are at its right end."""

    field: str
    title: str
    width: int
    right: bool = False


def columns_of(width: int) -> tuple[Column, ...]:
    """The columns of a line of this many cells; the names and the shelves take what the others leave."""
    wide, narrow = width >= WIDE, width < NARROW
    fixed = [
        Column("base", "Base", 0 if narrow else 14 if wide else 11),
        Column("loss", "Best loss" if wide else "Loss", 9 if wide else 5, right=True),
        Column("voice", "Voice", 5, right=True),
        Column("steps", "Steps", STEPS if wide else 6, right=True),
        Column("date", "Date", 0 if narrow else 10),
        Column("state", "State", 11),
    ]
    fixed = [column for column in fixed if column.width]
    room = width - 1 - sum(GAP + column.width for column in fixed)
    shelves = (room - GAP) // 2 if wide else 0
    name = room - shelves - GAP if wide else room
    first = [Column("name", "Run", max(8, name)), *fixed]
    if wide:
        first.insert(2, Column("shelves", "Shelves", shelves))
    return tuple(first)


def cell(row: RunRow, column: Column) -> str:
    """What a row shows in a column, not yet cut."""
    match column.field:
        case "loss":
            return wording.number(row.loss, ".3f")
        case "voice":
            return "–" if row.voice is None else f"{round(row.voice * row.passages)}/{row.passages}"
        case "steps":
            both = f"{row.step:,}/{row.total:,}"
            return both if column.width == STEPS and len(both) <= STEPS else f"{row.step:,}"
        case "date":
            return date(row.started)
    return str(getattr(row, column.field))


def date(seconds: float) -> str:
    """A local date, `2026-11-28`; a dash for a time that no calendar has."""
    try:
        return time.strftime("%Y-%m-%d", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):  # a damaged journal may contain any number
        return "–"


def about(row: RunRow) -> str:
    """One line about a run: what its columns may cut or leave out."""
    if row.state == "damaged":
        return f"{row.name}: {row.trouble}"
    steps = f"{wording.count(row.step, 'step')}" + (f" of {row.total:,}" if row.total else "")
    words = f"{row.name}: {row.base} → {row.shelves or 'nothing'} · {steps}"
    return f"{words} · {row.trouble}" if row.trouble else words
