"""Whether `kill -9` at any moment costs more than the last second of a story.

    python tests/benchmarks/story_kills.py [--kills 50] [--seed 0] [--json]

The app runs in a pseudo-terminal with the starter. It is given random acts: lines are typed and sent, the model tells,
is stopped and told to go on, passages are edited, undone, redone and told again, takes are leafed through, the story
is renamed, and a new one is begun. At a random moment the process is killed with SIGKILL. Each time it is checked that

- `PRAGMA integrity_check` says ok;
- each line that stood on the page as a passage is in the stories file;
- all that was on the page a second before is in the file, in the present text or in a branch;
- of what was being typed, all that stood in the line a second before is in the file, as a draft or as a passage;
- no passage that was there after the kill before is missing or shorter;
- the app opens again with the story.

Exits with 1 if anything was lost. Prints a line a kill and a summary; with --json one object as the last line.
"""

import argparse
import contextlib
import json
import os
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pexpect

from tests.terminal import Terminal, kill_app, known, open_app

COLUMNS, ROWS = 80, 30
LATEST = 8.0  # seconds after the Story screen is there, at most, to the kill
ALLOWED = 1.0  # seconds of text that may be lost
_MARKS = re.compile(r"‹ ?\d+ (?:of|/) ?\d+ ?›|[▌▁▂▃▄▅▆▇█▏▎▍▋▊▉│┃╎┆]")
# what the screen says over the page, without white space
_SAID = re.compile(
    "Ablankpage|Orpress|Anewstory|openings|Thereisnothing|inanotherwindow|Noother|passage|take|Takes|Retry|retry|"
    r"stories|branch|follows|alt\+|Enter|Escape|^[1-3]?$|Untitled"
)


@dataclass
class Sitting:
    """One run of the app: what was on its screen when, and what it was told."""

    terminal: Terminal
    draw: random.Random
    number: int
    pages: list[tuple[float, str]] = field(
        default_factory=list
    )  # when, the words of the page without white space
    lines: list[tuple[float, str]] = field(default_factory=list)  # when, what stood in the line to type in
    sent: list[str] = field(default_factory=list)  # a word of each line that was sent
    acts: list[str] = field(default_factory=list)
    until: float = 0.0  # the moment of the kill
    _last: tuple[str, ...] = ()  # the rows of the last look

    def watch(self, seconds: float) -> None:
        """Read the screen for a while, but not longer than to the kill."""
        end = min(time.monotonic() + seconds, self.until)
        seen = 0.0
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(pexpect.TIMEOUT):
                self.terminal._stream.feed(known(self.terminal.program.read_nonblocking(65536, timeout=left)))
            if time.monotonic() - seen > 0.04:
                seen = time.monotonic()
                self._look(seen)
        self._look(time.monotonic())
        if time.monotonic() >= self.until:
            raise TimeoutError

    def _look(self, now: float) -> None:
        rows = self.terminal.screen.display
        prompt = next((at for at in range(len(rows) - 1, 0, -1) if rows[at].lstrip().startswith("›")), None)
        rule = next((at for at in range(len(rows) - 1, 0, -1) if rows[at].startswith("───")), None)
        if (
            prompt is None
            or rule is None
            or rule > prompt
            or "Send" not in rows[-1]
            or any("╭" in row for row in rows)
        ):
            return  # a dialog, or the passage is being edited
        # without the first row: the title may be another one a moment later
        page = ("".join(_MARKS.sub("", row).split()) for row in rows[3:rule])
        rows_now = tuple(row for row in page if row)
        # a row that stood there at two looks: else it may be half of one frame and half of the next
        self.pages.append((now, tuple(row for row in rows_now if row in self._last)))
        self._last = rows_now
        typed = rows[prompt].lstrip().removeprefix("›").strip()
        self.lines.append((now, "" if typed.startswith("write the next line") else typed))

    def keys(self, keys: str, seconds: float = 0.15) -> None:
        """Press keys, and watch for a while."""
        self.terminal.keys(keys)
        self.watch(seconds)

    def on_page(self) -> None:
        """Give the page the focus: escape stops the model first."""
        self.keys("\x1b", 0.3)
        self.keys("\x1b", 0.2)


# -- acts: add more here -----------------------------------------------------------------------------------


def type_a_line(sitting: Sitting) -> None:
    """Type words, letter by letter, and send them most of the time."""
    draw = sitting.draw
    word = f"zq{sitting.number}x{len(sitting.acts)}"
    sitting.keys("\r" if draw.random() < 0.3 else "", 0.05)
    for letter in f" {word} {' '.join(draw.choices(('the', 'owl', 'sang', 'mill', 'by', 'night'), k=4))}.":
        sitting.keys(letter, draw.uniform(0.0, 0.06))
    if draw.random() < 0.8:
        sitting.sent.append(word)
        sitting.keys("\r", draw.uniform(0.0, 1.5))


def go_on(sitting: Sitting) -> None:
    """Let the model tell."""
    sitting.keys("\r", sitting.draw.uniform(0.1, 2.5))


def stop(sitting: Sitting) -> None:
    """Stop the model."""
    sitting.keys("\x1b", sitting.draw.uniform(0.0, 0.4))


def on_page(*keys: str) -> Callable[[Sitting], None]:
    """Press some of these keys on the page."""

    def press(sitting: Sitting) -> None:
        sitting.on_page()
        for _ in range(sitting.draw.randint(1, 4)):
            sitting.keys(sitting.draw.choice(keys), sitting.draw.uniform(0.0, 0.3))
        sitting.keys("\r", 0.2)  # back to the line

    return press


def retry(sitting: Sitting) -> None:
    """Tell the last passage again."""
    sitting.on_page()
    sitting.keys("r", sitting.draw.uniform(0.2, 2.0))


def three_takes(sitting: Sitting) -> None:
    """Tell three takes at once."""
    sitting.on_page()
    sitting.keys("a", sitting.draw.uniform(0.2, 2.0))


def edit(sitting: Sitting) -> None:
    """Edit the last passage in its place, and keep the change most of the time."""
    sitting.on_page()
    sitting.keys("e", 0.5)
    for letter in f" zqe{sitting.number}x{len(sitting.acts)}":
        sitting.keys(letter, sitting.draw.uniform(0.0, 0.05))
    sitting.keys("\x13" if sitting.draw.random() < 0.8 else "\x1b", sitting.draw.uniform(0.1, 0.6))


def rename(sitting: Sitting) -> None:
    """Give the story another title."""
    sitting.on_page()
    sitting.keys("R", 0.4)
    sitting.keys(f" {sitting.number}", 0.1)
    sitting.keys("\r", 0.3)


def new_story(sitting: Sitting) -> None:
    """Begin another story."""
    sitting.on_page()
    sitting.keys("n", 0.3)
    sitting.keys("\r", 0.1)


LEFT, RIGHT, UP, DOWN = (f"\x1b[1;3{end}" for end in "DCAB")
ACTS: dict[str, tuple[Callable[[Sitting], None], int]] = {  # with how often
    "type": (type_a_line, 6),
    "go on": (go_on, 4),
    "stop": (stop, 2),
    "undo": (on_page("u"), 2),
    "undo and redo": (on_page("u", "y"), 2),
    "retry": (retry, 3),
    "three takes": (three_takes, 2),
    "takes": (on_page(LEFT, RIGHT), 1),
    "up and down": (on_page(UP, DOWN), 1),
    "edit": (edit, 3),
    "rename": (rename, 1),
    "new": (new_story, 1),
}


# -- one kill ----------------------------------------------------------------------------------------------


def sit(home: Path, draw: random.Random, number: int) -> tuple[Sitting, float]:
    """Run the app, give it acts, and kill it; returns the moment."""
    with open_app(COLUMNS, ROWS, home) as terminal:
        terminal.wait_for("Library", 120)
        terminal.keys("3")
        terminal.wait_for(r"›", 120)
        if draw.random() < 0.8:  # else it is killed while the model is loaded, too
            terminal.wait_for(lambda text: "loading the model" not in text, 120)
        sitting = Sitting(terminal, draw, number)
        sitting.until = time.monotonic() + draw.uniform(0.2, LATEST)
        try:
            while True:
                (name,) = draw.choices(list(ACTS), [weight for _, weight in ACTS.values()])
                sitting.acts.append(name)
                ACTS[name][0](sitting)
        except TimeoutError:
            pass
        moment = time.monotonic()
        kill_app(terminal)
    return sitting, moment


@dataclass(frozen=True)
class Kept:
    """What is in the stories file."""

    passages: dict[int, str]
    titles: list[str]  # without white space
    branches: list[
        str
    ]  # the text from the root to each passage without another after it, without white space
    drafts: list[str]
    sound: bool


def kept_in(path: Path) -> Kept:
    """Read the stories file as SQLite opens it after a kill."""
    if not path.exists():
        return Kept({}, [], [], [], True)
    with contextlib.closing(sqlite3.connect(path)) as db:
        sound = [row[0] for row in db.execute("PRAGMA integrity_check")] == ["ok"]
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'written'").fetchone():
            return Kept({}, [], [], [], sound)
        rows = {id: (parent, text) for id, parent, text in db.execute("SELECT id, parent, text FROM written")}
        titles = ["".join(title.split()) for (title,) in db.execute("SELECT title FROM story")]
        drafts = [text for (text,) in db.execute("SELECT text FROM draft")]
    inner = {parent for parent, _ in rows.values()}
    branches = []
    for id in rows.keys() - inner:
        texts, at = [], id
        while at is not None:
            at, text = rows[at]
            texts.append(text)
        branches.append("".join("".join(reversed(texts)).split()))
    return Kept({id: text for id, (_, text) in rows.items()}, titles, branches, drafts, sound)


def losses(sitting: Sitting, moment: float, before: Kept, after: Kept) -> Iterator[str]:
    """A sentence for each thing that was lost."""
    if not after.sound:
        yield "integrity_check is not ok"
    for id, text in before.passages.items():
        if not after.passages.get(id, "").startswith(text):
            yield f"passage {id} is gone or shorter"
    everything = "\n".join(after.branches)
    shown = {row for _, rows in sitting.pages for row in rows}
    for word in sitting.sent:
        if any(word in row for row in shown) and word not in everything:
            yield f"the line with {word} stood on the page"
    early = {row for when, rows in sitting.pages if when < moment - ALLOWED for row in rows}
    for row in sorted(early):
        # a long title takes two rows
        is_title = any(title.startswith(row.rstrip("…")) or title.endswith(row) for title in after.titles)
        if row not in everything and not is_title and not _SAID.search(row):
            yield f"on the page stood {row!r}"
    typed = [line for when, line in sitting.lines if when < moment - ALLOWED and line]
    later = {line for when, line in sitting.lines if when >= moment - ALLOWED}
    if typed and typed[-1] and all(line.startswith(typed[-1]) for line in later):
        # it stood there to the end
        last = "".join(typed[-1].split())
        if not any(last in "".join(draft.split()) for draft in after.drafts) and last not in everything:
            yield f"of what was typed, {typed[-1]!r}"


def measure(kills: int, seed: int, home: Path) -> dict[str, object]:
    """Kill the app that often, and count what was lost."""
    draw = random.Random(seed)
    path = home / "stories.sqlite3"
    lost: list[str] = []
    acts: Counter[str] = Counter()
    before = kept_in(path)
    for number in range(kills):
        sitting, moment = sit(home, draw, number)
        after = kept_in(path)
        found = list(losses(sitting, moment, before, after))
        lost += found
        acts.update(sitting.acts)
        said = "; ".join(found) or "ok"
        print(
            f"{number + 1:>3}  killed in {sitting.acts[-1]:<14} {len(after.passages):>4} passages  {said}",
            flush=True,
        )
        before = after
    return {
        "kills": kills,
        "lost": len(lost),
        "passages": len(before.passages),
        "words": sum(len(text.split()) for text in before.passages.values()),
        "acts": sum(acts.values()),
        "kinds_of_acts": len(acts),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as home:
        # it is still telling at most moments
        (Path(home) / "settings.toml").write_text(
            'max_tokens = 2000\nend_after = "length"\ncopied_marks = false\n'
        )
        figures = measure(chosen.kills, chosen.seed, Path(home))
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<16}{value:>8}")
    if chosen.json:
        print(json.dumps(figures))
    raise SystemExit(1 if figures["lost"] else 0)


if __name__ == "__main__":
    main()
