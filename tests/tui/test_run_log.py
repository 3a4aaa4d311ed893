"""What happened in a run, as a log: by table, on the events themselves."""

import math
from functools import reduce

import pytest

from storytime_tui.training import events as ev
from storytime_tui.tui.run_log import KEPT, Entry, Log, log_after, log_lines
from storytime_tui.tui.run_view import RunView, view_after
from tests.tui.fakes import AT_NOON, FINISHED, STARTED, a_run, step


def log_of(*said: ev.Event) -> Log:
    return reduce(log_after, said, ())


def check(number: int, loss: float, best: bool = False) -> ev.Evaluated:
    return ev.Evaluated(number, loss, math.exp(loss), 1.0, best)


def saved(number: int) -> ev.CheckpointSaved:
    return ev.CheckpointSaved(number, f"checkpoints/step-{number}", best=False)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([STARTED], ["training started"]),
        ([check(0, 8.0)], ["validation before training: 8.000"]),
        ([check(25, 3.338, best=True), saved(25)], ["best so far: 3.338, saved"]),
        ([check(25, 3.4), saved(50)], ["validation 3.400", "checkpoint saved"]),
        ([check(25, 3.4), saved(25), saved(25)], ["validation 3.400, saved", "checkpoint saved"]),
        (
            [check(25, 3.4), ev.VoiceMeasured(25, 24, 15, 3, 0.02), saved(25)],
            ["validation 3.400, saved", "voice 15 of 24, copied 2%"],
        ),
        ([ev.VoiceMeasured(25, 24, 15, 3)], ["voice 15 of 24, copied 0%"]),
        (
            [ev.StrengthChosen(118, 1.15, (1.0, 1.15), (3.0, 3.0), (0.5, 0.6), (0.0, 0.0))],
            ["strength 1.15 chosen"],
        ),
        ([ev.Recovered(9, "The memory was full.")], ["The memory was full."]),
        ([ev.Paused(9), ev.Resumed(9, from_checkpoint=False)], ["paused", "continued"]),
        ([FINISHED], ["finished"]),
        ([ev.Finished("r", 9, 3.0, 9, "stopped", 1.0)], ["stopped"]),
        ([ev.Finished("r", 9, 3.0, 4, "patience", 1.0)], ["stopped early: validation no longer improved"]),
        ([ev.Failed("r", 9, "The disk is full.")], ["failed: The disk is full."]),
        ([saved(9), STARTED], ["training started"]),  # begun anew
        (  # what came after the checkpoint is void
            [saved(9), check(18, 3.0), ev.Resumed(9, from_checkpoint=True)],
            ["checkpoint saved", "resumed from the checkpoint"],
        ),
    ],
)
def test_what_is_worth_an_entry(said: list[ev.Event], words: list[str]) -> None:
    assert [entry.words for entry in log_of(*said)] == words


def test_a_step_and_a_sample_are_no_entry_and_cost_nothing() -> None:
    log = log_of(STARTED)
    assert log_after(log, step(1, 3.0)) is log
    assert log_after(log, ev.Sampled(1, "Once", " upon")) is log


def test_the_log_of_a_long_run_is_bounded() -> None:
    log = log_of(STARTED, *(saved(number) for number in range(KEPT + 9)))
    assert len(log) == KEPT
    assert log[-1].step == KEPT + 8


def test_its_lines_are_newest_first_in_columns() -> None:
    log = (
        Entry(0, "training started", AT_NOON),
        Entry(1_000, "paused", AT_NOON + 60),
        Entry(1_000, "memory is nearly full", level="warning"),
    )
    assert log_lines(log, 9) == [
        ("       step 1,000 ! memory is nearly full", "warning"),
        ("12:05  step 1,000   paused", "note"),
        ("12:04  step 0       training started", "note"),
    ]
    # no column for a time that is not known
    assert log_lines(log, 1) == [("step 1,000 ! memory is nearly full", "warning")]
    assert log_lines(log, -1) == log_lines((), 9) == []


def test_a_long_sentence_goes_on_in_the_line_below() -> None:
    log = (Entry(9, "one two three four five six seven", AT_NOON, level="alert"),)
    assert log_lines(log, 9, 36) == [
        ("12:04  step 9 ‼ one two three four", "alert"),
        ("                five six seven", "alert"),
    ]
    assert len(log_lines(log, 1, 36)) == 1


def test_a_view_has_its_log_with_times_if_they_are_known() -> None:
    live = RunView()
    for event in a_run(25):
        live = view_after(live, event, AT_NOON)
    assert [(each.step, each.time) for each in live.log] == [(0, AT_NOON), (0, AT_NOON), (25, AT_NOON)]
    replayed = reduce(view_after, a_run(25), RunView())
    assert [each.words for each in replayed.log] == [each.words for each in live.log]
    assert {each.time for each in replayed.log} == {None}
