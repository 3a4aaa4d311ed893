"""Runs side by side: the picked ones, their curves, the figures and options in which they differ. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storytime_tui import knobs
from storytime_tui.jobs.run_curve import RunCurve
from storytime_tui.jobs.run_details import differing_knobs, knobs_in_words, same_stories
from storytime_tui.terminal import printable_line
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui import wording
from storytime_tui.tui.braille import Line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.run_rows import STEPS, Column, RunRow, cell
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.wording import clipped_inside

PINNED, HERE = "◆", "●"  # the signs of the pinned run and of the one under the cursor
MARKS = ("▲", "■", "▼", "○")  # of marked runs
_LABEL = 13  # cells of a row's title
_LEAST = 9  # cells of a run's column
_SHOWN_ALONE = ("learning_rate", "epochs", "batch_size", "block_size", "lora_rank")  # without a comparison


@dataclass(frozen=True)
class Pick:
    """A run of the comparison. `style`: "here" under the cursor, "pinned" or "marked"."""

    row: RunRow
    sign: str
    style: str


def picks_of(rows: Sequence[RunRow], here: str, pinned: str, marked: Mapping[str, str]) -> tuple[Pick, ...]:
    """The picked runs: the pinned one first, the one under the cursor last. Names without a row are left out.

    `marked`: the sign of each marked run, by its name.
    """
    known = {row.name: row for row in rows}
    picks = []
    if pinned in known and pinned != here:
        picks.append(Pick(known[pinned], PINNED, "pinned"))
    for name, sign in marked.items():
        if name in known and name not in (here, pinned):
            picks.append(Pick(known[name], sign, "marked"))
    if here in known:
        picks.append(Pick(known[here], HERE, "here"))
    return tuple(picks)


def live_curve(view: RunView) -> RunCurve:
    """The curves of a run in training."""
    return RunCurve(tuple(view.curve), tuple((each.step, each.validation_loss) for each in view.evaluations))


def lines_of(picks: Sequence[Pick], curves: Mapping[str, RunCurve]) -> list[Line]:
    """Their curves: of one run training and validation, of several validation only (training where there is none)."""
    lines = []
    for pick in picks:
        curve = curves.get(pick.row.name)
        if curve is None:
            continue
        validation = curve.validation if len(curve.validation) > 1 else ()
        if curve.training and (len(picks) == 1 or not validation):
            lines.append(Line(curve.training, "training" if validation else pick.style))
        lines.append(Line(validation or curve.training[-1:], pick.style, pick.sign))
    return lines


def table_of(picks: Sequence[Pick], width: int, height: int) -> list[list[tuple[str, str]]]:
    """A line of names, then one for each figure and each differing option; a column for each run that fits."""
    columns = max(1, (width - _LABEL) // (_LEAST + 1))
    shown = [*picks[: max(0, columns - 1)], picks[-1]] if len(picks) > columns else list(picks)
    if not shown:
        return []
    each = min(24, (width - _LABEL) // len(shown) - 1)
    names = [
        (
            f" {pick.sign} {clipped_inside(printable_line(pick.row.name), each - 2)}".rjust(each + 1),
            pick.style,
        )
        for pick in shown
    ]
    lines = [[(" " * _LABEL, "quiet"), *names]]
    for title, values in _rows(shown):
        cells = [(" " + _cut(value, each).rjust(each), "") for value in values]
        lines.append([(fitted(title, _LABEL), "quiet"), *cells])
    left_out = len(lines) - height
    if left_out > 0 and height > 1:
        lines = [
            *lines[: height - 1],
            [(f"{left_out + 1} more lines: press {own_key('runs.compare', 'c')}", "quiet")],
        ]
    return lines


def _rows(picks: Sequence[Pick]) -> list[tuple[str, list[str]]]:
    """What was reached, then the options, then what it cost."""
    first = [_figure(picks, title, field) for title, field in (("best loss", "loss"), ("voice", "voice"))]
    last = [_figure(picks, field, field) for field in ("perplexity", "steps", "tokens", "time")]
    if len({pick.row.base for pick in picks}) > 1:
        first.append(("base", [pick.row.base for pick in picks]))
    if len({pick.row.collections for pick in picks}) > 1:
        first.append(("shelves", [pick.row.shelves for pick in picks]))
    return [*first, *_options(picks), *last]


def _figure(picks: Sequence[Pick], title: str, field: str) -> tuple[str, list[str]]:
    return title, [cell(pick.row, Column(field, "", STEPS)) for pick in picks]


def _options(picks: Sequence[Pick]) -> list[tuple[str, list[str]]]:
    plans = [pick.row.plan for pick in picks]
    if len(picks) == 1:
        names: Sequence[str] = [name for name in _SHOWN_ALONE if plans[0].get(name)]
    else:
        names = differing_knobs(plans)
        if "epochs" not in names and len(set(_epochs(picks))) > 1:
            names = ["epochs", *names]  # one was stopped early
    table = knobs.table(TrainingPlan)
    return [(table[name].label, _values(picks, name)) for name in names]


def _epochs(picks: Sequence[Pick]) -> list[str]:
    """The epochs that were read, and those of the plan where that is not all: `2.3 of 4`."""
    words = knobs_in_words([pick.row.plan for pick in picks], "epochs")
    for place, pick in enumerate(picks):
        row = pick.row
        planned = row.plan.get("epochs")
        if row.per_epoch > 0 and isinstance(planned, int | float):
            read = row.step / row.per_epoch
            if abs(read - planned) * row.per_epoch >= 1:  # not by the part of a step alone
                words[place] = f"{math.floor(read * 10) / 10:,.1f} of {words[place]}"
    return words


def _values(picks: Sequence[Pick], name: str) -> list[str]:
    if name == "epochs":
        return _epochs(picks)
    plans = [pick.row.plan for pick in picks]
    rates = [plan.get(name) for plan in plans] if name == "learning_rate" else []
    words = knobs_in_words(plans, name)
    for place, rate in enumerate(rates):
        if isinstance(rate, float):
            words[place] = wording.rate(rate)
    return words


def _cut(text: str, width: int) -> str:
    return wording.clipped(printable_line(text[:400]), width)


def remark(picks: Sequence[Pick]) -> str:
    """A sentence if the losses of these runs cannot be compared; else ""."""
    first, *others = [pick.row.plan for pick in picks] or [{}]
    if all(same_stories(first, other) for other in others if first and other):
        return ""
    return "Not the same validation stories: their losses are not comparable."


def comparison_lines(picks: Sequence[Pick]) -> list[str]:
    """The whole comparison as sentences, for a list to read."""
    names = [f"{pick.sign} {pick.row.name}" for pick in picks]
    lines = [", ".join(names), *filter(None, [remark(picks)])]
    for title, values in _rows(picks):
        lines.append(f"{title}: {' · '.join(values)}")
    return lines


def how_to_pick() -> str:
    """How runs are picked to be compared."""
    pin, mark = own_key("runs.pin", "p"), own_key("runs.mark", "space")
    return f"Pin a run with {pin} or mark some with {mark}, then go to another one."
