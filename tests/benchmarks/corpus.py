"""The speed from texts to tokens, and of opening them again, compared with the original notebook.

    python tests/benchmarks/corpus.py [FOLDER] [--pairs 3] [--json]

Ours: read, guess the encoding, clean, divide into stories, find copies, tokenise, save. The notebook's, rewritten
from its description: `tokenizer.tokenize` and `convert_tokens_to_ids` on the raw text of each file, windows of 256
tokens with a stride of half a window, pickled; opened by unpickling and making tensors. Both use GPT-2's tokenizer
and run in turn in one process. The default FOLDER is the real books beside the checkout. Prints a table; with --json
one object.
"""

import argparse
import json
import os
import pickle
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"


def gather(folder: Path | None, into: Path) -> list[Path]:
    """Copy the texts of `folder`, or the real books and tales, to work on."""
    places = [folder] if folder else [SHARED / "gutenberg_raw", SHARED / "corpora" / "grimm" / "raw_text"]
    copies = []
    for place in places:
        for number, path in enumerate(sorted(place.glob("**/*.txt"))):
            copies.append(into / f"{place.name}-{number:03}.txt")
            shutil.copyfile(path, copies[-1])
    if not copies:
        raise SystemExit("There are no texts to measure with: name a folder of .txt files.")
    return copies


def ours(folder: Path, home: Path, tokenizer: Any) -> tuple[float, float]:
    """Seconds from raw files to token files, and seconds of it spent on opening token files."""
    from storytime_tui.corpus.library.folders import read_folder
    from storytime_tui.corpus.splitting import split_stories
    from storytime_tui.corpus.tokens import open_tokens

    os.environ["STORYTIME_HOME"] = str(home)
    began = time.perf_counter()
    collection, _ = read_folder(folder)
    split = split_stories(collection.stories, 0.1, 0)
    chosen = time.perf_counter()
    open_tokens(split.training, tokenizer, home / "cache" / "tokens")
    open_tokens(split.validation, tokenizer, home / "cache" / "tokens")
    done = time.perf_counter()
    return done - began, done - chosen


def theirs(texts: list[Path], tokenizer: Any, target: Path) -> float:
    """The notebook's seconds from raw files to its pickle."""
    began = time.perf_counter()
    examples = []
    for path in texts:
        text = path.read_bytes().decode("utf-8", "replace")
        ids = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text))
        examples += [ids[i : i + 256] for i in range(0, len(ids) - 255, 128)]
    with target.open("wb") as file:
        pickle.dump(examples, file, protocol=pickle.HIGHEST_PROTOCOL)
    return time.perf_counter() - began


def theirs_again(target: Path) -> float:
    """The notebook's seconds from its pickle to tensors."""
    import torch

    began = time.perf_counter()
    with target.open("rb") as file:
        examples = pickle.load(file)
    tensors = [torch.tensor(example, dtype=torch.long) for example in examples]
    assert len(tensors) == len(examples)
    return time.perf_counter() - began


def measure(folder: Path | None, pairs: int) -> dict[str, float]:
    """Both methods in turn; the median of each figure."""
    import torch
    from transformers import GPT2TokenizerFast

    from storytime_tui.models.tokenizer import load_tokenizer

    vocabulary = SHARED / "gpt2_tokenizer"
    if not vocabulary.is_dir():
        raise SystemExit("GPT-2's vocabulary is not beside the checkout: there is nothing to compare with.")
    own = load_tokenizer(vocabulary)
    peer = GPT2TokenizerFast(vocab=str(vocabulary / "vocab.json"), merges=str(vocabulary / "merges.txt"))
    peer.model_max_length = 10**12
    assert peer.convert_tokens_to_ids(peer.tokenize("Once upon a time")) == own.encode("Once upon a time")
    names = ("own", "notebook", "shelf again", "own again", "notebook again")
    figures: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as place:
        texts_folder = Path(place) / "texts"
        texts_folder.mkdir()
        texts = gather(folder, texts_folder)
        size = sum(path.stat().st_size for path in texts)
        torch.tensor([1])  # one-time loading is not measured
        own.encode_batch(["warm"])
        peer.tokenize("warm")
        for pair in range(pairs):
            home, pickled = Path(place) / f"home-{pair}", Path(place) / f"{pair}.pickle"
            figures["own"].append(ours(texts_folder, home, own)[0])
            figures["notebook"].append(theirs(texts, peer, pickled))
            shelf, tokens = ours(texts_folder, home, own)
            figures["shelf again"].append(shelf)
            figures["own again"].append(tokens)
            figures["notebook again"].append(theirs_again(pickled))
    median = {name: statistics.median(values) for name, values in figures.items()}
    ratio = statistics.median(b / a for a, b in zip(figures["own"], figures["notebook"], strict=True))
    again = statistics.median(
        b / a for a, b in zip(figures["own again"], figures["notebook again"], strict=True)
    )
    return {
        "megabytes": size / 1e6,
        "files": len(texts),
        "megabytes_per_second": size / 1e6 / median["own"],
        "ratio_notebook": ratio,
        "seconds_reopen": median["own again"],
        "seconds_reopen_shelf": median["shelf again"],
        "seconds_reopen_notebook": median["notebook again"],
        "ratio_reopen": again,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = measure(args.folder, args.pairs)
    if args.json:
        print(json.dumps({name: round(value, 4) for name, value in found.items()}))
        return
    print(f"{found['files']:.0f} files, {found['megabytes']:.1f} MB")
    print(f"read, cleaned, divided, tokenised   {found['megabytes_per_second']:.2f} MB/s   (at least 2)")
    print(f"compared with the notebook          {found['ratio_notebook']:.2f} times   (at least 1.3)")
    print(f"tokens opened again                 {found['seconds_reopen'] * 1000:.1f} ms")
    print(f"  with the shelf, split and copies  {found['seconds_reopen_shelf'] * 1000:.1f} ms")
    print(f"unpickling and tensors              {found['seconds_reopen_notebook'] * 1000:.0f} ms")
    print(f"opening the tokens compared to it   {found['ratio_reopen']:.0f} times    (at least 100)")


if __name__ == "__main__":
    main()
