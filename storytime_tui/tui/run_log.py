"""What happened in a run, as a short log: a pure fold of its events, and its lines."""

import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storytime_tui.terminal import printable_line
from storytime_tui.training import events as ev
from storytime_tui.training.alerts import Alert, Level
from storytime_tui.training.voice_report import of_passages, share_of
from storytime_tui.tui import wording

KEPT = 50  # entries; older ones are dropped
SIGNS: dict[Level, str] = {"note": " ", "warning": "!", "alert": "‼"}  # where there are no colours
_ENDED = {"done": "finished", "patience": "stopped early: validation no longer improved"}


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `time`: seconds since 1970, None for a run that was read from its journal."""

    step: int
    words: str
    time: float | None = None
    is_check: bool = False  # an evaluation, which the checkpoint of its step joins
    level: Level = "note"


Log = tuple[Entry, ...]  # oldest first


def log_after(log: Log, event: ev.Event, now: float | None = None) -> Log:
    """The log after this event, which happened at `now`; the same object if it is not worth an entry."""
    match event:
        case ev.Started():
            return (Entry(0, "training started", now),)
        case ev.Resumed(step=step, from_checkpoint=True):
            log = tuple(each for each in log if each.step <= step)  # later events are void
            return _longer(log, Entry(step, "resumed from the checkpoint", now))
        case ev.Resumed(step=step):
            return _longer(log, Entry(step, "continued", now))
        case ev.Paused(step=step):
            return _longer(log, Entry(step, "paused", now))
        case ev.Evaluated():
            return _longer(log, Entry(event.step, _check_words(event), now, is_check=True))
        case ev.CheckpointSaved(step=step):
            at = next((at for at, each in enumerate(log) if each.is_check and each.step == step), None)
            if at is None:
                return _longer(log, Entry(step, "checkpoint saved", now))
            check = replace(log[at], words=f"{log[at].words}, saved", is_check=False)
            return (*log[:at], check, *log[at + 1 :])
        case ev.VoiceMeasured():
            voice = f"voice {of_passages(share_of(event), event.passages)}"
            return _longer(log, Entry(event.step, f"{voice}, copied {event.copied:.0%}", now))
        case ev.StrengthChosen():
            return _longer(log, Entry(event.step, f"strength {event.strength:g} chosen", now))
        case ev.Recovered():
            return _longer(log, Entry(event.step, event.message, now, level="warning"))
        case ev.Finished():
            return _longer(log, Entry(event.step, _ENDED.get(event.stopped_by, "stopped"), now))
        case ev.Failed():
            return _longer(log, Entry(event.step, f"failed: {event.message}", now, level="alert"))
    return log


def with_alerts(log: Log, alerts: Sequence[Alert], step: int, now: float | None = None) -> Log:
    """The log with what deserved attention at a step; the same object without any."""
    for alert in alerts:
        log = _longer(log, Entry(step, alert.words, now, level=alert.level))
    return log


def _longer(log: Log, entry: Entry) -> Log:
    return (*log, entry)[-KEPT:]


def _check_words(event: ev.Evaluated) -> str:
    loss = wording.number(event.validation_loss)
    if event.step == 0:
        return f"validation before training: {loss}"
    return f"best so far: {loss}" if event.best else f"validation {loss}"


def log_lines(log: Sequence[Entry], count: int, width: int = 200) -> list[tuple[str, Level]]:
    """The newest entries as at most `count` lines, newest first, in columns: time of day (if known), step, words.

    Words that are too long for `width` characters go on in the line below.
    """
    newest = list(reversed(log))[: max(0, count)]
    timed = any(each.time is not None for each in newest)
    steps = [f"step {each.step:,}" for each in newest]
    longest = max(map(len, steps), default=0)
    lines: list[tuple[str, Level]] = []
    for each, step in zip(newest, steps, strict=True):
        head = f"{_time_of_day(each.time):5}  " if timed else ""
        head += f"{step:{longest}} {SIGNS[each.level]} "
        words = textwrap.wrap(printable_line(each.words), max(20, width - len(head))) or [""]
        lines += [
            ((head if at == 0 else " " * len(head)) + part, each.level) for at, part in enumerate(words)
        ]
    return lines[: max(0, count)]


def _time_of_day(seconds: float | None) -> str:
    return "" if seconds is None else time.strftime("%H:%M", time.localtime(seconds))
