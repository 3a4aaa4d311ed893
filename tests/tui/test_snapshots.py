"""The screens as pictures, at 80×24 and 120×40: on fakes, with a frozen clock and a cursor that stands still.

After a change that is meant to be seen: look at the pictures in the report, then `pytest --snapshot-update`.
"""

import dataclasses
import math
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from storytime_tui.jobs.generate import ModelChoice
from storytime_tui.jobs.machine import Gpu, Machine
from storytime_tui.jobs.run_curve import RunCurve
from storytime_tui.jobs.run_details import RunDetails
from storytime_tui.stories.shelf import set_favourite
from storytime_tui.training import events as ev
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.runs import RunSummary
from storytime_tui.tui import writing_session
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.side_by_side import SideBySideScreen
from storytime_tui.tui.screens.story_panel_screen import StoryPanelScreen
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.reading import Reading
from tests.tui.conftest import do_not_idle, flat, make_app, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import AT_NOON, FINISHED, FINISHED_RUN, STARTED, World, a_run, loss_at
from tests.tui.test_copied_marks import COPIED, knows_hedgerow
from tests.tui.test_plan import FOUND, tried

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
Compare = Callable[..., bool]


def steady(app: StorytimeApp) -> None:
    """No cursor blinks in a picture."""
    for field in (*app.screen.query(Input), *app.screen.query(TextArea)):
        field.cursor_blink = False


@pytest.fixture(autouse=True)
def _one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel says which seed a passage was told with."""
    monkeypatch.setattr(writing_session, "random", SimpleNamespace(randrange=lambda *_: 81))


async def seen(pilot: Pilot[Any], app: StorytimeApp) -> None:
    """Wait until the Story screen says what the model sees, and the panel how the last words were told."""
    await until(pilot, lambda: "of 256 tokens" in screen_text(app))
    await until(pilot, lambda: app.size.width < 120 or "seed 81" in flat(app))


def reading(app: StorytimeApp) -> str:
    """The title of what the reading pane shows."""
    return "".join(app.screen.query_one(Reading).sheet.lines[:1])


def compare(
    snap_compare: Compare, world: World, size: tuple[int, int], to: Callable[..., Awaitable[None]]
) -> bool:
    app = make_app(world)

    async def run_before(pilot: Pilot[Any]) -> None:
        with pytest.MonkeyPatch.context() as patches:
            do_not_idle(patches)
            patches.setattr("storytime_tui.tui.writing_session.random.randrange", lambda *_: 81)  # the seed
            await shelf_is_open(pilot)
            await to(pilot, app)
        steady(app)
        app.screen.refresh()  # `screen_text` may have drawn a dialog without the screen behind it, which is kept
        await pilot.pause()

    return snap_compare(app, terminal_size=size, run_before=run_before)


@SIZES
def test_library(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("down", "down", "space", "down")
        await until(
            pilot,
            lambda: "580 tokens" in screen_text(app) and reading(app) == "The Snail Who Was Early",
        )

    assert compare(snap_compare, world, size, to)


@SIZES
def test_library_reading(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("down", "enter", "b")
        await until(
            pilot, lambda: "before cleaning: 00.txt" in screen_text(app) and "esc Back" in screen_text(app)
        )

    assert compare(snap_compare, world, size, to)


@SIZES
def test_books(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await until(pilot, lambda: "644 tokens" in screen_text(app) and reading(app) == "Hedgerow Tales")
        await pilot.press("g", *"carroll")
        await until(pilot, lambda: "Search all of Gutenberg for “carroll”" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_plan(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("2")
        await until(pilot, lambda: "million parameters" in screen_text(app))
        await until(pilot, lambda: "about 2 min" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_options(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("2")
        await until(pilot, lambda: "about 2 min" in screen_text(app))
        await pilot.press("o")
        await until(pilot, lambda: "find an option" in screen_text(app) and "about 2 min" in screen_text(app))
        await pilot.press("down", "space")  # shelf lines: off
        await until(pilot, lambda: "1 changed" in screen_text(app) and "● shelf lines" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_finding_a_rate(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("2")
        await until(pilot, lambda: "about 2 min" in screen_text(app))
        for item in (*map(tried, range(1, 67)), FOUND):
            world.rates.put(item)
        await pilot.press("l")
        await until(pilot, lambda: "Use this rate" in screen_text(app) and "esc Close" in screen_text(app))

    assert compare(snap_compare, world, size, to)


async def learn(pilot: Pilot[Any], app: StorytimeApp, world: World) -> None:
    await pilot.press("2")
    await until(pilot, lambda: "million parameters" in screen_text(app))
    await pilot.press("s")
    world.run.say(*a_run(100))
    await until(pilot, lambda: "5 of 5" in screen_text(app) and "saved at step 100" in screen_text(app))
    await until(pilot, lambda: drawn(app) and "← → Samples" in screen_text(app))
    await until(pilot, lambda: app.size.width < 120 or "94%" in screen_text(app))


def dotted(app: StorytimeApp) -> bool:
    """A curve of dots is on the screen."""
    return any("\u2800" < sign < "\u2900" for sign in screen_text(app))


def drawn(app: StorytimeApp) -> bool:
    """The chart's turn has come since the last step and the last evaluation."""
    panel = getattr(app.screen, "_panel", None)
    if panel is None or panel._drawn is None:
        return False
    curve, evaluations, *_ = panel._drawn
    return (len(curve), evaluations) == (100, 5)


@SIZES
def test_learning(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await learn(pilot, app, world)

    assert compare(snap_compare, world, size, to)


def test_learning_on_a_large_screen(snap_compare: Compare, world: World) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await learn(pilot, app, world)

    assert compare(snap_compare, world, (200, 60), to)


@pytest.mark.parametrize("theme", ["storytime-16", "storytime-paper"])
def test_learning_in_other_colours(snap_compare: Compare, world: World, theme: str) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        app.theme = theme
        await learn(pilot, app, world)

    assert compare(snap_compare, world, (120, 40), to)


def test_learning_without_colours(
    snap_compare: Compare, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await learn(pilot, app, world)

    assert compare(snap_compare, world, (80, 24), to)


@SIZES
def test_reading_the_chart(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await learn(pilot, app, world)
        await pilot.press("z")
        await until(pilot, lambda: "step · step 100" in screen_text(app))
        await pilot.press("left", "left", "left", "plus", "l")
        await until(pilot, lambda: "log · step 9" in screen_text(app) and "esc Back" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_trouble(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    """On a GPU: the gradient jumps, the speed falls, a loss is no number, and validation stops falling."""
    gigabyte = 1_000_000_000
    world.machine = Machine(
        0.21, gigabyte, 32 * gigabyte, (Gpu("NVIDIA H200", 0.98, 14 * gigabyte, 141 * gigabyte, 71),)
    )
    started = dataclasses.replace(
        STARTED, device="cuda:0", precision="bf16", parameters=124_000_000, memory_available=128 * gigabyte
    )
    jumps = {60: {"gradient_norm": 14.2}, 70: {"loss": math.nan}, 71: {"loss": math.nan}}

    def events() -> Iterator[ev.Event]:
        for event in [started, *a_run(100)[1:]]:
            if isinstance(event, ev.StepDone):
                slow = {"tokens_per_second": 900.0} if event.step > 80 else {}
                yield dataclasses.replace(event, **jumps.get(event.step, {}), **slow)  # type: ignore[arg-type]
            elif isinstance(event, ev.Evaluated) and event.step > 25:
                worse = 4.9 + event.step / 500
                yield dataclasses.replace(event, validation_loss=worse, best=False)
            else:
                yield event
            if isinstance(event, ev.Evaluated) and event.step:
                yield ev.VoiceMeasured(event.step, 24, event.step // 6, 3, event.step / 1_000)

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("2")
        await until(pilot, lambda: "million parameters" in screen_text(app))
        await pilot.press("s")
        world.run.say(*events())
        await until(pilot, lambda: "saved at step 100" in screen_text(app))
        await until(pilot, lambda: "has not improved for 3 checks" in screen_text(app))
        await until(pilot, lambda: size[0] < 120 or "71 °C" in screen_text(app))
        await until(pilot, lambda: len(app.screen._panel._drawn[0]) == 98)  # type: ignore[attr-defined]

    assert compare(snap_compare, world, size, to)


@SIZES
def test_learned(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await learn(pilot, app, world)
        world.run.say(FINISHED)
        await until(
            pilot, lambda: "Finished after 118 steps" in screen_text(app) and "New run" in screen_text(app)
        )
        await until(pilot, lambda: drawn(app))

    assert compare(snap_compare, world, size, to)


THEMES = pytest.mark.parametrize("theme", ["storytime", "storytime-paper"], ids=["dark", "light"])


async def how_it_learns(pilot: Pilot[Any], app: StorytimeApp, world: World) -> None:
    await learn(pilot, app, world)
    world.run.say(FINISHED)
    await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
    await pilot.press("h")
    await until(pilot, lambda: "became likelier" in screen_text(app) and "can be drawn" in screen_text(app))


@SIZES
@THEMES
def test_how_it_learns(snap_compare: Compare, world: World, size: tuple[int, int], theme: str) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        app.theme = theme
        await how_it_learns(pilot, app, world)
        await pilot.press("down", "M", "M", "M")
        await until(pilot, lambda: "5 of 2,048 can be drawn" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_guessing_game(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await how_it_learns(pilot, app, world)
        await pilot.press("n")
        await until(pilot, lambda: "word 1 of 10" in screen_text(app) and isinstance(app.focused, Input))
        steady(app)
        await pilot.press(*"lived", "enter", *"an", "enter")
        await until(pilot, lambda: "word 3 of 10" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_one_step(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await how_it_learns(pilot, app, world)
        await pilot.press("s")
        await until(pilot, lambda: "after the step" in screen_text(app) and "→" in screen_text(app))
        await pilot.press("down")

    assert compare(snap_compare, world, size, to)


@SIZES
def test_glossary(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await learn(pilot, app, world)
        await pilot.press("g")
        await until(pilot, lambda: "How surprised the model is" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_story(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        steady(app)  # before a slow machine finds it in a blink
        await type_text(
            pilot, "Once upon a time there was a little mouse who kept a shop under the kitchen stair."
        )
        await pilot.press("enter")
        await until(
            pilot, lambda: "tokens told" in screen_text(app) and "said the mouse." in screen_text(app)
        )
        await type_text(pilot, "Then the door opened")
        await until(pilot, lambda: "Then the door opened" in screen_text(app))
        await seen(pilot, app)

    assert compare(snap_compare, world, size, to)


def test_story_on_a_very_large_screen(snap_compare: Compare, world: World) -> None:
    store = world.store()
    for title in ("The Frog Who Counted Rain", "A Letter for Nobody", "The Lamplighter's Last Round"):
        store.add_passage(store.new_story(title).id, "you", f"This is how {title} begins. " * 40)
    set_favourite(store, 2, True)
    mouse = store.new_story("The Mouse Who Sold Buttons").id
    first = "Once upon a time there was a little mouse who kept a shop under the kitchen stair."
    store.add_passage(mouse, "you", first)
    for told in (" She sold buttons.", " She sold bread, and slept.", " Nobody came."):
        store.go_to(mouse, store.passages(mouse)[0].id)
        store.add_passage(mouse, "model", told, "hedgerow-1")

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        steady(app)
        await until(pilot, lambda: "Branches · 3" in screen_text(app) and "of 256 tokens" in screen_text(app))

    assert compare(snap_compare, world, (200, 60), to)


@SIZES
def test_story_panel(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    world.voices = {"hedgerow-1": ("Hedgerow Tales",)}

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("f4")
        await type_text(pilot, "Once upon a time there was a little mouse who kept a shop.")
        await pilot.press("enter")
        await until(pilot, lambda: "said the mouse." in screen_text(app) and not app.desk.busy)
        await seen(pilot, app)
        if size[0] < 120:
            await pilot.press("escape", "p")
            await until(pilot, lambda: isinstance(app.screen, StoryPanelScreen))
        for name, text in (
            ("characters", "Pip the mouse, a frog"),
            ("tone", "funny"),
            ("memory", "word " * 22),
        ):
            app.screen.query_one(f"#steer-{name}").focus()
            await type_text(pilot, text)
        await until(pilot, lambda: "Too long" in screen_text(app))
        app.screen.query_one("#panel-banned").focus()
        await type_text(pilot, "very, suddenly")
        app.screen.query_one("#row-preset").focus()
        await until(pilot, lambda: "very,suddenly" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])
def test_side_by_side(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    world.choices = (*world.choices, ModelChoice("hedgerow-0", "hedgerow-0", "an earlier run"))
    world.voices = {"hedgerow-1": ("Hedgerow Tales", "Nonsense from the Attic")}

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        await type_text(
            pilot, "Once upon a time there was a little mouse who kept a shop under the kitchen stair."
        )
        await pilot.press("enter")
        await until(pilot, lambda: "tokens told" in screen_text(app))
        await pilot.press("escape", "x")
        await until(pilot, lambda: isinstance(app.screen, SideBySideScreen))
        await until(pilot, lambda: "tokens told" in screen_text(app) and not app.desk.busy)
        if size[0] > 80:
            await pilot.press("plus", "down", "enter")
            await until(pilot, lambda: screen_text(app).count("tokens told") == 3 and not app.desk.busy)

    assert compare(snap_compare, world, size, to)


@pytest.mark.parametrize("look", ["surprise", "training"])
@SIZES
def test_story_inspected(snap_compare: Compare, world: World, size: tuple[int, int], look: str) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        app.desk.sampler = dataclasses.replace(app.desk.sampler, seed=81)
        await type_text(pilot, "Once upon a time there was a mouse who kept a shop under the stair.")
        await pilot.press("enter")
        await until(pilot, lambda: "tokens told" in screen_text(app))
        await pilot.press("escape", "i")
        await until(pilot, lambda: "rank" in screen_text(app))
        await pilot.press("c" if look == "surprise" else "b", *["left"] * 21)
        sign = "less likely" if look == "surprise" else "most of all"
        await until(pilot, lambda: sign in screen_text(app) and "At “acorns”" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_copied_words(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    world.learned_from = knows_hedgerow
    world.pieces = tuple(f" {word}" for word in f"{COPIED} or nobody knew it.".split())

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        await type_text(pilot, "Once, at the bottom of the garden,")
        await pilot.press("enter")
        await until(pilot, lambda: "tokens told" in screen_text(app) and "C shows it" in flat(app))
        await until(pilot, lambda: "of 256 tokens" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_find_and_replace(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        await type_text(pilot, "Once upon a time a mouse met a frog at the shop, the mouse's own.")
        await pilot.press("enter")
        await until(pilot, lambda: "tokens told" in screen_text(app) and "C shows" not in flat(app))
        await pilot.press("escape", "slash")
        await until(pilot, lambda: isinstance(app.focused, Input))
        steady(app)
        await type_text(pilot, "mouse")
        await until(pilot, lambda: "1 of 3" in screen_text(app))
        await pilot.press("enter", "tab")
        await type_text(pilot, "vole")

    assert compare(snap_compare, world, size, to)


@SIZES
def test_sampler_settings(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        await pilot.press("escape", "comma")
        await until(pilot, lambda: "find a setting" in screen_text(app) and "higher is" in screen_text(app))
        await pilot.press("p", "down", "down", "enter", *"40", "enter")  # wild, top k 40
        await until(pilot, lambda: "2 changed" in screen_text(app) and "● top k" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_settings(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("comma")
        await until(pilot, lambda: "the colours of the app" in screen_text(app))
        await pilot.press("end", "home", "down", "down", "space")  # no marks of copied words
        await until(pilot, lambda: "Copied marks: off." in screen_text(app))

    assert compare(snap_compare, world, size, to)


def make_six_runs(world: World) -> None:
    def run(name: str, base: str, state: str, step: int, **others: Any) -> RunSummary:
        return dataclasses.replace(FINISHED_RUN, name=name, base=base, state=state, step=step, **others)

    nothing = {"best_validation_loss": None, "voice": None}
    world.runs = (
        run("hedgerow-tales-12", "starter", "training", 40, voice=None, best_validation_loss=3.512),
        run(
            "grimm-the-long-way-round-3", "gpt2", "finished", 12_345, total_steps=12_345, collections=("fir",)
        ),
        run("both", "distilgpt2", "stopped", 60, collections=("hedgerow", "attic", "fir")),
        run("scratch-7", "scratch-medium", "interrupted", 0, **nothing),
        run("wide-learning-rate", "gpt2", "failed", 17, trouble="The loss is no longer a number.", **nothing),
        run("old", "gpt2", "damaged", 0, trouble="Its plan cannot be read.", **nothing),
    )

    for number, each in enumerate(world.runs[:5]):
        plan = TrainingPlan(
            base=each.base,
            collections=each.collections,
            learning_rate=1e-3 / (number + 1),
            block_size=512,
            keep=3,
        )
        note = "The one for bedtime" if number == 2 else ""
        world.details[each.name] = RunDetails(dataclasses.asdict(plan), 4_096 * each.step, 14_200_000, note)
        checks = tuple((step, 3.0 + number / 9 + 4.9 * 0.96**step) for step in range(0, 120, 10))
        steps = tuple((step, loss_at(step) + number / 9) for step in range(1, 119))
        world.curves[each.name] = RunCurve(steps, checks)


async def show_runs(pilot: Pilot[Any], app: StorytimeApp, *, compared: bool) -> None:
    await pilot.press("4")
    await until(pilot, lambda: "6 runs" in screen_text(app))
    await pilot.press("down", "down")
    await until(
        pilot,
        lambda: (
            "both “The one for bedtime”: distilgpt2" in screen_text(app) and "14.2 MB" in screen_text(app)
        ),
    )
    if compared:
        await pilot.press("up", "p", "up", "space", "down")
        await until(pilot, lambda: "Validation loss" in screen_text(app) and dotted(app))
    elif app.size.height > 30:
        await until(pilot, lambda: dotted(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])
@pytest.mark.parametrize("compared", [False, True], ids=["alone", "compared"])
def test_runs(snap_compare: Compare, world: World, size: tuple[int, int], compared: bool) -> None:
    make_six_runs(world)

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await show_runs(pilot, app, compared=compared)

    assert compare(snap_compare, world, size, to)


@pytest.mark.parametrize("look", ["storytime-16", "storytime-paper", "no-colours"])
@pytest.mark.parametrize("screen", ["plan", "runs", "how-it-learns"])
def test_other_looks(
    snap_compare: Compare, world: World, monkeypatch: pytest.MonkeyPatch, screen: str, look: str
) -> None:
    """The terminal's own sixteen colours, light, and without colours."""
    if look == "no-colours":
        monkeypatch.setenv("NO_COLOR", "1")
    make_six_runs(world)

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        if look != "no-colours":
            app.theme = look
        if screen == "runs":
            await show_runs(pilot, app, compared=True)
        elif screen == "how-it-learns":
            await how_it_learns(pilot, app, world)
        else:
            await pilot.press("2")
            await until(pilot, lambda: "million parameters" in screen_text(app))
            await until(pilot, lambda: "about 2 min" in screen_text(app))

    assert compare(snap_compare, world, (120, 40), to)


@pytest.mark.parametrize("screen", ["plan", "learned", "how-it-learns"])
def test_on_a_large_screen(snap_compare: Compare, world: World, screen: str) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        if screen == "plan":
            await pilot.press("2")
            await until(pilot, lambda: "million parameters" in screen_text(app))
            await until(pilot, lambda: "about 2 min" in screen_text(app))
        elif screen == "learned":
            await learn(pilot, app, world)
            world.run.say(FINISHED)
            await until(pilot, lambda: "Finished after 118 steps" in screen_text(app) and drawn(app))
        else:
            await how_it_learns(pilot, app, world)

    assert compare(snap_compare, world, (200, 60), to)


@SIZES
def test_help(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("question_mark")
        await until(pilot, lambda: "choose the stories" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_tour(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    world.tour = "new"

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await until(pilot, lambda: "Tour 1/4" in screen_text(app) and "windows" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_palette(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await pilot.press("ctrl+p", *"tale")
        await until(pilot, lambda: "in Under the Fir Trees" in screen_text(app))

    assert compare(snap_compare, world, size, to)


def a_shelf_of_stories(world: World) -> None:
    """Stories of the last months, with titles of any kind."""
    store = world.services().open_store()
    tale = (
        "Once upon a time there was a little mouse who kept a shop under the kitchen stair, and every morning she "
        "swept the step and put out the buttons in a row.\n\n“Three, if you please,” said the frog, and he laid down "
        "three acorns, a thimble, and a very small hat.\n\nThe mouse looked at the hat for a long time.\n\n"
    )
    titles = (
        "The Owl Who Counted", "Under the Fir Trees", "[b]Ein Märchen[/b] von der Straße", "龍的故事很長很長",
        "A very long title that goes on and on about a hedgehog, an umbrella and a Tuesday in March",
        "قصة البومة الصغيرة", "The Kettle", "Three Frogs", "What the Brook Said", "The Mouse Who Sold Buttons",
    )  # fmt: skip
    for number, title in enumerate(titles):
        story = store.new_story(title)
        store.add_passage(story.id, "you", tale)
        model = "starter" if number % 3 else "hedgerow-tales-12"
        store.add_passage(story.id, "model", tale * (number * number), model)
        if number % 4 == 1:
            set_favourite(store, story.id, True)
        with store.writing() as db:
            changed = AT_NOON - (len(titles) - 1 - number) ** 3 * 20_000
            db.execute("UPDATE story SET changed = ? WHERE id = ?", (changed, story.id))
    store.close()


async def go_to_bookshelf(pilot: Pilot[Any], app: StorytimeApp) -> None:
    await pilot.press("f4")
    await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.device)
    await pilot.press("escape", "o")
    await until(pilot, lambda: "10 stories" in screen_text(app) and "─ The Mouse Who" in screen_text(app))


@SIZES
def test_bookshelf(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    a_shelf_of_stories(world)

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await go_to_bookshelf(pilot, app)
        await pilot.press("space")
        await until(pilot, lambda: "✓" in screen_text(app) and "─ What the Brook" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_bookshelf_found(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    a_shelf_of_stories(world)

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await go_to_bookshelf(pilot, app)
        await pilot.press("slash", *"acorn", "enter")
        await until(pilot, lambda: "10 of 10 stories" in screen_text(app) and "Where" in screen_text(app))

    assert compare(snap_compare, world, size, to)


@SIZES
def test_book(snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
    a_shelf_of_stories(world)

    async def to(pilot: Pilot[Any], app: StorytimeApp) -> None:
        await go_to_bookshelf(pilot, app)
        await pilot.press("b")
        await until(pilot, lambda: "words a minute" in screen_text(app))

    assert compare(snap_compare, world, size, to)
