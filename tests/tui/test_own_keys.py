"""Keys that the user changes, vim's keys in lists, and plain keys on layouts that are not Latin."""

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key

from storytime_tui import paths
from storytime_tui.settings import Loaded, Settings, change_settings, load_settings
from storytime_tui.tui import keyboard, rebinding
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.help_keys import with_own_keys
from storytime_tui.tui.help_words import HELP
from storytime_tui.tui.keyboard import no_latin_key
from storytime_tui.tui.layouts import latin_key
from storytime_tui.tui.rebinding import known_keys, own_bindings, own_keys
from storytime_tui.tui.screens.help import HelpScreen
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.reading import Reading
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED_RUN, World, a_run


def test_every_binding_of_the_app_has_an_id_of_its_own_and_a_tooltip() -> None:
    bindings = list(own_bindings())
    assert len(bindings) > 300
    assert [(owner.__name__, each.key) for owner, each in bindings if not each.id or not each.tooltip] == []
    ids = [each.id for _, each in bindings]
    assert sorted({each for each in ids if ids.count(each) > 1}) == []


def test_the_keys_that_sentences_name_are_those_of_the_bindings() -> None:
    for name, key in keyboard._USUAL.items():
        assert known_keys()[name].keys[0] == key, name


# -- the table [keys] ------------------------------------------------------------------------------------


def with_keys(world: World, keys: Mapping[str, object]) -> StorytimeApp:
    services = dataclasses.replace(
        world.services(), load_settings=lambda: Loaded(Settings(tour="done"), (), keys)
    )
    app = StorytimeApp(services)
    app.theme, app.animation_level = "storytime", "none"
    return app


async def test_a_changed_key_works_and_footer_and_help_show_it(world: World) -> None:
    app = with_keys(world, {"library": {"train": "T", "filter": ["ctrl+f", "f"]}, "app.help": "f6"})
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "T Train" in screen_text(app) and "ctrl+f Find" in screen_text(app))
        assert "f6 Help" in screen_text(app) and "/ Find" not in screen_text(app)
        await pilot.press("t")
        assert app.current_mode == "library"
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        rows = {keys: what for _, _, rows in app.screen._sections() for keys, what in rows}
        assert rows["T"] == "go to Train with the ticked stories"
        assert rows["ctrl+f f"].startswith("find the words you type")
        assert "f6 or F1" in rows
        await pilot.press("escape")
        await until(pilot, lambda: app.current_mode == "library" and not isinstance(app.screen, HelpScreen))
        await pilot.press("T")
        await until(pilot, lambda: app.current_mode == "train")


def test_the_help_writes_only_what_is_changed_and_what_the_key_still_means() -> None:
    keymap = own_keys({"train.pause": "k", "library.read": "a"}).keymap

    def rows(topic: str) -> dict[str, str]:
        return {what: keys for _, _, rows in with_own_keys(HELP[topic], topic, keymap) for keys, what in rows}

    assert rows("train")["pause or continue"] == "k p"
    before = {what: keys for _, _, rows in HELP["train"] for keys, what in rows}
    assert {what: keys for what, keys in rows("train").items() if keys != before[what]} == {
        "pause or continue": "k p"
    }
    assert rows("library")["read a story; open or close a collection"] == "a"
    assert rows("story") == {what: keys for _, _, rows in HELP["story"] for keys, what in rows}


async def test_of_two_meanings_of_one_key_one_can_be_changed(world: World) -> None:
    app = with_keys(world, {"train.pause": "k"})
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: app._keymap)
        await pilot.press("2", "s")
        world.run.say(*a_run(20))
        await until(pilot, lambda: "k Pause" in screen_text(app))
        await pilot.press("k")
        await until(pilot, lambda: app.desk.training.view.phase == "paused")
        await until(pilot, lambda: "p Continue" in screen_text(app))
        await pilot.press("p")
        await until(pilot, lambda: app.desk.training.view.phase == "training")
        app.desk.training.stop()


async def test_wrong_entries_are_said_at_the_start_and_the_right_ones_hold(world: World) -> None:
    app = with_keys(world, {"library.trian": "x", "library.undo": "space", "library.import": "F7"})
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: app._notifications)
        (said,) = (each.message for each in app._notifications)
        assert said.startswith(
            "2 entries of the settings file cannot be used: `storytime-tui doctor` lists them."
        )
        assert "'library.trian' is the name of no key. Did you mean 'library.train'?" in said
        assert "f7 Add" in screen_text(app) and "u Undo" not in screen_text(app)
        assert app._keymap == {"library.import": "f7"}


def test_the_keys_after_a_crash_are_in_nobodys_way() -> None:
    """They are those of another app."""
    for name, key in (("app.quit", "enter"), ("app.quit", "q"), ("crash.again", "f3")):
        assert not any(" key of crash." in said for said in own_keys({name: key}).mistakes)
    assert own_keys({"crash.again": "f3"}).keymap == {"crash.again": "f3"}
    (said,) = own_keys({"crash.again": "q"}).mistakes
    assert "'q' is already the key of crash.quit." in said


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"library.trian": "x"}, "Did you mean 'library.train'?"),
        ({"libary": {"train": "x"}}, "Did you mean 'library.train'?"),
        ({"library.add": "x"}, "Did you mean 'library.import'?"),  # the word that the screen shows
        ({"library.pause": "x"}, "Did you mean 'train.pause'?"),
        ({"pause": "x"}, "Did you mean 'train.pause'?"),
        ({"library.zzz": "x"}, "“All keys” in the palette"),
        ({"": "x"}, "“All keys” in the palette"),
        (
            {"zzz": "x"},
            "'zzz' is the name of no key. In the app, “All keys” in the palette (ctrl+p) lists every name.",
        ),
        ({"library.import": "hyper+q"}, "'hyper+q' is no key."),
        ({"library.import": ""}, "is no key."),
        ({"library.import": 7}, "That is no key."),
        ({"library.import": []}, "That is no key."),
        ({"prompt.send": "a"}, "letters are text there"),
        ({"library.import": "g"}, "'g' is already the key of library.gutenberg."),
        ({"library.import": "f3"}, "'f3' is already the key of app.train_always."),
        ({"train.stop": "o"}, "'o' is already the key of plan.options."),
    ],
)
def test_a_mistake_in_the_table_is_one_sentence_and_changes_nothing(table: Any, said: str) -> None:
    own = own_keys(table)
    assert own.keymap == {}
    (sentence,) = own.mistakes
    assert said in sentence and sentence.startswith("In the settings file, under [keys]: ")


@pytest.mark.parametrize(
    ("table", "keymap"),
    [
        ({"app.help": "f6"}, {"app.help": "f6"}),
        (
            {"library": {"import": "a", "undo": ["z", "ctrl+z"]}},
            {"library.import": "a", "library.undo": "z,ctrl+z"},
        ),
        (
            {"library.import": "g", "library.gutenberg": "i"},
            {"library.import": "g", "library.gutenberg": "i"},
        ),
        ({"runs.sort": ";"}, {"runs.sort": "semicolon"}),
        ({"story.undo": ["u", "ctrl+z"]}, {"story.undo": "u,ctrl+z"}),
        ({"story.longer": "Ctrl+Up"}, {"story.longer": "ctrl+up"}),
        ({"library.rename": "j"}, {"library.rename": "j"}),  # vim's letters give way
    ],
)
def test_what_is_right_becomes_the_keymap(table: Any, keymap: dict[str, str]) -> None:
    own = own_keys(table)
    assert (dict(own.keymap), own.mistakes) == (keymap, ())


def test_the_table_is_read_from_the_settings_file_and_stays_when_a_setting_is_saved(home: Path) -> None:
    path = paths.settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        'max_tokens = 50\n\n[keys]\n# mine\nlibrary.train = "T"\n"app.help" = ["f6"]\n', encoding="utf-8"
    )
    loaded = load_settings()
    assert loaded.troubles == () and loaded.settings.max_tokens == 50
    assert own_keys(loaded.keys).keymap == {"library.train": "T", "app.help": "f6"}
    change_settings({"max_tokens": 60})
    again = load_settings()
    assert (again.settings.max_tokens, again.keys) == (60, loaded.keys)
    assert "# mine" in path.read_text(encoding="utf-8")
    path.write_text("keys = 3\n", encoding="utf-8")
    wrong = load_settings()
    assert wrong.keys == {} and "must be a table" in wrong.troubles[0]


async def test_all_keys_are_listed_with_their_ids(world: World) -> None:
    app = with_keys(world, {"library.train": "T"})
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: app._keymap)
        await app.run_action("keys")
        await until(pilot, lambda: "All keys" in screen_text(app) and "app.commands" in screen_text(app))
        lines = [line for line in screen_text(app).split("\n") if "  app." in line]
        assert len(lines) > 3 and len({re.search(r"  app\.\S+ +(?=\S)", line).end() for line in lines}) == 1  # type: ignore[union-attr]
        assert "esc Close" in screen_text(app)
    rows = rebinding.key_rows({"library.train": "T"})
    assert len(rows) == len(known_keys())
    assert ("library.train", "T") in [row[:2] for row in rows]
    assert ("app.help", "?") in [row[:2] for row in rows]


def test_the_page_on_keys_names_keys_as_they_are() -> None:
    page = (Path(__file__).parents[2] / ".github" / "docs" / "keys.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z]+\.[^|]+) \| ([^|]+) \|", page, re.M)
    pairs = [pair for names, keys in rows for pair in zip(names.split(), keys.split(), strict=True)]
    assert len(pairs) > 15
    for name, key in pairs:
        assert rebinding.signs_of(",".join(known_keys()[name.strip("`")].keys))[0] in (key.strip("`"), "↵"), (
            name
        )
    table = tomllib.loads(page.split("[keys]\n", 2)[-1].split("\n\n")[0])
    assert set(own_keys(table).keymap) == {"library.train", "train.stop", "app.help"}


# -- vim -------------------------------------------------------------------------------------------------


async def test_vims_keys_move_in_lists(world: World) -> None:
    world.runs = tuple(dataclasses.replace(FINISHED_RUN, name=f"run-{n}") for n in range(60))
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("4")
        await until(pilot, lambda: app.screen.query("#run-list") and app.screen._list.count() == 60)
        listed = app.screen.query_one("#run-list", LineList)
        for key, cursor in (
            ("j", 1), ("j", 2), ("k", 1), ("G", 59), ("g", 0), ("ctrl+d", None), ("ctrl+u", 0), ("k", 0)
        ):  # fmt: skip
            half = listed.scrollable_content_region.height // 2  # the list has found its size by then
            await pilot.press(key)
            await until(pilot, lambda cursor=half if cursor is None else cursor: listed.cursor == cursor)


async def test_a_letter_with_another_meaning_on_the_screen_keeps_it(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        tree = app.screen.query_one("#tree", LineList)
        await pilot.press("j", "j", "k")
        await until(pilot, lambda: tree.cursor == 1)
        await pilot.press("G")
        await until(pilot, lambda: tree.cursor == tree.count() - 1)
        await pilot.press("g")  # Books
        await until(pilot, lambda: "Project Gutenberg" in screen_text(app))
        await pilot.press("escape", "home", "down", "enter")  # a story is read
        await until(pilot, lambda: isinstance(app.focused, Reading))
        await pilot.press("g")
        await until(pilot, lambda: "Project Gutenberg" in screen_text(app))


async def test_a_letter_that_the_user_took_is_no_longer_vims(world: World) -> None:
    app = with_keys(world, {"library.train": "j"})
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "j Train" in screen_text(app))
        await pilot.press("k")  # without j it would only lead up
        assert app.screen.query_one("#tree", LineList).cursor == 0
        await pilot.press("j")
        await until(pilot, lambda: app.current_mode == "train")


async def test_vims_keys_move_in_the_bases_and_scroll_texts(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "bases")
        bases = app.focused
        before = bases.highlighted
        await pilot.press("j")
        assert bases.highlighted == before + 1
        await pilot.press("k", "question_mark")
        assert bases.highlighted == before
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and app.screen.query("#help-words"))
        text = app.screen.query_one("#help-words")
        await pilot.press("j", "j")
        await until(pilot, lambda: text.scroll_y == 2)
        await pilot.press("G")
        await until(pilot, lambda: text.scroll_y == text.max_scroll_y > 10)
        await pilot.press("g")
        await until(pilot, lambda: text.scroll_y == 0)


# -- other layouts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "language", "keys"),
    [
        ("йцукенфывапячсмить", "ru", "qwertyasdfgzxcvbnm"),
        ("ЙФЯ", "ru", "QAZ"),
        ("і", "uk", "s"),
        ("ςερτυσδφγψλ", "el", "wertysdfgcl"),
        ("Σ", "el", "S"),
        ("קראטשדגכעמ", "he", "ertyasdfgn"),
        ("ضصثشسيبلﻻ", "ar", "qweasdfgb"),
        ("شسیبدذ", "fa", "asdfnb"),
        ("ㅂㅈㄷㄱㅁㄴ", "ko", "qweras"),
        ("ქწ", "ka", "qw"),
        ("ฟห", "th", "as"),
        ("рт", "ru", "hn"),
        ("рт", "sr", "rt"),
        ("рт", "bg", ",j"),
        ("١۴", "", "14"),
        ("ａ？", "ja", "a?"),
    ],
)
def test_a_letter_is_the_latin_key_in_its_place(letters: str, language: str, keys: str) -> None:
    assert [latin_key(letter, language) for letter in letters] == list(keys)


@pytest.mark.parametrize("letter", ["a", "?", "日", "é", "अ", "ß"])
def test_other_letters_stand_for_no_key(letter: str) -> None:
    assert latin_key(letter) is None


async def test_plain_keys_work_on_a_russian_layout(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("о")  # j
        await until(pilot, lambda: app.screen.query_one("#tree", LineList).cursor == 1)
        await pilot.press("е")  # t
        await until(pilot, lambda: app.current_mode == "train")
        await pilot.press("4")
        await until(pilot, lambda: app.current_mode == "runs")


async def test_what_is_typed_stays_as_it_is(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await pilot.press(*"сова", "space", *"גדול", "space", *"日")
        assert app.screen.query_one(Prompt).text == "сова גדול 日"


async def test_a_letter_without_a_latin_place_says_which_keys_work(app: StorytimeApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await shelf_is_open(pilot)
        app.post_message(Key("अ", "अ"))
        app.post_message(Key("ब", "ब"))
        await until(pilot, lambda: app._notifications)
        await until(pilot, lambda: "Keys are Latin letters" in flat(app))
        assert [each.message for each in app._notifications] == [no_latin_key()]
        await pilot.press("f3")  # as it says
        await until(pilot, lambda: app.current_mode == "train")
