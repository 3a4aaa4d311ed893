"""How fast the Library answers a key with 5,000 stories on the shelf: from the key to the painted frame.

    python tests/benchmarks/library_keys.py [--rounds N] [--json]

Two shelves are measured: one collection of 5,000 stories, and 500 collections of 10. The app uses the real services
for copies and estimates, on texts on the disk; only the shelf is made here. Keys are put into the app's queue as the
terminal driver does, at 120 x 40. Each kind of key is pressed with pauses in between; `held` comes thirty times a
second, like a key that is held down. CPU time is measured beside the wall time, because other programs do not change
it. Prints a table; with --json one object.
"""

import argparse
import asyncio
import dataclasses
import json
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from textual import events
from textual._compositor import CompositorUpdate
from textual.pilot import Pilot
from textual.widgets import Input

from storytime_tui.corpus.collection import Collection, facts_of
from storytime_tui.corpus.document import Tale
from storytime_tui.corpus.story_table import StoryTable, TableBuilder
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.real_services import real_services
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import ShelfTree
from tests.tui.fakes import World

LIMIT = 0.05  # seconds
WORDS = re.findall(
    r"\w+",
    "the hedgehog and moon said with little a lantern wolf who garden old under in sang brown of crept mouse at "
    "evening thistle to kettle button while brook told winter snail was never cold bridge then umbrella by",
)
SETTLED = 0.15  # seconds between two keys, unless held
HELD = 1 / 30


def make_shelf(folder: Path, collections: int, stories: int) -> tuple[Collection, ...]:
    """Make `collections` collections of `stories` stories of at least 150 words, kept as those of the real shelf are.

    The second story of the first collection has 2 MB.
    """
    chance = random.Random(collections)
    shelf = []
    for number in range(collections):
        texts = [" ".join(chance.choices(WORDS, k=chance.randint(150, 250))) + "." for _ in range(stories)]
        if number == 0:
            texts[1] = "\n\n".join(" ".join(WORDS * 6) for _ in range(1600))
        path = folder / f"{collections}-{number}.txt"
        path.write_text("".join(texts), encoding="utf-8")
        table, sketches = TableBuilder(), []
        for index, text in enumerate(texts):
            title = f"The {' '.join(chance.choices(WORDS, k=3))} no. {index + 1}".title()
            facts = facts_of(text)
            table.add(Tale(title, text, lines=(index, index + 1)), path.name, facts)
            sketches.append(facts.sketch)
        kept = StoryTable(table.columns(), path, np.concatenate(sketches))
        shelf.append(Collection(f"c{number}", f"Collection {number + 1}", kept, author="Nobody"))
    return tuple(shelf)


class Watch:
    """Records when the frame after a key was given to the terminal."""

    def __init__(self, app: StorytimeApp) -> None:
        self._app = app
        self._tree, self._reading = app.screen.query_one(ShelfTree), app.screen.query_one(Reading)
        self._filter = app.screen.query_one("#filter", Input)
        self._before: object = None
        self._painted = asyncio.Event()
        self._at: tuple[float, float] | None = None
        show = app._display

        def displayed(screen: Any, frame: Any) -> None:
            show(screen, frame)
            if isinstance(frame, CompositorUpdate):
                frame.render_segments(app.console)  # the headless driver does not render
            drawn = not (self._tree._repaint_required or self._reading._repaint_required)
            if drawn and self._state() != self._before:
                self._at = self._at or (time.perf_counter(), time.process_time())
                self._painted.set()

        app._display = displayed  # type: ignore[method-assign]

    def _state(self) -> object:
        tree, reading = self._tree, self._reading
        place = tree.cursor, round(tree.scroll_y), tree.ticks, tuple(tree._rows[:3]), len(tree._rows)
        return place, self._filter.value, round(reading.scroll_y), self._app.focused

    async def answer(self, key: str, character: str | None) -> tuple[float, float]:
        """(wall seconds, CPU seconds) from the key's arrival in the app's queue to that frame."""
        self._before, self._at = self._state(), None
        self._painted.clear()
        began, worked = time.perf_counter(), time.process_time()
        self._app.post_message(events.Key(key, character))
        try:
            await asyncio.wait_for(self._painted.wait(), 2)
        except TimeoutError:
            raise AssertionError(f"nothing came of {key!r}") from None
        assert self._at is not None
        return self._at[0] - began, self._at[1] - worked


async def press(watch: Watch, keys: list[str], pause: float) -> list[tuple[float, float]]:
    """Press keys one after another; a space is the space key."""
    took = []
    for key in keys:
        character = key if len(key) == 1 else None
        seconds = await watch.answer({" ": "space", "/": "slash"}.get(key, key), character)
        took.append(seconds)
        await asyncio.sleep(max(0.0, pause - (seconds[0] if pause == HELD else 0)))
    return took


async def measure(app: StorytimeApp, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Measure every kind of key, in a plausible order."""
    took: dict[str, list[tuple[float, float]]] = {}

    async def kind(name: str, *keys: str, pause: float = SETTLED) -> None:
        took.setdefault(name, []).extend(await press(watch, list(keys), pause))

    watch = Watch(app)
    for _ in range(rounds):
        await kind("down", *["down"] * 8)
        await kind("up", *["up"] * 4)
        await kind("page down", *["pagedown"] * 4)
        await kind("tick a story", " ", " ")
        await kind("end", "end")
        await kind("held down", *["up"] * 40, pause=HELD)
        await kind("home", "home")
        await kind("tick a collection", " ", " ", " ")
        await kind("fold, unfold", "left", "right", "left", "right")
        await kind("to a long story", "down", "down")
        await asyncio.sleep(0.5)
        await kind("into a story of 2 MB", "enter", "end", "home", "pagedown", "end", "home", "escape")
        await press(watch, ["/"], SETTLED)
        assert isinstance(app.focused, Input)
        await kind("filter letter", *"moon", " ", *"br", "x")
        await kind("filter backspace", *["backspace"] * 5)
        await kind("filter cleared", "escape")
        assert isinstance(app.focused, ShelfTree)
    return took


def run_on(shelf: tuple[Collection, ...], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Open the app on a shelf and measure."""
    with tempfile.TemporaryDirectory() as home:
        real = real_services()
        services = dataclasses.replace(
            World(Path(home) / "stories", collections=shelf).services(),
            copies=real.copies,
            estimate=real.estimate,
            estimate_tokens=real.estimate_tokens,
        )
        app = StorytimeApp(services)
        result: dict[str, Any] = {}

        async def drive(pilot: Pilot[Any]) -> None:
            while not app.desk.collections:
                await asyncio.sleep(0.02)
            await asyncio.sleep(2.0)  # until the copies are found
            result.update(await measure(app, rounds))
            app.exit()

        app.run(headless=True, size=(120, 40), auto_pilot=drive)
        return result


def main() -> None:
    """Measure both shelves and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures: dict[str, float] = {"worst_seconds": 0.0, "worst_processor_seconds": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        for collections, stories in ((1, 5000), (500, 10)):
            shelf = make_shelf(Path(folder), collections, stories)
            took = run_on(shelf, args.rounds)
            if not args.json:
                print(
                    f"\n{f'{collections} x {stories} stories':<26}{'median ms':>10}{'worst ms':>10}", end=""
                )
                print(f"{'processor: median':>19}{'worst':>8}{'keys':>6}")
            for name, times in took.items():
                clock, work = [t[0] for t in times], [t[1] for t in times]
                plain = f"{name.replace(',', '').replace(' ', '_')}_{collections}"
                figures |= {f"{plain}_median": statistics.median(clock), f"{plain}_worst": max(clock)}
                figures["worst_seconds"] = max(figures["worst_seconds"], *clock)
                figures["worst_processor_seconds"] = max(figures["worst_processor_seconds"], *work)
                if not args.json:
                    print(
                        f"{name:<26}{statistics.median(clock) * 1e3:>10.1f}{max(clock) * 1e3:>10.1f}", end=""
                    )
                    print(f"{statistics.median(work) * 1e3:>19.1f}{max(work) * 1e3:>8.1f}{len(times):>6}")
    if args.json:
        print(json.dumps(figures))
        return
    print(f"\nworst of all: {figures['worst_seconds'] * 1e3:.1f} ms by the clock, ", end="")
    print(
        f"{figures['worst_processor_seconds'] * 1e3:.1f} ms of processor time; the limit is {LIMIT * 1e3:.0f} ms"
    )


if __name__ == "__main__":
    main()
