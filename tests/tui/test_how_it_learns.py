"""How it learns: the passage under two models, the likeliest tokens, the guessing game, one step and the glossary."""

import math
import threading

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from storytime_tui.errors import CorpusError
from storytime_tui.jobs.guesses import Round
from storytime_tui.jobs.passages import Checkpoint, Passage
from storytime_tui.jobs.readings import Chance, Chances
from storytime_tui.training import events as ev
from storytime_tui.tui import learning_words as words
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.glossary import GLOSSARY, term_for
from storytime_tui.tui.passage_lines import line_at, lines_of, place_above, step_of
from storytime_tui.tui.screens.glossary import GlossaryScreen
from storytime_tui.tui.screens.how_it_learns import HowItLearnsScreen
from storytime_tui.tui.widgets.glossary_list import GlossaryList
from storytime_tui.tui.widgets.likeliest import bar, likeliest_lines, percent, visible_token
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fake_learning import CHECKPOINTS, PASSAGES, TEXT, pieces
from tests.tui.fakes import FINISHED, FINISHED_RUN, World, a_run
from tests.tui.test_train import begin

WIDE = (120, 40)


async def open_screen(pilot: Pilot[None], app: StorytimeApp, world: World) -> None:
    """Train a run to its end, and open the screen."""
    await begin(pilot, app)
    world.run.say(*a_run(100), FINISHED)
    await until(pilot, lambda: "Finished after" in screen_text(app))
    await pilot.press("h")
    await until(pilot, lambda: isinstance(app.screen, HowItLearnsScreen))


async def read(pilot: Pilot[None], app: StorytimeApp) -> None:
    await until(pilot, lambda: "likelier" in screen_text(app) and "can be drawn" in screen_text(app))


# -- the screen ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_the_screen_opens_at_once_and_fills_in(
    app: StorytimeApp, world: World, size: tuple[int, int]
) -> None:
    world.learning.gate = threading.Event()
    async with app.run_test(size=size) as pilot:
        await open_screen(pilot, app, world)
        await until(pilot, lambda: screen_text(app).count("reading…") == 2)
        world.learning.gate.set()
        await read(pilot, app)
        assert world.learning.read == [
            ("hedgerow-1", "base", PASSAGES[0].title),
            ("hedgerow-1", "step-75", PASSAGES[0].title),
        ]
        shown = flat(app)
        assert "base (step 0) · mean loss" in shown
        assert "step 75 (best) · mean loss" in shown
        assert "The Hedgehog's Umbrella (held out)" in shown
        assert "of 104 words became likelier" in shown
        for key in (
            "esc Back",
            "? Help",
            "n Guess",
            "s One step",
            "tab Model",
            "ctrl+p More" if size == SMALL else "g Terms",
        ):
            assert key in shown.replace("escape", "esc"), key
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1 and "Finished after" in screen_text(app))


async def test_the_cursor_moves_from_token_to_token_and_tells_the_figures(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        texts = pieces(TEXT)
        await pilot.press("right", "right")
        await until(pilot, lambda: "“bottom”  base (step 0)" in screen_text(app))
        await pilot.press(*["right"] * (texts.index("hog") - 2))
        await until(pilot, lambda: "“hog” in “hedgehog”  base" in screen_text(app))
        await pilot.press("end")
        await until(pilot, lambda: "“.”  base" in screen_text(app))
        await pilot.press("home", "down", "up")
        await until(pilot, lambda: "“At”  base" in screen_text(app))


async def test_each_side_can_show_any_model_of_the_run(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        await pilot.press("plus")
        await until(pilot, lambda: "step 100 (last) · mean loss" in screen_text(app))
        await pilot.press("plus")  # there is no later one
        await pilot.press("tab", "plus")
        await until(pilot, lambda: "step 25 · mean loss" in screen_text(app))
        assert "base (step 0) · mean loss" not in screen_text(app)
        await pilot.press("minus")
        await until(pilot, lambda: "base (step 0) · mean loss" in screen_text(app))
        await pilot.press("v")
        await until(pilot, lambda: "step 100" not in screen_text(app))
        assert [which for _, which, _ in world.learning.read] == ["base", "step-75", "step-100", "step-25"]
        await pilot.press("v", "o")
        await until(pilot, lambda: "The Snail Who Was Early (held out) · " in screen_text(app))
        assert "[bold]Nobody[/]" in screen_text(app)


async def test_the_bars_follow_the_settings(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        await until(pilot, lambda: "2,048 of 2,048 can be drawn" in screen_text(app))
        assert "temp. 1 · top-p 1 · min-p 0" in screen_text(app)
        assert screen_text(app).count("·hedgehog") == 2
        await pilot.press("M", "M", "M")
        await until(pilot, lambda: "5 of 2,048 can be drawn" in screen_text(app))
        assert "░" in screen_text(app)  # those that are cut off
        await pilot.press("m", "t", "P", "p")
        await until(pilot, lambda: "temp. 0.8 · top-p 0.95 · min-p 0.05" in screen_text(app))
        await pilot.press("a")
        await until(pilot, lambda: "temp. 0.6 · top-p 0.9 · min-p 0.1" in screen_text(app))
        await pilot.press("a")
        await until(pilot, lambda: "temp. 1 · top-p 1 · min-p 0" in screen_text(app))


# -- what can go wrong ---------------------------------------------------------------------------------------


async def test_a_checkpoint_that_vanishes_is_a_sentence_and_the_rest_stays(
    app: StorytimeApp, world: World
) -> None:
    world.learning.gone = {"step-100"}
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        await pilot.press("plus")
        await until(pilot, lambda: "keeps no checkpoint 'step-100'" in flat(app))
        await pilot.press("minus")
        await read(pilot, app)


def delete(world: World, *gone: str) -> None:
    """Delete checkpoints as the trainer does."""
    world.learning.gone |= set(gone)
    world.learning.checkpoints = [each for each in CHECKPOINTS if each.which not in world.learning.gone]


async def test_a_checkpoint_that_is_deleted_gives_way_to_the_nearest_one(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        delete(world, "step-100")  # the screen still lists it
        await pilot.press("plus")
        await until(pilot, lambda: "Step 100 is no longer kept: showing step 75." in screen_text(app))
        await read(pilot, app)
        assert "step 75 (best) · mean loss" in screen_text(app)
        delete(world, "step-75")
        await pilot.press("o")  # another passage must be read
        await until(pilot, lambda: "Step 75 is no longer kept: showing step 25." in screen_text(app))
        await until(pilot, lambda: "step 25 · mean loss" in screen_text(app))
        delete(world, "step-25")
        await pilot.press("o")
        await until(pilot, lambda: "Step 25 is no longer kept: showing base (step 0)." in screen_text(app))
        assert "keeps no checkpoint" not in screen_text(app)


async def test_one_step_goes_on_from_the_nearest_checkpoint(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        delete(world, "step-75")
        await pilot.press("s")
        await until(pilot, lambda: "Step 75 is no longer kept: showing step 100." in screen_text(app))
        await until(pilot, lambda: "after the step · mean loss" in screen_text(app))
        assert "One step from step 100 (last)" in screen_text(app)
        delete(world, "step-100")
        await pilot.press("o")
        await until(pilot, lambda: "Step 100 is no longer kept: showing step 25." in screen_text(app))
        await until(pilot, lambda: "after the step · mean loss" in screen_text(app))
        assert world.learning.steps[-1] == ("hedgerow-1", "step-25", 1)


async def test_one_step_that_fails_twice_says_why(app: StorytimeApp, world: World) -> None:
    world.learning.gone = {"step-75"}  # it is listed, but cannot be read
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await pilot.press("s")
        await until(pilot, lambda: "keeps no checkpoint 'step-75'" in flat(app))
        assert len(world.learning.steps) == 2


async def test_a_reading_that_fails_once_is_tried_again(app: StorytimeApp, world: World) -> None:
    world.learning.flawed = 1
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        assert [which for _, which, _ in world.learning.read] == ["base", "base", "step-75"]


async def test_a_new_checkpoint_moves_the_screen_off_a_deleted_one(app: StorytimeApp, world: World) -> None:
    world.learning.checkpoints = CHECKPOINTS[:3]
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(80))
        await until(pilot, lambda: "step 80 of 118" in screen_text(app))
        await pilot.press("h")
        await until(pilot, lambda: "step 75 (best) · mean loss" in screen_text(app))
        delete(world, "step-75")
        world.run.say(ev.CheckpointSaved(100, "checkpoints/step-100", best=True))
        await until(pilot, lambda: "Step 75 is no longer kept: showing step 100." in screen_text(app))
        await until(pilot, lambda: "step 100 (last) · mean loss" in screen_text(app))


def test_the_nearest_checkpoint_is_found_by_its_step() -> None:
    kept = [Checkpoint("base", 0), Checkpoint("step-100", 100), Checkpoint("step-200", 200)]
    for which, nearest in (
        ("base", "base"),
        ("step-200", "step-200"),
        ("step-120", "step-100"),
        ("step-150", "step-200"),
        ("step-10", "step-100"),
        ("step-900", "step-200"),
    ):
        assert words.nearest_kept(which, kept) == nearest
    assert words.nearest_kept("step-5", kept[:1]) == "base"
    assert len(words.moved_words("step-1000000", "step-1000500")) <= 76


async def test_stories_that_are_gone_are_a_sentence(app: StorytimeApp, world: World) -> None:
    world.learning.error = CorpusError("There is no collection called 'hedgerow'.")
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await until(pilot, lambda: "There is no collection called 'hedgerow'." in screen_text(app))
        assert "reading…" not in screen_text(app)
        await pilot.press("n", "plus", "right", "o", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_while_a_run_trains_its_new_checkpoints_appear_and_the_run_goes_on(
    app: StorytimeApp, world: World
) -> None:
    world.learning.checkpoints = (Checkpoint("base", 0),)
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(20))
        await until(pilot, lambda: "step 20 of 118" in screen_text(app))
        await pilot.press("h")
        await until(pilot, lambda: "No checkpoint yet" in screen_text(app))
        await until(pilot, lambda: "base (step 0) · mean loss" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: "The game needs a checkpoint" in screen_text(app))
        world.learning.checkpoints = (Checkpoint("base", 0), Checkpoint("step-25", 25, ("best", "last")))
        world.run.say(ev.CheckpointSaved(25, "checkpoints/step-25", best=True))
        await until(pilot, lambda: "step 25 (best, last) · mean loss" in screen_text(app))
        assert app.desk.training.view.phase == "training"


async def test_it_opens_from_the_runs_screen_too(app: StorytimeApp, world: World) -> None:
    world.runs = (FINISHED_RUN,)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("4")
        await until(pilot, lambda: "hedgerow-1" in screen_text(app))
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HowItLearnsScreen))
        await read(pilot, app)
        await pilot.press("escape")
        await until(pilot, lambda: app.current_mode == "runs" and len(app.screen_stack) == 1)


async def test_other_screens_and_the_help_are_one_key_away(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        await pilot.press("question_mark")
        await until(pilot, lambda: "How it learns, word by word" in flat(app))
        await pilot.press("escape", "1")
        await until(pilot, lambda: app.current_mode == "library")
        await pilot.press("2")
        await until(pilot, lambda: app.current_mode == "train" and len(app.screen_stack) == 1)


# -- the guessing game ---------------------------------------------------------------------------------------


async def test_the_game_is_played_with_the_keyboard_and_ends_with_a_sentence(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: "word 1 of 10" in screen_text(app) and isinstance(app.focused, Input))
        hidden = TEXT.split()[12:22]
        assert "there ______" in screen_text(app) and "hedgehog" not in screen_text(app)
        for number, word in enumerate(hidden):
            for key in word if number < 3 else "no":
                await pilot.press({".": "full_stop", ",": "comma"}.get(key, key))
            await pilot.press("enter")
            if number < 9:
                await until(pilot, lambda number=number: f"word {number + 2} of 10" in screen_text(app))
                assert word.strip(".,") in screen_text(app)
        await until(pilot, lambda: "You guessed 3 of 10 words, the base 4, the run 5." in flat(app))
        assert "you: 3" in screen_text(app) and "✓" in screen_text(app)
        assert world.learning.games == [("hedgerow-1", "step-75", PASSAGES[0].title)]
        await pilot.press("n")
        await until(
            pilot, lambda: "The Snail Who Was Early" in screen_text(app) and "word 1" in screen_text(app)
        )
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HowItLearnsScreen))


def test_a_guess_counts_without_regard_to_case_and_signs() -> None:
    assert words.is_right("Umbrella,", "umbrella") and words.is_right("don't", "don’t")
    assert not words.is_right("", "umbrella") and not words.is_right("umbrellas", "umbrella")
    assert not words.is_right("…", "—")


@pytest.mark.parametrize(
    ("base", "run", "meaning"),
    [("no", "a", "better than its base"), ("a", "a", "no difference"), ("a", "no", "base guessed better")],
)
def test_the_outcome_of_a_game_says_what_it_means(base: str, run: str, meaning: str) -> None:
    said = words.game_over([Round("", "a", base, run)], ["a"])
    assert said.startswith("You guessed 1 of 1 word, the base") and meaning in said


# -- one step ------------------------------------------------------------------------------------------------


async def test_one_step_shows_the_window_before_and_after(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: "after the step · mean loss" in screen_text(app))
        shown = flat(app)
        assert "before the step · mean loss" in shown and "What fell most" in shown
        assert "it is read, but not learned" in shown
        await pilot.press("right", "right")
        await until(pilot, lambda: "“the”  loss " in screen_text(app))
        await pilot.press("o")
        await until(pilot, lambda: len(world.learning.steps) == 2)
        assert world.learning.steps == [("hedgerow-1", "step-75", 0), ("hedgerow-1", "step-75", 1)]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HowItLearnsScreen))


# -- the glossary --------------------------------------------------------------------------------------------


async def test_the_glossary_opens_at_the_term_of_the_panel(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(100), FINISHED)
        await until(pilot, lambda: "Finished after" in screen_text(app))

        async def opened_at(term: str) -> None:
            await until(pilot, lambda: isinstance(app.screen, GlossaryScreen))
            assert app.screen.query_one(GlossaryList).term == term
            await until(pilot, lambda: " ".join(GLOSSARY[term].split()[:4]) in flat(app))
            await pilot.press("escape")

        await pilot.press("g")
        await opened_at("loss")
        await pilot.press("h")
        await read(pilot, app)
        for key, term in (("", "surprise"), ("right", "probability"), ("t", "temperature"), ("M", "min-p")):
            await pilot.press(*([key] if key else []), "g")
            await opened_at(term)
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, GlossaryScreen))
        await pilot.press("home")
        assert app.screen.query_one(GlossaryList).term == "base"
        await pilot.press("down", "end")
        await until(pilot, lambda: "word frequency" in screen_text(app))


def test_every_term_is_explained_in_a_sentence_or_two() -> None:
    asked = (
        "loss validation perplexity token window epoch step learning-rate gradient-norm checkpoint overfitting voice "
        "strength temperature top-p min-p logprob dropout"
    )
    for term in asked.split():
        assert term_for(term), term
    assert (term_for("epochs"), term_for("top_p"), term_for("learning rate")) == (
        "epoch",
        "top-p",
        "learning rate",
    )
    assert term_for("bases-box") == ""
    for meaning in GLOSSARY.values():
        assert meaning.endswith(".") and meaning.count(". ") <= 2 and len(meaning) < 260


# -- pure functions ------------------------------------------------------------------------------------------


def test_a_passage_is_laid_out_whole_in_lines_that_fit() -> None:
    texts = pieces(TEXT)
    for width in (12, 38, 76):
        lines = lines_of(texts, width)
        assert all(sum(len(piece.text) for piece in line) <= width for line in lines)
        shown = "".join(piece.text for line in lines for piece in line)
        assert shown.replace("¶", "").replace(" ", "") == TEXT.replace("\n", "").replace(" ", "")
        assert {piece.place for line in lines for piece in line} == set(range(len(texts)))
        for place in range(len(texts)):
            assert any(piece.place == place for piece in lines[line_at(lines, place)])
    lines = lines_of(texts, 38)
    below = place_above(lines, 0, 1)
    assert line_at(lines, below) == 1 and place_above(lines, below, -1) == 0
    assert place_above(lines, 0, -1) == 0 and place_above([], 3, 1) == 3


def test_line_ends_stay_at_the_end_of_their_line() -> None:
    for texts in (["\n", "\n", "a", "\n", "\n", "b"], ["\n\n", "a", "\n\n", "b"]):
        lines = lines_of(texts, 20)
        assert [line[-1].text[-1] for line in lines] == ["¶", "¶", "b"]
        assert lines[1][0].text == "a"


def test_hostile_and_odd_tokens_are_laid_out() -> None:
    lines = lines_of(["\x1b[2J", "日本語" * 9, "", "\n", "\n\n", " [b]", "x" * 50], 20)
    texts = ["".join(piece.text for piece in line) for line in lines]
    assert texts[0].startswith("␛[2J日") and "[b]" in "".join(texts)
    assert not any("\n" in text or "\x1b" in text for text in texts)


def test_surprise_has_five_steps() -> None:
    steps = [step_of(-math.log(share)) for share in (0.9, 0.5, 0.49, 0.1, 0.05, 0.01, 0.002, 0.001, 0.0001)]
    assert steps == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert step_of(math.inf) == 4 and step_of(math.nan) == 4


def test_bars_are_exact_to_an_eighth_of_a_cell_and_faint_where_cut() -> None:
    assert bar(0.5, 4) == "██  " and bar(1, 4) == "████" and bar(1 / 32, 4).strip() == "▏"
    assert (percent(0.412), percent(0.0001), percent(0)) == ("41.2%", "<0.1%", "0.0%")
    assert (visible_token(" a\n"), visible_token("")) == ("·a␊", "(end)")
    rows = (Chance(" a", 0.6, 1.0), Chance("[b]", 0.4, 0.0))
    chances = Chances(rows, 1, 64, rows[1])
    text = likeliest_lines(chances, 40, 10)
    first, second = text.plain.split("\n")
    assert "100.0%" in first and "█" in first
    assert second.startswith("▸ [b]") and "40.0%" in second and "█" not in second


def test_ten_rows_stand_in_two_columns_where_there_are_five_lines() -> None:
    rows = tuple(Chance(f"w{i}", 0.1, 0.1) for i in range(10))
    lines = likeliest_lines(Chances(rows, 10, 10, rows[0]), 76, 5).plain.split("\n")
    assert len(lines) == 5 and "w0" in lines[0] and "w5" in lines[0] and "w9" in lines[4]
    assert all(len(line) <= 76 for line in lines)
    lines = likeliest_lines(Chances(rows, 10, 10, rows[0]), 50, 10).plain.split("\n")
    assert len(lines) == 10


def test_settings_step_through_their_values() -> None:
    assert words.stepped(words.TEMPERATURES, 1.0, -1) == 0.8
    assert words.stepped(words.TEMPERATURES, 0.7, 1) == 0.8
    assert words.stepped(words.TOP_PS, 1.0, 1) == 1.0
    assert words.stepped(words.MIN_PS, 0.0, -1) == 0.0


def test_a_passage_without_words_can_be_compared(world: World) -> None:
    reading = world.learning._read("r", "base", Passage("", "…", ""))
    assert words.likelier(reading.tokens, reading.tokens) == (0, 0)
    assert words.mean_loss(()) == 0


async def test_the_tints_have_marks_without_colours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await open_screen(pilot, app, world)
        await read(pilot, app)
        view = app.screen.query_one("#left")
        styles = [view.get_component_rich_style(f"surprise--{step}", partial=True) for step in range(5)]  # type: ignore[attr-defined]
        marks = [(style.bold, style.underline, style.reverse) for style in styles]
        assert len(set(map(str, marks[1:]))) == 4
        app.export_screenshot()
    assert app._exception is None
