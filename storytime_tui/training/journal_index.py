"""A long run's events without most of its steps, kept beside the journal, so that a run of a million steps opens at
once. Knows no torch.

The index, `events.index.json`, can always be made again from `events.jsonl`. It says how many bytes of the journal it
covers and how they end. A reader reads it and the journal's later lines; if it does not fit the journal, the whole
journal.
"""

import contextlib
import hashlib
import heapq
import json
import logging
import math
import os
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from storytime_tui import files, small_files
from storytime_tui.errors import StorytimeError
from storytime_tui.training import events as ev
from storytime_tui.training.curve import thinned

_log = logging.getLogger(__name__)

INDEX = "events.index.json"
STEPS = 2_000  # kept after thinning; up to twice as many before
OTHERS = 1_000  # of each other kind of event, likewise
EVERY = 2_000_000  # bytes of new journal after which an index is worth writing: some eight thousand steps
_VERSION = 1
_LIMIT = 40_000_000  # bytes of an index; it has about one million
_THINNED = (ev.Evaluated, ev.Sampled, ev.VoiceMeasured, ev.CheckpointSaved)
_ENDING = 1_024  # bytes before its end by which the covered part of the journal is recognised


class Digest:
    """The events of a journal, thinned while they are added: memory stays bounded, and adding is amortised O(1).

    Of the steps the curve's extremes stay, the first, the last, and those with a checkpoint. Steps that a resume made
    void are dropped. `bytes`: the covered part of the journal, whole lines. `left_out`: its invalid lines.
    """

    def __init__(self, events: Sequence[ev.Event] = (), covered: int = 0, left_out: int = 0) -> None:
        # steps and other events, each with its place in the journal's order
        self._steps: list[tuple[int, ev.StepDone]] = []
        self._others: list[tuple[int, ev.Event]] = []
        self._next = 0
        for event in events:
            self._put(event)
        self._uncounted = (0, 0)  # of each list, what the last thinning had to leave above its number
        self.bytes, self.left_out = covered, left_out
        self.indexed = covered  # bytes that the index on the disk covers

    @property
    def events(self) -> list[ev.Event]:
        """The events in order."""
        return [event for _, event in heapq.merge(self._steps, self._others, key=itemgetter(0))]

    def add(self, event: ev.Event | None, size: int) -> None:
        """Add the event of the journal's next line, of `size` bytes; None for an invalid line."""
        self.bytes += size
        if event is None:
            return
        match event:
            case ev.Started():
                self._steps.clear()
            case ev.Resumed() if event.from_checkpoint:
                while self._steps and self._steps[-1][1].step > event.step:
                    self._steps.pop()
        self._put(event)
        if len(self._steps) - self._uncounted[0] > 2 * STEPS:
            self._thin_steps()
        if len(self._others) - self._uncounted[1] > 2 * OTHERS:
            self._thin_others()

    def _put(self, event: ev.Event) -> None:
        if isinstance(event, ev.StepDone):
            self._steps.append((self._next, event))
        else:
            self._others.append((self._next, event))
        self._next += 1

    def _thin_steps(self) -> None:
        steps = [step for _, step in self._steps]
        saved = {event.step for _, event in self._others if isinstance(event, ev.CheckpointSaved)}
        kept = {step.step for step in thinned(steps, STEPS, lambda each: each.step, _loss)}
        kept |= {steps[0].step, steps[-1].step} | saved
        self._steps = [(at, step) for at, step in self._steps if step.step in kept]
        # steps with a checkpoint may be many: more than that is not counted, so that thinning stays rare
        self._uncounted = (max(0, len(self._steps) - STEPS), self._uncounted[1])

    def _thin_others(self) -> None:
        """Of each kind with too many events keep those of every other step, and the best evaluation."""
        kinds: dict[type[ev.Event], dict[int, None]] = {}
        for _, event in self._others:
            kinds.setdefault(type(event), {})[_step_of(event)] = None
        kept: dict[type[ev.Event], set[int]] = {}
        for kind, steps in kinds.items():
            if len(steps) > OTHERS // 2 and kind in _THINNED:
                in_order = list(steps)
                kept[kind] = {*in_order[::2], in_order[-1], self._best_step()}
        self._others = [
            (at, event)
            for at, event in self._others
            if type(event) not in kept or _step_of(event) in kept[type(event)]
        ]
        self._uncounted = (self._uncounted[0], max(0, len(self._others) - OTHERS))

    def _best_step(self) -> int:
        checks = [event for _, event in self._others if isinstance(event, ev.Evaluated)]
        checks = [check for check in checks if math.isfinite(check.validation_loss)]
        return min(checks, key=lambda e: e.validation_loss).step if checks else -1


def _loss(event: ev.StepDone) -> float:
    """The loss to thin by; a loss that is not a number is kept as an extreme."""
    return event.loss if math.isfinite(event.loss) else -math.inf


def _step_of(event: ev.Event) -> int:
    step = getattr(event, "step", 0)
    return step if isinstance(step, int) else 0


def read_index(journal: Path) -> Digest:
    """The digest that the index holds; an empty one if there is none, or if it does not fit the journal."""
    try:
        record = json.loads(small_files.read_bytes(journal.with_name(INDEX), _LIMIT))
        covered, left_out = record["bytes"], record["left_out"]
        whole = type(covered) is int and type(left_out) is int and covered > 0 and left_out >= 0
        if not whole or record["version"] != _VERSION or record["ending"] != _ending(journal, covered):
            return Digest()
        events = [ev.from_json(each) for each in record["events"]]
    except FileNotFoundError:
        return Digest()
    except (StorytimeError, OSError, ValueError, RecursionError, KeyError, TypeError):
        _log.warning("the index of %s cannot be read; it is made again", journal.parent.name)
        return Digest()
    known = [event for event in events if event is not None]
    return Digest(known, covered, left_out) if len(known) == len(events) else Digest()


def write_index(digest: Digest, journal: Path) -> None:
    """Write the index if the digest has grown enough since. Failing is no harm: the journal has it all."""
    if digest.bytes - digest.indexed < EVERY:
        return
    digest.indexed = digest.bytes  # also when it fails: the next try comes after as many bytes again
    with contextlib.suppress(OSError, StorytimeError):
        record: dict[str, Any] = {
            "version": _VERSION,
            "bytes": digest.bytes,
            "ending": _ending(journal, digest.bytes),
            "left_out": digest.left_out,
            "events": [ev.to_json(event) for event in digest.events],
        }
        if os.path.isfile(journal):  # a removed run's folder must not be made again
            files.write_atomically(journal.with_name(INDEX), json.dumps(record).encode())


def _ending(journal: Path, covered: int) -> str:
    """A hash of the last bytes of the journal's first `covered` bytes. Raises OSError, StorytimeError."""
    with small_files.open_regular(journal) as file:
        file.seek(max(0, covered - _ENDING))
        return hashlib.sha256(file.read(min(covered, _ENDING))).hexdigest()
