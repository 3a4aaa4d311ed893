"""The loss: cross-entropy of the next token."""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from storytime_tui.corpus.windows import window_at
from storytime_tui.training.skips import SKIPPED, Skips

# bytes of logits and their derivatives in memory at once; a GPU has more memory and is faster with larger
# products
LOGITS_CPU = 256 * 2**20
_LOGITS_GPU = 1024 * 2**20
# bytes per logit: in 16 bits, in 32 bits, and its probability (on a CPU only the first); compiled: it and its gradient
LOGIT_BYTES, _LOGIT_BYTES_COMPILED = 10, 4
_FP16_SCALE = 1024.0
_CACHED_LOGITS = 2**18  # a megabyte in 32 bits
_CPU_TOKENS = 8192  # vocabulary per product on a CPU; larger products miss its caches, at half the speed


class TrainableModel(Protocol):
    """What training needs of a model: hidden states, and the matrix that maps them to logits."""

    @property
    def vocabulary(self) -> int:
        """The number of tokens."""

    @property
    def head(self) -> Tensor | None:
        """(vocabulary and perhaps padding, width); None if the logits are not a plain product with it."""

    def hidden(self, ids: Tensor) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, width)."""

    def __call__(self, ids: Tensor) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, vocabulary) logits."""


def window_batch(
    ids: Any, starts: Any, block: int, device: torch.device, skips: Skips | None = None
) -> tuple[Tensor, Tensor]:
    """Inputs and targets, both (len(starts), block) int64; targets are the inputs one token later.

    `ids` is a token stream, an array or a tensor on `device`, read as a ring. Targets in `skips` become SKIPPED.
    """
    if isinstance(ids, Tensor):
        positions = torch.as_tensor(starts, device=device)[:, None] + torch.arange(block + 1, device=device)
        positions %= len(ids)
        windows = ids[positions].long()
    else:
        windows = torch.stack([torch.from_numpy(window_at(ids, int(start), block + 1)) for start in starts])
        windows = windows.to(device)  # (batch, block + 1)
    targets = windows[:, 1:]
    return windows[:, :-1], targets if skips is None else skips.hide(targets, starts)


def next_token_loss(
    model: TrainableModel,
    inputs: Tensor,
    targets: Tensor,
    reduction: str = "mean",
    skip: int = 0,
    *,
    compiled: bool = False,
) -> Tensor:
    """Cross-entropy in nats of `targets` (batch, block) given `inputs` (batch, block), in fp32.

    The first `skip` targets of each window and those that are SKIPPED do not count. The logits of all tokens are
    never in memory at once: see `LinearCrossEntropy`, part of which may be `compiled`.
    """
    head, labels = model.head, targets[:, skip:].flatten()
    if head is None:  # the logits are not a plain product
        logits = model(inputs)[:, skip:]  # (batch, block - skip, vocabulary)
        return F.cross_entropy(
            logits.float().flatten(0, 1), labels, ignore_index=SKIPPED, reduction=reduction
        )
    hidden = model.hidden(inputs)[:, skip:].flatten(0, 1)
    loss: Tensor = LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden, head, labels, model.vocabulary, torch.is_grad_enabled(), compiled
    )
    return loss / (labels != SKIPPED).sum() if reduction == "mean" else loss


class Objective(nn.Module):
    """A model and its loss as one module, for DDP and FSDP to wrap. `compiled`: use the compiled loss when training
    on a GPU."""

    def __init__(self, model: Any, *, compiled: bool = False) -> None:
        super().__init__()
        self.model, self._compiled = model, compiled

    def forward(self, inputs: Tensor, targets: Tensor, reduction: str = "mean", skip: int = 0) -> Tensor:
        """(batch, block), (batch, block) -> the loss in nats, without each window's first `skip` targets."""
        return next_token_loss(self.model, inputs, targets, reduction, skip, compiled=self._compiled)


class LinearCrossEntropy(torch.autograd.Function):
    """The sum of the cross-entropies of `hidden @ head.T`, computed in chunks of rows.

    With a vocabulary of 50,257, the logits of 1,024 tokens take 206 MB, and each step of their softmax as much
    again. Here each chunk is computed up to its gradient before the next starts, as in Liger (Hsu et al. 2024).
    The results are the same, with no more arithmetic.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        head: Tensor,
        targets: Tensor,
        vocabulary: int,
        training: bool,
        compiled: bool = False,
    ) -> Tensor:
        """(rows, width), (vocabulary and padding, width), (rows,) -> the sum of the losses in nats, fp32.

        SKIPPED targets add nothing.
        """
        device = hidden.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
        needs_grad = (training and ctx.needs_input_grad[0], training and ctx.needs_input_grad[1])
        with torch.autocast(device, enabled=False), torch.no_grad():
            loss, hidden_grad, head_grad = _chunked_loss(
                hidden.to(dtype), head.to(dtype), targets, vocabulary, needs_grad, compiled
            )
        ctx.save_for_backward(hidden_grad, head_grad)
        ctx.dtypes = hidden.dtype, head.dtype
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients from the forward pass, times the incoming gradient."""
        grads = [
            None if grad is None else grad.mul_(scale.to(grad.dtype)).to(dtype)
            for grad, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        ]
        return grads[0], grads[1], None, None, None, None


def _chunked_loss(
    hidden: Tensor,
    head: Tensor,
    targets: Tensor,
    vocabulary: int,
    needs_grad: tuple[bool, bool],
    compiled: bool = False,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The sum of the losses, and its gradients (if needed) for `hidden` and `head`.

    In fp16 most probabilities would underflow, so they are scaled up meanwhile.
    """
    rows, columns = len(hidden), len(head)
    compiled = compiled and any(needs_grad)  # only training's shapes are compiled, not evaluation's
    loss_and_grad = _compiled_loss_and_grad() if compiled else _loss_and_grad
    logit_bytes = _LOGIT_BYTES_COMPILED if compiled else LOGIT_BYTES
    max_logits = (_LOGITS_GPU if hidden.is_cuda else LOGITS_CPU) // logit_bytes
    chunk_rows = _even_chunk(rows, max(64, max_logits // columns))
    width = columns if hidden.is_cuda else _CPU_TOKENS
    slices = [slice(start, start + width) for start in range(0, columns, width)]
    loss = torch.zeros((), device=hidden.device)
    is_fp16 = hidden.dtype == torch.float16
    scale = _FP16_SCALE if is_fp16 else 1.0
    skips = hidden.is_cuda or bool((targets == SKIPPED).any())  # checking would stall a GPU
    grad_dtype = torch.float32 if is_fp16 else None
    hidden_grad = torch.empty_like(hidden, dtype=grad_dtype) if needs_grad[0] else None
    head_grad = torch.empty(head.shape, device=head.device) if needs_grad[1] else None
    # fresh memory has to be cleared by the system first, which takes a CPU as long as a softmax
    room = None if hidden.is_cuda else hidden.new_empty((min(rows, chunk_rows), columns))
    for start in range(0, rows, chunk_rows):
        chunk, labels = hidden[start : start + chunk_rows], targets[start : start + chunk_rows, None]
        counts = (labels != SKIPPED).to(hidden.dtype) if skips else None  # (rows, 1)
        if counts is not None:
            labels = labels.clamp(min=0)
        logits = room[: len(chunk)] if room is not None else hidden.new_empty((len(chunk), columns))
        for part in slices:
            torch.mm(chunk, head[part].T, out=logits[:, part])
        if not any(needs_grad):
            nats = torch.cat([_nats(*some, vocabulary)[0] for some in _in_cache(logits, labels)])
            loss += nats.sum() if counts is None else (nats * counts.float()).sum()
            continue
        nats, logits_grad = loss_and_grad(logits, labels, vocabulary, scale)
        loss += nats.sum() if counts is None else (nats * counts.float()).sum()
        del logits  # free it before the next chunk's
        if hidden_grad is not None:
            hidden_grad[start : start + chunk_rows] = logits_grad @ head
            if counts is not None:
                hidden_grad[start : start + chunk_rows] *= counts
        if counts is not None:
            chunk = chunk * counts
        for part in slices if head_grad is not None else []:
            assert head_grad is not None
            if start == 0:
                head_grad[part] = logits_grad[:, part].T @ chunk
            else:
                head_grad[part] += logits_grad[:, part].T @ chunk
        del logits_grad
    if is_fp16:
        for grad in (hidden_grad, head_grad):
            if grad is not None:
                grad.div_(scale)
    return loss, hidden_grad, head_grad


def _even_chunk(rows: int, most: int) -> int:
    """Rows per chunk, at most `most`; all chunks of one size if a few more chunks allow it."""
    parts = math.ceil(rows / most)
    even_parts = next((count for count in range(parts, 2 * parts) if rows % count == 0), parts)
    return math.ceil(rows / even_parts)


def _nats(logits: Tensor, labels: Tensor, vocabulary: int) -> tuple[Tensor, Tensor]:
    """(rows, vocabulary), (rows, 1) -> (rows, 1) losses, and all logprobs, in fp32."""
    logits[:, vocabulary:] = -torch.inf  # padding is not a token
    logprobs = F.log_softmax(logits, 1, dtype=torch.float32)
    return -logprobs.gather(1, labels), logprobs


def _in_cache(logits: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The rows a few at a time, whose numbers in 32 bits stay in a CPU's cache; on a GPU all at once."""
    rows = max(1, _CACHED_LOGITS // logits.shape[1]) if logits.device.type == "cpu" else len(logits)
    return zip(torch.split(logits, rows), torch.split(labels, rows), strict=True)


def _loss_and_grad(logits: Tensor, labels: Tensor, vocabulary: int, scale: float) -> tuple[Tensor, Tensor]:
    """(rows, vocabulary), (rows, 1) -> (rows, 1) losses, and their sum's gradient for the logits, times `scale`.

    The gradient is each token's probability, minus 1 at the target. Overwrites `logits`.
    """
    if logits.device.type != "cpu":
        return _loss_and_grad_of(logits, labels, vocabulary, scale)
    of_rows = _loss_and_grad_of if logits.dtype == torch.float32 else _in_16_bits
    losses = []
    for some, right in _in_cache(logits, labels):
        loss, grad = of_rows(some, right, vocabulary, scale)
        some.copy_(grad)
        losses.append(loss)
    return torch.cat(losses), logits


def _loss_and_grad_of(logits: Tensor, labels: Tensor, vocabulary: int, scale: float) -> tuple[Tensor, Tensor]:
    """As `_loss_and_grad`, all rows at once."""
    loss, logprobs = _nats(logits, labels, vocabulary)
    grad = logprobs.exp_()
    grad.scatter_add_(1, labels, torch.full_like(labels, -1, dtype=torch.float32))
    return loss, (grad if scale == 1 else grad.mul_(scale)).to(logits.dtype)


def _in_16_bits(logits: Tensor, labels: Tensor, vocabulary: int, scale: float) -> tuple[Tensor, Tensor]:
    """As `_loss_and_grad`, with one exponential for each logit, in fp32, where log_softmax and its own take two."""
    logits[:, vocabulary:] = -torch.inf  # padding is not a token
    scores = logits.float()
    most = scores.amax(1, keepdim=True)
    right = scores.gather(1, labels) - most
    grad = scores.sub_(most).exp_()
    total = grad.sum(1, keepdim=True)
    grad.mul_(scale / total).scatter_add_(1, labels, torch.full_like(right, -scale))
    return total.log() - right, grad


def _loss_and_grad_fused(
    logits: Tensor, labels: Tensor, vocabulary: int, scale: float
) -> tuple[Tensor, Tensor]:
    """`_loss_and_grad` written so that a compiler stores nothing in 32 bits: two reads of the logits and one write."""
    columns = torch.arange(logits.shape[1], device=logits.device)
    scores = logits.float().masked_fill(columns >= vocabulary, -torch.inf)
    log_sum = scores.logsumexp(1, keepdim=True)
    grad = (scores - log_sum).exp() - (columns == labels).float()
    return log_sum - logits.gather(1, labels).float(), (grad * scale).to(logits.dtype)


@functools.cache
def _compiled_loss_and_grad() -> Callable[[Tensor, Tensor, int, float], tuple[Tensor, Tensor]]:
    """Created on first use, because the compiler takes seconds to load."""
    return torch.compile(_loss_and_grad_fused, dynamic=False)
