"""The rows of the table of runs: their order, their columns, and what stands below the table. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from storytime_tui.formatting import folded
from storytime_tui.jobs.run_details import tokens_read
from storytime_tui.jobs.run_query import date_of
from storytime_tui.tui import wording
from storytime_tui.tui.run_view import RunView

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.run_details import RunDetails
    from storytime_tui.training.runs import RunSummary

WIDE = 100  # cells of a line; below, shelves and planned steps are left out
NARROW = 70  # below, base and date, too
NOTES = 160  # from here on, notes have a column
GAP = 2  # cells between two columns
STEPS = 13  # cells of the steps done and planned
ORDERS = ("date", "name", "base", "loss", "voice", "steps", "state")  # that the table can be sorted by
_FALLING = ("date", "voice", "steps")  # the largest first
_NOTE = 40  # characters of a note below the table; its field has the whole
_ROOM = 34  # cells that names and shelves keep before another column joins
_ACTIVE = ("preparing", "training", "paused", "saving")
_OPEN = ("training", "paused")  # states of a run on the disk that a program trains now


@dataclass(frozen=True)
class RunRow:
    """One run of the table. `loss`: the best validation loss; `started`: seconds since the epoch.

    `passages` told passages were compared with the shelf, and the share `voice` of them sounds like it. `seconds`: of
    training; `tokens`: read in training; `size`: bytes on the disk. `trouble`: a sentence on why the run failed or is
    damaged. `plan`: its knobs by name, empty while unknown. `elsewhere`: another process trains it.
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
    seconds: float = 0.0
    tokens: int | None = None
    size: int | None = None
    note: str = ""
    elsewhere: bool = False
    collections: tuple[str, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    per_epoch: float = 0.0  # steps of an epoch; 0 while unknown

    @property
    def perplexity(self) -> float | None:
        """e to the loss."""
        return math.exp(self.loss) if self.loss is not None and self.loss < 700 else None

    @property
    def can_resume(self) -> bool:
        """Whether it ended before its last step and can be resumed."""
        return self.state in ("stopped", "failed", "interrupted")


def row_of(
    summary: RunSummary,
    titles: Mapping[str, str],
    details: RunDetails | None = None,
    *,
    elsewhere: bool = True,
) -> RunRow:
    """The row of a run on the disk. `titles`: the collections' titles by name. `elsewhere`: if it is open at all."""
    row = RunRow(
        name=summary.name,
        base=summary.base,
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
        seconds=summary.seconds,
        elsewhere=elsewhere and summary.state in _OPEN,
        collections=summary.collections,
        per_epoch=summary.steps_per_epoch,
    )
    if details is None:
        return row
    return replace(row, tokens=details.tokens, size=details.size, note=details.note, plan=details.plan)


def with_live_run(rows: Sequence[RunRow], view: RunView, titles: Mapping[str, str]) -> tuple[RunRow, ...]:
    """The rows with the run that this app trains as it is now; a new run is the first."""
    started = view.started
    if started is None:
        return tuple(rows)
    before = next((row for row in rows if row.name == started.run), None)
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
        seconds=view.step.elapsed if view.step else 0.0,
        tokens=tokens_read(before.plan, view.done) if before else None,
        size=before.size if before else None,
        note=before.note if before else "",
        collections=started.collections,
        plan=before.plan if before else {},
        per_epoch=started.steps_per_epoch,
    )
    if before is not None:
        return tuple(now if row is before else row for row in rows)
    return (now, *rows)


def _shelves(collections: Sequence[str], titles: Mapping[str, str]) -> str:
    return ", ".join(titles.get(name, name) for name in collections)


def facts_of(row: RunRow) -> dict[str, Any]:
    """A row's values by field, for a query (see `jobs.run_query`)."""
    return {
        **row.plan,
        "name": row.name,
        "base": row.base,
        "shelves": (*row.collections, row.shelves),
        "state": row.state,
        "note": row.note,
        "loss": row.loss,
        "perplexity": row.perplexity,
        "voice": row.voice,
        "steps": row.step,
        "tokens": row.tokens,
        "time": row.seconds,
        "size": row.size,
        "date": row.started,
    }


# -- the order ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """What the table is sorted by; `falling`: the largest, or the newest, first."""

    field: str = "date"
    falling: bool = True

    @property
    def sign(self) -> str:
        """An arrow: down if the largest is first."""
        return "▼" if self.falling else "▲"

    @property
    def turned(self) -> Order:
        """The opposite order."""
        return replace(self, falling=not self.falling)

    @property
    def following(self) -> Order:
        """The order by the next column."""
        return self.by(ORDERS[(ORDERS.index(self.field) + 1) % len(ORDERS)])

    def by(self, field: str) -> Order:
        """The order by a column, such as the lowest loss first; the opposite if it is sorted by that already."""
        return self.turned if field == self.field else Order(field, field in _FALLING)


def in_order(rows: Sequence[RunRow], order: Order) -> tuple[RunRow, ...]:
    """The rows in this order; those without the value come last. By date, a run that trains now is the newest."""

    def value(row: RunRow) -> Any:
        match order.field:
            case "date":
                return math.inf if row.state in _ACTIVE else row.started
            case "steps":
                return row.step
            case "loss" | "voice":
                return getattr(row, order.field)
        return folded(str(getattr(row, order.field)))

    def known(row: RunRow) -> bool:
        return value(row) not in (None, "") and value(row) == value(row)  # NaN differs from itself

    sorted_rows = sorted(filter(known, rows), key=value, reverse=order.falling)
    return (*sorted_rows, *(row for row in rows if not known(row)))


# -- the columns ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column: the field it shows, its title, and its width in cells; numbers are at its right end."""

    field: str
    title: str
    width: int
    right: bool = False


_SELDOM = (  # columns for wide terminals, in the order in which they join
    Column("time", "Time", 7, right=True),
    Column("perplexity", "Perplexity", 10, right=True),
    Column("tokens", "Tokens", 6, right=True),
    Column("size", "Size", 7, right=True),
)


def columns_of(width: int) -> tuple[Column, ...]:
    """The columns of a line of this many cells; the names and the shelves take what the others leave."""
    wide, narrow = width >= WIDE, width < NARROW
    fixed = [
        Column("base", "Base", 0 if narrow else 14 if wide else 11),
        Column("loss", "Loss", 6 if wide else 5, right=True),
        Column("voice", "Voice", 6 if wide else 5, right=True),
        Column("steps", "Steps", STEPS if wide else 6, right=True),
        Column("date", "Date", 0 if narrow else 10),
        Column("state", "State", 11),
    ]
    fixed = [column for column in fixed if column.width]

    def room() -> int:
        return width - 1 - sum(GAP + column.width for column in fixed)

    if wide:
        for column in _SELDOM:
            if room() - GAP - column.width >= _ROOM:
                fixed.insert(-2, column)
        fixed = _by_title(fixed)
    if width >= NOTES:
        fixed.append(Column("note", "Note", room() // 3))
    left = room()
    shelves = (left - GAP) * 3 // 7 if wide else 0
    name = left - shelves - GAP if wide else left
    first = [Column("name", "Run", max(8, name)), *fixed]
    if wide:
        first.insert(2, Column("shelves", "Shelves", shelves))
    return tuple(first)


def _by_title(columns: list[Column]) -> list[Column]:
    """The columns in the order in which they are read: what it reached, then what it cost, then when."""
    places = ("base", "loss", "perplexity", "voice", "steps", "tokens", "time", "size", "date", "state")
    return sorted(columns, key=lambda column: places.index(column.field))


def cell(row: RunRow, column: Column) -> str:
    """What a row shows in a column, not yet cut."""
    match column.field:
        case "loss":
            return wording.number(row.loss, ".3f")
        case "perplexity":
            return wording.number(row.perplexity, ",.1f")
        case "voice":
            return "–" if row.voice is None else f"{round(row.voice * row.passages)}/{row.passages}"
        case "steps":
            both = f"{row.step:,}/{row.total:,}"
            return both if column.width == STEPS and len(both) <= STEPS else f"{row.step:,}"
        case "tokens":
            return "–" if row.tokens is None else wording.compact(row.tokens)
        case "time":
            return wording.duration(row.seconds)
        case "size":
            return "–" if row.size is None else wording.size(row.size)
        case "date":
            return date(row.started)
    return str(getattr(row, column.field))


def date(seconds: float) -> str:
    """A local date, `2026-11-28`; a dash for a time that no calendar has."""
    return date_of(seconds) or "–"


def about(row: RunRow) -> str:
    """Two lines about a run: what its columns may cut or leave out."""
    if row.state == "damaged":
        return f"{row.name}: {row.trouble}"
    steps = f"{wording.count(row.step, 'step')}" + (f" of {row.total:,}" if row.total else "")
    said = [row.trouble, "in another process" if row.elsewhere else "", steps]
    if row.perplexity is not None:
        said.append(f"perplexity {wording.number(row.perplexity, ',.1f')}")
    said.append(wording.duration(row.seconds))
    if row.tokens is not None:
        said.append(f"{wording.compact(row.tokens)} tokens")
    if row.size is not None:
        said.append(wording.size(row.size))
    said.append(date(row.started))
    note = f" “{wording.clipped(row.note, _NOTE)}”" if row.note else ""
    return f"{row.name}{note}: {row.base} → {row.shelves or 'nothing'}\n{' · '.join(filter(None, said))}"
