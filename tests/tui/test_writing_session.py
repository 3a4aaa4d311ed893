"""What stories are told with is one value with one stage: every transition, and the thread behind it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.errors import ModelError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.training import events as ev
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui.messages import TellerOpening, TellerReady, TellingEnded, TellingMessage, TextTold
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.training_session import TrainingSession
from storytime_tui.tui.writing_session import (
    OpenModel,
    Stage,
    Writer,
    WritingSession,
    begin_telling,
    choose,
    choose_strength,
    reopen,
    writer_after,
)
from tests.tui.fakes import STARTED, World, step
from tests.tui.test_training_session import Loop

OLD, RUN = "distilgpt2", "hedgerow-1"


def ready(writer: Writer, model: str = OLD, strength: float = 1.0) -> Writer:
    return writer_after(writer, TellerReady(writer.number, model, "cpu", ("Hedgerow Tales",), strength))


def over(writer: Writer, failure: str = "") -> Writer:
    return writer_after(writer, TellingEnded(writer.number, None, failure))


def opened(model: str = OLD) -> Writer:
    return over(ready(begin_telling(choose(Writer(), model)), model))


def test_a_model_is_chosen_opened_told_with_and_ready() -> None:
    writer = choose(Writer(), OLD)
    assert (writer.stage, writer.device, writer.progress) == (Stage.CHOSEN, "", "")
    writer = begin_telling(writer, "loading the model…")
    assert (writer.stage, writer.progress, writer.number) == (Stage.OPENING, "loading the model…", 1)
    writer = writer_after(writer, TellerOpening(1, "fetching distilgpt2 120 of 353 MB"))
    assert (writer.stage, writer.progress) == (Stage.OPENING, "fetching distilgpt2 120 of 353 MB")
    writer = ready(writer, strength=1.25)
    assert (writer.stage, writer.device, writer.effective_strength, writer.progress) == (
        Stage.TELLING,
        "cpu",
        1.25,
        "",
    )
    assert writer.voice_label == "Hedgerow Tales"
    assert writer_after(writer, TextTold(1, " a", 1, 40.0)) == writer
    assert over(writer).stage is Stage.READY


def test_what_an_earlier_telling_says_changes_nothing() -> None:
    writer = begin_telling(begin_telling(choose(Writer(), OLD)))
    for late in (TellerOpening(1, "late"), TellerReady(1, OLD, "cpu"), TellingEnded(1, None, "late")):
        assert writer_after(writer, late) == writer


def test_another_model_is_not_open_and_has_its_own_strength() -> None:
    writer = choose(choose_strength(opened(), 0.5), RUN)
    assert (writer.stage, writer.model, writer.strength, writer.opened) == (Stage.CHOSEN, RUN, None, None)
    assert choose(opened(), OLD) == opened()


def test_another_strength_is_another_opening() -> None:
    writer = choose_strength(opened(), 0.5)
    assert (writer.stage, writer.opened, writer.effective_strength) == (Stage.CHOSEN, None, 0.5)
    assert choose_strength(writer, 0.5) is writer


def test_what_is_chosen_while_it_is_opened_is_not_what_comes_open() -> None:
    writer = ready(choose(begin_telling(choose(Writer(), OLD)), RUN))
    assert (writer.stage, writer.model, writer.opened) == (Stage.TELLING, RUN, None)
    assert over(writer).stage is Stage.CHOSEN
    writer = ready(choose_strength(begin_telling(choose(Writer(), RUN)), 0.5), RUN, 1.0)
    assert (writer.opened, over(writer).stage) == (None, Stage.CHOSEN)


def test_words_still_come_from_what_told_where_another_is_chosen_meanwhile() -> None:
    telling = ready(begin_telling(opened()))
    for changed in (choose(telling, RUN), choose_strength(telling, 2.0)):
        assert (changed.stage, over(changed).stage) == (Stage.TELLING, Stage.CHOSEN)


def test_what_cannot_be_opened_leaves_what_was_open_before() -> None:
    failed = over(begin_telling(choose(opened(), RUN)), "The Hub cannot be reached.")
    assert (failed.stage, failed.model, failed.strength) == (Stage.CHOSEN, OLD, 1.0)
    failed = over(begin_telling(choose_strength(opened(), 2.0)), "strength 1 only")
    assert (failed.stage, failed.model, failed.strength) == (Stage.CHOSEN, OLD, 1.0)
    first = over(begin_telling(choose(Writer(), OLD)), "no checkpoint yet")
    assert (first.stage, first.model) == (Stage.CHOSEN, OLD)  # there is nothing to go back to


def test_a_model_that_breaks_while_it_tells_stays() -> None:
    broken = over(ready(begin_telling(opened())), "The model is gone.")
    assert (broken.stage, broken.model) == (Stage.READY, OLD)


def test_a_choice_made_while_another_fails_to_open_stays() -> None:
    failed = over(choose(begin_telling(choose(opened(), "gpt2")), RUN), "The Hub cannot be reached.")
    assert (failed.stage, failed.model) == (Stage.CHOSEN, RUN)


def test_newer_weights_are_opened_with_the_next_telling() -> None:
    assert (reopen(opened()).stage, reopen(opened()).opened) == (Stage.CHOSEN, None)
    telling = reopen(ready(begin_telling(opened())))
    assert (telling.stage, over(telling).stage) == (Stage.TELLING, Stage.CHOSEN)
    assert reopen(Writer()).stage is Stage.NO_MODEL


MODELS, STRENGTHS = st.sampled_from([OLD, RUN, "starter"]), st.sampled_from([None, 0.5, 1.0])
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just(choose), MODELS),
        st.tuples(st.just(choose_strength), STRENGTHS),
        st.tuples(st.just(lambda writer, _: reopen(writer)), MODELS),
        st.tuples(st.just(begin_telling), st.just("loading the model…")),
        st.tuples(st.just(over), st.sampled_from(["", "It cannot be opened."])),
        st.tuples(st.just(ready), MODELS),
    ),
    max_size=30,
)


@given(MODELS, CHANGES)
def test_the_parts_of_a_writer_agree_after_any_changes(model: str, changes: list[tuple[Any, Any]]) -> None:
    writer = choose(Writer(), model)
    assert Writer().stage is Stage.NO_MODEL
    for change, how in changes:
        writer = change(writer, how)
        assert writer.stage is not Stage.NO_MODEL
        assert writer.model
        if writer.stage is Stage.READY:
            assert writer.opened
        if writer.stage is Stage.CHOSEN:
            assert not writer.opened
        if writer.opened:
            assert writer.strength in (None, writer.opened.strength)


# -- the session ------------------------------------------------------------------------------------------


class Sitting:
    """Both sessions over a world of fakes, with an event loop by hand."""

    def __init__(self, world: World) -> None:
        self.loop = Loop()
        self.said: list[TellingMessage] = []
        self.writers: list[Writer] = []
        services = world.services()
        self.store_thread = StoreThread(services.open_store, lambda sentence: None)
        self.training = TrainingSession(
            services,
            self.loop.post,
            titles=dict,
            changed=lambda view: self.writing.run_changed(),
        )
        self.writing = WritingSession(
            services,
            self.loop.post,
            self.store_thread,
            self.training,
            changed=self.writers.append,
            told=self.said.append,
        )

    def until(self, stage: Stage) -> None:
        self.loop.until(lambda: self.writing.now.stage is stage)


async def test_the_first_model_is_found_opened_and_tells(world: World) -> None:
    sitting = Sitting(world)
    await sitting.writing.find_model("")
    assert (sitting.writing.now.stage, sitting.writing.now.model) == (Stage.CHOSEN, RUN)
    assert sitting.writing.open_early() == ""
    sitting.until(Stage.READY)
    assert sitting.writing.now.opened == OpenModel("cpu", 1.0)
    story = world.store().new_story("A Story").id
    sitting.writing.tell(story, "Once", SamplerSettings())
    sitting.until(Stage.TELLING)
    sitting.until(Stage.READY)
    text = "".join(each.text for each in sitting.said if isinstance(each, TextTold))
    assert text == "".join(world.pieces) == world.store().text(story)
    assert world.opened == [RUN]
    assert len(sitting.writers) == len(set(map(repr, sitting.writers)))  # told of each once


async def test_a_story_keeps_its_model_and_no_model_is_no_fault(world: World) -> None:
    sitting = Sitting(world)
    await sitting.writing.find_model(OLD)
    assert sitting.writing.now.model == OLD
    world.choices = ()
    nobody = Sitting(world)
    await nobody.writing.find_model(OLD)
    assert nobody.writing.now == Writer()


async def test_a_story_goes_on_with_the_file_that_told_it(world: World, tmp_path: Path) -> None:
    model = tmp_path / "tales.gguf"
    model.write_bytes(b"GGUF")
    sitting = Sitting(world)
    await sitting.writing.find_model(str(model))
    assert sitting.writing.now.model == str(model)
    model.unlink()
    other = Sitting(world)
    await other.writing.find_model(str(model))
    assert other.writing.now.model == RUN


def training(sitting: Sitting, world: World) -> None:
    sitting.training.start(TrainingPlan(), None, "")
    world.run.say(STARTED, step(7, 3.0))
    sitting.loop.until(lambda: sitting.training.view.done == 7)


def test_a_run_that_learns_is_told_with_from_a_copy(world: World) -> None:
    sitting = Sitting(world)
    training(sitting, world)
    sitting.writing.write_with(RUN)
    assert sitting.writing.fresh_page
    sitting.writing.open()
    sitting.until(Stage.READY)
    assert sitting.writing.now.opened == OpenModel("cpu", 1.0, (), 7)
    assert (world.opened, sitting.training.view.saved_step) == ([f"{RUN} at step 7"], None)
    story = world.store().new_story("A Story").id
    sitting.writing.tell(story, "Once", SamplerSettings())
    sitting.until(Stage.TELLING)
    sitting.until(Stage.READY)
    assert json.loads(world.store().passages(story)[-1].settings)["step"] == 7
    world.run.say(step(8, 3.0))
    sitting.loop.until(lambda: sitting.training.view.done == 8)
    sitting.writing.open_newest()
    sitting.until(Stage.READY)
    assert world.opened == [f"{RUN} at step 7", f"{RUN} at step 8"]
    sitting.writing.choose_strength(0.5)  # needs the base, and a checkpoint
    sitting.writing.open()
    sitting.until(Stage.READY)
    assert world.opened[-1] == f"{RUN} at 0.5"
    sitting.training.stop()
    sitting.loop.until(lambda: sitting.training.control is None)


def test_a_run_that_ends_before_its_weights_are_copied_is_opened_from_its_checkpoint(world: World) -> None:
    sitting = Sitting(world)
    training(sitting, world)
    sitting.writing.write_with(RUN)
    assert sitting.training.control is not None
    sitting.training.control.offer_snapshots(None)  # its thread has ended, which nobody was told yet
    sitting.writing.open()
    sitting.until(Stage.READY)
    assert world.opened == [RUN]
    world.run.say(ev.Failed(RUN, 7, "The disk is full."))
    sitting.loop.until(lambda: sitting.training.control is None)


def test_a_run_that_ends_without_a_checkpoint_cannot_be_opened(world: World) -> None:
    sitting = Sitting(world)
    training(sitting, world)
    sitting.writing.write_with(RUN)
    assert sitting.training.control is not None
    sitting.training.control.offer_snapshots(None)
    world.open_error = ModelError("The run hedgerow-1 has no checkpoint yet.")
    sitting.writing.open()
    world.run.say(ev.Failed(RUN, 7, "The disk is full."))
    sitting.loop.until(lambda: sitting.training.control is None)
    sitting.until(Stage.CHOSEN)
    assert sitting.said[-1] == TellingEnded(1, None, "The run hedgerow-1 has no checkpoint yet.")


def test_the_strength_of_a_story_is_taken_up_when_its_model_is_found(world: World) -> None:
    store = world.store()
    story = store.new_story("Old").id
    store.add_passage(story, "model", "Long ago.", RUN, '{"strength": 0.5, "voice": []}')
    sitting = Sitting(world)
    assert not sitting.writing.continue_story(store.passages(story))  # there is no model yet
    sitting.writing.choose(RUN)
    assert sitting.writing.continue_story(store.passages(story))
    assert (sitting.writing.now.strength, sitting.writing.now.voice) == (0.5, ())
    sitting.writing.open()
    sitting.until(Stage.READY)
    assert not sitting.writing.continue_story(store.passages(story))
    assert world.opened == [f"{RUN} at 0.5"]


def test_a_writer_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Writer().model = OLD  # type: ignore[misc]
