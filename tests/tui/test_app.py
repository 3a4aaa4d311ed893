"""What works everywhere: modes, help, palette, leaving; and the rules that every key keeps."""

import ast
import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from textual.app import App
from textual.binding import Binding
from textual.widgets import Input, Static
from textual.worker import WorkerFailed

import storytime_tui.tui
from storytime_tui.jobs.records import LastRun
from storytime_tui.training import events as ev
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.help_words import EVERYWHERE, HELP
from storytime_tui.tui.parting import parting
from storytime_tui.tui.run_view import RunView, view_after, view_of
from storytime_tui.tui.screens import (
    book_view,
    bookshelf,
    dialogs,
    help,
    importing,
    library,
    runs,
    search_books,
    story,
    train,
)
from storytime_tui.tui.screens.palette import PaletteScreen
from storytime_tui.tui.widgets import (
    choice_list,
    knob_editor,
    line_list,
    loss_chart,
    prompt,
    reading,
    shelf_tree,
)
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.tour_line import TourLine
from tests.tui.conftest import SMALL, make_app, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import FINISHED, STARTED, World, a_run, step

OURS = [
    StorytimeApp,
    library.LibraryScreen,
    train.TrainScreen,
    story.StoryScreen,
    runs.RunsScreen,
    help.HelpScreen,
    bookshelf.BookshelfScreen,
    book_view.BookScreen,
    dialogs.AskScreen,
    dialogs.ChooseScreen,
    dialogs.ListScreen,
    importing.ImportingScreen,
    search_books.SearchScreen,
    line_list.LineList,
    choice_list.ChoiceList,
    knob_editor.KnobEditor,
    shelf_tree.ShelfTree,
    reading.Reading,
    prompt.Prompt,
    loss_chart.LossChart,
]


async def test_keys_and_clicks_change_the_mode(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        for key, mode in (
            ("2", "train"),
            ("3", "story"),
            ("f2", "library"),
            ("f3", "train"),
            ("f4", "story"),
            ("f5", "runs"),
            ("1", "library"),
            ("4", "runs"),
        ):
            await pilot.press(key)
            await until(pilot, lambda mode=mode: app.current_mode == mode)
        await pilot.click("ModeTab")
        await until(pilot, lambda: app.current_mode == "library")


@pytest.mark.parametrize("mode", ["library", "train", "story", "runs"])
async def test_help_explains_the_screen(app: StorytimeApp, mode: str) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await app.action_mode(mode)
        await pilot.press("f1")
        await until(pilot, lambda: HELP[mode][0][0] in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_the_palette_finds_stories_collections_models_and_modes(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Go to Train" in screen_text(app))
        await type_text(pilot, "Fir Tale 7")
        await until(pilot, lambda: "in Under the Fir Trees" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Fir Tale 7" in screen_text(app) and "A. N. Other" in screen_text(app))
        await pilot.press("ctrl+p")
        await type_text(pilot, "Write with distil")
        await until(pilot, lambda: "untrained on your shelf" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "story" and app.desk.writing.now.model == "distilgpt2")


async def test_letters_typed_while_the_palette_still_gathers_cost_it_nothing(
    app: StorytimeApp, world: World
) -> None:
    gathered = threading.Event()
    look = app.desk.writing.list_models

    def slowly() -> object:
        assert gathered.wait(10)
        return look()

    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.desk.writing.list_models = slowly  # type: ignore[assignment, method-assign]
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, PaletteScreen) and app.screen.query(Input))
        await type_text(pilot, "Fir Tale 7")
        gathered.set()
        await until(pilot, lambda: "in Under the Fir Trees" in screen_text(app))


@pytest.mark.parametrize("mode", ["library", "train", "story"])
async def test_no_command_of_the_palette_stands_there_twice(app: StorytimeApp, mode: str) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await app.action_mode(mode)
        await pilot.press("escape")
        await pilot.pause()
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert sorted(titles) == sorted(set(titles))


async def test_quitting_waits_for_the_runs_own_last_word(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2", "s")
        world.run.say(STARTED, *[step(i, 3.0) for i in range(1, 2000)])
        await until(pilot, lambda: app.desk.training.view.phase == "training")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app._exit)
        assert app.desk.training.view.phase == "finished"
        assert app.desk.training.view.saved_step is not None
    assert app.return_code == 0
    at = app.desk.training.view.done
    assert app.parting_words == (
        f"The run “hedgerow-1” stopped at step {at:,} of 118, and its checkpoint is kept: "
        "`storytime-tui train --resume hedgerow-1`, or r in Runs, goes on with it."
    )


async def test_quitting_without_a_run_says_nothing(app: StorytimeApp, world: World) -> None:
    world.last_run = LastRun("hedgerow-1", [*a_run(50)])  # an earlier one is none that quitting stopped
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: app.desk.training.last is not None)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app._exit)
    assert app.parting_words == ""


def test_what_is_said_at_the_end_fits_how_far_the_run_came() -> None:
    begun = view_of([STARTED, step(1, 3.0), step(2, 3.0)], {})
    assert parting(RunView(phase="preparing"), "r") == ""
    assert "stopped at step 2 of 118, before its first checkpoint: `" in parting(begun, "r")
    assert "or ctrl+g in Runs, starts it again." in parting(begun, "ctrl+g")
    saved = view_after(begun, ev.CheckpointSaved(1, "checkpoints/step-1", best=True))
    assert "stopped at step 2 of 118, and its checkpoint of step 1 is kept: `" in parting(saved, "r")
    done = view_of([*a_run(118), FINISHED], {})
    assert parting(done, "r") == "The run “hedgerow-1” finished at step 118, and its checkpoint is kept."


@pytest.mark.parametrize("leaving", [True, False])
async def test_a_worker_that_misses_a_widget_ends_in_an_error_unless_the_app_closes(
    app: StorytimeApp, leaving: bool
) -> None:
    async def looks_for_what_is_gone() -> None:
        if leaving:
            app.exit()
        app.screen.query_one("#gone")

    with contextlib.nullcontext() if leaving else pytest.raises(WorkerFailed):
        async with app.run_test(size=SMALL) as pilot:
            await shelf_is_open(pilot)
            app.run_worker(looks_for_what_is_gone())
            await until(pilot, lambda: app._exit or app._exception is not None)
    assert app.return_code == (0 if leaving else 1)


@pytest.mark.parametrize("leaving", [True, False])
async def test_a_widget_that_misses_its_place_is_an_error_unless_the_app_closes(
    app: StorytimeApp, leaving: bool
) -> None:
    async def puts_beside_what_is_gone() -> None:
        gone = Static()
        await app.screen.mount(gone)
        await gone.remove()
        if leaving:
            app.exit()
        app.screen.mount(Static(), after=gone)

    with contextlib.nullcontext() if leaving else pytest.raises(WorkerFailed):
        async with app.run_test(size=SMALL) as pilot:
            await shelf_is_open(pilot)
            app.run_worker(puts_beside_what_is_gone())
            await until(pilot, lambda: app._exit or app._exception is not None)
    assert app.return_code == (0 if leaving else 1)


async def test_a_header_that_is_gone_before_it_is_ready_puts_no_line_beside_itself(world: World) -> None:
    world.tour = "new"
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        header = app.screen.query_one(Header)
        await app.screen.query(TourLine).remove()
        await header.remove()
        assert app.desk.tour.show
        header._show_tour()
        assert not app.screen.query(TourLine)


async def test_quitting_says_what_it_waits_for_and_asked_twice_goes(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2", "s")
        world.run.say(STARTED)
        await until(pilot, lambda: app.desk.training.view.phase == "training")
        app.desk.training.control.stop = lambda: None  # type: ignore[union-attr, method-assign]
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "Saving the checkpoint…" in screen_text(app))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app._exit)
        world.run.say(None)


def test_every_key_has_an_id_of_its_own_and_a_word_on_it() -> None:
    bindings = [binding for owner in OURS for binding in owner.__dict__["BINDINGS"]]
    assert all(isinstance(binding, Binding) for binding in bindings)
    assert [b for b in bindings if not b.id or not b.tooltip] == []
    ids = [binding.id for binding in bindings]
    assert len(ids) == len(set(ids))


def test_the_help_names_every_key_in_the_footer() -> None:
    words = {
        mode: " ".join(key for _, _, rows in (*HELP[mode], *EVERYWHERE) for key, _ in rows) for mode in HELP
    }
    owners = {
        "library": [library.LibraryScreen, shelf_tree.ShelfTree],
        "train": [train.TrainScreen, loss_chart.LossChart],
        "story": [story.StoryScreen, prompt.Prompt],
    }
    for mode, classes in owners.items():
        for binding in (b for owner in classes for b in owner.__dict__["BINDINGS"] if b.show):
            key = binding.key_display or {"slash": "/", "f1": "F1"}.get(binding.key, binding.key)
            assert key in words[mode], (mode, key)


def _sources() -> list[Path]:
    return sorted(Path(storytime_tui.tui.__file__).parent.rglob("*.py"))


def test_nothing_escapes_markup_or_calls_from_a_thread() -> None:
    for source in _sources():
        text = source.read_text(encoding="utf-8")
        assert "call_from_thread(" not in text, source
        assert "escape(" not in text.replace("unescape(", ""), source
        calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
        for call in calls:  # a Static is made of Content, or takes no markup
            if getattr(call.func, "id", "") in ("Static", "Progress", "Numbers"):
                plain = any(k.arg == "markup" for k in call.keywords)
                content = (
                    bool(call.args) and getattr(getattr(call.args[0], "func", None), "id", "") == "Content"
                )
                assert plain or content, f"{source}:{call.lineno}"


def test_the_app_can_be_imported_without_torch_plots_or_the_workshop() -> None:
    code = (
        "import sys; import storytime_tui.tui.app, storytime_tui.tui.services, storytime_tui.tui.screens.library;"
        "heavy = {'torch', 'transformers', 'numpy', 'storytime_tui.jobs.train'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_no_colour_and_sixteen_colours_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = StorytimeApp(world.services())
    app.theme = "storytime-16"
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))
        for name in ("storytime", "storytime-paper", "textual-light", "ansi-dark"):
            app.theme = name
            await pilot.pause()
    assert isinstance(app, App)


@pytest.mark.skipif(os.name == "nt", reason="descriptors of a terminal are guarded on POSIX")
def test_native_output_goes_to_the_log_and_the_screen_stays_the_terminals(tmp_path: Path) -> None:
    import pexpect

    log = tmp_path / "log" / "app.log"
    code = (
        "import os, sys; from pathlib import Path; from storytime_tui.tui.guard import native_output_to\n"
        f"with native_output_to(Path({str(log)!r})):\n"
        "    os.write(1, b'native one\\n'); os.write(2, b'native two\\n')\n"
        "    sys.__stderr__.write('screen\\n'); sys.__stderr__.flush()\n"
        "    print(os.get_terminal_size(sys.__stdout__.fileno()).columns, file=sys.__stderr__)\n"
        "print('after')\n"
    )
    child = pexpect.spawn(sys.executable, ["-c", code], dimensions=(24, 81), timeout=30, encoding="utf-8")
    child.expect(pexpect.EOF)
    assert child.before.split() == ["screen", "81", "after"]
    assert log.read_text().split("\n")[:2] == ["native one", "native two"]
