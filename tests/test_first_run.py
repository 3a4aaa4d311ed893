"""The first run in an empty home, in a real terminal: the tour's first steps, its end for good, keys of one's own."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from tests.terminal import open_app

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows offers no pseudo-terminal")

DOWN, ENTER, F9, CTRL_P, CTRL_Q = "\x1b[B", "\r", "\x1b[20~", "\x10", "\x11"


@pytest.mark.needs_torch
def test_the_tour_leads_from_a_story_to_a_model_that_learns_and_is_gone_once_left(home: Path) -> None:
    with open_app(80, 24, home) as app:
        app.wait_for(r"Tour 1/4  Read one: choose a story", row=1)
        app.press(DOWN)
        app.keys(ENTER)
        app.wait_for(r"Tour 2/4  Read on as you like\. Then 2: watch a model learn", row=1)
        app.keys("2")
        app.wait_for(r"Press 0: a tiny new model learns in about a minute", row=1)
        app.keys("0")
        app.wait_for(r"Watch: the loss falls", row=1)
        app.wait_for(r"loss +\d\.\d", 120)
        app.keys("x")
        app.wait_for(r"Tour 3/4  Next, train the starter", 60, row=1)
        app.keys("n")
        app.wait_for(r"Tour 3/4  Press s: ", row=1)
        app.keys(F9)
        app.wait_for(lambda text: "Tour" not in text)
        app.keys(CTRL_Q)
        assert app.wait_for_end() == 0
    assert tomllib.loads((home / "settings.toml").read_text(encoding="utf-8"))["tour"] == "done"
    with open_app(80, 24, home) as app:
        app.wait_for(r"\[x\] Hedgerow Tales")
        app.wait_for(r"ticked +\d+ stories")
        assert "Tour" not in app.text()
        app.keys(CTRL_P + "tour")
        app.wait_for(r"Tour +Read, train, write")
        app.keys(ENTER)
        app.wait_for("Tour 1/4", row=1)
        app.keys(CTRL_Q)
        assert app.wait_for_end() == 0


@pytest.mark.needs_torch
def test_quitting_during_training_says_in_the_terminal_how_to_go_on(home: Path) -> None:
    with open_app(80, 24, home) as app:
        app.wait_for(r"\[x\] Hedgerow Tales")
        app.keys("2")
        app.wait_for("Base: the model")
        app.keys("0")
        app.wait_for(r"loss +\d\.\d", 120)
        app.keys(CTRL_Q)
        assert app.wait_for_end() == 0
        said = " ".join(app.text().split())
    assert re.search(r"The run “[\w-]+” stopped at step \d+ of 400, and its checkpoint is kept: ", said), said
    assert "`storytime-tui train --resume " in said and "or r in Runs, goes on with it." in said


def test_keys_of_ones_own_and_a_russian_layout_in_a_real_terminal(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text(
        'tour = "done"\n\n[keys]\nlibrary.train = "T"\n"app.help" = "f6"\nlibrary.trian = "x"\n',
        encoding="utf-8",
    )
    with open_app(100, 30, home) as app:
        app.wait_for(r"'library\.trian' is the name of no key")  # what is wrong in the table is said
        app.wait_for(r"T Train .*f6 Help", row=-1)
        app.wait_for("The Hedgehog's Umbrella")  # before the shelf is read, there is no line to move to
        app.keys("о")  # j on a Russian layout
        app.wait_for(r"The Hedgehog's Umbrella .*cleaned|cleaned, as used for training")
        app.keys("Е")  # shift and t
        app.wait_for("Base: the model")
        app.keys("\x1b[17~")  # F6
        app.wait_for("You are here: the base")
        app.keys(CTRL_Q)
        assert app.wait_for_end() == 0
