"""The rows of `gpu.py` on telling: our program and the bare CUDA graph step, compared with `generate`."""

import importlib.util
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, TextIteratorStreamer

from storytime_tui.generation.backends.cuda_graph import GraphedSteps
from storytime_tui.generation.backends.gpt2 import GPT2Backend
from storytime_tui.generation.backends.own_model import OwnBackend
from storytime_tui.generation.generator import Generator
from storytime_tui.generation.pieces import Told
from storytime_tui.generation.sampling.presets import with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings, knobs_of
from storytime_tui.models.gpt2_files import empty_gpt2, shape_of
from storytime_tui.models.own_files import fill_from
from tests.benchmarks.generation import words

Figures = dict[str, Any]
Timed = tuple[float, float]  # (tokens per second, seconds to the first token)

PROMPT = [i * 7919 % 50257 for i in range(64)]
# the settings that `generate` has too: no penalties
PLAIN = SamplerSettings(repetition=1.0, dry=0.0, line_ends=0)
WAYS = ("lively", "steady", "plain", "exact")
SMALL = {"n_embd": 64, "n_layer": 2, "n_head": 2, "vocab_size": 50257, "n_positions": 256}
GPT2_SMALL = {"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024}


class Words:
    """A vocabulary in which each token's text is a number."""

    def __init__(self, size: int) -> None:
        self.vocabulary_size, self.end_of_text = size, 0

    def encode(self, text: str) -> list[int]:
        return [int(word) for word in text.split() if word.isdigit()]

    def token_bytes(self, token: int, /) -> bytes:
        return f" {token}".encode()


def telling(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """GPT-2 124M in bf16 tells one story: every contender in turn, the median of the rounds."""
    count, rounds = (40, 1) if smoke else (600, 2)
    theirs = _theirs(SMALL if smoke else GPT2_SMALL, device)
    contenders: dict[str, Callable[[int], Timed]] = {
        "generate": by_generate(theirs, device, PROMPT),
        **_by_us(theirs, device),
    }
    taken: dict[str, list[Timed]] = {name: [] for name in contenders}
    for number in range(rounds + 1):  # the first warms up
        for name, tell in contenders.items():
            found = tell(32 if number == 0 else count)
            if number:
                taken[name].append(found)
    rates = {name: statistics.median(rate for rate, _ in found) for name, found in taken.items()}
    firsts = {name: statistics.median(first for _, first in found) for name, found in taken.items()}
    yield (
        "G9",
        {
            "tokens": count,
            "tokens_per_second": rates["lively"],
            "ratio_generate": rates["lively"] / rates["generate"],
            **{f"{name}_tokens_per_second": rate for name, rate in rates.items()},
            **{f"{name}_first_token_seconds": first for name, first in firsts.items()},
            **{
                f"ratio_{name}_generate": rate / rates["generate"]
                for name, rate in rates.items()
                if name != "generate"
            },
            "recorded_whole": [way for way in WAYS if knobs_of(_settings(way, 1)) is not None],
        },
    )
    weights = 2 * sum(p.numel() for name, p in theirs.named_parameters() if "wpe" not in name)
    bandwidth = copy_rate(device, 2**26 if smoke else 2**30)
    yield (
        "G10",
        {
            "copy_bytes_per_second": bandwidth,
            "weight_bytes": weights,
            "most_tokens_per_second": bandwidth / weights,
            **{f"{name}_share": rate * weights / bandwidth for name, rate in rates.items()},
        },
    )


def snapshot(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """Telling from a snapshot of a run, while the run continues."""
    there = importlib.util.find_spec("storytime_tui.models.snapshot") is not None
    yield "G14", {"trouble": "there is code, and no measurement of it yet" if there else "no code yet"}


def copy_rate(device: str, size: int) -> float:
    """Bytes read and written per second by a copy of `size` bytes."""
    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    times = []
    for _ in range(12):
        _wait(device)
        began = time.perf_counter()
        target.copy_(source)
        _wait(device)
        times.append(time.perf_counter() - began)
    return 2 * size / statistics.median(times[2:])


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _theirs(numbers: dict[str, int], device: str) -> GPT2LMHeadModel:
    """transformers' model with random weights, larger than usual so that some tokens are clearly more likely."""
    torch.manual_seed(0)
    config = GPT2Config(**numbers, initializer_range=0.06, bos_token_id=0, eos_token_id=0)
    model: Any = GPT2LMHeadModel(config).eval()
    return model.to(device, torch.bfloat16)  # type: ignore[no-any-return]


# -- theirs ------------------------------------------------------------------------------------------------


def by_generate(model: Any, device: str, prompt: list[int], **more: Any) -> Callable[[int], Timed]:
    """transformers' `generate` with its streamer, with the settings of PLAIN; `more`: other options of it."""
    tokenizer = words(model.config.vocab_size)

    def tell(count: int) -> Timed:
        # without a timeout, a dead thread would use up the job's time
        streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, timeout=60)  # type: ignore[no-untyped-call]
        inputs = torch.tensor([prompt], device=device)
        options: dict[str, Any] = {
            "max_new_tokens": count,
            "min_new_tokens": count,
            "do_sample": True,
            "temperature": PLAIN.temperature,
            "top_k": 0,
            "top_p": PLAIN.top_p,
            "min_p": PLAIN.min_p,
            "pad_token_id": 0,
            "eos_token_id": -1,
            **more,
        }
        generate: Any = model.generate

        def work() -> None:
            generate(inputs, attention_mask=torch.ones_like(inputs), streamer=streamer, **options)

        worker = threading.Thread(target=work, daemon=True)
        began, first = time.perf_counter(), 0.0
        worker.start()
        for text in streamer:
            if text and not first:
                first = time.perf_counter()
        worker.join()
        return (count - 1) / (time.perf_counter() - first), first - began

    return tell


# -- ours --------------------------------------------------------------------------------------------------


def _by_us(theirs: GPT2LMHeadModel, device: str) -> dict[str, Callable[[int], Timed]]:
    """Our generator with several settings, and the bare CUDA graph step."""
    model = empty_gpt2(
        shape_of(theirs.config.to_dict(), 0.0), torch.device(device), torch.bfloat16, padded=device == "cuda"
    )
    fill_from(model, theirs.state_dict().items())
    backend = GPT2Backend(model.eval(), "bf16")
    steps = GraphedSteps(backend)
    if device == "cuda":
        steps.record()
    teller = Generator(backend, Words(backend.vocabulary), None, steps)
    ways = {way: _by_storyteller(teller, way, lambda: backend.cut(steps.cache, 0)) for way in WAYS}
    return {**ways, "steps": by_steps(backend, steps, PROMPT)}


def _settings(way: str, count: int) -> SamplerSettings:
    """The settings by name; `plain` is the default without penalties. No story ends before it has enough tokens."""
    wanted = SamplerSettings(max_tokens=count, min_tokens=count, seed=1)
    if way != "plain":
        return with_preset(wanted, way)
    return replace(wanted, repetition=PLAIN.repetition, dry=PLAIN.dry, line_ends=0)


def _by_storyteller(teller: Generator, way: str, forget: Callable[[], None]) -> Callable[[int], Timed]:
    def tell(count: int) -> Timed:
        forget()  # clears the cache, so that the prompt is read before the first token
        prompt = " ".join(map(str, PROMPT))
        told = list(teller.tell(prompt, _settings(way, count)))[-1]
        assert isinstance(told, Told)
        if told.tokens < count:
            raise RuntimeError(f"{way} told {told.tokens} of {count} tokens, and ended by {told.stopped_by}")
        return told.tokens_per_second, told.first_token_seconds

    return tell


def by_steps(backend: OwnBackend, steps: GraphedSteps, prompt: list[int]) -> Callable[[int], Timed]:
    """Only the CUDA graph step and its token."""
    knobs = knobs_of(PLAIN)
    assert knobs is not None

    def tell(count: int) -> Timed:
        backend.cut(steps.cache, 0)
        began = time.perf_counter()
        backend.read(prompt[:-1], steps.cache)
        stream = steps.tell(prompt[-1:], knobs, torch.Generator().manual_seed(1))
        next(stream)
        first = time.perf_counter()
        for _ in range(count - 1):
            next(stream)
        seconds = time.perf_counter() - first
        stream.close()
        return (count - 1) / seconds, first - began

    return tell
