"""One gigabyte of text to stories and tokens: memory, time, and the time to open it again.

    python tests/benchmarks/large_corpus.py [--gigabytes 1] [--files 200] [--json]

The texts are generated books with a licence header, chapters or tales, and hard wraps. The work runs in its own
process, whose peak resident memory is read from the system. The promise is at most 800 MB.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXT = """
the a and of to in he she it was had said went came little old king queen fox hen wood house night day
morning bread water stone road hedge lantern winter summer mother father brother sister looked took gave
until because whenever behind beneath through against before again never always silver golden quiet loud
"""
WORDS = TEXT.split()


def write_book(path: Path, size: int, seed: int) -> None:
    """Write a hard-wrapped book of about `size` bytes: different tales with headings."""
    rng = random.Random(seed)
    names = [
        f"{rng.choice('BCDFGHLMNPRST')}{rng.choice('aeiou')}{rng.choice('lmnrst')}{rng.choice('aeiou')}{i}"
        for i in range(200)
    ]
    written, tale = 0, 0
    with path.open("w", encoding="utf-8") as file:
        file.write("*** START OF THE PROJECT GUTENBERG EBOOK A LARGE BOOK ***\n\n\n")
        while written < size:
            tale += 1
            parts = [f"\n\n\n\nTHE TALE OF {names[tale % 200].upper()} AND NUMBER {tale}\n\n\n"]
            for _ in range(rng.randint(5, 40)):
                words = rng.choices(WORDS, k=rng.randint(30, 160))
                words[0] = words[0].capitalize()
                words[len(words) // 2] = rng.choice(names)
                line, lines = "", []
                for word in words:
                    if len(line) + len(word) > 70:
                        lines.append(line)
                        line = word
                    else:
                        line = f"{line} {word}" if line else word
                parts.append("\n".join([*lines, line + ".\n\n"]))
            text = "".join(parts)
            file.write(text)
            written += len(text)
        file.write("\n\n*** END OF THE PROJECT GUTENBERG EBOOK A LARGE BOOK ***\n")


def work(folder: Path) -> None:
    """In the child process: read, clean, divide, split, tokenise; then open everything again; print the figures."""
    from storytime_tui import paths
    from storytime_tui.corpus.library.folders import read_folder
    from storytime_tui.corpus.splitting import split_stories
    from storytime_tui.corpus.tokens import open_tokens
    from storytime_tui.models.tokenizer import train_tokenizer

    sample = next(iter(sorted(folder.iterdir()))).read_text(encoding="utf-8")[:2_000_000]
    tokenizer = train_tokenizer([sample], 8192)
    cache = paths.cache_folder() / "tokens"
    figures = {}
    for name in ("first", "again"):
        began = time.perf_counter()
        collection, _ = read_folder(folder)
        read = time.perf_counter() - began
        split = split_stories(collection.stories, 0.1, 0)
        chosen = time.perf_counter() - began
        training = open_tokens(split.training, tokenizer, cache)
        open_tokens(split.validation, tokenizer, cache)
        figures[f"seconds_{name}"] = time.perf_counter() - began
        figures[f"seconds_{name}_reading"] = read
        figures[f"seconds_{name}_choosing"] = chosen - read
        figures[f"stories_{name}"] = len(collection.stories)
        figures["tokens"] = len(training.ids)
        del collection, split, training  # the second opening counts as a new session
        figures[f"peak_megabytes_{name}"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.work:
        work(args.work)
        return
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as place:
        folder = Path(place) / "texts"
        folder.mkdir()
        for number in range(args.files):
            write_book(folder / f"book-{number:05}.txt", int(args.gigabytes * 1e9 / args.files), number)
        environment = os.environ | {"STORYTIME_HOME": str(Path(place) / "home")}
        argv = [sys.executable, __file__, "--work", str(folder)]
        done = subprocess.run(argv, env=environment, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        found["megabytes"] = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    if args.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<28}{value:>16,.1f}")


if __name__ == "__main__":
    main()
