"""The peers of our trainer: other implementations of the same steps, each a plain function.

A peer takes a job, token windows (N, block + 1) and a gate. It calls the gate before its first step and after each
step. The benchmark measures time in the gate, and raises Enough there to end the peer. So the same function can be
timed alone (`timed`), or step by step in turn with others (`training.py`).
"""

import contextlib
import itertools
import math
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

LEARNING_RATE = 5e-5
ENDLESS = 1_000_000  # steps; the gate ends a peer, not its schedule

Gate = Callable[[], None]


class Enough(Exception):
    """Raised by a gate to end a peer."""


@dataclass(frozen=True)
class Job:
    """A model's shape and the size of a step: `accumulation` batches of `batch` windows of `block` tokens."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    window: int  # positions of the model
    block: int
    batch: int
    accumulation: int
    precision: str  # bf16 or fp32
    device: str
    compile: bool = False  # compile our blocks and the Trainer's model
    compile_ours: bool = False  # compile our blocks only
    dropout: float = 0.1
    inner: int = 0  # the width of a Llama's MLP; 0: a GPT-2
    key_value_heads: int = 0  # of a Llama
    lora_rank: int = 0  # of LoRA on all matrices of a Llama's blocks; 0: all of the model is trained

    @property
    def tokens(self) -> int:
        """Tokens of one step."""
        return self.block * self.batch * self.accumulation


@dataclass(frozen=True)
class Measured:
    """A peer's time; `seconds` includes the first steps, which warm up."""

    seconds: list[float]  # of each step
    tokens_per_second: float  # of the median step
    peak_bytes: int


def random_windows(job: Job, count: int, seed: int = 0) -> np.ndarray:
    """(count, block + 1) int64 token ids; speed and memory do not depend on their values."""
    draw = np.random.default_rng(seed)
    return draw.integers(0, job.vocabulary, (count, job.block + 1))


def timed(
    peer: Callable[[Job, np.ndarray, Gate], None], job: Job, windows: np.ndarray, steps: int
) -> Measured:
    """Run a peer alone, in this process, for `steps` steps."""
    times: list[float] = []

    def gate() -> None:
        synchronise(job)
        times.append(time.perf_counter())
        if len(times) > steps:
            raise Enough

    with contextlib.suppress(Enough):
        peer(job, windows, gate)
    seconds = [after - before for before, after in itertools.pairwise(times)]
    return Measured(seconds, job.tokens / float(np.median(seconds)), peak_bytes(job))


# -- the machine -----------------------------------------------------------------------------------------


def best_precision(device: str) -> str:
    """bf16 if the device supports it in hardware, else fp32."""
    if device == "cuda":
        has = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if has else "fp32"


def matrix_rate(job: Job) -> float:
    """FLOP per second of one large product of square matrices, in the job's precision, the best of five."""
    kind = torch.bfloat16 if job.precision == "bf16" else torch.float32
    size = 8192 if job.device == "cuda" else 2048
    one, other = (torch.randn(size, size, device=job.device, dtype=kind) for _ in range(2))
    taken = []
    for _ in range(5):
        synchronise(job)
        began = time.perf_counter()
        one @ other
        synchronise(job)
        taken.append(time.perf_counter() - began)
    return 2 * float(size) ** 3 / min(taken)


def synchronise(job: Job) -> None:
    """Wait until the device has finished its work."""
    if job.device == "cuda":
        torch.cuda.synchronize()


def peak_bytes(job: Job) -> int:
    """Peak memory so far: allocated on a GPU, resident of this process on a CPU."""
    if job.device == "cuda":
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def machine_name(device: str) -> str:
    """The GPU's name, or the CPU's with the number of PyTorch's threads."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), name)
    return f"{name}, {torch.get_num_threads()} threads"


# -- transformers' Trainer -------------------------------------------------------------------------------


def library_model(job: Job) -> Any:
    """transformers' GPT-2 of the job's shape, with SDPA and, as always there, dropout on the attention."""
    from transformers import GPT2Config, GPT2LMHeadModel

    if job.inner:
        return library_llama(job)
    config = GPT2Config(
        vocab_size=job.vocabulary,
        n_positions=job.window,
        n_embd=job.width,
        n_layer=job.layers,
        n_head=job.heads,
        resid_pdrop=job.dropout,
        embd_pdrop=job.dropout,
        attn_pdrop=job.dropout,
        bos_token_id=0,
        eos_token_id=0,
    )
    torch.manual_seed(0)
    model = GPT2LMHeadModel(config)
    assert model.config._attn_implementation == "sdpa"  # the default
    return model


def llama_config(job: Job) -> Any:
    """The config of a Llama of the job's shape."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=job.vocabulary,
        hidden_size=job.width,
        intermediate_size=job.inner,
        num_hidden_layers=job.layers,
        num_attention_heads=job.heads,
        num_key_value_heads=job.key_value_heads,
        max_position_embeddings=job.window,
        tie_word_embeddings=True,
    )


def library_llama(job: Job) -> Any:
    """transformers' Llama of the job's shape, where asked with peft's LoRA on all matrices of its blocks."""
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    model = LlamaForCausalLM(llama_config(job))
    if not job.lora_rank:
        return model
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(r=job.lora_rank, lora_alpha=2 * job.lora_rank, target_modules="all-linear")
    return get_peft_model(model, lora)


def library_trainer(job: Job, windows: np.ndarray, gate: Gate) -> None:
    """`transformers.Trainer` set up for speed: fused AdamW, bf16, no evaluation, saving or logging."""
    try:
        import accelerate  # noqa: F401
    except ImportError:
        raise SystemExit(
            "transformers' Trainer needs accelerate: pip install accelerate, for this benchmark only."
        ) from None
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Turns(TrainerCallback):
        """The gate as a callback; the time between two calls includes fetching the windows."""

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            gate()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            gate()

    examples = [{"input_ids": ids, "labels": ids} for ids in torch.from_numpy(windows[:, :-1])]
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=job.batch,
            gradient_accumulation_steps=job.accumulation,
            max_steps=ENDLESS,
            learning_rate=LEARNING_RATE,
            weight_decay=0.1,
            max_grad_norm=1.0,
            lr_scheduler_type="cosine",
            warmup_steps=100,
            optim="adamw_torch_fused",
            bf16=job.precision == "bf16",
            use_cpu=job.device == "cpu",
            torch_compile=job.compile,
            dataloader_num_workers=0,
            dataloader_pin_memory=job.device == "cuda",
            eval_strategy="no",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        Trainer(model=library_model(job), args=arguments, train_dataset=examples, callbacks=[Turns()]).train()


# -- the first notebook's loop ---------------------------------------------------------------------------


def notebook(job: Job, windows: np.ndarray, gate: Gate) -> None:
    """The notebook's loop, rewritten from its description.

    Windows overlap by half and are read one at a time, with gradients accumulated over the job's step; fp16 with a
    scaler on a GPU, fp32 on a CPU. The model computes the loss over all logits, and it is fetched after each window.
    """
    from torch.utils.data import DataLoader

    on_gpu = job.device == "cuda"
    stream = torch.from_numpy(windows).flatten()
    starts = range(0, len(stream) - job.block + 1, job.block // 2)
    loader: Any = DataLoader(
        [stream[start : start + job.block].clone() for start in starts],  # type: ignore[arg-type]
        batch_size=1,
        shuffle=True,
    )
    model = library_model(job).to(job.device)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 100))
    scaler = torch.amp.GradScaler(job.device, enabled=on_gpu)
    half = torch.autocast("cuda", torch.float16) if on_gpu else contextlib.nullcontext()
    accumulation = job.batch * job.accumulation
    epoch_loss = 0.0
    gate()
    for number, ids in enumerate(_forever(loader), start=1):
        ids = ids.to(job.device)  # (1, block)
        with half:
            loss = model(input_ids=ids, labels=ids).loss / accumulation
        scaler.scale(loss).backward()
        epoch_loss += loss.detach().cpu().item()
        if number % accumulation == 0:
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            optimizer.zero_grad()
            gate()


def _forever(loader: Any) -> Iterator[Any]:
    while True:
        yield from loader


# -- a compiled loop like nanoGPT's ----------------------------------------------------------------------


class _Block(nn.Module):
    def __init__(self, job: Job) -> None:
        super().__init__()
        self.heads, self.dropout = job.heads, job.dropout
        self.before_attention = nn.LayerNorm(job.width)
        self.queries_keys_values = nn.Linear(job.width, 3 * job.width)
        self.mix = nn.Linear(job.width, job.width)
        self.before_thought = nn.LayerNorm(job.width)
        self.widen = nn.Linear(job.width, 4 * job.width)
        self.narrow = nn.Linear(4 * job.width, job.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time_, width = x.shape
        together = self.queries_keys_values(self.before_attention(x))
        heads = together.view(batch, time_, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(
            heads[0], heads[1], heads[2], dropout_p=self.dropout if self.training else 0.0, is_causal=True
        )  # (batch, heads, time, width / heads)
        seen = self.mix(seen.transpose(1, 2).reshape(batch, time_, width))
        x = x + F.dropout(seen, self.dropout, self.training)
        thought = self.narrow(F.gelu(self.widen(self.before_thought(x))))
        return x + F.dropout(thought, self.dropout, self.training)


class _SmallGPT2(nn.Module):
    """A minimal GPT-2 for training steps; it includes the loss, so that the loss is compiled too."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.dropout = job.dropout
        rows = math.ceil(job.vocabulary / 64) * 64  # padded to a multiple of 64 for tensor cores
        self.words = nn.Embedding(rows, job.width)
        self.places = nn.Embedding(job.window, job.width)
        self.blocks = nn.ModuleList(_Block(job) for _ in range(job.layers))
        self.norm = nn.LayerNorm(job.width)
        self.head = nn.Linear(job.width, rows, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
        self.head.weight = self.words.weight

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        places = torch.arange(inputs.shape[1], device=inputs.device)
        x = F.dropout(self.words(inputs) + self.places(places), self.dropout, self.training)
        for block in self.blocks:
            x = block(x)  # (batch, time, width)
        logits = self.head(self.norm(x))  # (batch, time, rows)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class _LibraryLlama(nn.Module):
    """transformers' Llama with the loss, to be compiled whole."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.model = library_llama(job)

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        logits = self.model(inputs, use_cache=False).logits  # (batch, time, vocabulary)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def compiled_loop(job: Job, windows: np.ndarray, gate: Gate) -> None:
    """A loop like karpathy/nanoGPT's: the whole model compiled, autocast, fused AdamW, the loss is not read."""
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(0)
    model: nn.Module = (_LibraryLlama if job.inner else _SmallGPT2)(job)
    model.to(job.device).train()
    groups = [
        {"params": [p for p in model.parameters() if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.95), fused=True)
    compiled: Any = torch.compile(model)
    half = torch.autocast(job.device, torch.bfloat16) if job.precision == "bf16" else contextlib.nullcontext()
    draw = np.random.default_rng(0)

    def next_batch() -> tuple[torch.Tensor, torch.Tensor]:
        batch = torch.from_numpy(windows[draw.integers(0, len(windows), job.batch)])
        if job.device == "cuda":
            batch = batch.pin_memory().to(job.device, non_blocking=True)
        return batch[:, :-1].contiguous(), batch[:, 1:].contiguous()

    inputs, targets = next_batch()
    gate()
    while True:
        for _ in range(job.accumulation):
            with half:
                loss = compiled(inputs, targets) / job.accumulation
            inputs, targets = next_batch()  # loaded while the device computes
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        gate()


PEERS: dict[str, Callable[[Job, np.ndarray, Gate], None]] = {
    "trainer": library_trainer,
    "notebook": notebook,
    "nanogpt": compiled_loop,
}
