"""The index of copied words at its promised size: 10 MB indexed within 20 s, a query of 300 words within 100 ms.

    python tests/benchmarks/copied.py [--megabytes N] [--json]

The corpus is whole books from `../shared` beside the checkout, if they are there, filled up with generated tales that
repeat phrases. The query passages are fully copied, not copied, or in between; the time is the median of the slowest
kind. Prints a table; with --json one object as the last line.
"""

import argparse
import functools
import json
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

SHARED = Path(__file__).resolve().parents[3] / "shared"
ROUNDS = 30


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
    """Median seconds for a passage of the slowest kind."""
    return max(
        statistics.median(seconds(lambda text=text: index.stretches(text)) for text in texts)  # type: ignore[misc]
        for texts in asked.values()
    )


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(folder: Path, megabytes: float) -> dict[str, float]:
    """All figures."""
    stories = stories_on_disk(folder / "stories.txt", int(megabytes * 1e6))
    cache = folder / "cache"
    return {
        "megabytes": sum(story.facts.bytes for story in stories) / 1e6,
        "seconds_index": seconds(lambda: open_index(stories, cache)),
        "seconds_open": statistics.median(seconds(lambda: open_index(stories, cache)) for _ in range(9)),
        "seconds_query_300": worst_median(open_index(stories, cache), passages(stories, 300)),
        "seconds_query_60": worst_median(open_index(stories, cache), passages(stories, 60)),
        "megabytes_on_disk": sum(path.stat().st_size for path in cache.iterdir()) / 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (1e6 if sys.platform == "darwin" else 1e3),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), args.megabytes)
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<20}{value:.4f}")


if __name__ == "__main__":
    main()
