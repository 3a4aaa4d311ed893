"""The speed of telling compared with transformers' `generate` and CTranslate2, and what the cache saves.

    python tests/benchmarks/generation.py [--json] [--rounds N] [--tokens N] [--threads N]

The contenders are measured in turn (A B C A B C …) in one run, so that a slow minute of the machine affects all of
them. A ratio is the median over the rounds of their seconds over ours; above 1 is good. The model has distilgpt2's
shape (6 layers x 768, 12 heads, 50,257 tokens) and random weights. Each contender continues the same prompt greedily.
`ratio_fp32`, `ratio_bf16`, `ratio_int8`: compared with `generate` and a TextIteratorStreamer in fp32.
`ratio_ctranslate2`: our int8 compared with the int8 of CTranslate2, a C++ engine; not measured without ctranslate2.
`ratio_llamacpp`, `ratio_llamacpp_llama` and more: see `llamacpp.py`; not measured without llama.cpp.
`ratio_append`: the time to read 910 tokens over the time to add 10 to a story of 900. `ratio_batch`: eight
continuations one after another over all at once. `small_tokens_per_second`: the shape 6 x 384 with 8,192 tokens.
`beside_training_...`: the same with one thread, while another process trains a model with all cores. Prints a table;
with --json one object.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, TextIteratorStreamer

from storytime_tui.generation.backends.backend import Backend, read_in_chunks
from storytime_tui.generation.backends.prepare import make_backend, precisions_of
from storytime_tui.generation.backends.threads import using_threads
from storytime_tui.models.gpt2 import GPT2, Shape
from storytime_tui.models.gpt2_files import empty_gpt2, shape_of
from storytime_tui.models.own_files import fill_from
from tests.benchmarks import llamacpp
from tests.benchmarks.peers import machine_name

DISTIL = {"n_embd": 768, "n_layer": 6, "n_head": 12, "vocab_size": 50257, "n_positions": 1024}
SMALL = Shape(vocabulary=8192, window=512, width=384, layers=6, heads=6, inner=1536)
PROMPT = [i * 7919 % 50257 for i in range(64)]
Tell = Callable[[], list[int]]


def their_model() -> GPT2LMHeadModel:
    """transformers' model with random weights, larger than usual so that the most likely token is clear."""
    torch.manual_seed(0)
    config = GPT2Config(**DISTIL, initializer_range=0.06, bos_token_id=0, eos_token_id=0)
    return GPT2LMHeadModel(config).eval()


def our_model(theirs: GPT2LMHeadModel) -> GPT2:
    """Our model with the same weights."""
    model = empty_gpt2(
        shape_of(theirs.config.to_dict(), 0.0), torch.device("cpu"), torch.float32, padded=False
    )
    fill_from(model, theirs.state_dict().items())
    return model


def words(vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer with the model's vocabulary size; its tokens are arbitrary."""
    inner = Tokenizer(WordLevel({f"w{i}": i for i in range(vocabulary)}, unk_token="w0"))
    inner.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="w0", bos_token="w0", unk_token="w0")


def by_generate(model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, tokens: int) -> Tell:
    """transformers' `generate` with its streamer."""

    def tell() -> list[int]:
        streamer = TextIteratorStreamer(tokenizer, skip_prompt=True)  # type: ignore[no-untyped-call]
        inputs = torch.tensor([PROMPT])
        found: list[Any] = []
        options: dict[str, Any] = {
            "max_new_tokens": tokens,
            "min_new_tokens": tokens,
            "do_sample": False,
            "pad_token_id": 0,
            "eos_token_id": -1,
        }
        generate: Any = model.generate
        worker = threading.Thread(
            target=lambda: found.append(
                generate(inputs, attention_mask=torch.ones_like(inputs), streamer=streamer, **options)
            )
        )
        worker.start()
        for _ in streamer:
            pass
        worker.join()
        return found[0][0, len(PROMPT) :].tolist()  # type: ignore[no-any-return]

    return tell


def by_us(backend: Backend, tokenizer: PreTrainedTokenizerFast, tokens: int, prompt: list[int]) -> Tell:
    """One of our backends, greedy, decoding each token at once."""

    def tell() -> list[int]:
        cache = backend.new_cache()
        logits = read_in_chunks(backend, prompt, cache)
        told: list[int] = []
        for _ in range(tokens):
            token = int(logits.argmax())
            told.append(token)
            tokenizer.decode([token])
            if len(told) < tokens:
                logits = backend.read([token], cache)
        return told

    return tell


def by_ctranslate2(
    model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, tokens: int, threads: int
) -> tuple[Tell | None, str]:
    """CTranslate2's stream in int8, or None and the reason."""
    try:
        import ctranslate2
        from ctranslate2.converters import TransformersConverter
    except ImportError:
        return None, "not installed: pip install ctranslate2"
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as folder:
        model.save_pretrained(f"{folder}/theirs")
        tokenizer.save_pretrained(f"{folder}/theirs")
        try:
            TransformersConverter(f"{folder}/theirs").convert(f"{folder}/converted", quantization="int8")
            engine = ctranslate2.Generator(
                f"{folder}/converted",
                device="cpu",
                compute_type="int8",
                intra_threads=threads,
                inter_threads=1,
            )
        except Exception as error:  # a converter that does not know this transformers
            return None, " ".join(str(error).split())[:200]
    prompt = [f"w{token}" for token in PROMPT]

    def tell() -> list[int]:
        stream = engine.generate_tokens(
            prompt, max_length=tokens, min_length=tokens, sampling_topk=1, end_token=[]
        )
        return [step.token_id for step in stream]

    return tell, f"ctranslate2 {ctranslate2.__version__}"


def seconds(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contender in every round after the first, which warms up."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, work in contenders.items():
            found = seconds(work)
            if number:
                taken[name].append(found)
    return taken


def ratio(theirs: list[float], ours: list[float]) -> float:
    """The median ratio of the pairs."""
    return statistics.median(their / our for their, our in zip(theirs, ours, strict=True))


def _contend(name: str, tokens: int, threads: int, pipe: Connection) -> None:
    """One contender in its own process: on each request it tells, and replies with the seconds and the ids."""
    torch.set_num_threads(threads)
    theirs, tokenizer = their_model(), words(DISTIL["vocab_size"])
    tell: Tell | None
    about = name
    if name == "generate":
        tell = by_generate(theirs, tokenizer, tokens)
    elif name == "ctranslate2":
        tell, about = by_ctranslate2(theirs, tokenizer, tokens, threads)
    else:
        tell = by_us(make_backend(our_model(theirs), name), tokenizer, tokens, PROMPT)
    pipe.send((tell is not None, about))
    while tell is not None and pipe.recv():
        began = time.perf_counter()
        told = tell()
        pipe.send((time.perf_counter() - began, told))


def measure_telling(args: argparse.Namespace) -> dict[str, Any]:
    """All contenders tell the same story, each in its own process.

    In one process they would slow each other down: CTranslate2's waiting threads halve the speed of the next contender.
    """
    kinds = precisions_of(our_model(their_model()))
    spawning = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    about, processes = "", []
    for name in ("generate", *kinds, "ctranslate2"):
        ours, its = spawning.Pipe()
        process = spawning.Process(target=_contend, args=(name, args.tokens, args.threads, its), daemon=True)
        process.start()
        processes.append(process)
        is_there, about = ours.recv()  # one after another, because they need much memory at the start
        if is_there:
            pipes[name] = ours
    ids: dict[str, list[int]] = {}

    def asking(name: str) -> Callable[[], float]:
        def ask() -> float:
            pipes[name].send(True)
            taken, ids[name] = pipes[name].recv()
            return float(taken)

        return ask

    taken: dict[str, list[float]] = {name: [] for name in pipes}
    for number in range(args.rounds + 1):  # the first warms up
        for name in pipes:
            found = asking(name)()
            if number:
                taken[name].append(found)
    for process in processes:
        process.kill()
    figures: dict[str, Any] = {f"ratio_{kind}": ratio(taken["generate"], taken[kind]) for kind in kinds}
    if "ctranslate2" in taken and "int8" in taken:
        figures["ratio_ctranslate2"] = ratio(taken["ctranslate2"], taken["int8"])
    best = make_backend(our_model(their_model()), "int8" if "int8" in kinds else "fp32")
    return {
        **figures,
        **measure_append(best, args.rounds),
        **measure_batch({kind: make_backend(our_model(their_model()), kind) for kind in kinds}, args.rounds),
        "same_ids_fp32": ids["generate"] == ids["fp32"],
        "distinct_ids": len(set(ids["generate"])),
        "tokens_per_second": {name: args.tokens / statistics.median(each) for name, each in taken.items()},
        "ctranslate2": about,
    }


def measure_append(backend: Backend, rounds: int) -> dict[str, float]:
    """Reading ten tokens after nine hundred, compared with reading all of them."""
    story = (PROMPT * 15)[:910]
    cache = backend.new_cache()
    read_in_chunks(backend, story[:900], cache)

    def append() -> None:
        backend.cut(cache, 900)
        backend.read(story[900:], cache)

    taken = in_turn(
        {"whole": lambda: read_in_chunks(backend, story, backend.new_cache()), "append": append}, rounds
    )
    return {
        "ratio_append": ratio(taken["whole"], taken["append"]),
        "append_seconds": statistics.median(taken["append"]),
        "prefill_tokens_per_second": 910 / statistics.median(taken["whole"]),
    }


def measure_batch(backends: dict[str, Backend], rounds: int, tokens: int = 16) -> dict[str, float]:
    """Eight continuations of one text of 256 tokens, each with its own first token."""
    found: dict[str, float] = {}
    for precision, backend in backends.items():
        text = (PROMPT * 4)[:256]
        cache = backend.new_cache()
        read_in_chunks(backend, text, cache)
        turns = list(range(100, 108))

        def one_by_one(backend: Backend = backend, cache: Any = cache, turns: list[int] = turns) -> None:
            for turn in turns:
                backend.cut(cache, 256)
                token = turn
                for _ in range(tokens):
                    token = int(backend.read([token], cache).argmax())

        def at_once(backend: Backend = backend, cache: Any = cache, turns: list[int] = turns) -> None:
            backend.cut(cache, 256)
            shared, chosen = backend.share(cache, 8), turns
            for _ in range(tokens):
                chosen = backend.read_rows(chosen, shared).argmax(1).tolist()

        taken = in_turn({"alone": one_by_one, "batch": at_once}, max(3, rounds // 2))
        found[f"ratio_batch_{precision}"] = ratio(taken["alone"], taken["batch"])
    found["ratio_batch"] = found.get("ratio_batch_int8", found["ratio_batch_fp32"])
    return found


def measure_small(args: argparse.Namespace) -> dict[str, Any]:
    """The small shape, alone and beside a training run on all cores."""
    model = empty_gpt2(SMALL, torch.device("cpu"), torch.float32, padded=False)
    model.fill(0)
    tokenizer = words(SMALL.vocabulary)
    tokens = 200
    prompt = [token % SMALL.vocabulary for token in PROMPT]
    tellers = {
        precision: by_us(make_backend(model, precision), tokenizer, tokens, prompt)
        for precision in precisions_of(model)
    }
    taken = in_turn(dict(tellers), max(3, args.rounds // 2))
    rates = {precision: tokens / statistics.median(each) for precision, each in taken.items()}
    spawning = multiprocessing.get_context("spawn")
    ready, enough = spawning.Event(), spawning.Event()
    teaching = spawning.Process(target=_teach, args=(ready, enough, args.threads), daemon=True)
    teaching.start()
    try:
        ready.wait(120)
        best = "int8" if "int8" in tellers else "fp32"
        with using_threads(1):
            beside = in_turn({"beside": tellers[best]}, 3)["beside"]
    finally:
        enough.set()
        teaching.join(30)
        teaching.kill()
    return {
        "small_tokens_per_second": rates.get("int8", rates["fp32"]),
        "small_rates": rates,
        "beside_training_tokens_per_second": tokens / statistics.median(beside),
    }


def _teach(ready: Event, enough: Event, threads: int) -> None:
    """Training steps with `threads` threads, until `enough` is set."""
    torch.set_num_threads(threads)
    model = empty_gpt2(SMALL, torch.device("cpu"), torch.float32, padded=False)
    model.fill(0)
    optimizer = torch.optim.AdamW(model.parameters())
    ids = torch.randint(0, SMALL.vocabulary, (4, 257))
    while not enough.is_set():
        logits = model.train()(ids[:, :-1])
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
        optimizer.step()
        optimizer.zero_grad()
        ready.set()


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{found['machine']}, torch {found['torch']}, transformers {found['transformers']}")
    print(f"\n{'distilgpt2’s shape':<34}{'tokens/s':>12}{'against generate':>20}")
    for name, rate in found["tokens_per_second"].items():
        against = found.get(f"ratio_{name}") if name != "ctranslate2" else None
        print(f"  {name:<32}{rate:>12.1f}{f'{against:.2f}' if against else '':>20}")
    same = "the same" if found["same_ids_fp32"] else "OTHERS"
    print(f"  fp32's ids are {same} as generate's; {found['ctranslate2']}")
    lines = {
        "our int8 over CTranslate2's": "ratio_ctranslate2",
        "900 tokens kept, 10 added, over all read": "ratio_append",
        "eight at once over one by one": "ratio_batch",
        "our int8 over llama.cpp's Q8_0": "ratio_llamacpp",
        "  at SmolLM2-135M's shape": "ratio_llamacpp_llama",
        "6 x 384, tokens a second": "small_tokens_per_second",
        "  beside a training run": "beside_training_tokens_per_second",
    }
    print()
    for words_for, name in lines.items():
        print(f"  {words_for:<44}{f'{found[name]:.2f}' if name in found else 'not measured':>22}")


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=6, help="rounds after the warm-up")
    parser.add_argument("--tokens", type=int, default=128, help="tokens per story")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    found = {
        **measure_telling(args),
        **measure_small(args),
        **(llamacpp.measure(args) if llamacpp.is_there() else {}),
        "threads": args.threads,
        "machine": machine_name("cpu"),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    if args.json:
        print(json.dumps(found))
        return
    show(found)


if __name__ == "__main__":
    main()
