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
import dataclasses
import gzip
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from storytime_tui import cli, paths
from storytime_tui.corpus.shelf import taken_names
from storytime_tui.models.voices import Voices, write_voices
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan, with_values, write_plan
from storytime_tui.workshop.exporting import export_model
from storytime_tui.workshop.telling import judge_precision
from tests.benchmarks.starter_texts import (
    BEDTIME,
    FABLES,
    FRESH,
    LEARNED,
    MORE,
    NOVELS,
    NOVELS_HELD_OUT,
    PAGES,
    SIMPLE,
    TALES,
    TALES_HELD_OUT,
    TINY,
    TINY_HELD_OUT,
    VOICES,
    prepare,
)

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
        export_model(TELLING, made, dtype="fp16", shard_bytes=_SHARD)
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
