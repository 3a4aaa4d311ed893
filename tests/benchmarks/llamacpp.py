"""Telling on a CPU compared with llama.cpp: at distilgpt2's shape and at SmolLM2-135M's, with random weights.

    pip install llama-cpp-python     # is compiled, which takes a while
    python -m tests.benchmarks.llamacpp [--json] [--rounds N] [--tokens N] [--threads N] [--shapes distil smol]

Each contender has a process of its own and the same threads, and they are asked in turn (A B A B …), so that a slow
minute meets all. A model is written once, exported as GGUF by us, and quantised to Q8_0 by llama.cpp itself; ours tells
in int8. `ratio_…`: their seconds over ours, the median of the rounds. Of each shape, `telling`: so many
tokens behind a prompt of 34, its reading included, greedily; `prefill`: reading 512 tokens; `append`: reading 10 tokens
behind 500, as after an edit. `first_token_seconds`: from the call until the first token, behind 34 tokens, the first
call of a new process in which the model is open; ours by the whole way that the app takes (`jobs.generate`), theirs by
`eval`. `bandwidth_share`: bytes of weights read per second over what the same threads read from memory by summing up.
"""

import argparse
import ctypes
import importlib.util
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import machine_name

SHAPES = ("distil", "smol")
WHAT = ("first", "telling", "prefill", "append")
FIRST, LONG, BEFORE, ADDED = 34, 512, 500, 10  # tokens


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
def silent(_level: int, _text: bytes, _data: Any) -> None:
    """Take llama.cpp's messages."""


def write_model(kind: str, folder: Path) -> None:
    """A model of transformers with random weights and a tokenizer of its size, and its GGUF file in Q8_0."""
    import llama_cpp
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    from storytime_tui.models.export.gguf import write_gguf
    from storytime_tui.models.export.weight_files import open_weights

    torch.manual_seed(0)
    model: Any
    if kind == "distil":
        model = GPT2LMHeadModel(GPT2Config(n_layer=6, initializer_range=0.06))
    else:
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=49_152,
                hidden_size=576,
                intermediate_size=1536,
                num_hidden_layers=30,
                num_attention_heads=9,
                num_key_value_heads=3,
                max_position_embeddings=8192,
                tie_word_embeddings=True,
                initializer_range=0.06,
            )
        )
    model.save_pretrained(folder)
    write_tokenizer(model.config.vocab_size, folder)
    config = json.loads((folder / "config.json").read_text())
    with open_weights(folder) as weights:
        write_gguf(folder / "whole.gguf", weights, config, folder, name=kind, dtype=torch.float16)
    llama_cpp.llama_log_set(silent, None)
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    source, target = (str(folder / name).encode() for name in ("whole.gguf", "q8.gguf"))
    if llama_cpp.llama_model_quantize(source, target, options):
        sys.exit("llama.cpp could not quantise the model.")


def write_tokenizer(vocabulary: int, folder: Path) -> None:
    """A byte-level BPE with so many tokens; which ones does not matter."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [(one, other) for one in letters for other in letters][: vocabulary - len(letters) - 1]
    pieces = [*letters, "<|endoftext|>", *("".join(pair) for pair in merges)]
    inner = Tokenizer(models.BPE(vocab={piece: at for at, piece in enumerate(pieces)}, merges=merges))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))


def ids(count: int, vocabulary: int) -> list[int]:
    """Any tokens but the one that ends a text."""
    return [300 + place * 7919 % (vocabulary - 300) for place in range(count)]


Read = Callable[
    [Sequence[int], int], int
]  # new tokens and how many to keep before them -> the likeliest next


def our_reader(folder: Path, threads: int) -> tuple[Read, Callable[[], object], int]:
    """Reading by our backend in int8, telling one token by the app's way, and the bytes of the weights."""
    import torch

    from storytime_tui.generation.computing import Computing
    from storytime_tui.generation.sampling.settings import SamplerSettings
    from storytime_tui.jobs.generate import open_teller

    torch.set_num_threads(threads)
    wanted = Computing(precision="int8", threads=threads)
    teller = open_teller(str(folder), wanted=lambda: wanted)
    backend, vocabulary = teller._generator._backend, teller._generator.vocabulary
    text = "".join(vocabulary.token_bytes(token).decode("latin-1") for token in ids(FIRST * 4, 20_000))
    while len(vocabulary.encode(text)) > FIRST:
        text = text[:-1]
    caches = [backend.new_cache()]

    def read(new: Sequence[int], keep: int) -> int:
        backend.cut(caches[0], keep)
        return int(backend.read(list(new), caches[0]).argmax())

    def first() -> object:
        return next(iter(teller.tell(text, SamplerSettings(temperature=0.0))))

    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors")) // 4
    return read, first, weights


def their_reader(folder: Path, threads: int) -> tuple[Read, Callable[[], object], int]:
    """The same by llama.cpp in Q8_0."""
    import llama_cpp
    import numpy as np

    file = folder / "q8.gguf"
    model = llama_cpp.Llama(
        str(file), n_ctx=1024, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False
    )
    vocabulary = model.n_vocab()

    def read(new: Sequence[int], keep: int) -> int:
        model.n_tokens = keep  # `eval` forgets what comes after
        model.eval(list(new))
        logits = llama_cpp.llama_get_logits_ith(model.ctx, -1)
        return int(np.ctypeslib.as_array(logits, shape=(vocabulary,)).argmax())

    return read, lambda: read(ids(FIRST, vocabulary), 0), file.stat().st_size


def contend(name: str, folder: Path, tokens: int, threads: int, pipe: Connection) -> None:
    """One contender in a process of its own: it answers each request with its seconds."""
    read, first, weights = (our_reader if name == "ours" else their_reader)(folder, threads)
    vocabulary = 49_000

    def telling() -> None:
        token = read(ids(FIRST, vocabulary), 0)
        for place in range(tokens - 1):
            token = read([token], FIRST + place)

    work: dict[str, Callable[[], object]] = {
        "first": first,
        "telling": telling,
        "prefill": lambda: read(ids(LONG, vocabulary), 0),
        "before": lambda: read(ids(BEFORE, vocabulary), 0),
        "append": lambda: read(ids(ADDED, vocabulary), BEFORE),
    }
    pipe.send(weights)
    while what := pipe.recv():
        if what == "append":
            work["before"]()
        began = time.perf_counter()
        work[what]()
        pipe.send(time.perf_counter() - began)


class Contender:
    """A process that is asked for seconds."""

    def __init__(self, name: str, folder: Path, tokens: int, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, its = context.Pipe()
        self._process = context.Process(
            target=contend, args=(name, folder, tokens, threads, its), daemon=True
        )
        self._process.start()
        its.close()
        self.weights: int = self._pipe.recv()

    def seconds(self, what: str) -> float:
        """The seconds that it took."""
        self._pipe.send(what)
        return float(self._pipe.recv())

    def end(self) -> None:
        """End the process."""
        self._pipe.send("")
        self._process.join()


def bandwidth(threads: int) -> float:
    """Bytes per second that this many threads read from memory."""
    import torch

    torch.set_num_threads(threads)
    block = torch.ones(128_000_000)
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        block.sum()
        taken.append(time.perf_counter() - began)
    return block.nbytes / min(taken)


def measure_shape(kind: str, args: argparse.Namespace) -> dict[str, Any]:
    """The figures of one shape."""
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as place:
        folder = Path(place) / kind
        folder.mkdir()
        write_model(kind, folder)
        taken: dict[str, dict[str, list[float]]] = {"ours": {}, "llama.cpp": {}}
        weights: dict[str, int] = {}
        for number in range(args.rounds):
            pair = {name: Contender(name, folder, args.tokens, args.threads) for name in taken}
            for what in WHAT:  # the first request of each process is the first token
                for _ in range(1 if what == "first" else 2):
                    for name, contender in pair.items():
                        weights[name] = contender.weights
                        taken[name].setdefault(what, []).append(contender.seconds(what))
            for contender in pair.values():
                contender.end()
            print(f"{kind}: round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
    return {**figures_of(kind, taken, args.tokens), "weights": weights}


def figures_of(kind: str, taken: dict[str, dict[str, list[float]]], tokens: int) -> dict[str, Any]:
    """Ratios, and the medians that they are made of."""
    ours, theirs = taken["ours"], taken["llama.cpp"]
    found: dict[str, Any] = {}
    for what in WHAT:
        pairs = zip(theirs[what], ours[what], strict=True)
        found[f"ratio_{what}"] = round(statistics.median(their / our for their, our in pairs), 2)
    for name, each in taken.items():
        found[name] = {
            "first_token_seconds": round(statistics.median(each["first"]), 4),
            "tokens_per_second": round(tokens / statistics.median(each["telling"]), 1),
            "prefill_tokens_per_second": round(LONG / statistics.median(each["prefill"]), 1),
            "append_seconds": round(statistics.median(each["append"]), 4),
        }
    return found


def is_there() -> bool:
    """Whether llama.cpp's package is installed."""
    return importlib.util.find_spec("llama_cpp") is not None


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """The figures of the chosen shapes, and the three that `generation.py` shows."""
    reads = bandwidth(args.threads)
    found: dict[str, Any] = {"bandwidth": round(reads)}
    for kind in getattr(args, "shapes", SHAPES):
        figures = measure_shape(kind, args)
        for name in ("ours", "llama.cpp"):
            rate = figures[name]["tokens_per_second"] * figures["weights"][name]
            figures[name]["bandwidth_share"] = round(rate / reads, 2)
        found[kind] = figures
    if "distil" in found:
        found["ratio_llamacpp"] = found["distil"]["ratio_telling"]
        found["first_token_seconds"] = found["distil"]["ours"]["first_token_seconds"]
    if "smol" in found:
        found["ratio_llamacpp_llama"] = found["smol"]["ratio_telling"]
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=SHAPES)
    args = parser.parse_args()
    found = {"machine": machine_name("cpu"), **measure(args)}
    print(json.dumps(found) if args.json else json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
