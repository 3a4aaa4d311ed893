"""Benchmark: how fast this machine tells with a model of a base's shape and dummy weights, in each precision."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from storytime_tui.jobs.bench.shapes import random_model

_PROMPT = 64  # tokens
_LONGEST = 2048  # tokens to read: the whole window of some models would take minutes
_WARM_UP = 8  # tokens before each measurement, which are not counted: the first ones are slower
_PASSES, _SHORT = 3, 10.0  # how often a pass is measured that takes less than so many seconds


def measure_telling(
    base: str, tokens: int, say: Callable[[str], None], *, device: str = "auto"
) -> dict[str, object]:
    """Tokens per second of a model of the base's shape, in each precision that this machine supports.

    Also measures in the last precision: the seconds to read a prompt of 90% of the window, or of 2,048 tokens in a
    longer one, and ten more tokens, and the speed of eight continuations at once over one. Each figure is the median of
    three passes, or one long pass (see `median_of_passes`). `device`: as in a plan. Raises ModelError for a missing
    device.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch

    from storytime_tui.generation.backends.prepare import make_backend, precisions_of
    from storytime_tui.models import loading

    where = loading.choose_device(device)
    model = random_model(base, where).eval()
    tokens, long = min(tokens, model.window - _PROMPT - 1), min(model.window * 9 // 10, _LONGEST)
    figures: dict[str, object] = {"base": base, "device": str(where)}
    for precision in precisions_of(model):
        say(f"telling in {precision}…")
        backend = make_backend(model, precision)
        figures[f"{precision}_tokens_per_second"] = _speed(backend, tokens)
    say("reading a long story…")
    whole, added = _prefill_seconds(backend, long)
    figures |= {
        "long_prompt_tokens": long,
        "long_prompt_seconds": whole,
        "ten_tokens_more_seconds": added,
        "eight_at_once": _batch_speedup(backend, 8, tokens),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    return figures


def median_of_passes(measure: Callable[[], tuple[float, ...]]) -> tuple[float, ...]:
    """The median of each figure over three passes, so that one hiccup does not count; of a long pass, its own figures.

    Call `measure` on few tokens before.
    """
    started = time.perf_counter()
    passes = [measure()]
    if time.perf_counter() - started < _SHORT:
        passes += [measure() for _ in range(_PASSES - 1)]
    return tuple(map(statistics.median, zip(*passes, strict=True)))


def _ids(count: int) -> list[int]:
    return [17 * place % 1000 for place in range(count)]


def _speed(backend: Any, tokens: int) -> float:
    """Tokens per second, sampled one by one with the default settings."""
    import torch

    from storytime_tui.generation.sampling.rules import Rules, rules_for
    from storytime_tui.generation.sampling.sampler import SamplerState, choose_token
    from storytime_tui.generation.sampling.settings import SamplerSettings

    rules: Rules = rules_for(SamplerSettings(), _Numbers(backend.vocabulary))

    def told(tokens: int) -> tuple[float]:
        cache, ids, state = backend.new_cache(), _ids(_PROMPT), SamplerState()
        generator = torch.Generator().manual_seed(0)
        logits = backend.read(ids, cache)
        started = time.perf_counter()
        for number in range(tokens):
            chosen = choose_token(logits, ids, number, rules, state, generator)
            ids.append(chosen.token)
            logits = backend.read([chosen.token], cache)
        return (tokens / (time.perf_counter() - started),)

    told(min(tokens, _WARM_UP))
    return median_of_passes(lambda: told(tokens))[0]


def _prefill_seconds(backend: Any, length: int) -> tuple[float, float]:
    """Seconds to read `length` − 10 tokens, and seconds for ten more."""
    from storytime_tui.generation.backends.backend import read_in_chunks

    def read(length: int) -> tuple[float, float]:
        cache = backend.new_cache()
        started = time.perf_counter()
        read_in_chunks(backend, _ids(length), cache)
        middle = time.perf_counter()
        backend.read(_ids(10), cache)
        return middle - started, time.perf_counter() - middle

    read(_WARM_UP)
    whole, added = median_of_passes(lambda: read(length - 10))
    return whole, added


def _batch_speedup(backend: Any, rows: int, tokens: int) -> float:
    """The speed of `rows` continuations at once over one at a time."""
    first = backend.new_cache()
    backend.read(_ids(_PROMPT), first)

    def spent(batch: int, tokens: int) -> float:
        cache = backend.share(first, batch)
        started = time.perf_counter()
        for number in range(tokens):
            backend.read_rows([number % 1000] * batch, cache)
        return (time.perf_counter() - started) / batch

    for batch in (1, rows):
        spent(batch, min(tokens, _WARM_UP))
    return median_of_passes(lambda: (spent(1, tokens) / spent(rows, tokens),))[0]


class _Numbers:
    """A vocabulary in which each token's text is its number."""

    def __init__(self, size: int) -> None:
        self.vocabulary_size, self.end_of_text = size, 0

    def encode(self, text: str) -> list[int]:
        return [int(text)] if text.isdigit() else []

    def token_bytes(self, token: int) -> bytes:
        return str(token).encode()
