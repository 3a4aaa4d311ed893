"""The time to list and to search thousands of written stories.

    python tests/benchmarks/story_list.py [--stories N] [--words N] [--json]

Makes N stories of the bundled tales' words in a temporary home, each of your first line and eight told passages.
`first_list_seconds`: the first list ever, which makes the index. `open_seconds`: opening the stories file.
`list_seconds`: the list. `search_seconds`: a word that few stories hold; `search_all_seconds`: one that all hold;
`search_short_seconds`: two letters, which the index does not have; `search_none_seconds`: a word in no story.
`search_slow_seconds`: the first of these without an index. `search_changed_seconds`: the same after a new passage.
`peer_seconds`: the first by SQL's LIKE on the passages, without accents, titles, order or context. In new processes,
without imports; medians of 5 but for the first list. `megabytes`: the file.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
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


def _measured(home: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, RARE, COMMON, SHORT, NONE],
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
        figures["megabytes"] = path.stat().st_size / 1e6
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<32}{value:>12.4f}")
    if chosen.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
