"""Sentences on the screens name the keys that the user has: their own ones, or else the usual ones."""

import ast
import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import storytime_tui.tui
from storytime_tui.jobs.records import LastRun
from storytime_tui.settings import Loaded, Settings
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.key_signs import sign
from storytime_tui.tui.own_key import own_key, take_keymap
from storytime_tui.tui.rebinding import known_keys
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED_RUN, World, a_run

TUI = Path(storytime_tui.tui.__path__[0])
# help and tour write the keys themselves; the others give examples of keys, or name those of the terminal
APART = re.compile(r"help_\w+|glossary|tour|rebinding|key_line|clipboard|layouts|keyboard")
NAMED = re.compile(
    r"\b[Pp]ress ([a-zA-Z0-9]|[A-Z]\w+|esc|space|tab)\b|\b[Ee]scape\b|\bEnter\b|\besc\b|\b(ctrl|alt)\+\w"
    r"|(^|[.:;…(,] )[a-zA-Z] (brings|resumes|shows|adds|puts|takes|tells|imports|lists|makes|goes|again|plans)\b"
    r"|\(key \w|\(F\d|\bwith [b-z]\b"
)


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(TUI.rglob("*.py")):
        yield path.relative_to(TUI).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == name


def test_each_named_key_is_the_usual_one_of_its_binding() -> None:
    named = 0
    for module, tree in trees():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and is_call(node, "own_key")
                and isinstance(node.args[0], ast.Constant)
            ):
                id, usual = (arg.value for arg in node.args if isinstance(arg, ast.Constant))
                keys = known_keys()[id].keys
                signs = {form.lower() for key in keys for form in (key, sign(key))} | {"alt+←", "→"}
                assert usual.lower() in signs, (module, id, usual)
                named += 1
    assert named > 60


def test_no_sentence_names_a_key_by_itself() -> None:
    found = []
    for module, tree in trees():
        if APART.fullmatch(Path(module).stem):
            continue
        apart = {
            id(inner)
            for node in ast.walk(tree)
            if is_call(node, "own_key") or is_call(node, "Binding") or (isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant))
            for inner in ast.walk(node)
        }  # fmt: skip
        found += [
            (module, node.lineno, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart
            if " " in node.value.strip() and NAMED.search(node.value)
        ]
    assert found == []


@pytest.fixture
def keymap() -> Iterator[None]:
    take_keymap({"runs.undo": "ctrl+g,f7", "runs.all": "escape"})
    yield
    take_keymap({})


@pytest.mark.usefixtures("keymap")
def test_a_changed_key_is_written_by_its_first_sign() -> None:
    assert own_key("runs.undo", "u") == "ctrl+g"
    assert own_key("library.undo", "u") == "u"


def with_keys(world: World, keys: Mapping[str, object]) -> StorytimeApp:
    services = dataclasses.replace(
        world.services(), load_settings=lambda: Loaded(Settings(tour="done"), (), keys)
    )
    app = StorytimeApp(services)
    app.theme, app.animation_level = "storytime", "none"
    return app


OWN = {
    "app.train": "f11",
    "app.commands": "ctrl+g",
    "library.filter": "f6",
    "runs.undo": "f7",
    "runs.filter": "ctrl+f",
    "plan.first_look": "f8",
    "train.last": "f10",
    "prompt.send": "f12",
}


async def test_empty_states_hints_and_placeholders_name_the_users_own_keys(world: World) -> None:
    world.last_run = LastRun("hedgerow-1", a_run(118))
    app = with_keys(world, OWN)
    async with app.run_test(size=(120, 40)) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "f6 find titles and texts" in screen_text(app))
        assert "f11 Train" in screen_text(app).split("\n")[0]
        await pilot.press("4")
        await until(pilot, lambda: "No runs yet. Press f11 to plan one." in flat(app))
        assert "ctrl+f words, or base:" in screen_text(app)
        await pilot.press("f11", "n")
        await until(pilot, lambda: "from noise to words (key f8)" in flat(app))
        await pilot.press("3")
        await until(pilot, lambda: "Write a first line and press f12: the model goes on." in flat(app))


async def test_messages_name_the_users_own_keys(world: World) -> None:
    world.runs = (FINISHED_RUN,)
    app = with_keys(world, OWN)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "f6 Find" in screen_text(app))
        await pilot.press("4")
        await until(pilot, lambda: "hedgerow-1" in screen_text(app) and "ctrl+g More" in screen_text(app))
        await pilot.press("d")
        await until(pilot, lambda: "Removed “hedgerow-1”. f7 brings it back." in flat(app))
        await pilot.press("f7")
        await until(pilot, lambda: "“hedgerow-1” is back." in flat(app))
