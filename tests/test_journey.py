"""The main job in a real terminal, with keys only: tick, train, watch, write, stop, quit."""

import json
import re
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from storytime_tui.word_count import count_words
from tests.terminal import Terminal, kill_app, open_app

pytestmark = pytest.mark.needs_torch

CTRL_Q, ESCAPE, ENTER, TAB, END = "\x11", "\x1b", "\r", "\t", "\x1b[F"
ENTER_AFTER_ESCAPE = "\x1b[13u"  # kitty's Enter: the usual one, so soon after ESCAPE, would be an alt+enter

# Rows in which no story or sample ever stands: what the program says is looked for there, since a hardly
# trained model tells any word of its vocabulary, "stopped" too.
HEADER, RUN_TITLE, STATUS, FOOTER = 0, 1, -3, -1

BASE, WINDOW = "scratch-1x64", "32"  # the journey is the same as with a larger model, and takes seconds
LINE = "One evening a small mouse stopped 12 words."  # as misleading as what the model may tell


@pytest.fixture(autouse=True)
def begin_with_tiny(home: Path) -> None:
    """A new plan begins with scratch-tiny: whether the checkout holds the starter makes no difference then.

    The tour is over: `test_first_run` takes it.
    """
    home.mkdir(parents=True)
    (home / "settings.toml").write_text('base = "scratch-tiny"\ntour = "done"\n')


def journal(home: Path) -> list[dict[str, Any]]:
    """What the run said, as its folder keeps it."""
    path = home / "runs" / "hedgerow-tales-1" / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def stored_story(home: Path) -> str:
    """All text of the stories on the disk."""
    with sqlite3.connect(home / "stories.sqlite3") as stories:
        return "".join(row[0] for row in stories.execute("select text from passage order by id"))


def words_written(status: str) -> int:
    found = re.search(r"([\d,]+) words?", status)
    return int(found[1].replace(",", "")) if found else 0


def learn(app: Terminal, steps: int = 30) -> None:
    """From the Library to a run of so many steps that has begun."""
    app.wait_for(r"\[x\] Hedgerow Tales")
    app.wait_for(r"ticked +\d+ stories")
    app.keys(" ")
    app.wait_for(r"\[ \] Hedgerow Tales")
    app.keys(" ")
    app.wait_for(r"\[x\] Hedgerow Tales")
    app.wait_for(r"scratch-tiny +[\d,]+ tokens +[\d,]+ windows")
    app.keys("2")
    app.wait_for(r"Base: the model")
    app.press(END, at=r"12 times")  # so the list of bases has the focus
    app.press(TAB)
    app.wait_for("Leave the field")  # else the list might get the first letters
    app.keys(BASE)  # whatever the list begins with
    app.wait_for(rf"or another +{BASE}")
    app.press(TAB)  # past the passes, to the steps
    app.press(TAB, at=r"max steps +no limit")  # else the digits might come before it
    app.keys(str(steps))
    app.wait_for(rf"max steps +{steps}")
    app.press(TAB)  # past the learning rate, to the window
    app.press(TAB, at=r"window +\d+")
    app.keys(WINDOW)
    app.wait_for(rf"window +{WINDOW}")
    app.keys(ESCAPE)
    app.wait_for(r"s Start training")
    app.keys("s")
    app.wait_for(rf"{BASE} → Hedgerow Tales", 120, row=RUN_TITLE)
    app.wait_for(r"││ loss +\d\.\d{3}")  # two frames meet there: a sample's line has one
    app.wait_for(r"││ validation +\d\.\d{3}")


def write_a_line(app: Terminal) -> None:
    """In Story: a line of one's own, and at least 30 tokens from the model."""
    app.keys("3")
    app.wait_for(r"Send +esc Commands", row=FOOTER)
    app.wait_for(r"\b0 words(?!.*(opening|loading))", 120, row=STATUS)
    app.keys(LINE + ENTER)  # at once, as a paste or a fast hand does
    enough = len(LINE.split()) + 30

    def written_or_ended(status: str) -> bool:
        return words_written(status) >= enough or "ended the story" in status

    status = app.wait_for(written_or_ended, 120, row=STATUS)
    while words_written(status) < enough:  # a model of thirty steps may think that a word is a story
        app.press(ENTER)  # an empty line: go on
        status = app.wait_for(written_or_ended, 120, row=STATUS)


def stop_the_story(app: Terminal) -> str:
    """ESCAPE while the model writes; the status once it has stopped.

    Where the model ended the story just before by itself, it goes on, and is stopped then.
    """
    stopped_or_ended = r"· (stopped|the model ended the story) ·"
    app.keys(ESCAPE)
    status = app.wait_for(stopped_or_ended, 30, row=STATUS)
    while "· stopped ·" not in status:
        while "ended the story" in app.row(STATUS):
            app.press(ENTER_AFTER_ESCAPE)  # back to the line, if ESCAPE has left it, and then: go on
        app.keys(ESCAPE)
        status = app.wait_for(stopped_or_ended, 30, row=STATUS)
    return status


def test_from_the_shelf_to_a_story_with_keys_only(home: Path) -> None:
    with open_app(80, 24, home) as app:
        learn(app)
        app.resize(120, 40)
        app.wait_for(r"● finished", 180, row=HEADER)
        write_a_line(app)
        app.keys(CTRL_Q)
        assert app.wait_for_end() == 0

    events = journal(home)
    assert [e["step"] for e in events if e["event"] == "step_done"] == list(range(1, 31))
    assert events[-1]["event"] == "finished"
    with sqlite3.connect(home / "stories.sqlite3") as stories:
        passages = stories.execute("select author, text from passage order by id").fetchall()
    assert passages[0] == ("you", LINE)
    assert {author for author, _ in passages[1:]} == {"model"}
    assert sum(len(text.split()) for _, text in passages[1:]) >= 30


def tell_for_long(home: Path) -> None:
    """Settings with which the model is still writing when it is stopped or killed."""
    with (home / "settings.toml").open("a") as settings:
        settings.write('max_tokens = 20000\nend_after = "length"\n')


def test_leaving_while_it_learns_saves_a_checkpoint_and_stopping_a_story_keeps_its_text(home: Path) -> None:
    tell_for_long(home)
    with open_app(80, 24, home) as app:
        learn(app)
        app.keys("x")
        app.wait_for(r"● (stopped|finished)", 60, row=HEADER)
        write_a_line(app)
        kept = words_written(stop_the_story(app))
        assert kept >= 38
        app.keys(CTRL_Q)
        assert app.wait_for_end() == 0
    text = stored_story(home)
    assert count_words(text) == kept


def test_a_kill_loses_neither_the_run_nor_the_story_and_the_run_goes_on(home: Path) -> None:
    tell_for_long(home)
    with open_app(80, 24, home) as app:
        learn(app, 45)
        app.wait_for(r"checkpoint saved", 120, row=RUN_TITLE)
        kill_app(app)
    with open_app(120, 40, home) as app:
        app.wait_for(r"\[x\] Hedgerow Tales")
        app.keys("2")
        app.wait_for(r"Interrupted at step \d+ of 45")
        app.wait_for(r"r Resume", row=FOOTER)
        app.keys("r")
        app.wait_for(r"● finished", 120, row=HEADER)
        app.wait_for(r"││ word frequency +\d")
        write_a_line(app)
        shown = words_written(app.row(STATUS))
        until = time.monotonic() + 30
        while time.monotonic() < until:  # what was on the screen a moment ago is on the disk
            text = stored_story(home)
            if count_words(text) >= shown:
                break
        kill_app(app)
    text = stored_story(home)
    assert text.startswith(LINE)
    assert count_words(text) >= shown


def test_a_shutdown_saves_the_run_and_ends_the_program(home: Path) -> None:
    with open_app(80, 24, home) as app:
        learn(app, 45)
        app.program.kill(signal.SIGTERM)
        assert app.wait_for_end() == 0
    events = journal(home)
    assert events[-1]["event"] == "finished"
    saved = max(e["step"] for e in events if e["event"] == "checkpoint_saved")
    assert saved == max(e["step"] for e in events if e["event"] == "step_done")
