"""The main job on real tales: train `scratch-tiny` on a folder of texts, tell with it, open it in transformers.

    python tests/benchmarks/grimm.py [FOLDER] [--json]

The default FOLDER is `../shared/corpora/grimm` beside the checkout. Uses the command line only and, for comparison,
transformers with a loop of its own. Prints a table; with --json one object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def storytime(*words: str) -> list[dict[str, Any]]:
    """Run one command with --json and return its objects."""
    argv = [sys.executable, "-m", "storytime_tui", *words, "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def reference_loss(checkpoint: Path, ids: Any, block: int) -> float:
    """Mean next-token loss in fp32 of the model opened by AutoModelForCausalLM, with PyTorch's cross-entropy."""
    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(checkpoint).eval()
    ring = torch.from_numpy(np.concatenate([ids, ids[:1]]).astype(np.int64))
    nats = 0.0
    with torch.no_grad():
        for start in range(0, len(ids), block):
            window = ring[start : start + block + 1]
            logits = model(window[None, :-1]).logits[0]
            nats += torch.nn.functional.cross_entropy(logits, window[1:], reduction="sum").item()
    return nats / len(ids)


def measure(folder: Path) -> dict[str, Any]:
    """Train, tell, compare."""
    began = time.monotonic()
    said = storytime("train", "--corpus", str(folder), "--base", "scratch-tiny", "--run", "grimm")
    seconds = time.monotonic() - began
    started = said[0]
    evaluated = [e for e in said if e["event"] == "evaluated"]
    told = storytime("tell", "--model", "grimm", "--prompt", "Once upon a time", "--max-tokens", "60")

    from storytime_tui.corpus.library.shelf import find_collection
    from storytime_tui.corpus.splitting import split_stories
    from storytime_tui.corpus.tokens import open_tokens
    from storytime_tui.models.tokenizer import load_tokenizer

    checkpoint = Path(os.environ["STORYTIME_HOME"]) / "runs" / "grimm" / "checkpoints" / "best"
    validation = split_stories(find_collection(str(folder)).stories, 0.1, 0).validation
    ids = open_tokens(
        validation, load_tokenizer(checkpoint), Path(os.environ["STORYTIME_HOME"]) / "again", None
    ).ids
    losses = [e["validation_loss"] for e in evaluated]
    return {
        "seconds": seconds,
        "token_frequency_loss": started["token_frequency_loss"],
        "validation_losses": losses,
        "fell_three_times": losses[0] > losses[1] > losses[2] > losses[3],
        "below_token_frequencies": started["token_frequency_loss"] - losses[-1],
        "best_validation_loss": said[-1]["best_validation_loss"],
        "transformers_loss": reference_loss(checkpoint, ids, started["block_size"]),
        "told_tokens": told[-1]["tokens"],
        "told": "".join(e["text"] for e in told[:-1]),
    }


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "corpora" / "grimm")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["STORYTIME_HOME"] = home
        figures = measure(args.folder.resolve())
    figures["transformers_difference"] = abs(figures["transformers_loss"] - figures["best_validation_loss"])
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<26}{value}")


if __name__ == "__main__":
    main()
