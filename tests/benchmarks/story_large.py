"""How the app carries a story of 50,000 words with 500 branches: opening it, and writing in it while a model tells.

    python tests/benchmarks/story_large.py [--words 50000] [--branches 500] [--teller fake|starter] [--profile] [--json]

The app runs headless at 120 x 40; what the terminal would get is rendered, too. `open_seconds`: the median and the
worst of seven times from the request to the painted page, with another story in between. `token_milliseconds`: the
processor time of the event loop a streamed token, without what the app takes at rest in the same time; the fake teller
streams 40 tokens a second, the starter as fast as it can. `key_seconds`: from a letter typed into the line to the frame
that shows it, while it streams. The same figures for a story of 200 words are printed beside them. `--profile` prints
where the event loop's time goes.
"""

import argparse
import asyncio
import cProfile
import dataclasses
import json
import pstats
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from textual import events
from textual._compositor import CompositorUpdate
from textual.pilot import Pilot

from storytime_tui.stories.story import Story
from storytime_tui.stories.whole import Node, Tree, add_tree
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.real_services import real_services
from storytime_tui.tui.screens.story import StoryScreen
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.fakes import World

WORDS = re.findall(
    r"\w+",
    "the hedgehog and moon said with little a lantern wolf who garden old under in sang brown of crept mouse at",
)
PASSAGE = 50  # words
RATE = 40  # tokens a second
LETTERS = 120  # typed while it streams
LIMITS = {"open_seconds": 0.5, "token_milliseconds": 6.0, "key_p99_seconds": 0.05}


def large_tree(words: int, branches: int, seed: int = 0) -> Tree:
    """A story whose present text has so many words, with branches of one to four passages beside it."""
    draw = random.Random(seed)

    def passage(parent: int | None, number: int) -> Node:
        text = " ".join(draw.choices(WORDS, k=PASSAGE)).capitalize() + draw.choice([". ", ". ", ".\n\n"])
        author = "you" if number % 5 == 0 else "model"
        how = ("starter", json.dumps({"seed": number, "voice": ""})) if author == "model" else ("", "")
        return Node(parent, author, text, *how, 1_000_000.0 + number)  # type: ignore[arg-type]

    nodes: list[Node] = []
    for number in range(max(1, words // PASSAGE)):
        nodes.append(passage(number - 1 if number else None, number))
    head = len(nodes) - 1
    for number in range(branches):
        at = draw.randrange(head + 1)
        for _ in range(draw.randint(1, 4)):
            nodes.append(passage(at, number))
            at = len(nodes) - 1
    return Tree(f"A story of {words:,} words", "", 1_000_000.0, 1_000_000.0, head, tuple(nodes))


class Frames:
    """Says when a frame that shows something was given to the terminal."""

    def __init__(self, app: StorytimeApp) -> None:
        self._holds: Callable[[], bool] = lambda: False
        self._painted = asyncio.Event()
        self._at = 0.0
        show = app._display

        def displayed(screen: Any, frame: Any) -> None:
            show(screen, frame)
            if isinstance(frame, CompositorUpdate):
                frame.render_segments(app.console)  # the headless driver does not render
            if not self._painted.is_set() and self._holds():
                self._at = time.perf_counter()
                self._painted.set()

        app._display = displayed  # type: ignore[method-assign]

    async def until(self, holds: Callable[[], bool], seconds: float = 60.0) -> float:
        """Wait for the frame; returns its time."""
        self._holds = holds
        self._painted.clear()
        await asyncio.wait_for(self._painted.wait(), seconds)
        return self._at


class Streaming:
    """Lets a fake teller go on so many times a second."""

    def __init__(self, gate: threading.Semaphore) -> None:
        self._gate, self._over = gate, threading.Event()

    def begin(self) -> None:
        """Begin to let it go on."""
        threading.Thread(target=self._let_go, daemon=True).start()

    def _let_go(self) -> None:
        due = time.perf_counter()
        while not self._over.is_set():
            self._gate.release()
            due += 1 / RATE
            time.sleep(max(0.0, due - time.perf_counter()))

    def end(self) -> None:
        """Stop."""
        self._over.set()


@contextmanager
def profiled(on: bool) -> Iterator[None]:
    """Print where the time of this thread goes."""
    if not on:
        yield
        return
    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    yield
    profile.disable()
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


async def measure(
    app: StorytimeApp, stories: tuple[Story, Story], teller: str, profile: bool, begin: Callable[[], object]
) -> dict[str, float]:
    """Open the first story several times, and write in it; the second is opened in between."""
    large, other = stories
    frames = Frames(app)

    def shows(story: Story) -> Callable[[], bool]:
        def holds() -> bool:
            found = app.screen.query(Page)
            return bool(found) and found.first()._title == story.title and bool(found.first().text)

        return holds

    await app.open_story(other)
    while not shows(other)():
        await asyncio.sleep(0.05)
    opened = []
    for _ in range(7):
        for story in (large, other):
            await asyncio.sleep(0.3)
            began = time.perf_counter()
            await app.open_story(story)
            at = await frames.until(shows(story))
            if story is large:
                opened.append(at - began)
    await app.open_story(large)
    await frames.until(shows(large))
    await asyncio.sleep(1.0)
    assert isinstance(app.screen, StoryScreen)
    long = {"max_tokens": 10_000, "min_tokens": 10_000, "end_after": "length"}  # it tells all the time
    app.screen._set_settings(dataclasses.replace(app.screen.settings, **long))  # type: ignore[arg-type]
    page, prompt = app.screen.query_one(Page), app.screen.query_one(Prompt)
    prompt.focus()
    rest = time.thread_time()
    await asyncio.sleep(4.0)
    rest = (time.thread_time() - rest) / 4.0  # of a second

    length = len(page.text)
    app.post_message(events.Key("enter", "\r"))
    begin()
    await frames.until(lambda: len(page.text) > length, 180)
    began, worked, length = time.perf_counter(), time.thread_time(), len(page.text)
    with profiled(profile):
        await asyncio.sleep(5.0)
    seconds = time.perf_counter() - began
    worked = time.thread_time() - worked - rest * seconds
    tokens = seconds * RATE if teller == "fake" else (len(page.text) - length) / 4.2

    keys = []
    for number in range(LETTERS):
        letter = "abcdefgh"[number % 8]
        want = prompt.text + letter
        began = time.perf_counter()
        app.post_message(events.Key(letter, letter))
        keys.append(await frames.until(lambda want=want: prompt.text == want) - began)  # type: ignore[misc]
        await asyncio.sleep(0.04)
        if not app.desk.busy:
            break
    app.post_message(events.Key("escape", None))
    while app.desk.busy:
        await asyncio.sleep(0.05)
    return {
        "open_seconds": statistics.median(opened),
        "open_worst_seconds": max(opened),
        "token_milliseconds": 1000 * worked / tokens,
        "key_p50_seconds": statistics.median(keys),
        "key_p99_seconds": statistics.quantiles(keys, n=100)[98],
        "keys": float(len(keys)),
    }


def run_on(words: int, branches: int, teller: str, profile: bool) -> dict[str, float]:
    """Open the app on a story of this size and measure."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        world = World(Path(home) / "stories")
        world.folder.mkdir(parents=True)
        world.pieces = [f" {WORDS[number % len(WORDS)]}" for number in range(100_000)]
        gate = world.gate = threading.Semaphore(0)
        streaming = Streaming(gate)
        store = world.store()
        stories = add_tree(store, large_tree(words, branches)), add_tree(store, large_tree(200, 0, 1))
        store.close()
        services = dataclasses.replace(world.services(), clock=time.perf_counter)
        if teller == "starter":
            real = real_services()
            services = dataclasses.replace(
                services, model_choices=real.model_choices, open_teller=real.open_teller
            )
        app = StorytimeApp(services)

        async def drive(pilot: Pilot[Any]) -> None:
            try:
                figures.update(await measure(app, stories, teller, profile, streaming.begin))
            finally:
                streaming.end()
                app.exit()

        app.run(headless=True, size=(120, 40), auto_pilot=drive)
        world.end()
    return figures


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--words", type=int, default=50_000)
    parser.add_argument("--branches", type=int, default=500)
    parser.add_argument("--teller", choices=("fake", "starter"), default="fake")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    small = run_on(200, 0, chosen.teller, profile=False)
    large = run_on(chosen.words, chosen.branches, chosen.teller, chosen.profile)
    for name, value in large.items():
        limit = f"{LIMITS[name]:>10.3f} allowed" if name in LIMITS else ""
        print(f"{name.replace('_', ' '):<22}{value:>10.3f}{small[name]:>10.3f} (200 words){limit}")
    if chosen.json:
        print(json.dumps(large))


if __name__ == "__main__":
    main()
