"""The index of copied words at its promised size: 10 MB indexed within 20 s, a query of 300 words within 100 ms.

    python tests/benchmarks/copied.py [--megabytes N] [--pairs N] [--json]

The corpus is whole books from `../shared` beside the checkout, if they are there, filled up with generated tales that
repeat phrases. The query passages are fully copied, not copied, or in between; the time is the median of the slowest
kind. `seconds_places_300` is the whole job for such a passage: the places with their stories, and the share.
`seconds_look_300` is what the Story screen does for a told passage of 300 words within a story: runs that begin before
it, the longest run of any length, the share; `worst_look_300` is the slowest single one.

`ratio_avoid` is the time of a told token with `avoid_copying` over the time without, with the starter as it tells here
(int8 where that is faster) and the index above: the median of pairs that tell the same passage in turn. The prompts
are beginnings of the stories. `share_alike` is the share of pairs that told the same words; the others avoided a run.
Prints a table; with --json one object as the last line.
"""

import argparse
import dataclasses
import functools
import json
import os
import random
import resource
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from storytime_tui.corpus.collection import Extract, Story, facts_of
from storytime_tui.corpus.copied import Index, open_index
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.copied import RUN_OF_WORDS, Learned, Source, find_copies
from storytime_tui.jobs.generate import open_teller
from storytime_tui.models.catalogue import STARTER

SHARED = Path(__file__).resolve().parents[3] / "shared"
ROUNDS = 30
TOKENS = 150  # told for each measurement


def books() -> Iterator[str]:
    """Real books, as distributed; none if they are not on this machine."""
    for path in sorted((SHARED / "gutenberg_raw").glob("*.txt")):
        yield path.read_bytes().decode("utf-8", "replace")
    archive = SHARED / "starter_corpus" / "texts.tar.xz"
    if archive.is_file():
        with tarfile.open(archive) as files:
            for member in files:
                if member.name.startswith("books/") and (file := files.extractfile(member)):
                    yield file.read().decode("utf-8", "replace")


@functools.cache
def language() -> tuple[list[str], list[float], list[list[str]]]:
    """Words, their frequencies, and phrases that all generated tales use."""
    dice = random.Random(0)
    stock = ["".join(dice.choices("aeinorstdlmhu", k=2 + n.bit_length() // 3)) for n in range(30_000)]
    weights = [1 / (n + 3) for n in range(len(stock))]
    return stock, weights, [dice.choices(stock, weights, k=dice.randrange(3, 12)) for _ in range(2000)]


def made_up(seed: int, words: int = 20_000) -> str:
    """A generated tale that shares phrases with the others."""
    stock, weights, phrases = language()
    dice = random.Random(seed)
    said: list[str] = []
    while len(said) < words:
        said += dice.choice(phrases) if dice.random() < 0.4 else dice.choices(stock, weights, k=20)
        said[-1] += dice.choice([",", ".", ".\n\n"])
    return " ".join(said)


def stories_on_disk(path: Path, size: int) -> list[Story]:
    """About `size` bytes of stories, with their texts in one file as in a collection."""
    stories: list[Story] = []

    def endless() -> Iterator[str]:
        yield from books()
        for seed in range(sys.maxsize):
            yield made_up(seed)

    with path.open("wb") as file:
        for text in endless():
            start = file.tell()
            if start >= size:
                return stories
            text = text[: size - start]
            file.write(text.encode())
            stories.append(Story(str(len(stories)), Extract(path, start, file.tell()), known=facts_of(text)))
    return stories


def passages(stories: list[Story], words: int) -> dict[str, list[str]]:
    """Passages by the length of their copied runs: everything, 40 words, 12, 5 (too short to count)."""
    dice = random.Random(3)
    some = [dice.choice(stories).text.split() for _ in range(12)]

    def passage(run: int) -> str:
        said: list[str] = []
        while len(said) < words:
            tale = dice.choice(some)
            start = dice.randrange(max(1, len(tale) - run))
            said += tale[start : start + run]
        return " ".join(said[:words])

    return {str(run): [passage(run) for _ in range(ROUNDS)] for run in (words, 40, 12, 5)}


def worst_median(index: Index, asked: dict[str, list[str]]) -> float:
    """Median seconds of a query for a passage of the slowest kind."""
    return worst(index.stretches, asked)


def worst(work: Callable[[str], object], asked: dict[str, list[str]]) -> float:
    """Median seconds of the work on a passage of the slowest kind."""
    return max(
        statistics.median(seconds(functools.partial(work, text)) for text in texts)
        for texts in asked.values()
    )


def avoiding(index: Index, stories: list[Story], pairs: int) -> dict[str, float]:
    """What avoiding costs a told token, with the starter."""
    teller = open_teller(STARTER)
    plain = SamplerSettings(max_tokens=TOKENS, min_tokens=TOKENS, temperature=0.8)
    teller._learned = Learned(index)
    ratios: list[float] = []
    steps: list[float] = []
    alike = 0
    for number in range(-1, pairs):  # the first pair warms up
        prompt = " ".join(stories[number % len(stories)].text[2000:3000].split()[1:40])
        times: dict[int, float] = {}
        told: set[str] = set()
        for words in (0, RUN_OF_WORDS) if number % 2 else (RUN_OF_WORDS, 0):
            settings = dataclasses.replace(plain, avoid_copying=words, seed=number + 2)
            *pieces, end = teller.tell(prompt, settings)
            assert isinstance(end, Told)
            times[words] = 1 / end.tokens_per_second
            told.add("".join(piece.text for piece in pieces if isinstance(piece, Piece)))
        if number >= 0:
            ratios.append(times[RUN_OF_WORDS] / times[0])
            steps.append(times[0])
            alike += len(told) == 1
    return {
        "ratio_avoid": statistics.median(ratios),
        "seconds_step": statistics.median(steps),
        "share_alike": alike / pairs,
    }


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def looked_at(index: Index, sources: list[Source], asked: dict[str, list[str]]) -> tuple[float, float]:
    """Median seconds of a look at a passage of the slowest kind, and the slowest look of all."""
    learned = Learned(index, "", tuple(sources))
    before = asked["12"][0] + " "
    times = [
        [
            seconds(functools.partial(learned.look, before + text, len(before), len(before + text)))
            for text in texts
        ]
        for texts in asked.values()
    ]
    return max(map(statistics.median, times)), max(map(max, times))


def measure(folder: Path, megabytes: float, pairs: int) -> dict[str, float]:
    """All figures."""
    stories = stories_on_disk(folder / "stories.txt", int(megabytes * 1e6))
    cache = folder / "cache"
    sources = [Source("shelf", story) for story in stories]
    seconds_index = seconds(lambda: open_index(stories, cache))
    look, worst_look = looked_at(open_index(stories, cache), sources, passages(stories, 300))
    figures = {
        "megabytes": sum(story.facts.bytes for story in stories) / 1e6,
        "seconds_index": seconds_index,
        "seconds_open": statistics.median(seconds(lambda: open_index(stories, cache)) for _ in range(9)),
        "seconds_query_300": worst_median(open_index(stories, cache), passages(stories, 300)),
        "seconds_query_60": worst_median(open_index(stories, cache), passages(stories, 60)),
        "seconds_places_300": worst(lambda text: find_copies(text, sources), passages(stories, 300)),
        "seconds_look_300": look,
        "worst_look_300": worst_look,
        "megabytes_on_disk": sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) / 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (1e6 if sys.platform == "darwin" else 1e3),
    }
    return figures | (avoiding(open_index(stories, cache), stories, pairs) if pairs else {})


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--pairs", type=int, default=9, help="of told passages; 0 needs no model (9)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STORYTIME_HOME"] = folder  # `find_copies` keeps its index there
        figures = measure(Path(folder), args.megabytes, args.pairs)
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<20}{value:.4f}")


if __name__ == "__main__":
    main()
