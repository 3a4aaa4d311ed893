"""The row of `gpu.py` on a Llama of SmolLM2-135M's shape: training and telling, compared with transformers' model."""

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import torch
from transformers import LlamaForCausalLM

from storytime_tui.generation.backends.cuda_graph import GraphedSteps
from storytime_tui.generation.backends.llama import LlamaBackend
from storytime_tui.models import llama_files
from storytime_tui.models.llama import Llama
from storytime_tui.models.own_files import empty_model, fill_from
from tests.benchmarks import training
from tests.benchmarks.gpu_telling import Timed, by_generate, by_steps
from tests.benchmarks.peers import Job, llama_config

Figures = dict[str, Any]
SMALL = {"layers": 2, "width": 64, "heads": 4, "key_value_heads": 2, "inner": 128, "vocabulary": 512}
PROMPT = [3 + place * 7919 % 500 for place in range(64)]


def llama(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """Ours with compiled blocks against the whole of transformers' model compiled; then one story told by both."""
    on_gpu = device == "cuda"
    shape = SMALL if smoke else training.SMOLLM2
    details = {
        **shape,
        **{"window": 2048, "block": 64 if smoke else 1024, "batch": 2 if smoke else 16, "accumulation": 1},
        **{"device": device, "dropout": 0.0, "compile_ours": on_gpu},
    }
    peer = "nanogpt" if on_gpu else "trainer"  # compiling takes long on a CPU
    found = training.measure(["ours", peer], details, 2 if smoke else 10, 2 if smoke else 10)
    figures = found["figures"]
    told = _telling(Job(**details, precision="bf16"), device, 20 if smoke else 600)
    yield (
        "G15",
        {
            "ratio_compiled": figures[f"ratio_{peer}"],
            "training_tokens_per_second": figures["tokens_per_second"],
            "matrix_share": figures["matrix_share"],
            **told,
        },
    )


def _telling(job: Job, device: str, count: int) -> Figures:
    torch.manual_seed(0)
    config = llama_config(job)
    config.initializer_range = 0.06
    theirs: Any = LlamaForCausalLM(config).eval().to(device, torch.bfloat16)  # type: ignore[arg-type]
    # with a static cache `generate` compiles its step on a GPU
    static = {"cache_implementation": "static"} if device == "cuda" else {}
    contenders = {"ours": _by_us(theirs, device), "generate": by_generate(theirs, device, PROMPT, **static)}
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(4):  # the first warms up, and compiles
        for name, tell in contenders.items():
            rate, _ = tell(count)
            if number:
                rates[name].append(rate)
    ours, generate = (statistics.median(rates[name]) for name in ("ours", "generate"))
    return {
        "tokens_per_second": ours,
        "generate_tokens_per_second": generate,
        "ratio_generate": statistics.median(one / other for one, other in zip(*rates.values(), strict=True)),
    }


def _by_us(theirs: Any, device: str) -> Callable[[int], Timed]:
    """Our recorded step with the usual sampling."""
    shape = llama_files.shape_of(theirs.config.to_dict(), 0.0)
    model = empty_model(Llama, shape, torch.device(device), torch.bfloat16, padded=device == "cuda")
    fill_from(model, theirs.state_dict().items())
    backend = LlamaBackend(model.eval(), "bf16")
    steps = GraphedSteps(backend)
    if device == "cuda":
        steps.record()
    return by_steps(backend, steps, PROMPT)
