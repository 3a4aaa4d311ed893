"""What a run's samples are told from: words of a story that is not learned from, chosen by the seed alone."""

import dataclasses
import random

from storytime_tui.corpus.collection import Story
from storytime_tui.training.beginnings import (
    Beginning,
    beginnings_of,
    held_out_opening,
    opening_of,
    requested_beginnings,
)
from storytime_tui.training.plan import TrainingPlan
from tests.tiny import tale

TRAINING = [Story(f"t{number}", tale(number)) for number in range(6)]
HELD_OUT = [
    Story(
        f"h{number}",
        f"{word} went a miller's boy-king out, by night, and nobody saw where he had gone to. "
        + tale(number),
    )
    for number, word in enumerate(["North", "South", "East", "West"])
]


def test_an_opening_ends_on_a_word() -> None:
    text = (
        '\n"Don\'t," said Tom-Tit, "go, good Mr. Tod; not today!" But he went all the same, and was not seen.'
    )
    assert opening_of(text) == '"Don\'t," said Tom-Tit, "go, good Mr. Tod; not'
    assert opening_of("Nine words are hardly more than eight of them.") == ""
    assert opening_of("") == ""


def test_a_held_out_opening_is_chosen_by_the_seed_whatever_the_order() -> None:
    found = {seed: held_out_opening(HELD_OUT, TRAINING, seed) for seed in range(12)}
    shuffled = random.Random(0).sample(HELD_OUT, len(HELD_OUT))
    assert all(held_out_opening(shuffled, TRAINING, seed) == chosen for seed, chosen in found.items())
    assert len({opening for _, opening in filter(None, found.values())}) > 1
    for story, opening in filter(None, found.values()):
        assert story.text.startswith(opening)
        assert opening.endswith("out, by night")


def test_it_is_never_text_of_a_training_story() -> None:
    known = [Story("again", f"It was late. {story.text[:60]} So it was.") for story in HELD_OUT[:3]]
    assert all(
        (held_out_opening(HELD_OUT, [*TRAINING, *known], seed) or (None, ""))[0] == HELD_OUT[3]
        for seed in range(6)
    )
    begun_alike = [Story("again", story.text[:60] + " so soon.") for story in HELD_OUT]
    found = held_out_opening(HELD_OUT, begun_alike, 0)
    assert found is not None
    assert len(found[1].split()) > 8  # longer, until no training story has it
    assert all(found[1] not in story.text for story in begun_alike)
    assert held_out_opening(HELD_OUT, HELD_OUT, 0) is None
    assert held_out_opening([], TRAINING, 0) is None


def test_it_does_not_begin_as_the_other_sample_does_where_another_is_there() -> None:
    usual = [
        Story(f"u{n}", f"Once upon a time number {n} came to a town by the sea, {tale(n)}") for n in range(9)
    ]
    for seed in range(6):
        found = held_out_opening([*usual, HELD_OUT[0]], TRAINING, seed, unlike="Once upon a time")
        assert found is not None
        assert found[0] is HELD_OUT[0]
    found = held_out_opening(usual, TRAINING, 0, unlike="Once upon a time")
    assert found is not None  # better than none


def test_a_run_has_both_beginnings_each_behind_a_shelfs_line() -> None:
    plan = TrainingPlan(voices=("Mill Tales", "Sea Tales"), seed=3)
    behind = [dataclasses.replace(story, header="Shelf: Sea Tales\nTone: sad\n") for story in HELD_OUT]
    told = beginnings_of(plan, behind, TRAINING)
    assert [(each.voice, each.held_out) for each in told] == [("Sea Tales", True), ("Mill Tales", False)]
    assert told[1].prompt == plan.sample_prompt
    assert beginnings_of(plan, HELD_OUT, HELD_OUT) == (told[1],)
    before_lines = beginnings_of(TrainingPlan(), HELD_OUT, TRAINING)
    assert {each.voice for each in before_lines} == {""}


def test_a_wish_without_a_prompt_tells_the_usual_beginnings() -> None:
    plan = TrainingPlan(voices=("Mill Tales",))
    usual = (Beginning("The wind", "Sea Tales", held_out=True), Beginning("Once"))
    assert list(requested_beginnings(["A frog", None], usual, plan)) == [
        Beginning("A frog", "Mill Tales"),
        *usual,
    ]
    assert list(requested_beginnings([None], (), plan)) == [Beginning(plan.sample_prompt, "Mill Tales")]
    changed = list(requested_beginnings([None], usual, plan, changed="A [b]ear"))
    assert changed == [usual[0], Beginning("A [b]ear", "Mill Tales")]
