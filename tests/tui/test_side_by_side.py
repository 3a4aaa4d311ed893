"""Side by side: several models go on with the same text, one is taken, and the others are kept as takes."""

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from storytime_tui.errors import ModelError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.generate import ModelChoice, open_teller
from storytime_tui.jobs.told_record import read_record
from storytime_tui.stories import tree
from storytime_tui.stories.store import StoryStore
from storytime_tui.tui import messages
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.side_by_side import SideBySideScreen
from storytime_tui.tui.side_session import ColumnView, first_columns, view_after
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.telling_requests import Column, ColumnsRequest, Telling
from storytime_tui.tui.telling_thread import TellingThread
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.told_column import ToldColumn
from storytime_tui.tui.writing_session import OpenModel, Stage, Writer
from tests.tui.conftest import SMALL, flat, until
from tests.tui.fakes import FakeTeller, World
from tests.tui.test_bridge import Box
from tests.tui.test_story import LINE, go_to_story, send, told

BESIDE = (120, 40)


# -- the thread -------------------------------------------------------------------------------------------------


class Comparison:
    """Columns told by a telling thread after the words "Once"."""

    def __init__(
        self, folder: Path, open_teller: Any, columns: list[Column], room: Any = lambda: True
    ) -> None:
        self.box = Box()
        self.store = StoryStore(folder / "stories.sqlite3")
        self.store_thread = StoreThread(lambda: self.store, lambda sentence: None)
        story = self.store.new_story("A Story").id
        self.store.add_passage(story, "you", "Once")
        self.thread = TellingThread(self.box.post, self.box.handle, open_teller, lambda: 0.0, room)
        settings = SamplerSettings(seed=81, max_tokens=12)
        request = ColumnsRequest(self.store_thread, story, "Once", settings, tuple(columns))
        self.views = [ColumnView(column) for column in columns]
        self.thread.begin(Telling(1, columns[0].model, request))

    def wait(self) -> list[ColumnView]:
        for message in self.box.wait():
            if isinstance(message, messages.ColumnMessage):
                self.views[message.place] = view_after(self.views[message.place], message)
        return self.views


def test_columns_stream_together_with_the_same_seed_and_each_has_its_record(tmp_path: Path) -> None:
    told: list[Any] = []
    found = Comparison(
        tmp_path,
        lambda name, progress, strength: FakeTeller(
            name, [f" {name}", " on"], told, strength=strength or 1.0
        ),
        [Column("a"), Column("b", 0.5)],
    )
    views = found.wait()
    assert [view.text for view in views] == [" a on", " b on"]
    assert [settings.seed for _, settings in told] == [81, 81]
    takes = [view.take for view in views]
    assert [(take.text, take.model, take.ids) for take in takes if take] == [
        (" a on", "a", "1,2"),
        (" b on", "b", "1,2"),
    ]
    assert '"strength": 0.5' in takes[1].settings  # type: ignore[union-attr]
    assert found.store.text(1) == "Once"  # nothing is saved before one is taken


def test_a_column_that_fails_says_so_and_the_others_go_on(tmp_path: Path) -> None:
    def opens(name: str, progress: Any, strength: Any) -> FakeTeller:
        if name == "lost":
            raise ModelError("There is no model lost.")
        breaks = ModelError("It broke.") if name == "breaks" else None
        return FakeTeller(name, [" on"], [], error=breaks)

    views = Comparison(tmp_path, opens, [Column("lost"), Column("breaks"), Column("good")]).wait()
    assert [view.failure for view in views] == ["There is no model lost.", "It broke.", ""]
    assert [view.text for view in views] == ["", " on", " on"]
    assert views[1].take is not None  # what it had told may be taken
    assert all(view.ended for view in views)


def test_models_that_are_compared_stay_open_and_one_that_does_not_fit_says_so(tmp_path: Path) -> None:
    columns = [Column("a"), Column("a", None, ()), Column("b")]
    opens = lambda name, *_: FakeTeller(name, [" on"], [])  # noqa: E731
    views = Comparison(tmp_path, opens, columns, lambda: False).wait()
    assert [view.text for view in views[:2]] == [" on", " on"]  # the same model twice is open once
    assert "not enough memory" in views[2].failure


def test_a_stop_ends_all_columns_and_keeps_their_words(tmp_path: Path) -> None:
    gate = threading.Semaphore(4)
    found = Comparison(
        tmp_path, lambda name, *_: FakeTeller(name, [" x"] * 9, [], gate=gate), [Column("a"), Column("b")]
    )
    while gate._value:
        threading.Event().wait(0.001)
    found.thread.stop()
    assert [view.take.text for view in found.wait() if view.take] == [" x x", " x x"]
    assert [view.told.stopped_by for view in found.views if view.told] == ["you", "you"]


def test_a_real_model_at_once_with_two_voices_tells_what_each_tells_alone(
    starter: Path, home: Path, tmp_path: Path
) -> None:
    """Both columns share the model and its cache, a token of each in turn."""
    (starter / "voices.json").write_text(
        '{"voices": [{"title": "Hedgerow", "author": ""}, {"title": "Attic", "author": ""}]}'
    )

    def opens(name: str, progress: Any, strength: float | None) -> Any:
        return open_teller(name, progress, strength=strength)

    voices = [(("Hedgerow", 1.0),), (("Attic", 1.0),)]
    together = Comparison(
        tmp_path / "both", opens, [Column("starter", None, voice) for voice in voices]
    ).wait()
    alone = [
        Comparison(tmp_path / voice[0][0], opens, [Column("starter", None, voice)]).wait()[0]
        for voice in voices
    ]
    assert [view.text for view in together] == [view.text for view in alone]
    assert together[0].text


# -- what is compared first -------------------------------------------------------------------------------------

RUN = Writer(Stage.READY, "hedgerow-1", strength=1.25)
STARTER = Writer(Stage.READY, "starter", opened=OpenModel("cpu", 1.0, ("Hedgerow", "Attic")))


@pytest.mark.parametrize(
    ("writer", "models", "base", "second"),
    [
        (RUN, ["hedgerow-1", "hedgerow-0", "starter", "gpt2"], "gpt2", Column("gpt2")),
        (RUN, ["hedgerow-1", "hedgerow-0", "starter"], "scratch-tiny", Column("hedgerow-0")),
        (STARTER, ["hedgerow-2", "hedgerow-1", "starter"], "", Column("hedgerow-2")),
        (STARTER, ["starter"], "", Column("starter", None, (("Attic", 1.0),))),
        (RUN, ["hedgerow-1"], "scratch-tiny", None),
    ],
)
def test_a_run_is_compared_with_its_base_first(
    writer: Writer, models: list[str], base: str, second: Column | None
) -> None:
    first, *others = first_columns(writer, models, base)
    assert first == Column(writer.model, writer.strength, writer.voice)
    assert others == ([] if second is None else [second])


# -- the screen -------------------------------------------------------------------------------------------------


async def begin(pilot: Any, app: StorytimeApp) -> None:
    await go_to_story(pilot, app)
    await send(pilot)
    await until(pilot, lambda: "tokens told" in flat(app))
    app.screen.query_one(Page).focus()
    await pilot.press("x")
    await until(pilot, lambda: isinstance(app.screen, SideBySideScreen))


def all_told(app: StorytimeApp) -> bool:
    return not app.screen._session.telling and all(view.ended for view in app.screen._session.views)  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [SMALL, BESIDE])
async def test_one_is_taken_and_the_others_are_kept_beside_it(
    app: StorytimeApp, world: World, size: tuple[int, int]
) -> None:
    world.choices = (*world.choices, ModelChoice("hedgerow-0", "hedgerow-0", "an earlier run"))
    async with app.run_test(size=size) as pilot:
        await begin(pilot, app)
        await until(pilot, lambda: all_told(app))
        await pilot.press("right")
        shown = [column for column in app.screen.query(ToldColumn) if column.display]
        assert len(shown) == (2 if size == BESIDE else 1)
        await until(pilot, lambda: "hedgerow-0" in flat(app))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, SideBySideScreen))
        await until(pilot, lambda: "‹ 2 of 2 ›" in flat(app))
        text = LINE + told(world) + told(world)
        assert world.store().text(1) == app.screen.query_one(Page).text == text
        takes = tree.passages_of(world.store(), 1)[2:]
        assert [take.model for take in takes] == ["hedgerow-1", "hedgerow-0"]
        seeds = {read_record(take).settings.seed for take in takes}  # type: ignore[union-attr]
        assert len(seeds) == 1
        await pilot.press("u")
        await until(pilot, lambda: world.store().text(1) == LINE + told(world))


async def test_while_they_tell_the_app_answers_and_enter_takes_what_is_there(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=BESIDE) as pilot:
        await begin(pilot, app)
        await until(pilot, lambda: all_told(app))
        world.gate = threading.Semaphore(0)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, SideBySideScreen))
        for model in ("hedgerow-1", "distilgpt2"):
            app.desk.writing.thread.forget(model)  # the next ones wait at the gate
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, SideBySideScreen))
        before = world.store().text(1)
        world.gate.release(6)
        await until(pilot, lambda: world.gate is not None and not world.gate._value)
        await pilot.press("right", "left", "enter")
        await until(pilot, lambda: not isinstance(app.screen, SideBySideScreen))
        assert world.store().text(1).startswith(f"{before} and")
        assert not app.desk.busy


async def test_another_seed_tells_again_and_escape_changes_nothing(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        await until(pilot, lambda: all_told(app))
        await pilot.press("r")
        await until(pilot, lambda: len(world.told) == 1 + 2 * len(app.screen._session.views))  # type: ignore[attr-defined]
        await until(pilot, lambda: all_told(app))
        seeds = [settings.seed for _, settings in world.told[1:]]
        assert len(set(seeds)) == 2
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, SideBySideScreen))
        assert world.store().text(1) == LINE + told(world)
        assert len(tree.passages_of(world.store(), 1)) == 2


async def test_a_column_takes_another_model_strength_or_voice(app: StorytimeApp, world: World) -> None:
    world.voices = {"hedgerow-1": ("Hedgerow", "Attic")}
    async with app.run_test(size=BESIDE) as pilot:
        await begin(pilot, app)
        await until(pilot, lambda: all_told(app))
        await pilot.press("s", "home", "enter")
        await until(pilot, lambda: "hedgerow-1 · strength 0 · Hedgerow" in flat(app) and all_told(app))
        await pilot.press("v", "down", "enter")
        await until(pilot, lambda: "strength 0 · Attic" in flat(app) and all_told(app))
        assert world.last_voice[-2] == (("Attic", 1.0),)
        await pilot.press("plus", "down", "enter")
        await until(pilot, lambda: len(app.screen._session.views) == 3 and all_told(app))  # type: ignore[attr-defined]
        await pilot.press("minus")
        await until(pilot, lambda: len(app.screen._session.views) == 2 and all_told(app))  # type: ignore[attr-defined]


async def test_a_blank_page_has_nothing_to_compare(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        app.screen.query_one(Page).focus()
        await pilot.press("x")
        await until(pilot, lambda: "press b for three" in flat(app))
        assert not world.told


async def test_what_stands_in_a_column_is_text(app: StorytimeApp, world: World) -> None:
    world.pieces = (" [/b]", " [@click=app.quit]quit[/]", " \x1b[2J")
    async with app.run_test(size=BESIDE) as pilot:
        await begin(pilot, app)
        await until(pilot, lambda: all_told(app))
        await until(pilot, lambda: flat(app).count("[/b] [@click=app.quit]quit[/]") == 2)


def test_a_view_says_what_its_column_does() -> None:
    view = ColumnView(Column("m"))
    assert (view.title, view.state) == ("m", "waiting…")
    view = view_after(view, messages.ColumnOpening(1, 0, "loading"))
    assert view.state == "loading"
    view = view_after(view, messages.ColumnReady(1, 0, ("Hedgerow", "Attic"), 1.25))
    assert view.title == "m · strength 1.25 · Hedgerow"
    view = view_after(
        dataclasses.replace(view, column=Column("m", None, ())), messages.ColumnTold(1, 0, " a")
    )
    assert (view.title, view.text, view.state) == ("m · strength 1.25 · no voice", " a", "telling…")
