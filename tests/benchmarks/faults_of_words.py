"""The faults of `faults.py` that concern user data: collections, settings, stories, drafts, ticks."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import tomllib
from contextlib import closing
from pathlib import Path

from storytime_tui.stories.store import StoryStore
from tests.benchmarks.faults_place import LIMIT, Place
from tests.terminal import kill_app, open_app

ROOT = Path(__file__).resolve().parents[2]


def edits(place: Place, number: int) -> None:
    """Make eight changes of one collection at once, and kill two of them."""
    name = f"e{number}"
    texts = place.home.parent / f"texts-{number}"
    texts.mkdir()
    for tale in range(8):
        words = (
            f"Once there was a fox, number {tale}, who counted {number * 31 + tale} apples. Then he slept."
        )
        (texts / f"t{tale}.txt").write_text(f"Tale {tale}\n\n{words}\n")
    added = place.run("corpus", "add", str(texts), "--name", name)
    place.expect(added.returncode == 0, f"{name} was not added: {added.stderr}")
    programs = [
        place.start("corpus", "rename", name, f"New {tale}", "--story", f"Tale {tale}") for tale in range(8)
    ]
    time.sleep(place.draw.uniform(0, 1.5))
    for program in place.draw.sample(programs, 2):
        program.kill()
    accepted = []
    for tale, program in enumerate(programs):
        program.communicate(timeout=LIMIT)
        if program.returncode == 0:
            accepted.append(f"New {tale}")
    shown = place.run("corpus", "show", name).stdout
    lost = [title for title in accepted if title not in shown]
    place.expect(not lost, f"{name}: {len(accepted)} renames were acknowledged, {lost} are not there")


# the code of the second program
SETTING = """
import sys
from storytime_tui.settings import change_settings
for number in range(1, 11):
    change_settings({sys.argv[1]: number / 20})
    print(number / 20, flush=True)
"""
WRITING = """
import sys
from pathlib import Path
from storytime_tui.stories.store import StoryStore
store = StoryStore(Path(sys.argv[1]))
story = store.stories()[0].id
for number in range(int(sys.argv[3])):
    word = f"{sys.argv[2]}{number} "
    store.add_line(story, lambda before: word)
    print(word, flush=True)
"""


def program(place: Place, code: str, *words: str) -> subprocess.Popen[str]:
    """Start a program that prints each acknowledged write on a line."""
    argv = [sys.executable, "-c", code, *words]
    return subprocess.Popen(argv, env=place.environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def settings(place: Place, number: int) -> None:
    """Two programs each change a setting ten times; one of them may be killed."""
    both = {name: program(place, SETTING, name) for name in ("top_p", "min_p")}
    if place.draw.random() < 0.5:
        time.sleep(place.draw.uniform(0.3, 1.5))
        both["min_p"].kill()
    last = {name: each.communicate(timeout=LIMIT)[0].split()[-1:] for name, each in both.items()}
    kept = tomllib.loads((place.home / "settings.toml").read_text()) if any(last.values()) else {}
    for name, accepted in last.items():
        # one more change may be there than was printed: the program was killed in between
        wanted = float(accepted[0]) if accepted else None
        place.expect(
            wanted is None or round(kept.get(name, 0) - wanted, 3) in (0, 0.05),
            f"{name} was set to {wanted}, the file has {kept.get(name)}",
        )


def writers(place: Place, number: int) -> None:
    """Two programs write words to one story; one is killed."""
    path = place.home / "stories.sqlite3"
    with closing(StoryStore(path)) as store:
        if not store.stories():
            store.new_story("A story of two")
        story = store.stories()[0].id
    names = [f"a{number}x", f"b{number}x"]
    both = [program(place, WRITING, str(path), name, "60") for name in names]
    time.sleep(place.draw.uniform(0.3, 1.5))
    both[0].kill()
    said = [each.communicate(timeout=LIMIT)[0].split() for each in both]
    with closing(StoryStore(path)) as store:
        words = store.text(story).split()
    for name, accepted in zip(names, said, strict=True):
        kept = [word for word in words if word.startswith(name)]
        place.expect(kept[: len(accepted)] == accepted, f"{accepted} were acknowledged, {kept} are there")
    place.expect(len(said[1]) == 60, f"the other program wrote {len(said[1])} of 60 words")


def typing(place: Place, number: int) -> None:
    """Kill the app during typing: the text that was on the screen half a second before is kept."""
    shutil.rmtree(place.home, ignore_errors=True)
    with open_app(100, 30, place.home) as app:
        app.wait_for("Hedgerow Tales")
        app.keys("3")
        app.wait_for("A blank page")
        shown: list[tuple[float, int]] = []
        end, typed = time.monotonic() + place.draw.uniform(1, 4), 0
        while time.monotonic() < end:
            app.keys("a")
            typed += 1
            app.read(0.05)
            shown.append((time.monotonic(), max(map(len, re.findall("a+", app.text())))))
        killed = time.monotonic()
        kill_app(app)
    due = max((count for at, count in shown if at < killed - 0.5), default=0)
    with closing(sqlite3.connect(place.home / "stories.sqlite3")) as database:
        kept = max((len(row[0]) for row in database.execute("select text from draft")), default=0)
    place.expect(
        kept >= due, f"of {typed} letters {due} were typed half a second before the end, {kept} are kept"
    )


def ticks(place: Place, number: int) -> None:
    """Kill the app shortly after a tick is on the screen."""
    with open_app(100, 30, place.home) as app:
        app.wait_for("Hedgerow Tales")
        ticked = "[x] Hedgerow" in app.text()
        for _ in range(place.draw.randint(1, 3)):
            app.keys(" ")
            ticked = not ticked
            app.wait_for(r"\[x\] Hedgerow" if ticked else r"\[ \] Hedgerow")
        app.read(place.draw.uniform(0.1, 0.3))
        kill_app(app)
    kept = json.loads((place.home / "desk.json").read_text())["ticked"]["hedgerow-tales"]
    place.expect((kept is True) == ticked, f"the tick was {ticked}, {kept} is kept")
