"""Twenty beginnings, and how a model goes on with each: what its readers judge, and what the starter's card shows.

    python tests/benchmarks/starter_stories.py [--model starter] [--preset lively] [--tokens 200] [--seed 1] [--json]

Always the same beginnings, the first seed, the usual preset unless another is named; nothing is chosen from several.
Prints Markdown, a story a section, or with --json an object a line: `number`, `prompt`, `text`. Where --corpus names
a collection, the last line is the share of runs of eight words that stand in it word for word.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.corpus.recited import runs_of_words
from storytime_tui.generation.pieces import Piece
from storytime_tui.generation.sampling.presets import with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.generate import open_teller

PROMPTS = (
    "Once upon a time there was a hedgehog who",
    "One day a girl named Lily found a small silver key.",
    "There was once a king who could not sleep.",
    "Deep in the forest lived an old woman with a black cat.",
    "Tom was a little boat who was afraid of the sea.",
    "A fox and a crow lived in the same tree.",
    "One morning a boy named Sam found a map under his bed.",
    "Long ago, in a village by a river, there lived a poor fisherman.",
    "The smallest elephant in the herd could not find his mother.",
    "It was snowing, and the baker had no flour left.",
    "Once there were two sisters, and one of them was never afraid.",
    "Ben wanted to build a house for his dog.",
    "A tailor once made a coat for the moon.",
    "The giant sat down on the hill and began to cry.",
    "Mia and her grandmother went to the market to buy a goose.",
    "In a hole under the oak tree lived a family of mice.",
    "A soldier was coming home from the war, and he was hungry.",
    "There was a lamp that nobody could put out.",
    "The little bird had hurt its wing.",
    "A prince rode out one day to look for the end of the world.",
)


def stories(model: str, usual: SamplerSettings) -> Iterator[tuple[str, str]]:
    """Each beginning, and what follows it."""
    teller = open_teller(model)
    for prompt in PROMPTS:
        told = teller.tell(prompt, usual)
        yield prompt, "".join(piece.text for piece in told if isinstance(piece, Piece))


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="starter")
    parser.add_argument("--preset", default="lively")
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", help="what was learned from, to say how much of the stories stands in it")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    known = None
    if args.corpus:
        known = np.unique(
            np.concatenate([runs_of_words(s.text) for s in find_collection(args.corpus).stories])
        )
    copied, runs = 0, 0
    usual = SamplerSettings(max_tokens=args.tokens, finish_sentence=True, seed=args.seed)
    told = stories(args.model, with_preset(usual, args.preset))
    for number, (prompt, text) in enumerate(told, start=1):
        if known is not None:
            own = runs_of_words(text)
            copied, runs = copied + int(np.isin(own, known).sum()), runs + len(own)
        if args.json:
            print(json.dumps({"number": number, "prompt": prompt, "text": text}), flush=True)
            continue
        quoted = f"**{prompt}**{text}".strip().replace("\n", "\n> ")
        print(f"{number}.\n\n> {quoted}\n", flush=True)
    if known is not None:
        print(f"{copied} of {runs} runs of eight words stand in {args.corpus}: {copied / max(1, runs):.2%}")


if __name__ == "__main__":
    main()
