"""A story of 20,000 tokens: its memory, and whether its last tokens are as fast as its first.

    python tests/benchmarks/long_story.py [--tokens 20000] [--json]

The model has the shape 6 x 384 with 8,192 tokens, a window of 512 and random weights; the window moves on about 150
times. Resident memory is read every 500 tokens; `growth_megabytes` is the maximum of the last half minus the maximum
of the first tenth. `ratio_late` is the tokens per second of the last tenth over those of the second tenth.
"""

import argparse
import itertools
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psutil
import torch

from storytime_tui.generation.backends.prepare import make_backend, precisions_of
from storytime_tui.generation.generator import Generator
from storytime_tui.generation.pieces import Piece
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.models.gpt2 import Shape
from storytime_tui.models.gpt2_files import empty_gpt2
from storytime_tui.models.tokenizer import train_tokenizer
from tests.tiny import tale

SMALL = Shape(vocabulary=8192, window=512, width=384, layers=6, heads=6, inner=1536)


def measure(tokens: int) -> dict[str, object]:
    """Tell the story and measure."""
    tokenizer = train_tokenizer([tale(seed) for seed in range(200)], 2048)
    model = empty_gpt2(SMALL, torch.device("cpu"), torch.float32, padded=False)
    model.fill(0)
    precision = "int8" if "int8" in precisions_of(model) else "fp32"
    teller = Generator(make_backend(model, precision), tokenizer)
    wished = SamplerSettings(max_tokens=tokens, min_tokens=tokens, seed=1)
    process, held, times, count = psutil.Process(), [], [time.perf_counter()], 0
    for item in teller.tell("The mouse lost a button.", wished, memory="A mill by a pond."):
        if isinstance(item, Piece):
            count += 1
            if count % 500 == 0:
                held.append(process.memory_info().rss / 1e6)
                times.append(time.perf_counter())
    spans = [500 / (after - before) for before, after in itertools.pairwise(times)]
    tenth = max(1, len(spans) // 10)
    return {
        "tokens": count,
        "precision": precision,
        "growth_megabytes": max(held[len(held) // 2 :]) - max(held[:tenth]),
        "resident_megabytes": held[-1],
        "tokens_per_second": count / (times[-1] - times[0]),
        "ratio_late": (sum(spans[-tenth:]) / tenth) / (sum(spans[tenth : 2 * tenth]) / tenth),
    }


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = measure(args.tokens)
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(
            f"{name.replace('_', ' '):<24}{value:>12,.3f}"
            if isinstance(value, float)
            else f"{name:<24}{value:>12}"
        )


if __name__ == "__main__":
    main()
