"""The trainer's speed and memory, compared with transformers' Trainer and the original notebook's loop.

    python tests/benchmarks/training.py [--json] [--device cpu|cuda] [--shapes distilgpt2 small smollm2 gpt2]
                                        [--peers trainer notebook nanogpt] [--compile] [--compile-ours]
                                        [--dropout X] [--turn N] [--steps N]

Every contender has its own process. They take steps in turn (A B C A B C …), so that only one works at any time and a
slow minute of the machine affects all of them. A speed ratio is the median over the rounds of their seconds per token
over ours. Memory is each process's peak, resident on a CPU, allocated on a GPU; its ratio is ours over the Trainer's.
Above 1 is good for speed, below 1 for memory. Token ids are random. `nanogpt` is a compiled loop for GPUs: compare it
with `--shapes gpt2 --dropout 0`, where both do the same arithmetic. `smollm2` is a Llama trained by LoRA.
`matrix_share`: our matrix products' FLOP per second over those of one large product. Needs accelerate for the Trainer.
Prints a table; with --json one object.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

# Torch is imported in the contenders only, because a child's peak memory starts from its parent's size.
if TYPE_CHECKING:
    import numpy as np

    from tests.benchmarks.peers import Gate, Job


def our_model(job: "Job", *, padded: bool) -> Any:
    """Our GPT-2 or Llama of the job's shape, with random weights, on the CPU."""
    import torch

    from storytime_tui.models import llama_files
    from storytime_tui.models.gpt2 import GPT2, Shape
    from storytime_tui.models.llama import Llama
    from storytime_tui.models.lora import add_lora, store_base_in
    from storytime_tui.models.own_files import empty_model
    from tests.benchmarks.peers import llama_config

    on_cpu = torch.device("cpu"), torch.float32
    if not job.inner:
        shape = Shape(
            job.vocabulary, job.window, job.width, job.layers, job.heads, 4 * job.width, job.dropout
        )
        model = empty_model(GPT2, shape, *on_cpu, padded=padded)
        model.fill(0)
        return model
    llama = empty_model(
        Llama, llama_files.shape_of(llama_config(job).to_dict(), job.dropout), *on_cpu, padded=padded
    )
    llama.fill(0)
    if job.lora_rank:
        add_lora(llama, job.lora_rank, None, (), 0)
        if job.device == "cpu" and job.precision == "bf16":  # as `jobs.training_model.fit`
            store_base_in(torch.bfloat16, llama)
    return llama


def our_worker(job: "Job", windows: "np.ndarray", gate: "Gate") -> None:
    """Our trainer on the job; the only part of this benchmark that uses our interfaces.

    A step ends with its StepDone event; the gate is called after each.
    """
    import torch

    from storytime_tui.training.control import Control
    from storytime_tui.training.dataset import Dataset
    from storytime_tui.training.events import Evaluated, Failed, StepDone
    from storytime_tui.training.plan import TrainingPlan
    from storytime_tui.training.trainer import Trainer
    from tests.benchmarks.peers import ENDLESS, LEARNING_RATE
    from tests.tiny import TinyFiles

    plan = TrainingPlan(
        base="random",
        collections=("random",),
        block_size=job.block,
        stride=job.block,
        batch_size=job.batch,
        accumulation=job.accumulation,
        epochs=100_000.0,
        max_steps=ENDLESS,
        learning_rate=LEARNING_RATE,
        dropout=job.dropout,
        precision=job.precision,
        compile="on" if job.compile or job.compile_ours else "off",
        device=job.device,
        evaluate_every=ENDLESS,
        sample_every=0,
        lora_rank=job.lora_rank,
    )
    stream = windows.astype("uint16").reshape(-1)
    lesson = Dataset(
        training_ids=stream,
        validation_ids=stream[: 2 * job.block],
        validation_bytes=8 * job.block,
        stories=1,
        validation_stories=1,
        token_frequency_loss=0.0,
        fingerprint="",
    )
    device = torch.device(job.device)
    model = our_model(job, padded=device.type == "cuda").to(device)
    if job.compile or job.compile_ours:
        for block in model.blocks:
            block.compile()
        model.compiled = True
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as folder:
        trainer = Trainer(
            model,
            plan,
            lesson,
            Path(folder),
            device=device,
            precision=job.precision,
            control=Control(),
            sample=lambda *_: "",
            model_files=TinyFiles(model),
        )
        for event in trainer.run():
            if isinstance(event, Failed):
                raise RuntimeError(event.message)
            if isinstance(event, Evaluated | StepDone):  # one evaluation, before the first step
                gate()


SMOLLM2 = {"layers": 30, "width": 576, "heads": 9, "key_value_heads": 3, "inner": 1536, "vocabulary": 49152}
# the model shapes and step sizes
SHAPES: dict[str, dict[str, int]] = {
    "distilgpt2": {
        **{"layers": 6, "width": 768, "heads": 12, "vocabulary": 50257, "window": 1024},
        **{"block": 256, "batch": 4, "accumulation": 1},
    },
    # sixteen windows per step, so that the fixed cost of a step has its usual weight
    "small": {
        **{"layers": 6, "width": 384, "heads": 6, "vocabulary": 8192, "window": 512},
        **{"block": 256, "batch": 4, "accumulation": 4},
    },
    # by LoRA, as on a laptop
    "smollm2": {
        **SMOLLM2,
        **{"lora_rank": 16, "window": 8192, "block": 256, "batch": 4, "accumulation": 1},
    },
    "gpt2": {
        **{"layers": 12, "width": 768, "heads": 12, "vocabulary": 50257, "window": 1024},
        **{"block": 1024, "batch": 16, "accumulation": 1},
    },
}
WINDOWS = 1024  # enough that no contender starts a new epoch every few steps
SETTLED = 2  # first rounds, not counted: warm-up and compilation
LIMIT = 1800.0  # seconds for one turn, including compilation


# -- in a contender's process ----------------------------------------------------------------------------


def _contend(name: str, details: dict[str, Any], turn: int, parent: Connection) -> None:
    """One contender: take `turn` steps on each request of the parent, and reply with seconds per step."""
    from tests.benchmarks import peers

    device = details["device"]
    job = peers.Job(**details, precision=peers.best_precision(device))
    contender = our_worker if name == "ours" else peers.PEERS[name]
    calls, began = 0, 0.0

    def gate() -> None:
        nonlocal calls, began
        if calls % turn == 0:
            peers.synchronise(job)
            seconds = time.perf_counter() - began
            parent.send(_facts(job) if calls == 0 else {"seconds": seconds / turn})
            if parent.recv() == "enough":
                parent.send({"peak": peers.peak_bytes(job)})
                raise peers.Enough
            began = time.perf_counter()
        calls += 1

    try:
        contender(job, peers.random_windows(job, WINDOWS), gate)
    except peers.Enough:
        pass
    except (Exception, SystemExit) as error:
        parent.send({"trouble": f"{type(error).__name__}: {error}"})


def _facts(job: "Job") -> dict[str, Any]:
    """The machine, precision and versions, for the table's heading."""
    import torch
    import transformers

    from tests.benchmarks.peers import machine_name, matrix_rate

    return {
        "machine": machine_name(job.device),
        "precision": job.precision,
        "tokens": job.tokens,
        "matrix_rate": matrix_rate(job),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


# -- in the parent ---------------------------------------------------------------------------------------


class Contender:
    """The process of a contender."""

    def __init__(self, name: str, details: dict[str, Any], turn: int) -> None:
        spawning = multiprocessing.get_context("spawn")
        self.name, self.seconds, self.peak = name, list[float](), 0
        self._pipe, end = spawning.Pipe()
        self._process = spawning.Process(target=_contend, args=(name, details, turn, end), daemon=True)
        self._process.start()
        end.close()  # so that the parent notices the child's death
        self.facts = self._answer()

    def take_turn(self) -> float:
        """Let it take its steps. Returns seconds per step."""
        self._pipe.send("go")
        return float(self._answer()["seconds"])

    def end(self) -> None:
        """Ask for its peak memory and end it."""
        self._pipe.send("enough")
        self.peak = self._answer()["peak"]
        self._process.join(60)
        self.kill()

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()

    def _answer(self) -> dict[str, Any]:
        if not self._pipe.poll(LIMIT):
            raise SystemExit(f"{self.name} did not answer in {LIMIT:.0f} seconds.")
        try:
            answer: dict[str, Any] = self._pipe.recv()
        except EOFError:
            raise SystemExit(f"{self.name}'s process died, perhaps for want of memory.") from None
        if "trouble" in answer:
            raise SystemExit(f"{self.name} failed: {answer['trouble']}")
        return answer


def measure(names: list[str], details: dict[str, Any], steps: int, turn: int) -> dict[str, Any]:
    """The figures of one shape: all contenders in turn, `steps` rounds after the warm-up."""
    contenders: list[Contender] = []
    try:
        for name in names:
            contenders.append(Contender(name, details, turn))
        for number in range(SETTLED + steps):
            for contender in contenders:
                seconds = contender.take_turn()
                if number >= SETTLED:
                    contender.seconds.append(seconds)
        for contender in contenders:
            contender.end()
    finally:
        for contender in contenders:
            contender.kill()
    ours, *theirs = contenders
    tokens = ours.facts["tokens"]
    figures: dict[str, Any] = {
        f"ratio_{peer.name}": statistics.median(
            their / our for our, their in zip(ours.seconds, peer.seconds, strict=True)
        )
        for peer in theirs
    }
    for peer in theirs:
        if peer.name == "trainer":
            figures["ratio_memory"] = ours.peak / peer.peak
    figures["matrix_share"] = (
        flops_per_token(details) * tokens / statistics.median(ours.seconds) / ours.facts["matrix_rate"]
    )
    figures["tokens_per_second"] = {c.name: tokens / statistics.median(c.seconds) for c in contenders}
    figures["peak_megabytes"] = {c.name: c.peak / 1e6 for c in contenders}
    return {"figures": figures, "facts": ours.facts}


def flops_per_token(details: dict[str, Any]) -> float:
    """What the matrix products of a step compute for each token, attention and all three passes included.

    By LoRA the gradients of the frozen weights are not computed: two passes. The small matrices are left out.
    """
    width, layers = details["width"], details["layers"]
    inner, head = details.get("inner"), width // details["heads"]
    if inner:
        block = 2 * width * (width + details["key_value_heads"] * head) + 3 * width * inner
    else:
        block = 12 * width * width
    passes = 2 if details.get("lora_rank") else 3
    products = layers * block + details["vocabulary"] * width
    return float(2 * passes * products + 3 * 4 * layers * width * details["block"] / 2)


def worst(shapes: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The smallest speed ratio and the largest memory ratio."""
    names = dict.fromkeys(name for found in shapes.values() for name in found if name.startswith("ratio_"))
    pick = {name: max if name == "ratio_memory" else min for name in names}
    return {name: pick[name](found[name] for found in shapes.values()) for name in names}


def show(shapes: dict[str, dict[str, Any]], facts: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{facts['machine']}, {facts['precision']}, torch {facts['torch']}, ", end="")
    print(f"transformers {facts['transformers']}")
    for shape, found in shapes.items():
        print(f"\n{shape:<14}{'tokens/s':>12}{'peak MB':>12}{'theirs/ours':>14}")
        for name, rate in found["tokens_per_second"].items():
            ratio = f"{found[f'ratio_{name}']:.2f}" if name != "ours" else ""
            print(f"  {name:<12}{rate:>12,.0f}{found['peak_megabytes'][name]:>12,.0f}{ratio:>14}")
        if "ratio_memory" in found:
            print(f"  {'our memory over the Trainer’s':<36}{found['ratio_memory']:>14.2f}")
        print(f"  {'our share of the matrix rate':<36}{found['matrix_share']:>14.2f}")


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--shapes", nargs="+", choices=list(SHAPES), default=["distilgpt2", "small", "smollm2"]
    )
    parser.add_argument("--peers", nargs="+", choices=["trainer", "notebook", "nanogpt"])
    parser.add_argument("--steps", type=int, default=12, help="rounds after the warm-up")
    parser.add_argument("--turn", type=int, help="steps per turn: 1, or 10 on a GPU, which queues work")
    parser.add_argument("--batch", type=int, help="windows in a batch, instead of the shape's default")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--compile", action="store_true", help="compile ours and transformers' Trainer")
    parser.add_argument("--compile-ours", action="store_true", help="compile ours only")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    on_gpu = args.device == "cuda"
    chosen = args.peers or ["trainer", "notebook", *(["nanogpt"] if on_gpu else [])]
    names = ["ours", *dict.fromkeys(chosen)]
    shapes, facts = {}, {}
    for shape in args.shapes:
        details = {**SHAPES[shape], "device": args.device, "dropout": args.dropout}
        details |= {"compile": args.compile, "compile_ours": args.compile_ours}
        if args.batch:
            details["batch"] = args.batch
        found = measure(names, details, args.steps, args.turn or (10 if on_gpu else 1))
        shapes[shape], facts = found["figures"], found["facts"]
    if args.json:
        about = {name: facts[name] for name in ("machine", "precision", "torch", "transformers")}
        print(json.dumps({**worst(shapes), **shapes, "device": args.device, "steps": args.steps, **about}))
        return
    show(shapes, facts)


if __name__ == "__main__":
    main()
