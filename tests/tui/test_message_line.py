"""The message line and the line of keys: each screen has one of both, at its foot, and both show text as text."""

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from storytime_tui.errors import StoryError
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.bookshelf import BookshelfScreen
from storytime_tui.tui.screens.story import StoryScreen
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, until
from tests.tui.fakes import HOSTILE


class Alone(App[None]):
    """A message line above a last line."""

    CSS = "#page { height: 1fr; }"

    def __init__(self, more_key: str = "") -> None:
        super().__init__()
        self.line = MessageLine(more_key)

    def compose(self) -> ComposeResult:
        yield Static(id="page")
        yield self.line
        yield Static("the foot")


def shown(app: App[None]) -> list[str]:
    """The rows of the line as they are painted."""
    region = app.query_one(MessageLine).region
    rows = ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]
    return [row.strip() for row in rows[region.y : region.bottom]]


async def test_it_is_as_high_as_its_text_and_takes_no_room_without_one() -> None:
    app = Alone()
    async with app.run_test(size=(40, 12)) as pilot:
        assert shown(app) == []
        app.line.say("Kept.")
        await until(pilot, lambda: shown(app) == ["Kept."])
        app.line.say("Kept.", "But the disk is nearly full, so make room soon.")
        await until(pilot, lambda: shown(app) == ["Kept. But the disk is nearly full, so", "make room soon."])
        app.line.clear()
        await until(pilot, lambda: shown(app) == [])


async def test_an_error_is_red_and_a_notice_is_not() -> None:
    app = Alone()
    async with app.run_test(size=(60, 12)) as pilot:
        app.line.say("Added it.", "One file is unreadable.")
        await until(pilot, lambda: shown(app) == ["Added it. One file is unreadable."])
        strip = app.line.render_line(0)
        red = app.theme_variables["error"]
        coloured = [s.text for s in strip if s.style and s.style.color and s.style.color.name == red.lower()]
        assert "".join(coloured).strip() == "One file is unreadable."


@pytest.mark.parametrize(("key", "end"), [("", "…"), ("l", "… (l)")])
async def test_what_does_not_fit_ends_with_an_ellipsis_and_is_kept_in_full(key: str, end: str) -> None:
    app = Alone(key)
    async with app.run_test(size=(40, 12)) as pilot:
        text = "make room and try again; " * 12 + "END."
        app.line.complain(text)
        await until(pilot, lambda: len(shown(app)) == 5)
        assert shown(app)[-1].endswith(end)
        assert app.line.in_full == text


async def test_text_is_text() -> None:
    alone = Alone()
    async with alone.run_test(size=(120, 12)) as pilot:
        alone.line.say(HOSTILE, HOSTILE)
        await until(pilot, lambda: "[@click=app.quit]quit[/] ␛[2J [bold]" in " ".join(shown(alone)))


async def test_an_exception_becomes_an_error_and_a_notice_goes_before_an_error_does() -> None:
    app = Alone()
    async with app.run_test(size=(60, 12)):
        with app.line.saying():
            raise StoryError("The story is gone.")
        assert app.line.error == "The story is gone."
        app.line.clear_notice()
        app.line.drop("Something else.")
        assert app.line.error == "The story is gone."
        app.line.drop("The story is gone.")
        assert (app.line.notice, app.line.error) == ("", "")
        app.line.say("Done.")
        app.line.clear_notice()
        assert app.line.notice == ""


@pytest.mark.parametrize("mode", ["library", "train", "story", "runs"])
async def test_every_screen_has_one_message_line_above_its_foot(app: StorytimeApp, mode: str) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await app.action_mode(mode)
        await until(pilot, lambda: app.screen.query(KeyLine))
        line, keys = app.screen.query_one(MessageLine), app.screen.query_one(KeyLine)
        line.complain("The disk is full.")
        await until(pilot, lambda: "The disk is full." in screen_text(app))
        assert keys.region.bottom == app.size.height
        between = [w for w in app.screen.children if line.region.bottom <= w.region.y < keys.region.y]
        assert sum(widget.region.height for widget in between) <= 3  # a status, or your line with its status


@pytest.mark.parametrize("mode", ["library", "train", "story", "bookshelf", "runs"])
async def test_a_long_message_is_shown_whole_in_a_small_terminal(app: StorytimeApp, mode: str) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await app.action_mode("story" if mode == "bookshelf" else mode)
        await until(pilot, lambda: app.screen.query(KeyLine))
        if mode == "bookshelf":
            app.push_screen("bookshelf")
            await until(pilot, lambda: isinstance(app.screen, BookshelfScreen))
        if isinstance(app.screen, StoryScreen):  # it says what it does while it looks for its model
            await until(pilot, lambda: not app.screen.turns.finding_model)
        line = app.screen.query_one(MessageLine)
        text = f"Put into the collection {'My long stories ' * 8}now. Next: tick it in the Library (1), then train (2)."
        line.say(text)
        await until(pilot, lambda: text in flat(app))
        assert app.screen.query_one(KeyLine).region.bottom == app.size.height
        line.clear()
        await until(pilot, lambda: line.region.height <= 1)


@pytest.mark.parametrize(
    ("press", "keys"),
    [
        ("i", "↵ Import  tab Complete  esc Cancel"),
        ("r", "↵ Rename  esc Cancel"),
        ("g", "↵ Fetch  ctrl+s Search all  esc Cancel"),
        ("question_mark", "↑↓ Scroll  esc Close"),
    ],
)
async def test_dialogs_show_their_keys_as_screens_do(app: StorytimeApp, press: str, keys: str) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press(press)
        await until(pilot, lambda: keys in screen_text(app))


async def test_a_click_on_a_key_of_a_dialog_does_what_the_key_does(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "↵ Rename  esc Cancel" in screen_text(app))
        await pilot.click(KeyLine, offset=(11, 0))
        await until(pilot, lambda: len(app.screen_stack) == 1)
