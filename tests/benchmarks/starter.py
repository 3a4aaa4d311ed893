"""The starter's recipe: prepare its texts, train it from nothing (or go on where it stopped), measure it.

    python tests/benchmarks/starter.py --texts FOLDER --grimm FOLDER [--home DIR] [--shape scratch-9x320]
                                       [--tokens N] [--set KEY=VALUE] [--last-only]
                                       [--prepare-only | --evaluate-only] [--ship storytime_tui/models/starter]

FOLDER of --texts is what `starter_texts` reads; the one of --grimm holds the tales that no story may share much with,
since people fine-tune on those first. Everything is kept in DIR: the collections, `starter/` (the plans, and lists of
what was learned from and what was left out, and why), and the six runs. With --last-only there is one run: the last
one, from the starter that ships. The same command goes on with a run that was stopped, and measures what has ended;
--ship puts what came of it into the package. A GPU, where there is one, gets the larger plans.
"""

import argparse
import dataclasses
import gzip
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from storytime_tui import cli, paths
from storytime_tui.corpus.library.shelf import taken_names
from storytime_tui.jobs.export import export_model
from storytime_tui.jobs.judge_precision import judge_precision
from storytime_tui.knobs import with_values
from storytime_tui.models.catalogue import STARTER
from storytime_tui.models.voices import Voices, write_voices
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan, read_plan, write_plan
from tests.benchmarks.starter_texts import (
    ADDED,
    BEDTIME,
    BEGUN_NOVELS,
    BEGUN_PAGES,
    BEGUN_TALES,
    FABLES,
    FRESH,
    LEARNED,
    MORE,
    NOVELS,
    NOVELS_HELD_OUT,
    ONCE_NOVELS,
    ONCE_PAGES,
    ONCE_TALES,
    PAGES,
    SHELF_OF,
    SHORT_STORIES,
    SIMPLE,
    TALES,
    TALES_HELD_OUT,
    TINY,
    TINY_HELD_OUT,
    VOICES,
    prepare,
)

READING, PROSE, TELLING, SHELVES, AGAIN, LINES = (
    "starter-reading",
    "starter-prose",
    "starter-telling",
    "starter-shelves",
    "starter-again",
    "starter-lines",
)  # each goes on from the one before
PLANS = {  # as they are shipped
    READING: "plan-1-everything.toml",
    PROSE: "plan-2-simple-prose.toml",
    TELLING: "plan-3-short-stories.toml",
    SHELVES: "plan-4-shelves.toml",
    AGAIN: "plan-5-short-stories-again.toml",
    LINES: "plan-6-lines.toml",
}
MEASURED = ((TALES_HELD_OUT, NOVELS_HELD_OUT), (TINY_HELD_OUT,))
_LAST = 2_252_800  # tokens of the last run alone: twenty minutes on two cores
_SHARD = 15_000_000  # bytes of weights in a file: with its head it stays below 16 MiB
# of what the fourth run reads, more than half are short stories then, a fifth tales that begin with "Once upon a time"
_SHELVES_REPEATS = {
    FRESH: 1.4,
    ONCE_TALES: 0.8,
    TALES: 0.03,
    ONCE_PAGES: 1.5,
    SIMPLE: 0.3,
    BEDTIME: 0.06,
    ONCE_NOVELS: 1.5,
    NOVELS: 0.03,
}
# and of what the fifth reads, four fifths: enough of the others for them not to be forgotten
_AGAIN_REPEATS = {
    FRESH: 1.0,
    TINY: 0.1,
    ONCE_TALES: 0.1,
    TALES: 0.02,
    FABLES: 0.3,
    SIMPLE: 0.1,
    NOVELS: 0.015,
}
# The sixth reads the beginnings of the others, all of them from "Once upon a time": the line alone says which it is.
_LINES_REPEATS = {
    FRESH: 0.75,
    BEGUN_TALES: 1.0,
    BEGUN_PAGES: 1.0,
    BEGUN_NOVELS: 1.0,
    ONCE_TALES: 0.25,
    ONCE_PAGES: 1.0,
    ONCE_NOVELS: 1.0,
    SIMPLE: 0.1,
    NOVELS: 0.01,
}
# How much of the way that a run went is kept: a mean with what it began from predicts better than either. More of the
# last is better on short stories and worse on old books.
_KEPT = {SHELVES: 0.6, AGAIN: 0.35, LINES: 0.5}


def plans_for(shape: str, tokens: int | None, *, gpu: bool) -> dict[str, TrainingPlan]:
    """Six runs, by name, for so many tokens in all: everything at a high rate, simple prose above all, short stories,
    each shelf behind its line, the short stories again, and what binds each manner to its line.

    What a model reads last, while its rate falls, it speaks like: so novels come first and mostly. On a CPU there is
    time for a pass or two, and simple prose has to be much of it from the beginning. Only the last three runs
    have lines of shelves: before them, everything is read as one language.
    """
    tokens = tokens or (500_000_000 if gpu else 24_000_000)
    batch = 64 if gpu else 16
    everything, prose, short, lines, again, last = (
        (0.7, 0.235, 0.04, 0.013, 0.007, 0.005) if gpu else (0.4, 0.15, 0.2, 0.1, 0.05, 0.1)
    )
    first = TrainingPlan(
        base=shape,
        collections=LEARNED,
        repeats=(f"{TINY}=2", f"{SIMPLE}=2") if gpu else (f"{TINY}=2", f"{NOVELS}=0.25"),
        shelf_lines=False,
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
    return {
        READING: first,
        PROSE: second,
        TELLING: third,
        SHELVES: shelves_plan(TELLING, int(tokens * lines)),
        AGAIN: again_plan(SHELVES, int(tokens * again)),
        LINES: last_plan(AGAIN, int(tokens * last)),
    }


def shelves_plan(base: str, tokens: int) -> TrainingPlan:
    """Each shelf behind its line, the short stories first: a model that is told with alone uses the first line."""
    there = taken_names()
    short = tuple(name for name in ADDED if SHELF_OF[name] == SHORT_STORIES and name in there) or (TINY,)
    others = (ONCE_TALES, TALES, FABLES, ONCE_PAGES, SIMPLE, BEDTIME, PAGES, ONCE_NOVELS, NOVELS)
    read = (*short, *(name for name in others if name in there))
    steps = _steps(tokens, 8)
    return TrainingPlan(
        base=base,
        collections=read,
        repeats=tuple(f"{name}={times}" for name, times in _SHELVES_REPEATS.items() if name in read),
        headers=0.2,
        block_size=512,
        batch_size=8,
        accumulation=1,
        max_steps=steps,
        learning_rate=3e-4,  # at 6e-4 what is held out got worse by 3% to 5%
        schedule="linear",
        warmup_steps=min(50, steps // 8),
        dropout=0.0,
        validation_fraction=0.003,
        evaluate_every=200,
        sample_every=0,
        listen=False,
        seed=1,
    )


def again_plan(base: str, tokens: int) -> TrainingPlan:
    """The short stories once more, behind their line, and a little of the others behind theirs."""
    return _lines_plan(base, tokens, _AGAIN_REPEATS)


def last_plan(base: str, tokens: int = _LAST) -> TrainingPlan:
    """Beginnings of each shelf behind its line, all from "Once upon a time", and as many short stories."""
    return _lines_plan(base, tokens, _LINES_REPEATS)


def _lines_plan(base: str, tokens: int, repeats: Mapping[str, float]) -> TrainingPlan:
    there = taken_names()
    read = tuple(name for name in repeats if name in there) or (TINY,)
    return dataclasses.replace(
        shelves_plan(base, tokens),
        collections=read,
        repeats=tuple(f"{name}={repeats.get(name, 1):g}" for name in read),
        warmup_steps=min(30, _steps(tokens, 8) // 8),
    )


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


def make(record: Path, run: str = LINES) -> Path:
    """The folder with what came of a run: the mean of its best checkpoint and of what it began from, 16 bits in small
    files, and its voices. Made once: where it began from the starter that ships, shipping changes that."""
    made = record / f"made-{run}"
    if not made.is_dir():
        with tempfile.TemporaryDirectory(dir=record) as place:
            unfinished = Path(place) / "made"
            export_model(run, unfinished, dtype="fp16", shard_bytes=_SHARD, strength=_KEPT[run])
            write_voices(unfinished, Voices(VOICES))
            unfinished.rename(made)
    return made


def evaluate(record: Path) -> int:
    """Measure what ships on what was held out, behind the lines of its shelves."""
    for names in MEASURED:
        print(f"{' and '.join(names)}:", flush=True)
        chosen = [word for name in names for word in ("--corpus", name)]
        code = cli.main(["evaluate", "--model", str(make(record)), *chosen, "--all"])
        if code:
            return code
    return 0


def ship(folder: Path, record: Path) -> None:
    """Put what came of the last run into the package, with its plans, lists, and verdict on int8.

    A card (README.md) that is there stays; the one that the run wrote is only a beginning. So do the plans of runs
    that were not made here.
    """
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "starter"
        shutil.copytree(make(record), made)
        judge_precision(made)
        for run, name in PLANS.items():
            if (record / f"{run}.toml").is_file():
                plan = read_plan(record / f"{run}.toml")
                in_words = {str(record / f"made-{before}"): before for before in _KEPT}.get(
                    plan.base, plan.base
                )
                write_plan(dataclasses.replace(plan, base=in_words), made / name)
        shutil.copy(record / "sources.tsv", made / "sources.tsv")  # names that anyone may look up
        for name in ("learned.tsv", "left_out.tsv"):
            told = (record / name).read_bytes() + _of_earlier_runs(folder / f"{name}.gz", record / name)
            (made / f"{name}.gz").write_bytes(gzip.compress(told, mtime=0))
        if (folder / "README.md").is_file():
            (made / "README.md").unlink()
        for old in folder.glob("*.safetensors*"):  # there may have been more of them
            old.unlink()
        shutil.copytree(made, folder, dirs_exist_ok=True)
    print(f"shipped to {folder}:", *sorted(path.name for path in folder.iterdir()), flush=True)


def _of_earlier_runs(shipped: Path, record: Path) -> bytes:
    """The lines of a shipped list that tell of further TinyStories, where the new list has none.

    The weights learned from them in the third run; who makes the last run alone may not have those texts.
    """
    mark = f"{MORE}\t".encode()
    if not shipped.is_file() or mark in record.read_bytes():
        return b""
    lines = gzip.decompress(shipped.read_bytes()).splitlines(keepends=True)
    return b"".join(line for line in lines if line.startswith(mark))


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
    parser.add_argument("--last-only", action="store_true", help="the last run, from the starter that ships")
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
        if args.last_only:
            plans = {LINES: last_plan(STARTER, args.tokens or _LAST)}
        else:
            plans = plans_for(args.shape, args.tokens, gpu=_has_gpu())
        for run, plan in plans.items():
            if plan.base in _KEPT:
                plan = dataclasses.replace(plan, base=str(make(record, plan.base)))
            code = train(run, with_values(plan, wished), record / f"{run}.toml")
            if code:
                return code
    return evaluate(record)


if __name__ == "__main__":
    raise SystemExit(main())
