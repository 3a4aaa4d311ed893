"""The rows of `gpu.py` on the whole program: a short training run, the dashboard, and kills."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from storytime_tui.models.gpt2 import Shape
from storytime_tui.models.gpt2_files import config_of
from storytime_tui.models.own_files import weights_of as kept_weights
from storytime_tui.models.own_files import write_files
from storytime_tui.models.tokenizer import Tokenizer, train_tokenizer
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan
from tests.benchmarks import peers
from tests.benchmarks.gpu_training import random_model
from tests.tiny import tale

Figures = dict[str, Any]

DISTIL = Shape(50257, 1024, 768, 6, 12, 3072)
TINY = Shape(512, 256, 64, 2, 2, 256)
TOKENS = 333_000  # in all; nine in ten are training tokens
MEASURED = 60  # steps of the notebook's loop


# -- G4 ----------------------------------------------------------------------------------------------------


def short_run(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """Three epochs of 0.3 M tokens by our program, as a user starts it, compared with the notebook's loop.

    The notebook's windows overlap by half, so it reads each token twice per epoch. Some of its steps are timed, and the
    total is extrapolated; it evaluates, samples and saves nothing. Neither time includes imports.
    """
    shape = TINY if smoke else DISTIL
    torch.zeros(1, device=device)
    with prepared(shape, TOKENS // 20 if smoke else TOKENS) as (base, book):
        plan = TrainingPlan(
            base=str(base), collections=(str(book),), block_size=256, epochs=3.0, device=device
        )
        ours = _learned(plan)
    steps = 2 if smoke else MEASURED
    job = peers.Job(
        layers=shape.layers,
        width=shape.width,
        heads=shape.heads,
        vocabulary=shape.vocabulary,
        window=shape.window,
        block=256,
        batch=1,
        accumulation=8,
        precision=peers.best_precision(device),
        device=device,
    )
    windows = peers.random_windows(job, ours["training_tokens"] // 256)
    theirs = peers.timed(peers.notebook, job, windows, steps)
    whole = 3 * (ours["training_tokens"] / 128) / 8
    settled = theirs.seconds[len(theirs.seconds) // 4 :]
    seconds = whole * sum(settled) / len(settled)
    yield (
        "G4",
        {
            "ratio": ours["seconds"] / seconds,
            **{f"our_{name}": value for name, value in ours.items()},
            "notebook_seconds": seconds,
            "notebook_steps": whole,
            "notebook_steps_measured": steps,
            "notebook_seconds_a_step": sum(settled) / len(settled),
        },
    )


def _learned(plan: TrainingPlan) -> Figures:
    """Seconds from the start to the last checkpoint, and seconds before each kind of event."""
    from storytime_tui.jobs.train import learn

    spent: dict[str, float] = {}
    tokens = steps = saved = 0
    began = before = last = time.perf_counter()
    for event in learn(plan, Control(), "short"):
        now = time.perf_counter()
        name = type(event).__name__
        spent[name] = spent.get(name, 0.0) + now - before
        before = now
        if isinstance(event, ev.Failed):
            raise RuntimeError(event.message)
        if isinstance(event, ev.Started):
            tokens = event.training_tokens
        if isinstance(event, ev.StepDone):
            steps = event.step
        if isinstance(event, ev.CheckpointSaved):
            saved, last = saved + 1, now
    seconds = {name: round(value, 2) for name, value in spent.items()}
    return {
        "seconds": last - began,
        "seconds_before": seconds,
        "training_tokens": tokens,
        "steps": steps,
        "checkpoints": saved,
    }


# -- G11 ---------------------------------------------------------------------------------------------------


def dashboard(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """The dashboard compared with headless training, with distilgpt2's shape and windows of 256 tokens."""
    from storytime_tui.jobs.bench.app import measure_dashboard

    on_gpu = device == "cuda"
    steps = 24 if smoke else 400
    with prepared(TINY if smoke else DISTIL, TOKENS // 20 if smoke else TOKENS) as (base, book):
        plan = TrainingPlan(
            base=str(base),
            collections=(str(book),),
            max_steps=steps,
            batch_size=32 if on_gpu else 4,
            block_size=256,
            accumulation=1,
            evaluate_every=steps,
            sample_every=0,
            device=device,
        )
        figures = measure_dashboard(1, lambda line: print(line, file=sys.stderr), plan)
    yield "G11", {**figures, "batch": plan.batch_size, "steps": steps}


# -- G12 ---------------------------------------------------------------------------------------------------


def kills(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """A run killed three times compared with an uninterrupted one, with deterministic algorithms."""
    script = Path(__file__).with_name("kills.py")
    values = {"device": device, "precision": "auto", "max_steps": "24" if smoke else "120"}
    words = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    argv = [
        sys.executable,
        str(script),
        "--kills",
        "1" if smoke else "3",
        "--deterministic",
        "--json",
        *words,
    ]
    done = subprocess.run(argv, capture_output=True, text=True)
    if not done.stdout.strip():
        raise RuntimeError(done.stderr.strip()[-800:])
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    figures["identical"] = int(figures["identical"])
    yield "G12", figures if not figures["trouble"] else {"trouble": figures.pop("trouble"), **figures}


# -- a base and a book -------------------------------------------------------------------------------------


@contextmanager
def prepared(shape: Shape, tokens: int) -> Iterator[tuple[Path, Path]]:
    """Yield a base of this shape with random weights and a book of about `tokens` tokens, in a new home."""
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as place:
        os.environ["STORYTIME_HOME"] = str(Path(place) / "home")
        base, book = Path(place) / "base", Path(place) / "book"
        tokenizer = train_tokenizer((tale(seed) for seed in range(200)), 512)
        base.mkdir()
        model = random_model(shape, torch.device("cpu"))
        write_files(kept_weights(model), config_of(shape, tokenizer.end_of_text), base)
        tokenizer.save(base, shape.window)
        _write_book(book, tokenizer, tokens)
        yield base, book


def _write_book(book: Path, tokenizer: Tokenizer, tokens: int) -> None:
    book.mkdir()
    written = number = 0
    while written < tokens:
        text = f"Tale Number {number}\n\n{tale(number, 120)}\n"
        (book / f"tale-{number}.txt").write_text(text, encoding="utf-8")
        written += len(tokenizer.encode(text))
        number += 1
