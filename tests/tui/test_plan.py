"""The plan before a run: all options, plans of runs and files, a first look, a learning rate that is found."""

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from storytime_tui.errors import RunError
from storytime_tui.jobs.past_plans import PastPlan
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.rate_range import RateFound, RateTried
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.find_rate import FindRateScreen
from storytime_tui.tui.screens.options import OptionsScreen
from storytime_tui.tui.widgets.plan_form import PlanForm
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED_RUN, HOSTILE, World


async def to_plan(pilot: Pilot[Any], app: StorytimeApp) -> None:
    await shelf_is_open(pilot)
    await pilot.press("2")
    await until(pilot, lambda: "about 2 min" in screen_text(app))


async def to_options(pilot: Pilot[Any], app: StorytimeApp) -> None:
    await to_plan(pilot, app)
    await pilot.press("o")
    await until(pilot, lambda: isinstance(app.screen, OptionsScreen) and "find an option" in screen_text(app))


def line_of(app: StorytimeApp, words: str) -> str:
    """The line of the screen that has these words; "" if none has."""
    return next((line for line in screen_text(app).split("\n") if words in line), "")


async def find(pilot: Pilot[Any], app: StorytimeApp, letters: str, label: str) -> None:
    """Put the cursor on an option with the filter."""
    await pilot.press("slash", *letters, "enter")
    await until(
        pilot,
        lambda: (
            str(app.screen.query_one("#knob-about", Static).content).startswith(f"{label}  ")
            and letters in flat(app)
        ),
    )


async def test_a_long_hint_of_an_option_is_whole(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_options(pilot, app)
        await find(pilot, app, "repeats", "repeats")
        below = " ".join(flat(app).split("repeats a collection's name")[-1].replace("│", " ").split())
        assert below.startswith(
            ", = and a number above 0 and at most 100, such as tales=2 how often an epoch"
        )
        height = app.screen.query_one("#knobs").size.height
        await find(pilot, app, "schedule", "schedule")
        assert app.screen.query_one("#knobs").size.height == height


async def test_the_plan_and_its_keys_are_in_sight_at_80x24(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        for words in ("o Options (38)", "f From a run or file", "l Find rate", "e Save plan"):
            assert words in screen_text(app), words
        assert "Start training" in screen_text(app) and "Watch one learn" in screen_text(app)
        assert "Time: about 2 min here." in flat(app)
        commands = {command.title: command.callback for command in app.get_system_commands(app.screen)}
        await commands["All options"]()
        await until(pilot, lambda: isinstance(app.screen, OptionsScreen))


async def test_an_option_is_found_changed_counted_and_reset(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_options(pilot, app)
        await find(pilot, app, "decay", "weight decay")
        assert "0.1" in line_of(app, "weight decay")
        await pilot.press("enter", *"0.02", "enter")
        await until(pilot, lambda: "1 changed" in screen_text(app))
        assert "● weight decay" in screen_text(app) and "0.02" in line_of(app, "● weight decay")
        await pilot.press("escape")  # the filter
        await until(pilot, lambda: app.screen.query_one("#filter", Input).value != "decay")
        await pilot.press("escape")
        await until(pilot, lambda: "Options (38, 1 changed)" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: world.run.plans)
        assert world.run.plans[0].weight_decay == 0.02
        app.desk.training.stop()


async def test_one_option_or_all_of_them_are_reset(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        form = app.screen.query_one(PlanForm)
        form.fill(form.draft.with_option("seed", "7").with_option("epochs", "2").with_option("clip", "0.5"))
        await pilot.press("o")
        await until(pilot, lambda: "3 changed" in screen_text(app))
        await find(pilot, app, "seed", "seed")
        await pilot.press("r")
        await until(pilot, lambda: "2 changed" in screen_text(app))
        await pilot.press("a")
        await until(pilot, lambda: "changed" not in screen_text(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(app.screen, OptionsScreen))
        assert form.draft.typed == {}
        assert app.screen.query_one("#knob-epochs", Input).value == ""


async def test_a_wrong_option_is_marked_and_explained_while_it_is_typed(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_options(pilot, app)
        await find(pilot, app, "patience", "patience")
        await pilot.press("enter", *"-1")
        field = app.screen.query_one("#knob-value", Input)
        await until(pilot, lambda: "patience is -1, but must be from 0 (never) to 10,000" in flat(app))
        assert field.has_class("-wrong")
        await pilot.press("enter")  # it is not taken
        await until(pilot, lambda: app.focused is field)
        assert "changed" not in screen_text(app)
        await pilot.press("backspace", "backspace", "3")
        await until(pilot, lambda: not field.has_class("-wrong") and "patience is" not in flat(app))
        await pilot.press("enter")
        await until(pilot, lambda: "1 changed" in screen_text(app))
        await pilot.press("enter", *"99", "escape")  # what was typed is dropped
        await until(pilot, lambda: app.focused is not field)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(app.screen, OptionsScreen))
        assert app.screen.query_one(PlanForm).draft.typed == {"patience": "3"}


async def test_a_list_of_values_is_stepped_through_and_the_mouse_does_the_same(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        keys = line_of(app, "o Options")
        await pilot.click(offset=(keys.index("Options ("), screen_text(app).split("\n").index(keys)))
        await until(pilot, lambda: isinstance(app.screen, OptionsScreen))
        await find(pilot, app, "schedule", "schedule")
        for value in ("linear", "constant", "wsd"):
            await pilot.press("enter")
            await until(pilot, lambda value=value: value in line_of(app, "● schedule"))
        await pilot.press("enter")
        await until(pilot, lambda: "● schedule" not in screen_text(app))
        rows = screen_text(app).split("\n")
        row = next(y for y, line in enumerate(rows) if "  schedule  " in line and "the learning" in line)
        await pilot.click(offset=(12, row))
        await until(pilot, lambda: "linear" in line_of(app, "● schedule"))


async def test_a_preset_changes_what_every_field_shows(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        epochs = app.screen.query_one("#knob-epochs", Input)
        epochs.value = "2"
        app.screen.query_one("#preset", Select).value = "original notebook"
        await until(pilot, lambda: epochs.value == "" and epochs.placeholder == "5")
        assert app.screen.query_one("#knob-learning_rate", Input).placeholder == "0.0001"
        assert app.screen.query_one("#knob-block_size", Input).placeholder == "256"
        await pilot.press("o")
        await until(pilot, lambda: "preset original notebook" in screen_text(app))
        assert "128" in line_of(app, "stride")
        await pilot.press("p")
        await until(
            pilot, lambda: "preset quick look" in screen_text(app) and "128" not in line_of(app, "stride")
        )


async def test_a_wrong_field_of_the_form_is_marked_at_once(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        field = app.screen.query_one("#knob-epochs", Input)
        field.focus()
        await pilot.press("x")
        await until(pilot, lambda: field.has_class("-wrong"))
        await until(pilot, lambda: "epochs is 'x'" in flat(app))  # while the field has the focus
        assert app.focused is field
        await pilot.press("backspace", "3")
        await until(pilot, lambda: "epochs is" not in flat(app) and not field.has_class("-wrong"))


# -- plans of runs and files ---------------------------------------------------------------------------

EARLIER = TrainingPlan(
    base="distilgpt2",
    collections=("hedgerow", "grimm"),
    stories=("grimm/Snowdrop",),
    epochs=2.0,
    seed=7,
    patience=4,
)


async def test_the_plan_of_a_run_fills_the_form_and_missing_stories_are_said(
    app: StorytimeApp, world: World
) -> None:
    world.runs = (FINISHED_RUN,)
    world.past["hedgerow-1"] = PastPlan(EARLIER, ("grimm",))
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        await pilot.press("f")
        await until(pilot, lambda: "hedgerow-1" in screen_text(app) and "a TOML file" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "grimm is no longer on this machine" in flat(app))
        assert "It had Hedgerow Tales and grimm; the ticked stories stay as they are." in flat(app)
        form = app.screen.query_one(PlanForm)
        assert form.base == "distilgpt2" and app.screen.query_one("#knob-epochs", Input).value == "2"
        assert "2 changed" in screen_text(app)  # as in the list of all options
        assert form.draft.typed == {"epochs": "2", "seed": "7"} and form.draft.preset == "balanced"
        await pilot.press("s")
        await until(pilot, lambda: world.run.plans)
        plan = world.run.plans[0]
        assert (plan.base, plan.epochs, plan.seed, plan.collections) == ("distilgpt2", 2.0, 7, ("hedgerow",))
        app.desk.training.stop()


async def test_a_file_fills_the_form_or_says_why_not(app: StorytimeApp, world: World) -> None:
    world.past["~/mine.toml"] = PastPlan(TrainingPlan(base="someone/their-gpt", clip=0.5), ())
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        await pilot.press("f")
        await until(pilot, lambda: "a TOML file" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Plan from a file" in screen_text(app))
        await pilot.press(*"[/b].toml", "enter")
        await until(pilot, lambda: "neither a file nor a run called '[/b].toml'" in flat(app))
        assert app.screen.query_one(Input).value == "[/b].toml"  # still open, with what was typed
        app.screen.query_one(Input).value = "~/mine.toml"
        await pilot.press("enter")
        await until(pilot, lambda: "it names no" in flat(app))
        form = app.screen.query_one(PlanForm)
        assert form.base == "someone/their-gpt"
        assert form.draft.typed["clip"] == "0.5"


async def test_a_saved_plan_is_called_like_its_run_without_the_dot_at_the_end(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        app.screen.query_one("#run-name", Input).value = "night-by-sang."
        await pilot.press("e")
        await until(pilot, lambda: "Save the plan" in screen_text(app))
        assert app.screen.query_one(Input).value == "night-by-sang.toml"


async def test_a_plan_is_saved_and_no_file_replaced(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        for says in ("The plan is saved as hedgerow-tales-1.toml.", "hedgerow-tales-1.toml exists"):
            await pilot.press("e")
            await until(pilot, lambda: "Save the plan" in screen_text(app))
            await pilot.press("enter")
            await until(pilot, lambda says=says: says in flat(app))
        (plan, to) = world.saved_plans[0]
        assert (plan.collections, to) == (("hedgerow",), "hedgerow-tales-1.toml")
        assert plan.patience == 4  # with the preset's values


# -- a first look --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ticked", [True, False])
async def test_a_tiny_model_learns_from_nothing_at_a_key(
    app: StorytimeApp, world: World, ticked: bool
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: app.desk.ticks.count(app.desk.collections))
        if not ticked:
            await pilot.press("space")
            await until(pilot, lambda: not app.desk.ticks.count(app.desk.collections))
        await pilot.press("2")
        await until(pilot, lambda: "Watch one learn" in screen_text(app))
        await pilot.press("0")
        await until(pilot, lambda: world.run.plans)
        plan = world.run.plans[0]
        assert plan.base == "scratch-tiny" and plan.max_steps
        assert plan.collections == (("hedgerow",) if ticked else ("hedgerow", "fir-trees", "attic"))
        app.desk.training.stop()


# -- a learning rate -----------------------------------------------------------------------------------


def tried(step: int) -> RateTried:
    rate = 1e-6 * 10 ** (step / 20)
    smoothed = 3.4 - 0.4 * step / 60 if step < 60 else 3.0 + (step - 60) * 0.06
    return RateTried(step, 80, rate, 1e-2, smoothed + 0.1 * (-1) ** step, smoothed)


FOUND = RateFound(
    1e-4, 1e-3, 2e-3, 66, "The loss was lowest at a learning rate of 1.0e-3; a tenth is 1.0e-4."
)


async def test_a_found_rate_is_shown_with_its_curve_and_accepted(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        await pilot.press("l")
        await until(pilot, lambda: "Find a learning rate" in screen_text(app))
        for step in range(1, 67):
            world.rates.put(tried(step))
        await until(pilot, lambda: "Step 66 of at most 80" in screen_text(app))
        assert any("\u2801" <= sign <= "\u28ff" for sign in screen_text(app))
        assert "Use this rate" not in screen_text(app) and "esc Stop" in screen_text(app)
        world.rates.put(FOUND)
        await until(
            pilot, lambda: "a tenth is 1.0e-4" in screen_text(app) and "Use this rate" in screen_text(app)
        )
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, FindRateScreen))
        assert app.screen.query_one("#knob-learning_rate", Input).value == "0.0001"


async def test_a_test_of_rates_can_be_stopped_and_says_what_went_wrong(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_plan(pilot, app)
        await pilot.press("l")
        world.rates.put(tried(1))
        await until(pilot, lambda: "Step 1 of" in screen_text(app))
        await pilot.press("escape")
        said = "The test was stopped at step 1 of 80: no suggestion."
        await until(pilot, lambda: world.rates_stopped and said in screen_text(app))
        assert "Press esc to close." in screen_text(app)
        await until(pilot, lambda: "esc Close" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, FindRateScreen))
        world.rates.put(RunError(f"A run trains now: {HOSTILE}"))
        await pilot.press("l")
        await until(pilot, lambda: "A run trains now: [/b]" in flat(app))
        await until(pilot, lambda: "esc Close" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, FindRateScreen))
        assert app.screen.query_one("#knob-learning_rate", Input).value == ""
