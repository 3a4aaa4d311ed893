"""The time to list and to search thousands of written stories.

    python tests/benchmarks/story_list.py [--stories N] [--words N] [--json]

Makes N stories of the bundled tales' words in a temporary home, each of your first line and eight told passages.
`first_list_seconds`: the first list ever, which makes the index. `open_seconds`: opening the stories file.
`list_seconds`: the list. `search_seconds`: a word that few stories hold; `search_all_seconds`: one that all hold;
`search_short_seconds`: two letters, which the index does not have; `search_none_seconds`: a word in no story.
`search_slow_seconds`: the first of these without an index. `search_changed_seconds`: the same after a new passage.
`peer_seconds`: the first by SQL's LIKE on the passages, without accents, titles, order or context. In new processes,
without imports; medians of 5 but for the first list. `megabytes`: the file.

On the screen, in an app at 120x40 without a terminal: `shelf_seconds`, from the key `o` on the Story screen until all
stories are painted; `letter_seconds`, from a letter typed into the search until its hits are painted, the slowest of
the letters of a rare and a common word; `down_seconds`, from the key down until the next line is painted. Medians of 5
openings; the first opening is left out, as the app makes its screens in the background half a second after its start.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.whole import Node, Tree, add_tree

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
PARTS = 9  # passages of a story
RARE, COMMON, SHORT, NONE = "hedgehog", "the", "ow", "xylophone"


def make_stories(path: Path, count: int, words: int) -> None:
    """Write a stories file of stories cut from the bundled tales, with their line ends."""
    text = "\n\n".join(
        file.read_text(encoding="utf-8") for file in sorted((ROOT / "textdata").rglob("*.txt"))
    )
    pieces = text.replace("\n", " \n").split(" ")
    chance = random.Random(0)
    store = StoryStore(path)
    for number in range(count):
        at = chance.randrange(len(pieces) - words)
        cut = [
            " ".join(pieces[at + words * part // PARTS : at + words * (part + 1) // PARTS]) + " "
            for part in range(PARTS)
        ]
        nodes = tuple(
            Node(
                part - 1 if part else None,
                "model" if part else "you",
                each,
                "starter" if part else "",
                "{}",
                1.8e9,
            )
            for part, each in enumerate(cut)
        )
        add_tree(store, Tree(f"Story {number}", "", 1.8e9 + number, 1.8e9 + number, PARTS - 1, nodes))
    store.close()


_MEASURE = """
import sys, time
from storytime_tui import paths
from storytime_tui.stories import search as searching
from storytime_tui.stories.pages import listed
from storytime_tui.stories.search import search
from storytime_tui.stories.store import StoryStore
rare, common, short, none = sys.argv[1:]
def seconds(work):
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result
opened, store = seconds(lambda: StoryStore(paths.stories_file()))
figures = {"open": opened}
figures["list"], stories = seconds(lambda: listed(store))
totals = {}
for name, word in ("search", rare), ("search_all", common), ("search_short", short), ("search_none", none):
    figures[name], found = seconds(lambda: search(store, [word], 50))
    totals[name] = found.total
assert totals["search_none"] == 0 and 0 < totals["search"] < totals["search_all"] <= len(stories)
with store.reading() as db:
    figures["peer"], _ = seconds(
        lambda: db.execute("SELECT DISTINCT story FROM passage WHERE text LIKE ?", (f"%{rare}%",)).fetchall()
    )
store.add_passage(stories[0].story.id, "you", " And on.")
figures["search_changed"], _ = seconds(lambda: search(store, [rare], 50))
searching._GRAM = 1000  # no phrase is long enough for the index
figures["search_slow"], found = seconds(lambda: search(store, [rare], 50))
assert found.total == totals["search"]
import json
print(json.dumps(figures))
"""


_SCREEN = """
import asyncio, json, statistics, sys, time
from textual import events
from storytime_tui.garbage import nothing_collected
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.preload_screens import preload_screens
from storytime_tui.tui.real_services import real_services
rounds, words = int(sys.argv[1]), sys.argv[2:]
async def answered(app, key, letter, holds):
    began = time.perf_counter()
    app.post_message(events.Key(key, letter))
    while not holds():
        assert time.perf_counter() - began < 60, f"the key {key} has no answer"
        await asyncio.sleep(0.0005)
    painted = asyncio.Event()
    app.screen.call_after_refresh(painted.set)
    await painted.wait()
    return time.perf_counter() - began
async def main():
    app = StorytimeApp(real_services())
    app.animation_level = "none"
    took = {"shelf": [], "letter": [], "down": []}
    async with app.run_test(size=(120, 40)) as pilot:
        await preload_screens(app)
        await app.action_mode("story")
        await pilot.pause(2)
        await pilot.press("escape")
        for _ in range(rounds + 1):
            on_the_shelf = lambda: type(app.screen).__name__ == "BookshelfScreen"
            shelf = await answered(app, "o", "o", lambda: on_the_shelf() and app.screen._all and app.screen._list.rows)
            screen = app.screen
            await pilot.pause(0.3)
            downs = []
            for row in range(1, 21):
                downs.append(await answered(app, "down", None, lambda: screen._list.cursor == row))
            await pilot.press("slash")
            letters = []
            for word in words:
                screen._filter_field.value = ""
                await pilot.pause(0.3)
                for at in range(len(word)):
                    sought = (word[: at + 1],)
                    letters.append(await answered(app, word[at], word[at], lambda: screen._list._phrases == sought))
                    await asyncio.sleep(0.1)
            screen._filter_field.value = ""
            await pilot.pause(0.3)
            await pilot.press("escape", "escape")
            await pilot.pause(0.3)
            assert type(app.screen).__name__ == "StoryScreen"
            took["shelf"].append(shelf)
            took["letter"].append(max(letters))
            took["down"].append(max(downs))
    print(json.dumps({name: statistics.median(each[1:]) for name, each in took.items()}))
asyncio.run(main())
"""


def _measured(
    home: Path, code: str = _MEASURE, arguments: Sequence[str] = (RARE, COMMON, SHORT, NONE)
) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "STORYTIME_HOME": str(home), "HF_HUB_OFFLINE": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stories", type=int, default=2_000)
    parser.add_argument("--words", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stories.sqlite3"
        make_stories(path, chosen.stories, chosen.words)
        figures["first_list_seconds"] = _measured(Path(folder))["list"]
        rounds = [_measured(Path(folder)) for _ in range(ROUNDS)]
        for name in rounds[0]:
            figures[f"{name}_seconds"] = statistics.median(each[name] for each in rounds)
        for name, value in _measured(Path(folder), _SCREEN, (str(ROUNDS), RARE, COMMON)).items():
            figures[f"{name}_seconds"] = value
        figures["megabytes"] = path.stat().st_size / 1e6
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<32}{value:>12.4f}")
    if chosen.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
