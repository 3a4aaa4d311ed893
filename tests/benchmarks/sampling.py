"""The cost of sampling a token as a share of the model's step: for the presets, and for all samplers at once.

    python tests/benchmarks/sampling.py [--rounds N] [--threads N ...] [--json]

The vocabulary has GPT-2's size, 50,257 tokens. The model steps use our backends with distilgpt2's shape, in fp32 and
in int8 (if available), after 500 tokens. Presets sample from logits that are as peaked as a trained model's. All
samplers at once sample from peaked logits and from flat ones, where no token can be skipped. Steps and samples are
measured in turn; shares are medians. "all" is the slower of mirostat and the truncations, which exclude each other.
Prints a table; with --json one object as the last line.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from storytime_tui.generation.backends.backend import Backend, read_in_chunks
from storytime_tui.generation.backends.prepare import make_backend, precisions_of
from storytime_tui.generation.sampling.presets import PRESETS, with_preset
from storytime_tui.generation.sampling.rules import Rules, rules_for
from storytime_tui.generation.sampling.sampler import SamplerState, choose_token
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.models.gpt2 import GPT2, Shape

VOCABULARY = 50_257
READ = 500

EVERYTHING = SamplerSettings(
    temperature=1.1,
    top_k=10_000,
    top_p=0.95,
    min_p=1e-3,
    typical=0.95,
    xtc=1.0,
    xtc_threshold=1e-6,
    repetition=1.1,
    repetition_window=READ,
    frequency=0.1,
    presence=0.1,
    no_repeat=4,
    dry=0.8,
    bias=(("owl", 1.0), ("dragon", -2.0)),
    min_tokens=10,
)


class Words:
    """A vocabulary of numbered words; every tenth is punctuation, the last is end-of-text."""

    vocabulary_size = VOCABULARY
    end_of_text = VOCABULARY - 1

    def encode(self, text: str) -> list[int]:
        return [sum(text.encode()) % 1000, len(text)]

    def token_bytes(self, token: int) -> bytes:
        return b'."' if token % 10 == 0 else b"\n" if token == 11 else f" word{token}".encode()


def flat_and_peaked() -> dict[str, torch.Tensor]:
    """Logits of an untrained model, and of one with a few hundred likely words."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(VOCABULARY, generator=generator)
    return {"flat": noise * 1e-3 - 75, "peaked": noise * 3 - 75}


def steps() -> dict[str, Callable[[], object]]:
    """A step of a model of distilgpt2's shape after some hundred tokens, in each precision."""
    model = GPT2(Shape(VOCABULARY, 1024, 768, 6, 12, 3072)).eval()
    model.requires_grad_(False)
    found: dict[str, Callable[[], object]] = {}
    for precision in ("fp32", "int8"):
        if precision not in precisions_of(model):
            continue
        reader = make_backend(model, precision)
        cache = reader.new_cache()
        read_in_chunks(reader, [place * 7919 % VOCABULARY for place in range(READ)], cache)

        def once(reader: Backend = reader, cache: Any = cache) -> None:
            reader.cut(cache, READ)
            reader.read([17], cache)

        found[f"{precision} step"] = once
    return found


def choosing(rules: Rules, logits: torch.Tensor, told: list[int]) -> Callable[[], object]:
    """One sampled token, as in the generator."""
    generator, state = torch.Generator().manual_seed(0), SamplerState()
    return lambda: choose_token(logits, told, 5, rules, state, generator, (7,))


def seconds(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def measure(rounds: int) -> dict[str, float]:
    """Milliseconds of each step and sampler, the median of `rounds` in turn."""
    generator = torch.Generator().manual_seed(1)
    vocabulary, logits = Words(), flat_and_peaked()
    # like a real text: some words frequent, most rare, some lines repeated
    told = (torch.rand(READ // 2, generator=generator) ** 4 * VOCABULARY).long().tolist() * 2
    mirostat = SamplerSettings(**{**vars(EVERYTHING), "mirostat": 5.0})
    calls = steps()
    for name in PRESETS:
        calls[name] = choosing(
            rules_for(with_preset(SamplerSettings(), name), vocabulary), logits["peaked"], told
        )
    for kind in logits:
        calls[f"cuts {kind}"] = choosing(rules_for(EVERYTHING, vocabulary), logits[kind], told)
        calls[f"mirostat {kind}"] = choosing(rules_for(mirostat, vocabulary), logits[kind], told)
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            taken[name].append(seconds(call) * 1000)
    medians = {name: statistics.median(times[2:]) for name, times in taken.items()}
    for kind in logits:
        medians[f"all {kind}"] = max(medians.pop(f"cuts {kind}"), medians.pop(f"mirostat {kind}"))
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    said: dict[str, float] = {}
    for threads in args.threads:
        torch.set_num_threads(threads)
        medians = measure(args.rounds)
        whole = {name: ms for name, ms in medians.items() if name.endswith("step")}
        if not args.json:
            print(f"\n{threads} thread(s)\n{'':14} {'ms':>7}" + "".join(f"  of {name:>9}" for name in whole))
        for name, ms in medians.items():
            key = f"{name.replace(' ', '_')}_{threads}_threads"
            said[f"{key}_ms"] = ms
            if name in whole:
                shares = {}
            else:
                shares = {step: ms / taken for step, taken in whole.items()}
                said |= {f"{key}_of_{step.split()[0]}": share for step, share in shares.items()}
            if not args.json:
                print(f"{name:14} {ms:7.3f}" + "".join(f"{share:14.1%}" for share in shares.values()))
    if args.json:
        print(json.dumps({name: round(value, 4) for name, value in said.items()}))


if __name__ == "__main__":
    main()
