"""A whole evening of writing in a real terminal, with keys only and the bundled starter; the next day all is there."""

import json
import re
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from storytime_tui.models.catalogue import has_starter
from tests.terminal import Terminal, open_app

pytestmark = [
    pytest.mark.needs_torch,
    pytest.mark.skipif(not has_starter(), reason="this checkout holds no starter"),
]

CTRL_Q, ESCAPE, ENTER, TAB = "\x11", "\x1b", "\x1b[13u", "\t"
LEFT, RIGHT, UP, DOWN = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
ALT_LEFT, ALT_RIGHT = "\x1b[1;3D", "\x1b[1;3C"
LINE = "Once upon a time a small grey mouse kept a button shop under the stair."
SECOND_LINE = "Then a frog came in, dripping, and asked for thread."
TOLD = r"\d+ tokens? told|the model ended"
FOOTER = -1


def stored(home: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{home}/stories.sqlite3?mode=ro", uri=True)) as stories:
        return stories.execute(query).fetchall()


def present_text(home: Path) -> str:
    """The text of the one story, as it is read from its root to its head."""
    rows = stored(
        home,
        """WITH RECURSIVE path (id, depth) AS (
            SELECT head, 0 FROM story
            UNION ALL SELECT passage.parent, depth + 1 FROM path JOIN passage USING (id)
        ) SELECT written.text FROM path JOIN written USING (id) ORDER BY depth DESC""",
    )
    return "".join(str(text) for (text,) in rows)


def told_passages(home: Path) -> int:
    """How many passages the model has told; their copies behind an edit do not count."""
    ((number,),) = stored(home, "SELECT count(*) FROM passage WHERE author = 'model' AND copy_of IS NULL")
    return int(str(number))


def flat(text: str) -> str:
    return " ".join(text.split())


def page_of(app: Terminal, columns: int = 76) -> str:
    """What stands in the page's column, on one line."""
    return flat("\n".join(line[:columns] for line in app.text().split("\n")[1:-4]))


def tell(app: Terminal, home: Path, keys: str) -> None:
    """Press keys that let the model tell, and wait until it has.

    "thinking…" is not waited for: a quick machine has told before it is painted. Once there is a new passage by the
    model and the page ends as the story does, what the line of state says is of this telling.
    """
    before = told_passages(home)

    def has_told(text: str) -> bool:
        is_new = re.search(TOLD, text) and told_passages(home) > before
        return bool(is_new) and flat(present_text(home))[-40:] in page_of(app)

    app.keys(keys)
    app.wait_for(has_told, 120)


def test_an_evening_of_writing_and_the_next_day(home: Path, tmp_path: Path) -> None:
    book = tmp_path / "evening.epub"
    home.mkdir(parents=True)
    (home / "settings.toml").write_text("min_tokens = 4\nmax_tokens = 25\n")
    with open_app(120, 40, home) as app:
        app.wait_for(r"\[x\] Hedgerow Tales")
        app.keys("3")
        app.wait_for(r"\b0 words(?!.*(opening|loading))", 120)

        # begin
        tell(app, home, LINE + ENTER)
        app.wait_for(lambda text: flat(LINE) in page_of(app))

        # steer, and pin memory: through the panel's rows, to its first field
        for row in (
            "model",
            "strength",
            "voice",
            "preset",
            "settings",
            "length",
            "seed",
            "banned",
            "characters",
        ):
            app.press(TAB, at=rf" {row} +.*")
        app.keys("Grey the mouse")
        app.wait_for("Grey the mouse")
        app.keys(ESCAPE)
        app.wait_for(r"Send +esc Commands", row=FOOTER)

        # tell again, and leaf
        app.keys(ESCAPE)
        app.wait_for(r"r Retry", row=FOOTER)
        tell(app, home, "r")
        app.wait_for(r"‹ 2 of 2 ›")
        second = present_text(home)
        app.keys(ALT_LEFT)
        app.wait_for(r"‹ 1 of 2 ›")
        first = present_text(home)
        assert first != second and first.startswith(LINE) and second.startswith(LINE)
        app.keys(ALT_RIGHT)
        app.wait_for(r"‹ 2 of 2 ›")

        # go on, and edit in the middle
        app.keys("\r")
        app.wait_for(r"Send +esc Commands", row=FOOTER)
        tell(app, home, SECOND_LINE + ENTER)
        before_edit = present_text(home)
        app.keys(ESCAPE)
        app.wait_for(r"r Retry", row=FOOTER)
        app.press(UP, at=r"passage \d of \d")
        app.keys("e")
        app.wait_for(r"esc Keep", row=FOOTER)
        app.keys(" And yes." + ESCAPE)
        app.wait_for("u takes it back")
        edited = present_text(home)
        assert edited == before_edit.replace(SECOND_LINE, SECOND_LINE + " And yes.")

        # undo, and redo
        app.keys("u")
        app.wait_for(lambda text: "And yes." not in text)
        assert present_text(home) == before_edit
        app.keys("y")
        app.wait_for(lambda text: "And yes." in text)
        assert present_text(home) == edited

        # take another word
        app.keys("i")
        app.wait_for(r"At “", 120)
        for _ in range(3):
            app.press(LEFT, at=r"At “.*")
        tell(app, home, "2")
        taken = present_text(home)
        assert taken != edited and taken.startswith(before_edit[: len(LINE)])
        app.wait_for(r"r Retry", row=FOOTER)

        # change the voice
        app.keys("v")
        app.wait_for("Voice: tell as")
        assert "Fairy tales" not in app.row(0)
        app.keys(DOWN + "\r")
        app.wait_for("Fairy tales", row=0)  # the header names the voice once the list is closed
        tell(app, home, "r")

        # export a book
        app.keys("o")
        app.wait_for("1 story ─")
        app.keys("x")
        app.wait_for("The file to write")
        app.wait_for(r"~/.*\.epub")
        app.keys("\x15")
        app.wait_for(lambda text: "~/" not in text)
        app.keys(str(book))
        app.wait_for(r"evening\.epub")
        app.keys("\r")
        app.wait_for(lambda text: book.exists(), 30)
        app.keys(ESCAPE)
        app.wait_for(r"r Retry", row=FOOTER)
        last = present_text(home)
        app.keys(CTRL_Q)
        assert app.wait_for_end() == 0

    with zipfile.ZipFile(book) as pages:
        text = flat(re.sub(r"<[^>]+>", " ", "".join(
            pages.read(name).decode() for name in pages.namelist() if name.endswith("html")
        )))  # fmt: skip
    assert "small grey mouse kept a button shop" in text and "And yes." in text
    assert stored(home, "PRAGMA integrity_check") == [("ok",)]
    assert json.loads(str(stored(home, "SELECT steering FROM story")[0][0]))["characters"] == "Grey the mouse"
    records = [
        json.loads(str(how)) for (how,) in stored(home, "SELECT settings FROM written WHERE author = 'model'")
    ]
    assert len({json.dumps(record.get("voice")) for record in records if record}) >= 2

    with open_app(120, 40, home) as app:  # the next day
        app.wait_for(r"\[x\] Hedgerow Tales")
        app.keys("3")
        app.wait_for("Grey the mouse", 120)
        app.wait_for(lambda text: flat(last)[-60:] in page_of(app), 60)
        app.keys(ESCAPE)
        app.wait_for(r"u Undo", row=FOOTER)
        app.keys("g")
        app.wait_for(r"\d branches")
        app.keys("g")
        app.wait_for(lambda text: not re.search(r"\d branches", text))
        app.keys("u" * 40)  # all acts of yesterday
        app.wait_for("There is nothing to undo", 60)
        assert present_text(home) == ""
        app.keys("y" * 40)
        app.wait_for("There is nothing to redo", 60)
        assert present_text(home) == last
        app.keys(CTRL_Q)
        assert app.wait_for_end() == 0
