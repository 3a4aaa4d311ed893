"""The speed of telling compared with llama.cpp's, at distilgpt2's and at SmolLM2-135M's shape, with random weights.

    python tests/benchmarks/llamacpp.py [--json] [--rounds N] [--tokens N] [--threads N] [--node FOLDER]

llama.cpp is the package llama-cpp-python, or node-llama-cpp in the folder where `npm install node-llama-cpp` was run:
both are needed for this benchmark only. It reads our own export, with its matrices in Q8_0. Both tell the same number
of tokens after the same prompt of 34, greedily, in turn in one run and with as many threads. `ratio_llamacpp` and
`ratio_llamacpp_llama`: the median over the rounds of its seconds over ours, from the second token on.
`ratio_first` and `ratio_first_llama`: likewise for the first token. Prints a table; with --json one object.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import gguf
import numpy as np
import torch

from storytime_tui.generation.backends.prepare import make_backend, precisions_of
from storytime_tui.models import gpt2, gpt2_files, own_files
from storytime_tui.models.causal_model import CausalModel
from storytime_tui.models.export import weight_files
from storytime_tui.models.export.gguf import write_gguf
from storytime_tui.models.llama import Llama, Rotation, Shape
from storytime_tui.models.tokenizer import train_tokenizer
from tests.benchmarks.peers import machine_name
from tests.tiny import tale

Seconds = tuple[float, float]  # to the first token, and from it to the last
Tell = Callable[[], Seconds]
CPU = torch.device("cpu")
PROMPT = [i * 7919 % 49_000 for i in range(34)]
SMOLLM2 = Shape(
    vocabulary=49_152, window=8192, width=576, layers=30, heads=9, key_value_heads=3, head_width=64, inner=1536,
    rotation=Rotation(theta=100_000.0),
)  # fmt: skip
SMOLLM2_CONFIG = {
    "model_type": "llama", "vocab_size": 49_152, "max_position_embeddings": 8192, "hidden_size": 576,
    "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536,
    "rope_theta": 100_000.0, "tie_word_embeddings": True, "rms_norm_eps": 1e-5,
}  # fmt: skip
DISTILGPT2 = gpt2.Shape(vocabulary=50_257, window=1024, width=768, layers=6, heads=12, inner=3072)
NODE = """
const [, , home, model, threads] = process.argv;
const {getLlama} = await import("file://" + home + "/node_modules/node-llama-cpp/dist/index.js");
const llama = await getLlama({gpu: false, build: "never", logLevel: "error", maxThreads: Number(threads)});
const loaded = await llama.loadModel({modelPath: model});
const context = await loaded.createContext({contextSize: 512, threads: Number(threads)});
const sequence = context.getSequence();
console.log("ready");
for await (const line of (await import("node:readline")).createInterface({input: process.stdin})) {
  const {prompt, tokens} = JSON.parse(line);
  await sequence.clearHistory();
  const began = performance.now();
  let first = 0, told = 0;
  for await (const token of sequence.evaluate(prompt, {temperature: 0, yieldEogToken: true})) {
    if (++told == 1) first = performance.now();
    if (told == tokens) break;
  }
  console.log(JSON.stringify([(first - began) / 1000, (performance.now() - first) / 1000, told]));
}
process.exit(0);
"""


def our_models() -> dict[str, tuple[CausalModel, dict[str, Any]]]:
    """Both models with their config.json; the ends of the figures' names are the keys."""
    first = own_files.empty_model(gpt2.GPT2, DISTILGPT2, CPU, torch.float32, padded=False)
    second = own_files.empty_model(Llama, SMOLLM2, CPU, torch.float32, padded=False)
    first.fill(0)
    second.fill(0)
    return {
        "": (first.eval(), gpt2_files.config_of(DISTILGPT2, 0)),
        "_llama": (second.eval(), SMOLLM2_CONFIG),
    }


def write_q8(model: CausalModel, config: dict[str, Any], folder: Path) -> Path:
    """The model as GGUF with matrices in Q8_0, as llama.cpp's own quantisation makes them."""
    own_files.write_files(own_files.weights_of(model), config, folder)
    train_tokenizer([tale(0)], 300).save(folder)  # the other rows are padding
    with weight_files.open_weights(folder) as weights:
        write_gguf(folder / "whole.gguf", weights, config, folder, name="a benchmark")
    reader = gguf.GGUFReader(folder / "whole.gguf")
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(folder / "q8.gguf", architecture)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], inner)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for tensor in reader.tensors:
        kind = gguf.GGMLQuantizationType.Q8_0
        if len(tensor.shape) == 2 and tensor.name != "position_embd.weight":
            values = np.asarray(tensor.data, np.float32)
            writer.add_tensor(tensor.name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(tensor.name, np.asarray(tensor.data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder / "q8.gguf"


def by_us(model: CausalModel, precision: str, tokens: int) -> Tell:
    """Our backend, greedy."""
    backend = make_backend(model, precision)

    def tell() -> Seconds:
        began = time.perf_counter()
        cache = backend.new_cache()
        token = int(backend.read(PROMPT, cache).argmax())
        first = time.perf_counter()
        for _ in range(tokens - 1):
            token = int(backend.read([token], cache).argmax())
        return first - began, time.perf_counter() - first

    return tell


def is_there(node: Path | None) -> bool:
    """Whether llama.cpp is there, in one of its packages."""
    return node is not None or importlib.util.find_spec("llama_cpp") is not None


def by_llamacpp(file: Path, tokens: int, threads: int, node: Path | None) -> Tell:
    """llama.cpp through one of its packages. Raises SystemExit if there is none."""
    if node is not None:
        return _by_node(file, tokens, threads, node)
    if not is_there(None):
        raise SystemExit("llama.cpp is missing: pip install llama-cpp-python, or see --node.")
    llama_cpp: Any = importlib.import_module("llama_cpp")
    model = llama_cpp.Llama(str(file), n_ctx=512, n_threads=threads, n_threads_batch=threads, verbose=False)

    def tell() -> Seconds:
        model.reset()
        began = time.perf_counter()
        model.eval(PROMPT)
        token = model.sample(temp=0.0)
        first = time.perf_counter()
        for _ in range(tokens - 1):
            model.eval([token])
            token = model.sample(temp=0.0)
        return first - began, time.perf_counter() - first

    return tell


def _by_node(file: Path, tokens: int, threads: int, node: Path) -> Tell:
    script = file.with_suffix(".mjs")
    script.write_text(NODE)
    process = subprocess.Popen(
        ["node", str(script), str(node.resolve()), str(file), str(threads)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    asked, answers = process.stdin, process.stdout
    while (line := answers.readline()) != "ready\n":
        if not line:
            raise SystemExit("node-llama-cpp did not open the model.")

    def tell() -> Seconds:
        asked.write(json.dumps({"prompt": PROMPT, "tokens": tokens}) + "\n")
        asked.flush()
        first, rest, told = json.loads(answers.readline())
        assert told == tokens
        return first, rest

    return tell


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    found: dict[str, Any] = {}
    for end, (model, config) in our_models().items():
        precision = "int8" if "int8" in precisions_of(model) else "bf16"
        with tempfile.TemporaryDirectory(prefix="storytime-bench-") as folder:
            theirs = by_llamacpp(write_q8(model, config, Path(folder)), args.tokens, args.threads, args.node)
            ours = by_us(model, precision, args.tokens)
            pairs = [(theirs(), ours()) for _ in range(args.rounds + 1)][1:]  # the first warms up
        found |= {
            f"ratio_llamacpp{end}": statistics.median(their[1] / our[1] for their, our in pairs),
            f"ratio_first{end}": statistics.median(their[0] / our[0] for their, our in pairs),
            f"first_token_seconds{end}": statistics.median(our[0] for _, our in pairs),
            f"llamacpp_first_token_seconds{end}": statistics.median(their[0] for their, _ in pairs),
            f"tokens_per_second{end}": (args.tokens - 1) / statistics.median(our[1] for _, our in pairs),
            f"llamacpp_tokens_per_second{end}": (args.tokens - 1)
            / statistics.median(their[1] for their, _ in pairs),
            f"precision{end}": precision,
        }
    return found


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=6, help="rounds after the warm-up")
    parser.add_argument("--tokens", type=int, default=128, help="tokens per story")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--node", type=Path, help="the folder with node-llama-cpp's node_modules")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    found = {
        **measure(args),
        "threads": args.threads,
        "machine": machine_name("cpu"),
        "torch": torch.__version__,
    }
    if args.json:
        print(json.dumps(found))
        return
    print(f"{found['machine']}, torch {found['torch']}")
    for name, value in found.items():
        if isinstance(value, float):
            print(f"  {name:<40}{value:>10.3f}")


if __name__ == "__main__":
    main()
