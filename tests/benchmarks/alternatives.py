"""The time of three continuations at once, over the time of one: what `a` on the Story screen costs.

    python tests/benchmarks/alternatives.py [--json] [--rounds N] [--tokens N] [--threads N]

Both continue the same prompt by the same number of tokens with the usual settings, in turn; a ratio is the median
over the rounds of three's seconds over one's. The prompt is in the cache, as it is in a story that goes on, so that
reading it, which three share, makes no ratio smaller. `ratio_starter`: the bundled starter. `ratio_distilgpt2`: its
shape (6 layers x 768, 12 heads, 50,257 tokens) with random weights, in int8 where the machine has it; `_fp32`:
in fp32. `ratio_banned`: the starter with two banned phrases, which are rolled back now and then. Prints a table; with
--json one object.
"""

import argparse
import dataclasses
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from storytime_tui.generation.backends.prepare import make_backend, precisions_of
from storytime_tui.generation.backends.threads import using_threads
from storytime_tui.generation.generator import Generator
from storytime_tui.generation.pieces import Piece
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.models.catalogue import STARTER_FOLDER
from storytime_tui.models.loading import load_model
from storytime_tui.models.tokenizer import load_tokenizer
from tests.benchmarks.generation import in_turn, our_model, ratio, their_model
from tests.benchmarks.peers import machine_name

PROMPT = (
    "Once upon a time there was a little mouse who kept a shop under the kitchen stair. "
    '"Three, if you please," said the frog, and he laid down three acorns, a thimble, and a very small hat. '
)
BANNED = ("little girl", "very happy")


class Numbers:
    """A vocabulary of distilgpt2's size whose tokens are arbitrary words."""

    end_of_text = 0
    vocabulary_size = 50257

    def encode(self, text: str) -> list[int]:
        """An arbitrary token for each word."""
        return [1 + len(word) * 7919 % 50256 for word in text.split()]

    def token_bytes(self, token: int, /) -> bytes:
        """The token's word."""
        return f" w{token}".encode()


def work_of(generator: Generator, settings: SamplerSettings, count: int, tokens: int) -> Callable[[], object]:
    """Tells `count` continuations of so many tokens."""

    def work() -> None:
        told = [0] * count
        for row, item in generator.tell_several(PROMPT, settings, count):
            told[row] += isinstance(item, Piece)
        assert told == [tokens] * count, told

    return work


def measure(generator: Generator, tokens: int, rounds: int, banned: tuple[str, ...] = ()) -> dict[str, float]:
    """The ratio, and the tokens a second of one continuation."""
    settings = SamplerSettings(seed=1, max_tokens=tokens, min_tokens=tokens, finish_sentence=False)
    settings = dataclasses.replace(settings, banned=banned)
    works = {str(count): work_of(generator, settings, count, tokens) for count in (1, 3)}
    taken = in_turn(works, rounds)
    return {
        "ratio": ratio(taken["3"], taken["1"]),
        "tokens_per_second": tokens / statistics.median(taken["1"]),
    }


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="rounds after the warm-up")
    parser.add_argument("--tokens", type=int, default=100, help="tokens per continuation")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures: dict[str, float] = {}

    def note(name: str, found: dict[str, float]) -> None:
        figures.update({f"{what}_{name}": figure for what, figure in found.items()})

    with using_threads(args.threads):
        folder = STARTER_FOLDER
        starter = load_model(folder, device=torch.device("cpu"), dtype=torch.float32).model
        kinds = precisions_of(starter)
        best = "int8" if "int8" in kinds else "fp32"
        tells = Generator(make_backend(starter, best), load_tokenizer(folder))
        note("starter", measure(tells, args.tokens, args.rounds))
        note("banned", measure(tells, args.tokens, args.rounds, BANNED))
        if best != "fp32":
            tells = Generator(make_backend(starter, "fp32"), load_tokenizer(folder))
            note("starter_fp32", measure(tells, args.tokens, args.rounds))
        large = our_model(their_model())
        for precision in dict.fromkeys((best, "fp32")):
            name = "distilgpt2" if precision == best else f"distilgpt2_{precision}"
            tells = Generator(make_backend(large, precision), Numbers())
            note(name, measure(tells, args.tokens, max(3, args.rounds // 2)))
    machine = f"{machine_name('cpu')}, torch {torch.__version__}, {args.threads} threads"
    if args.json:
        print(json.dumps({**figures, "machine": machine}))
        return
    print(machine)
    for name in (key.removeprefix("ratio_") for key in figures if key.startswith("ratio_")):
        speed = figures[f"tokens_per_second_{name}"]
        print(f"  {name:<20} three over one {figures[f'ratio_{name}']:.2f}   one: {speed:,.0f} tokens/s")


if __name__ == "__main__":
    main()
