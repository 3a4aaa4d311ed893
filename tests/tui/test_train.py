"""Train: the plan, the run while it learns, leaving and coming back, how it ends."""

import dataclasses
from typing import Any

import pytest
from textual.widgets import Input, Static

from storytime_tui.errors import ModelError
from storytime_tui.jobs import estimates
from storytime_tui.jobs.memory import Room
from storytime_tui.training import events as ev
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.base_box import BaseBox
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.run_panel import RunPanel
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED, HOSTILE, STARTED, World, a_run, sampled, step


async def begin(pilot, app: StorytimeApp) -> None:  # type: ignore[no-untyped-def]
    await shelf_is_open(pilot)
    await pilot.press("2")
    await until(pilot, lambda: "Stories to train on" in screen_text(app))
    await pilot.press("s")


async def test_the_plan_takes_what_is_ticked_and_typed(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "space", "2")
        await until(pilot, lambda: "9 stories" in screen_text(app))
        await pilot.press("down", "tab", "tab", "tab", *"30", "tab", *"1e-3", "escape", "s")
        await until(pilot, lambda: world.run.plans)
        plan = world.run.plans[0]
        assert plan.base == "scratch-tiny"
        assert (plan.max_steps, plan.learning_rate, plan.epochs) == (30, 1e-3, None)
        assert plan.collections == ("hedgerow",)
        assert len(plan.stories) == 9
        assert world.run.names == [None]
        app.desk.training.stop()


async def test_a_base_of_ones_own_and_a_name(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))
        app.screen.query_one("#other", Input).value = "someone/their-gpt"
        app.screen.query_one("#run-name", Input).value = "autumn"
        await pilot.press("s")
        await until(pilot, lambda: world.run.plans)
        assert world.run.plans[0].base == "someone/their-gpt"
        assert world.run.names == ["autumn"]
        app.desk.training.stop()


async def test_the_base_field_takes_the_name_that_the_list_shows(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))
        app.screen.query_one("#other", Input).value = "SmolLM2-135M"
        await pilot.press("s")
        await until(pilot, lambda: world.run.plans)
        assert world.run.plans[0].base == "HuggingFaceTB/SmolLM2-135M"
        app.desk.training.stop()


async def test_the_plan_shown_again_has_a_name_that_is_free(app: StorytimeApp, world: World) -> None:
    def name() -> str:
        return app.screen.query_one("#run-name", Input).placeholder

    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        await until(pilot, lambda: world.run.plans)
        assert name() == "hedgerow-tales-1"
        world.run.say(*a_run(100), FINISHED)
        world.next_run = "hedgerow-tales-2"
        await until(pilot, lambda: app.desk.training.view.phase == "finished")
        await pilot.press("n")
        await until(pilot, lambda: name() == "hedgerow-tales-2")
        await pilot.press("4")
        world.next_run = "hedgerow-tales-3"  # another program trains
        await pilot.press("2")
        await until(pilot, lambda: name() == "hedgerow-tales-3")


async def test_a_wrong_knob_is_one_clear_line(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))
        app.screen.query_one("#knob-epochs", Input).value = "many"
        await pilot.press("s")
        await until(pilot, lambda: "epochs is 'many'" in screen_text(app))
        assert not world.run.plans
        app.screen.query_one("#knob-epochs", Input).value = "2"
        await pilot.press("s")
        await until(pilot, lambda: world.run.plans)
        app.desk.training.stop()


@pytest.mark.parametrize("size", [SMALL, (60, 20), (120, 40)])
@pytest.mark.parametrize(("knob", "label"), [("epochs", "epochs"), ("lora_rank", "LoRA rank")])
async def test_why_a_knob_is_wrong_is_in_view_with_its_field(
    app: StorytimeApp, world: World, size: tuple[int, int], knob: str, label: str
) -> None:
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))
        field = app.screen.query_one(f"#knob-{knob}", Input)
        field.focus()
        await pilot.press(*"many")
        await until(pilot, lambda: field.value == "many")
        await pilot.press("escape")  # as soon as the field is left
        await until(pilot, lambda: f"{label} is" in flat(app))
        await pilot.press("s")
        await until(pilot, lambda: f"{label} is" in flat(app) and "many" in field.value)
        await until(
            pilot, lambda: any("many" in line and "is" not in line for line in screen_text(app).split("\n"))
        )
        assert not world.run.plans
        field.value = ""
        await until(pilot, lambda: f"{label} is" not in flat(app))


async def test_both_screens_name_one_number_of_tokens(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        for base in ("starter", "scratch-tiny", "distilgpt2"):
            app.desk.base = base
            stories = [story for _, story in app.desk.ticks.stories(app.desk.collections)]
            app.desk.services = dataclasses.replace(
                app.desk.services, estimate_tokens=estimates.estimate_tokens
            )
            assert app.desk.tokens_of(stories) == estimates.estimate(stories, base).tokens


async def test_a_run_that_never_begins_leaves_the_plan_and_says_why(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(ev.Preparing("fetching distilgpt2", 120_000_000, 353_000_000))
        await until(pilot, lambda: "fetching distilgpt2 120 of 353 MB" in screen_text(app))
        world.run.say(ModelError("There is no network, and distilgpt2 is not here yet."))
        await until(pilot, lambda: "There is no network" in screen_text(app))
        assert "Start training" in screen_text(app)
        await pilot.press("s")
        await until(pilot, lambda: len(world.run.plans) == 2)
        app.desk.training.stop()


async def test_progress_numbers_and_samples_come_as_it_learns(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(100))
        await until(pilot, lambda: "step 100 of 118" in screen_text(app))
        text = screen_text(app)
        assert "hedgerow-1 ● training" in text
        assert "under 1 min left" in text
        assert "2,610" in text
        assert "3.183" in text
        assert "Step 100 · 5 of 5" in text
        await pilot.press("left", "left", "left", "left")
        await until(pilot, lambda: "Before training · 1 of 5" in screen_text(app))
        world.run.say(sampled(101, " and a new sample"))
        await until(pilot, lambda: "Before training · 1 of 6" in screen_text(app))
        await pilot.press(*["right"] * 5)
        await until(pilot, lambda: "and a new sample" in screen_text(app))
        world.run.say(FINISHED)
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))


async def test_a_layout_that_comes_late_shows_no_older_state(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(30))
        await until(pilot, lambda: "step 30 of 118" in screen_text(app))
        panel = app.screen.query_one(RunPanel)
        panel.on_resize()  # it is drawn again after the next refresh,
        app.desk.training._handle([step(31, 3.0)])  # and meanwhile the run goes on
        await until(pilot, lambda: "step 31 of 118" in screen_text(app))
        for _ in range(3):
            await pilot.pause()
            assert "step 31 of 118" in screen_text(app)


async def test_the_screen_can_be_left_and_come_back_to(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(30))
        await until(pilot, lambda: "step 30 of 118" in screen_text(app))
        await pilot.press("1")
        await until(pilot, lambda: app.current_mode == "library")
        assert "hedgerow-1 ● training" in screen_text(app)
        world.run.say(*[step(i, 3.0) for i in range(31, 61)])
        await until(pilot, lambda: app.desk.training.view.done == 60)
        await pilot.press("2")
        await until(pilot, lambda: "step 60 of 118" in screen_text(app))
        assert [number for number, _ in app.desk.training.view.curve] == list(range(1, 61))
        app.desk.training.stop()


async def test_pause_and_go_on(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(STARTED, step(1, 3.0))
        await until(pilot, lambda: "p Pause" in screen_text(app))
        await pilot.press("p")
        await until(pilot, lambda: "Paused" in screen_text(app) and "p Continue" in screen_text(app))
        await pilot.press("p")
        await until(pilot, lambda: app.desk.training.view.phase == "training")
        app.desk.training.stop()


async def test_checkpoint_and_sample_on_demand(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(STARTED, step(7, 3.0))
        await until(pilot, lambda: "step 7 of 118" in screen_text(app))
        await pilot.press("c", "s")
        await until(pilot, lambda: "checkpoint saved at step 7" in screen_text(app))
        await until(pilot, lambda: "a sample that was asked for" in screen_text(app))
        app.desk.training.stop()


async def test_stop_keeps_and_learning_can_go_on(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(STARTED, step(7, 3.0))
        await until(pilot, lambda: "step 7 of 118" in screen_text(app))
        await pilot.press("x")
        await until(pilot, lambda: "Stopped after 7 steps" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: world.run.resumed == ["hedgerow-1"])
        world.run.say(ev.Resumed(7, from_checkpoint=True), step(8, 2.9), FINISHED)
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))


async def test_an_ended_run_is_given_more_passes(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(30), FINISHED)
        await until(pilot, lambda: "m More epochs" in screen_text(app))
        await pilot.press("m")
        await until(pilot, lambda: "Epochs to add" in screen_text(app))
        await pilot.press("backspace", *"some", "enter")
        await until(pilot, lambda: "'some'" in screen_text(app))  # in the question, which stays
        await pilot.press(*["backspace"] * 4, *"2.5", "enter")
        await until(pilot, lambda: world.run.resumed == ["hedgerow-1"])
        assert world.run.more == [2.5]
        world.run.say(ev.Resumed(118, from_checkpoint=True, total_steps=148), step(119, 2.9))
        await until(pilot, lambda: "step 119 of 148" in screen_text(app))
        app.desk.training.stop()


async def test_the_words_on_a_base_begin_with_its_name(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        note = app.screen.query_one("#base-note", Static)
        app.screen.query_one(BaseBox).choose("gpt2")
        await until(pilot, lambda: str(note.content).startswith("gpt2: knows English well"))
        app.screen.query_one(BaseBox).choose("scratch-tiny")
        await until(pilot, lambda: str(note.content).startswith("scratch-tiny: untrained and tiny"))


async def test_the_plan_says_what_memory_it_takes_and_what_would_fit(app: StorytimeApp, world: World) -> None:
    world.room = Room(9_100_000_000, 6_500_000_000, "set lora_rank=16")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "9.1 GB" in screen_text(app))
        note = str(app.screen.query_one("#base-note", Static).content)
        assert "peak about 9.1 GB, free 6.5 GB: set lora_rank=16." in note
        app.screen.query_one("#knob-lora_rank", Input).value = "16"  # as it is told
        await until(pilot, lambda: "900 MB" in screen_text(app))
        await pilot.press("escape", "s")
        await until(pilot, lambda: world.run.plans)
        assert world.run.plans[0].lora_rank == 16
        app.desk.training.stop()


@pytest.mark.parametrize(
    ("steps", "shown"),
    [(25_391, "4 epochs · 25,391 steps · about 2 days"), (1_000_000_000, "4 epochs · about 2 days")],
)
async def test_a_long_plan_shows_its_memory_with_the_unit_at_80_columns(
    world: World, steps: int, shown: str
) -> None:
    def preview(*args: Any) -> Any:
        return dataclasses.replace(world.preview(*args), steps=steps, seconds=180_000.0)

    world.room = Room(11_800_000_000, 16_500_000_000, "")
    app = StorytimeApp(dataclasses.replace(world.services(), preview=preview))
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: f"{shown} · peak 11.8 GB" in screen_text(app))
        assert app.screen.query_one("#preview").size.height == 1
        await pilot.resize_terminal(120, 40)
        whole = f"4 epochs · about {steps:,} steps · about 2 days · peak 11.8 GB"
        await until(pilot, lambda: whole in screen_text(app))


async def test_the_plan_shows_what_it_comes_to_and_each_value_that_the_run_will_have(
    app: StorytimeApp, world: World
) -> None:
    def option(name: str) -> Input:
        return app.screen.query_one(f"#{name}", Input)

    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(
            pilot, lambda: "4 epochs · about 40 steps · about 2 min · peak 900 MB" in screen_text(app)
        )
        empty = [option(f"knob-{name}").placeholder for name in ("epochs", "learning_rate", "block_size")]
        assert empty == ["4", "0.0005", "512"]
        assert option("run-name").placeholder == "hedgerow-tales-1"
        option("knob-epochs").value = "2"
        option("knob-max_steps").value = "7"
        await until(pilot, lambda: "2 epochs · 7 steps" in screen_text(app))
        option("knob-epochs").value = "-"  # not a number: the last preview stays until it is one
        await pilot.pause()
        assert "2 epochs · 7 steps" in screen_text(app)


async def test_a_run_that_fails_says_why_and_keeps_what_was_seen(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(30), ev.Failed("hedgerow-1", 30, "The disk is full: make room."))
        await until(pilot, lambda: "The disk is full: make room." in flat(app))
        assert "hedgerow-1 ● failed" in screen_text(app)
        await until(pilot, lambda: app.desk.training.control is None)


async def test_write_with_it_goes_to_the_page_at_once_and_keeps_what_is_typed_meanwhile(
    app: StorytimeApp, world: World
) -> None:
    """Copying large weights takes a moment: what is typed meanwhile must not be taken for keys."""
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.may_copy.clear()
        world.run.say(STARTED, step(7, 3.0))
        await until(pilot, lambda: "step 7 of 118" in screen_text(app))
        await pilot.press("w")
        await until(pilot, lambda: app.current_mode == "story" and isinstance(app.focused, Prompt))
        await pilot.press(*"Expect a pig.", "enter")
        await until(pilot, lambda: "copying the run's weights" in screen_text(app))
        assert not world.opened
        world.run.may_copy.set()
        await until(pilot, lambda: world.told)
        assert world.told[0][0] == "Expect a pig."
        assert world.opened == ["hedgerow-1 at step 7"]
        assert app.desk.training.view.phase == "training"
        app.desk.training.stop()


async def test_write_with_it_copies_the_weights_and_takes_newer_ones_when_asked(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(STARTED, step(7, 3.0))
        await until(pilot, lambda: "step 7 of 118" in screen_text(app))
        await pilot.press("w")
        await until(pilot, lambda: app.current_mode == "story" and "A blank page" in screen_text(app))
        await until(pilot, lambda: "the run at step 7" in screen_text(app))
        assert app.desk.training.view.saved_step is None  # nothing is written to the disk for it
        world.run.say(step(8, 3.0))
        await until(pilot, lambda: app.desk.training.view.done == 8)
        await pilot.press("escape")
        await until(pilot, lambda: "f Newest weights" in screen_text(app))
        await pilot.press("f")
        await until(pilot, lambda: "the run at step 8" in screen_text(app))
        assert world.opened == ["hedgerow-1 at step 7", "hedgerow-1 at step 8"]
        world.run.say(step(118, 3.0), FINISHED)
        await until(pilot, lambda: "f Newest weights" not in screen_text(app))


async def test_the_samples_begin_with_other_words_from_now_on(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(50))
        await until(
            pilot, lambda: "bold: new since step" not in screen_text(app) and "[50]" in screen_text(app)
        )
        await pilot.press("e")
        await until(pilot, lambda: "Begin the samples with" in screen_text(app))
        await pilot.press("ctrl+u", *"A [b]ear", "enter")
        await until(pilot, lambda: world.run.control and world.run.control.prompt == "A [b]ear")
        world.run.say(ev.Sampled(51, "A [b]ear", " sat down."), step(52, 3.0))
        await until(pilot, lambda: "A [b]ear sat down." in screen_text(app))
        world.run.say(ev.Sampled(60, "A [b]ear", " sat up."), step(61, 3.0))
        await until(pilot, lambda: "bold: new since step 51" in screen_text(app))
        await pilot.press("left", "left")
        await until(pilot, lambda: "[50]" in screen_text(app))
        app.desk.training.stop()


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (40, 12)])
async def test_every_size_is_survived(app: StorytimeApp, world: World, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: app.current_mode == "train" and app.focused is not None)
        await pilot.press("s")
        world.run.say(*a_run(100), FINISHED)
        await until(pilot, lambda: app.desk.training.view.phase == "finished")
        await pilot.resize_terminal(70, 20)
        await pilot.press("3", "f1", "escape", "f2")
        await until(pilot, lambda: app.current_mode == "library")


async def test_the_sample_of_the_other_beginning_is_a_key_away_and_beside_it_where_there_is_room(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(50))
        await until(pilot, lambda: "From a held-out story of Hedgerow Tales" in screen_text(app))
        assert "kettle had first begun to sing" in flat(app)
        assert "Step 50 · 3 of 3" in screen_text(app)
        await pilot.press("b")
        await until(pilot, lambda: "From “Once upon a time”" in screen_text(app))
        await pilot.press("left")  # the same beginning, earlier
        await until(pilot, lambda: "Step 25 · 2 of 3" in screen_text(app))
        assert "From “Once upon a time”" in screen_text(app)
        await pilot.press("b")
        await until(pilot, lambda: "kettle had first" in screen_text(app))
        assert "Step 25 · 2 of 3" in screen_text(app)
        assert "b Beginning" in screen_text(app)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "kettle" in screen_text(app) and "a little mouse" in screen_text(app))
        assert "Step 25 · 2 of 3" in screen_text(app)
        await until(pilot, lambda: "b Beginning" not in screen_text(app))
        app.desk.training.stop()


@pytest.mark.parametrize("size", [(120, 40), (100, 30), (80, 40), SMALL])
async def test_the_sample_from_before_training_stands_beside_the_newest_where_there_is_room(
    app: StorytimeApp, world: World, size: tuple[int, int]
) -> None:
    wide, high = size[0] >= 100, size[1] >= 40
    async with app.run_test(size=size) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(25))
        await until(pilot, lambda: "Step 25 · 2 of 2" in screen_text(app))
        await until(pilot, lambda: ("hat…" in flat(app)) == (wide or high))
        assert "kettle" in flat(app)
        assert ("╮╭─ Step 25" in screen_text(app)) == wide  # beside it; else above it, or not shown
        assert ("iron the of" in flat(app)) == (wide and high)  # of the other beginning, too
        await pilot.press("left")
        await until(pilot, lambda: "Before training · 1 of 2" in screen_text(app))
        assert flat(app).count("hat…") == 1  # not beside itself
        assert "kettle" not in flat(app)
        app.desk.training.stop()


async def test_a_large_screen_lists_what_happened(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(25), ev.Recovered(25, HOSTILE))
        await until(pilot, lambda: "12:04  step 25 ! [/b]" in screen_text(app))
        assert "[@click=app.quit]quit[/]" in screen_text(app)
        rows = screen_text(app).split("\n")
        newest = next(at for at, row in enumerate(rows) if "12:04  step 25 ! [/b]" in row)
        # below the sentence, which takes two lines or three
        assert "12:04  step 25   best so far: 4.866, saved" in "".join(rows[newest + 1 : newest + 4])
        titles = ("Rate", "Gradient", "Tokens/s", "Machine")  # beside it, each with its latest value
        assert all(title in rows[newest - 1] for title in titles)
        await until(pilot, lambda: "5.0e-5 ││" in screen_text(app) and "2,610 ││" in screen_text(app))
        await until(pilot, lambda: "processor           94% │" in screen_text(app))
        await pilot.resize_terminal(*SMALL)
        await until(pilot, lambda: "What happened" not in screen_text(app))
        app.desk.training.stop()


async def test_a_run_that_is_gone_cannot_be_written_with_and_says_so(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(118), FINISHED)
        await until(pilot, lambda: app.desk.training.control is None)
        world.choices = world.choices[1:]  # another program removed it
        await pilot.press("w")
        await until(pilot, lambda: "“hedgerow-1” has no checkpoint any more" in screen_text(app))
        assert app.current_mode == "train"
