"""What the loss curve means, said in a line: by table, on views folded from events."""

import dataclasses
import math
from functools import reduce

import pytest

from storytime_tui.training import events as ev
from storytime_tui.tui.curve_words import JUST_BEGUN, NOT_CHECKED, curve_words, joined
from storytime_tui.tui.run_view import Phase, RunView, view_after
from tests.tui.fakes import FINISHED, STARTED, a_run, step

WITH_DROPOUT = dataclasses.replace(STARTED, dropout=0.1)
BY_HEART = "the model begins to learn by heart"


def curve(
    validation: list[float], training: list[float] | None = None, started: ev.Started = STARTED
) -> RunView:
    """A run with a check before its first step and one every ten; each stretch has one training loss."""
    said: list[ev.Event] = [started]
    for at, loss in enumerate(validation):
        if at and training is not None:
            said += [step(number, training[at - 1]) for number in range(10 * at - 9, 10 * at + 1)]
        said.append(ev.Evaluated(10 * at, loss, math.exp(min(loss, 20)), 1.0, best=False))
    return reduce(view_after, said, RunView(phase="preparing"))


@pytest.mark.parametrize(
    ("validation", "training", "words"),
    [
        ([], None, ()),
        ([8.0], None, (JUST_BEGUN,)),
        ([8.0, 5.0], [6.0], ("still learning: validation fell at the first check",)),
        ([8.0, 5.0, 4.0], [6.0, 4.0], ("still learning: validation fell at each check",)),
        ([8.0, 4.0, 4.5, 3.9], [6.0, 4.0, 3.5], ("still learning: validation is at its lowest",)),
        (
            [8.0, 4.0, 3.995],
            [6.0, 4.0],
            ("nearly level: validation fell by less than 0.01 at the last check",),
        ),
        (
            [8.0, 4.0, 4.1],
            [6.0, 3.0],
            (
                "validation did not fall at the last check: the next ones will tell",
                "the best checkpoint is step 10",
            ),
        ),
        (
            [8.0, 5.0, 4.0, 4.1, 4.2, 4.3],
            [6.0, 4.0, 3.0, 2.0, 1.0],
            (f"validation has not improved for 3 checks: {BY_HEART}", "the best checkpoint is step 20"),
        ),
        (  # validation rises, but the training loss does not fall: nothing is learned by heart
            [8.0, 4.0, 4.1, 4.1],
            [3.0, 3.0, 3.0],
            (
                "validation has not improved for 2 checks: the model hardly learns any more",
                "the best checkpoint is step 10",
            ),
        ),
        (  # never better than before the first step: there, no checkpoint is saved
            [3.0, 3.2, 3.1],
            [2.0, 1.0],
            (f"validation has not improved for 2 checks: {BY_HEART}",),
        ),
        ([8.0, 5.0, math.nan], [6.0, 5.0], ("still learning: validation fell at the first check",)),
    ],
)
def test_the_curve_is_put_into_words(
    validation: list[float], training: list[float] | None, words: tuple[str, ...]
) -> None:
    assert curve_words(curve(validation, training)) == words


def test_a_training_loss_above_validation_is_explained_if_dropout_is_on() -> None:
    why = "the training loss is above validation because dropout is on"
    assert curve_words(curve([8.0, 4.0, 3.0], [6.0, 3.2], WITH_DROPOUT))[-1] == why
    assert why not in curve_words(curve([8.0, 4.0, 3.0], [6.0, 3.2]))  # without dropout it has another cause
    assert why not in curve_words(curve([8.0, 4.0, 3.0], [6.0, 2.9], WITH_DROPOUT))


ENDED: tuple[Phase, ...] = ("interrupted", "failed")


@pytest.mark.parametrize(
    ("validation", "training", "words"),
    [
        ([8.0], None, NOT_CHECKED),
        ([5.0], [6.0], NOT_CHECKED),
        ([8.0, 5.0, 4.0], [6.0, 4.0], "validation still fell at the last check"),
        ([8.0, 4.0, 4.5, 3.9], [6.0, 4.0, 3.5], "validation still fell at the last check"),
        (
            [8.0, 4.0, 3.995],
            [6.0, 4.0],
            "nearly level at the end: validation fell by less than 0.01 at the last check",
        ),
        ([8.0, 4.0, 4.1], [6.0, 3.0], "validation did not fall at the last check"),
        (
            [8.0, 4.0, 4.1, 4.2],
            [6.0, 3.0, 2.0],
            "validation had not improved for 2 checks: the model began to learn by heart",
        ),
        (
            [8.0, 4.0, 4.1, 4.1],
            [3.0, 3.0, 3.0],
            "validation had not improved for 2 checks: the model hardly learned any more",
        ),
    ],
)
@pytest.mark.parametrize("phase", ENDED)
def test_a_run_that_has_ended_is_told_of_in_the_past(
    phase: Phase, validation: list[float], training: list[float] | None, words: str
) -> None:
    ended = dataclasses.replace(curve(validation, training), phase=phase)
    assert curve_words(ended)[0] == words and len(words) <= 76
    with_dropout = dataclasses.replace(curve([8.0, 4.0, 3.0], [6.0, 3.2], WITH_DROPOUT), phase=phase)
    assert curve_words(with_dropout)[-1] == "the training loss was above validation because dropout was on"


def test_a_run_whose_validation_is_far_above_training_is_not_still_learning() -> None:
    far = curve([8.0, 4.0, 4.1, 3.9], [3.0, 1.6, 1.5])
    assert any("by heart" in entry.words for entry in far.log)  # the alert that stands beside the line
    assert curve_words(far) == ("validation still falls, but is 2.40 above the training loss",)
    ended = dataclasses.replace(far, phase="interrupted")
    assert curve_words(ended) == ("validation still fell, but was 2.40 above the training loss",)


def test_a_finished_run_names_its_best_checkpoint_if_it_is_not_the_last() -> None:
    early = view_after(curve([8.0, 4.0, 4.1], [3.0, 2.0]), FINISHED)
    assert curve_words(early) == ("the best checkpoint is step 10",)
    assert curve_words(reduce(view_after, [*a_run(118), FINISHED], RunView())) == ()


def test_a_line_takes_as_many_sentences_as_fit() -> None:
    assert joined((), 9) == ""
    assert joined(("first", "second", "third"), 14) == "first · second"
    assert joined(("first", "second", "third"), 13) == "first"
    assert joined(("first", "second"), 2) == "first"  # the row shows that it is cut
    longest = curve_words(curve([8.0, 4.0, *[5.0] * 9], [6.0, *[1.0] * 9]))[0]
    assert len(longest) <= 76  # the row at 80 columns
