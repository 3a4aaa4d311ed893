"""The starter's recipe: prepare its texts, train it from nothing (or go on where it stopped), measure it.

    python tests/benchmarks/starter.py --texts FOLDER --grimm FOLDER [--home DIR] [--shape scratch-9x320]
                                       [--tokens N] [--set KEY=VALUE] [--prepare-only | --evaluate-only]
                                       [--ship storytime_tui/models/starter]

FOLDER of --texts holds `books/` and `simple/` (texts), `tinystories/tinystories.txt` with `<|endoftext|>` between
its stories (where there is a `tinystories/more.txt` like it, the last run reads that one instead), and `books.tsv`
and `simple.tsv`, which say who wrote what under which licence; the one of --grimm the tales that no story may share
much with, since people fine-tune on those first. Everything is kept in DIR: the collections, `starter/` (the plans,
and lists of what was learned from and what was left out, and why), and the three runs. The same command goes on with
a run that was stopped, and measures what has ended; --ship puts what came of it into the package. A GPU, where there
is one, gets the larger plans.
"""

import argparse
import csv
import dataclasses
import gzip
import hashlib
import itertools
import json
import os
import re
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from storytime_tui import cli, paths
from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.shelf import find_collection, taken_names
from storytime_tui.corpus.words import word_hashes
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan, with_values, write_plan
from storytime_tui.workshop import shelves
from storytime_tui.workshop.exporting import export_model
from storytime_tui.workshop.telling import judge_precision

READING, PROSE, TELLING = (
    "starter-reading",
    "starter-prose",
    "starter-telling",
)  # each goes on from the one before
PLANS = {  # as they are shipped
    READING: "plan-1-everything.toml",
    PROSE: "plan-2-simple-prose.toml",
    TELLING: "plan-3-short-stories.toml",
}
MORE = "starter-tiny-more"  # further TinyStories, where there are some: for the last run alone
TALES, NOVELS, SIMPLE, TINY = LEARNED = ("starter-tales", "starter-novels", "starter-simple", "starter-tiny")
BOOKS_HELD_OUT, TINY_HELD_OUT = HELD_OUT = ("starter-books-heldout", "starter-tiny-heldout")
_MARK = "<|endoftext|>"
_SHARE_HELD_OUT = 0.05
_TALE = 25_000  # bytes: half of a book of tales is in stories no longer than that
_SHARD = 15_000_000  # bytes of weights in a file: with its head it stays below 16 MiB
_RUN_OF_WORDS = 8
_MOST_SHARED = 0.05  # of a story's runs of eight words, with Grimm's tales or with a held-out book
_MOST_SHARED_TINY = 0.5  # with the held-out ones: all of them begin with the same eight words
_SHORTEST = 300  # bytes of a story from a book: a shorter one is a motto or a list
_A_PARAGRAPH = 150  # characters: where half of a simple story's are shorter, they are a picture book's pages
_LONG_ENOUGH = 400  # characters of a paragraph made of pages
_QUOTES = ('"', "'", "\u201c", "\u2018", "-", "\u2013", "\u2014")
_NOT_A_TALE = re.compile(
    r"\b(introduct|preface|foreword|prefatory|contents|glossary|appendix|dedicat|bibliograph|pronunc|"
    r"to the reader|illustrations|author's note|list of|suggestions to)",
    re.IGNORECASE,
)


# -- texts ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A story that is not learned from, and why; `share` of its runs of words where that is the reason."""

    collection: str
    file: str
    title: str
    reason: str
    share: float = 0.0


def prepare(texts: Path, grimm: Path, record: Path) -> None:
    """Put the collections on the shelf, and write down what was learned from; again does nothing."""
    if (record / "facts.json").is_file() and set(LEARNED + HELD_OUT) <= taken_names():
        return
    record.mkdir(parents=True, exist_ok=True)
    for name in {*LEARNED, *HELD_OUT, MORE} & taken_names():  # a preparation that was cut short
        shelves.remove(shelves.find(name))
    with tempfile.TemporaryDirectory() as place:
        for name, files in _sorted_texts(texts, Path(place)).items():
            print(f"{name}: {len(files)} files", flush=True)
            shelves.add([Path(place) / name], name)
    read = (*LEARNED, MORE) if MORE in taken_names() else LEARNED
    left_out = _leave_out(read, grimm)
    _write_rows(record / "sources.tsv", ("title", "author", "licence"), _sources(texts))
    _write_rows(record / "left_out.tsv", LeftOut, map(dataclasses.astuple, left_out))
    learned = []
    for name in read + HELD_OUT:
        for story in find_collection(name).stories:
            learned.append((name, story.file, story.title, story.facts.bytes))
    _write_rows(record / "learned.tsv", ("collection", "file", "title", "bytes"), learned)
    facts = {
        name: {
            "files": len({file for where, file, _, _ in learned if where == name}),
            "stories": sum(where == name for where, *_ in learned),
            "bytes": sum(size for where, _, _, size in learned if where == name),
            "left_out": sum(each.collection == name for each in left_out),
        }
        for name in read + HELD_OUT
    }
    (record / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=1), flush=True)


def _write_rows(path: Path, columns: Any, rows: Iterable[Sequence[object]]) -> None:
    names = columns if isinstance(columns, tuple) else [field.name for field in dataclasses.fields(columns)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def _sorted_texts(texts: Path, place: Path) -> dict[str, list[str]]:
    """Copy the texts into a folder for each collection; the names of the files in each."""
    books = sorted(path.name for path in (texts / "books").glob("*.txt"))
    held_out = set(sorted(books, key=_rank)[: round(len(books) * _SHARE_HELD_OUT)])
    sizes: dict[str, list[int]] = {}
    for story in find_collection(str(texts / "books")).stories:
        sizes.setdefault(story.file, []).append(story.facts.bytes)
    found: dict[str, list[str]] = {name: [] for name in LEARNED + HELD_OUT}
    for book in sizes:
        kind = TALES if _middle(sizes[book]) <= _TALE else NOVELS
        found[BOOKS_HELD_OUT if book in held_out else kind].append(book)
    for name, files in found.items():
        (place / name).mkdir()
        for file in files:
            shutil.copy(texts / "books" / file, place / name / file)
    for path in sorted((texts / "simple").rglob("*.txt")):
        name = f"{path.parent.name}-{path.name}"
        told = as_told(path.read_text(encoding="utf-8"))
        (place / SIMPLE / name).write_text(told, encoding="utf-8")
        found[SIMPLE].append(name)
    stories = _tiny_stories(texts / "tinystories" / "tinystories.txt")
    cut = round(len(stories) * _SHARE_HELD_OUT)
    some_each = {TINY_HELD_OUT: stories[:cut], TINY: stories[cut:]}
    more = texts / "tinystories" / "more.txt"
    if more.is_file():
        known = set(stories)
        some_each[MORE] = [story for story in _tiny_stories(more) if story not in known]
        (place / MORE).mkdir()
        found[MORE] = []
    for name, some in some_each.items():
        apart = [re.sub(r"\s*\n\s*", "\n\n", story) for story in some]  # some have no line between paragraphs
        (place / name / "tinystories.txt").write_text(f"\n{_MARK}\n".join(apart), encoding="utf-8")
        found[name].append("tinystories.txt")
    return found


def _tiny_stories(path: Path) -> list[str]:
    """Each of them once, in an order that has nothing to do with the file's."""
    stories = path.read_text(encoding="utf-8").split(_MARK)
    return sorted({story.strip() for story in stories} - {""}, key=_rank)


def as_told(text: str) -> str:
    """A picture book's text in paragraphs: what stood on its pages, a sentence or two on each, is put together.

    A model that reads it page by page learns to tell one-line paragraphs, and from those it falls into lists.
    What somebody says begins a new paragraph, and so does what follows it.
    """
    title, *pages = [page for page in re.split(r"\n\s*\n", text.strip()) if page.strip()]
    if not pages or statistics.median(len(page) for page in pages) >= _A_PARAGRAPH:
        return text
    told = pages[:1]
    for before, page in itertools.pairwise(pages):
        apart = page.lstrip().startswith(_QUOTES) or before.lstrip().startswith(_QUOTES)
        if apart or len(told[-1]) + len(page) > _LONG_ENOUGH:
            told.append(page)
        else:
            told[-1] += " " + page
    return "\n\n".join([title, *told]) + "\n"


def _sources(texts: Path) -> Iterable[tuple[str, str, str]]:
    """Title, author and licence of every book and simple story: who has to be named where the model goes."""
    for name in ("books", "simple"):
        with (texts / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                gutenberg = f"Public domain in the USA (Project Gutenberg #{row.get('gutenberg_id')})"
                yield row["title"], row["author"], row.get("licence") or gutenberg
    yield "TinyStories", "Ronen Eldan and Yuanzhi Li, 2023", "CDLA-Sharing-1.0"


def _rank(text: str) -> str:
    """What decides which of several are held out: the same on every machine."""
    return hashlib.sha256(f"starter {text}".encode()).hexdigest()


def _middle(sizes: Sequence[int]) -> int:
    """The size of the story in which the middle byte of a book stands."""
    return statistics.median_high([size for size in sizes for _ in range(max(1, size // 100))])


def _leave_out(read: Sequence[str], grimm: Path) -> list[LeftOut]:
    """Take off the shelf what should not be learned from; say what it was."""
    tales = _known_runs(find_collection(str(grimm)).stories)
    books = _known_runs(find_collection(BOOKS_HELD_OUT).stories)
    tiny = _known_runs(find_collection(TINY_HELD_OUT).stories)
    reasons: dict[str, list[Callable[[Story], tuple[str, float] | None]]] = {
        name: [lambda story: _shared(story, tales, _MOST_SHARED, "stands in Grimm's tales")] for name in read
    }
    for name in (TALES, NOVELS, SIMPLE):
        reasons[name].append(lambda story: _shared(story, books, _MOST_SHARED, "stands in a held-out book"))
    for name in {TINY, MORE} & set(read):
        reasons[name].append(lambda story: _shared(story, tiny, _MOST_SHARED_TINY, "near a held-out one"))
    for name in (TALES, NOVELS):
        reasons[name].append(_no_tale)
    found = []
    for name in read:
        collection: Collection = find_collection(name)
        for index, story in enumerate(collection.stories):
            said = next((said for reason in reasons[name] if (said := reason(story))), None)
            if said:
                found.append(LeftOut(name, story.file, story.title, *said))
                shelves.remove(collection, index)
    return found


def _no_tale(story: Story) -> tuple[str, float] | None:
    if _NOT_A_TALE.search(story.title):
        return "no tale, by its title", 0.0
    return ("too short", 0.0) if story.facts.bytes < _SHORTEST else None


Runs = npt.NDArray[np.uint64]


def _shared(story: Story, known: Runs, most: float, words: str) -> tuple[str, float] | None:
    own = runs_of_words(story.text)
    places = np.minimum(np.searchsorted(known, own), len(known) - 1)
    share = float((known[places] == own).mean()) if len(own) else 0.0
    return (words, round(share, 3)) if share > most else None


def _known_runs(stories: Iterable[Story]) -> Runs:
    """Those of all the stories, sorted."""
    return np.unique(np.concatenate([runs_of_words(story.text) for story in stories]))


def runs_of_words(text: str) -> Runs:
    """A number for each run of eight words, capitals and punctuation aside."""
    words = word_hashes(text)
    count = len(words) - _RUN_OF_WORDS + 1
    runs_of = np.zeros(max(0, count), np.uint64)
    for place in range(_RUN_OF_WORDS if count > 0 else 0):
        runs_of = runs_of * np.uint64(0x9E3779B97F4A7C15) + words[place : place + count]
    return runs_of


# -- the runs ---------------------------------------------------------------------------------------------


def plans_for(shape: str, tokens: int | None, *, gpu: bool) -> dict[str, TrainingPlan]:
    """Three runs, by name, for so many tokens in all: everything at a high rate, simple prose above all, short stories.

    What a model reads last, while its rate falls, it speaks like: so novels come first and mostly. On a CPU there is
    time for a pass or two, and simple prose has to be much of it from the beginning.
    """
    tokens = tokens or (500_000_000 if gpu else 24_000_000)
    batch = 64 if gpu else 16
    everything, prose, short = (0.72, 0.24, 0.04) if gpu else (0.5, 0.2, 0.3)
    first = TrainingPlan(
        base=shape,
        collections=LEARNED,
        repeats=(f"{TINY}=2", f"{SIMPLE}=2") if gpu else (f"{TINY}=2", f"{NOVELS}=0.25"),
        headers=0.2,
        block_size=512,
        batch_size=batch,
        accumulation=1,
        max_steps=_steps(tokens * everything, batch),
        learning_rate=2e-3 if gpu else 1.5e-3,
        schedule="constant",
        warmup_steps=min(200, _steps(tokens * everything, batch) // 8),
        dropout=0.1 if gpu else 0.0,
        validation_fraction=0.003,  # enough to see it learn: the held-out collections are measured at the end
        evaluate_every=1000 if gpu else 30,  # a checkpoint is written when it has been measured
        sample_every=2000 if gpu else 200,
        seed=1,
    )
    second = dataclasses.replace(
        first,
        base=READING,
        repeats=(f"{TINY}=3", f"{SIMPLE}=3", f"{NOVELS}=0.25"),
        max_steps=_steps(tokens * prose, batch),
        schedule="linear",
        warmup_steps=min(50, _steps(tokens * prose, batch) // 8),
    )
    fresh = (MORE,) if MORE in taken_names() else ()
    small = batch // 2  # there are few tokens for this one: more steps do more than larger ones
    third = dataclasses.replace(
        second,
        base=PROSE,
        collections=(TALES, SIMPLE, TINY, *fresh),
        repeats=(f"{TALES}=0.3", *((f"{TINY}=0.5", f"{MORE}=3") if fresh else ())),
        batch_size=small,
        max_steps=_steps(tokens * short, small),
        learning_rate=6e-4,
        warmup_steps=min(50, _steps(tokens * short, small) // 8),
        evaluate_every=1000 if gpu else 250,
    )
    return {READING: first, PROSE: second, TELLING: third}


def _steps(tokens: float, batch: int) -> int:
    return max(10, int(tokens) // (batch * 512))


def train(run: str, plan: TrainingPlan, plan_file: Path) -> int:
    """Begin a run, or go on with it; the command's exit status."""
    if run not in runs.run_names():
        write_plan(plan, plan_file)
        return cli.main(["train", "--plan", str(plan_file), "--run", run])
    if runs.summary_of(run).state == "finished":
        return 0
    return cli.main(["train", "--resume", run])


def evaluate() -> int:
    """Measure the last run's best checkpoint on what was held out."""
    for name in HELD_OUT:
        print(f"{name}:", flush=True)
        code = cli.main(["evaluate", "--model", TELLING, "--corpus", name, "--all"])
        if code:
            return code
    return 0


def ship(folder: Path, record: Path) -> None:
    """Put the last run's best checkpoint into the package: 16 bits in small files, its plans, the lists, the verdict.

    A card (README.md) that is there stays; the one that the run wrote is only a beginning.
    """
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "starter"
        export_model(TELLING, made, dtype="fp16", shard_bytes=_SHARD, strength=1.0)
        judge_precision(made)
        for run, name in PLANS.items():
            shutil.copy(record / f"{run}.toml", made / name)
        shutil.copy(record / "sources.tsv", made / "sources.tsv")  # names that anyone may look up
        for name in ("learned.tsv", "left_out.tsv"):
            packed = gzip.compress((record / name).read_bytes(), mtime=0)
            (made / f"{name}.gz").write_bytes(packed)
        if (folder / "README.md").is_file():
            (made / "README.md").unlink()
        for old in folder.glob("*.safetensors*"):  # there may have been more of them
            old.unlink()
        shutil.copytree(made, folder, dirs_exist_ok=True)
    print(f"shipped to {folder}:", *sorted(path.name for path in folder.iterdir()), flush=True)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def main() -> int:
    """Prepare, train, measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=Path, help="wanted until the texts are prepared")
    parser.add_argument("--grimm", type=Path, help="likewise")
    parser.add_argument("--home", type=Path, help="what STORYTIME_HOME is for this run")
    parser.add_argument("--shape", default="scratch-9x320", help="what the first run begins from")
    parser.add_argument("--tokens", type=int, help="to read in all, when the run begins")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="of every plan that is not begun"
    )
    parser.add_argument("--prepare-only", action="store_true")
    parser.add_argument("--evaluate-only", action="store_true")
    parser.add_argument(
        "--ship", type=Path, metavar="FOLDER", help="put the result there, and do nothing else"
    )
    args = parser.parse_args()
    if args.home:
        os.environ["STORYTIME_HOME"] = str(args.home.resolve())
    record = paths.data_folder() / "starter"
    if args.ship:
        ship(args.ship, record)
        return 0
    if not args.evaluate_only:
        if args.texts and args.grimm:
            prepare(args.texts.resolve(), args.grimm.resolve(), record)
        elif not (record / "facts.json").is_file():
            parser.error("the texts are not prepared yet: name --texts and --grimm")
        if args.prepare_only:
            return 0
        wished = dict(entry.split("=", 1) for entry in args.set)
        for run, plan in plans_for(args.shape, args.tokens, gpu=_has_gpu()).items():
            code = train(run, with_values(plan, wished), record / f"{run}.toml")
            if code:
                return code
    return evaluate()


if __name__ == "__main__":
    raise SystemExit(main())
