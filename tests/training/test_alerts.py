"""What deserves attention in a run: by table, on its events."""

import dataclasses
import math

import pytest

from storytime_tui.training import events as ev
from storytime_tui.training.alerts import RECENT, Alert, Watch, watched
from tests.tui.fakes import STARTED, a_run, step

GB = 1_000_000_000


def said(*events: ev.Event) -> list[tuple[str, str]]:
    """The level and words of everything that is said of these events."""
    return [(alert.level, alert.words) for _, alert in heard(*events)]


def heard(*events: ev.Event) -> list[tuple[int, Alert]]:
    """Each alert, with the number of the event that it came with."""
    watch, alerts = Watch(), []
    for number, event in enumerate(events):
        watch, new = watched(watch, event)
        alerts += [(number, alert) for alert in new]
    return alerts


def steps(count: int, start: int = 1, **changed: float) -> list[ev.StepDone]:
    return [dataclasses.replace(step(start + at, 3.0), **changed) for at in range(count)]


def check(number: int, loss: float) -> ev.Evaluated:
    return ev.Evaluated(number, loss, math.exp(min(loss, 20)), 1.0, best=False)


def test_a_healthy_run_says_nothing() -> None:
    assert said(*a_run(118)) == []


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number(loss: float) -> None:
    broken = [dataclasses.replace(each, loss=loss) for each in steps(3, 10)]
    alert = ("alert", "the loss is not a number: the run needs a lower learning rate")
    assert said(STARTED, *steps(9), *broken) == [alert]  # once
    assert said(STARTED, *broken, *steps(3), *broken) == [alert, alert]  # and again when it comes back


@pytest.mark.parametrize(("norm", "jumps"), [(7.9, False), (8.1, True), (math.inf, True)])
def test_a_gradient_norm_many_times_its_median(norm: float, jumps: bool) -> None:
    found = said(STARTED, *steps(40), *steps(2, 41, gradient_norm=norm))
    assert bool(found) == jumps
    if norm == 8.1:
        assert found == [("warning", "the gradient norm jumped to 8.10, 8 times its usual size")]


def test_the_first_steps_have_no_usual_gradient_norm() -> None:
    assert said(STARTED, *steps(10), *steps(1, 11, gradient_norm=99.0)) == []


def test_a_speed_below_half_of_the_usual_and_as_usual_again() -> None:
    slow, fast = steps(200, 41, tokens_per_second=1_200.0), steps(5, 241)
    assert said(STARTED, *steps(40), *slow, *fast) == [
        ("warning", "the speed fell to 1,200 tokens/s, less than half of 2,610"),
        ("note", "the speed is as usual again: 2,610 tokens/s"),
    ]
    assert said(STARTED, *steps(40), *steps(20, 41, tokens_per_second=1_400.0)) == []


def test_memory_that_is_nearly_full() -> None:
    started = dataclasses.replace(STARTED, memory_available=10 * GB)
    assert said(started, *steps(3, memory=9 * GB)) == []
    full = steps(3, memory=int(9.6 * GB))
    assert said(started, *full) == [("warning", "memory is nearly full: 9.6 GB of 10.0 GB")]
    assert said(STARTED, *full) == []  # its limit is not known


def run_of(validation: list[float], training: list[float]) -> list[ev.Event]:
    """A run with a check before its first step and one every ten; each stretch has one training loss."""
    events: list[ev.Event] = [STARTED, check(0, 8.0)]
    for at, (valid, trained) in enumerate(zip(validation, training, strict=True), 1):
        events += [step(10 * at - 9 + each, trained) for each in range(10)]
        events.append(check(10 * at, valid))
    return events


def test_validation_that_has_not_improved_for_three_checks() -> None:
    by_heart = "validation has not improved for 3 checks: the model begins to learn by heart"
    assert said(*run_of([4.0, 4.1, 4.1, 4.2], [4.0, 3.9, 3.8, 3.7])) == [("warning", by_heart)]
    level = "validation has not improved for 3 checks: the model hardly learns any more"
    assert said(*run_of([4.0, 4.1, 4.1, 4.1], [4.0, 4.0, 4.0, 4.0])) == [("warning", level)]
    assert said(*run_of([4.0, 4.1, 4.1, 3.9], [4.0, 3.9, 3.8, 3.7])) == []


def test_validation_far_above_the_training_loss() -> None:
    words = "validation is 0.60 above the training loss: the model learns by heart"
    assert said(*run_of([4.0, 4.1], [4.0, 3.5])) == [("warning", words)]
    assert said(*run_of([4.0, 4.1, 4.2], [4.0, 3.5, 3.4])) == [("warning", words)]  # once
    assert said(*run_of([4.0, 3.9], [4.0, 3.2])) == []  # it still becomes better


def test_a_validation_loss_that_is_no_number() -> None:
    assert said(STARTED, check(0, math.nan)) == [("alert", "the validation loss is not a number")]


def test_a_copied_share_that_rises() -> None:
    def voice(number: int, copied: float) -> ev.VoiceMeasured:
        return ev.VoiceMeasured(number, 24, 15, 3, copied)

    assert said(STARTED, voice(10, 0.02), voice(20, 0.03), voice(30, 0.07)) == [
        ("warning", "the copied share rose from 2% to 7%")
    ]
    assert said(STARTED, voice(10, 0.08), voice(20, 0.02)) == []


def test_a_run_that_goes_on_from_a_checkpoint_has_no_usual_speed_yet() -> None:
    resumed = ev.Resumed(40, from_checkpoint=True)
    assert said(STARTED, *steps(40), resumed, *steps(30, 41, tokens_per_second=900.0)) == []


def test_what_is_remembered_is_bounded() -> None:
    watch = Watch()
    for each in steps(3 * RECENT):
        watch, _ = watched(watch, each)
    assert len(watch.norms) == len(watch.speeds) == RECENT


def test_what_still_holds_stands_with_the_most_urgent_first() -> None:
    watch, _ = watched(Watch(), dataclasses.replace(STARTED, memory_available=GB))
    watch, _ = watched(watch, dataclasses.replace(step(1, math.nan), memory=2 * GB))
    assert [words.split()[1] for words in watch.standing] == ["loss", "is"]
    watch, _ = watched(watch, step(2, 3.0))
    assert watch.standing == ()
