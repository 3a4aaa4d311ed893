"""The loss: how surprised the model is by each next token."""

import functools
import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from storytime_tui.corpus.windows import window_at
from storytime_tui.training.skips import SKIPPED, Skips

# bytes of logits, and of what is made of them, that are there at once; a GPU holds more, and likes larger products
LOGITS = 256 * 2**20
_LOGITS_GPU = 1024 * 2**20
# bytes for each logit: itself in 16 bits, in 32, and its probability; compiled, itself and what it becomes
LOGIT, _LOGIT_COMPILED = 10, 4
_LOUDER = 1024.0
_WORDS = (
    8192  # of the vocabulary in one product on a CPU: larger ones fall out of its caches, at half the speed
)


class Learner(Protocol):
    """What training needs of a model: hidden states, and the matrix that makes logits of them."""

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""

    @property
    def head(self) -> Tensor | None:
        """(vocabulary and perhaps padding, width); None where logits are more than a product with it."""

    def hidden(self, ids: Tensor) -> Tensor:
        """(batch, tokens) -> (batch, tokens, width)."""

    def __call__(self, ids: Tensor) -> Tensor:
        """(batch, tokens) -> (batch, tokens, vocabulary) logits."""


def window_batch(
    ids: Any, starts: Any, block: int, device: torch.device, skips: Skips | None = None
) -> tuple[Tensor, Tensor]:
    """Inputs and targets, both (len(starts), block) int64: the targets are the inputs one token later.

    `ids` is a stream of tokens, an array or a tensor on `device`; it is read as a ring. Targets among its `skips`
    are SKIPPED.
    """
    if isinstance(ids, Tensor):
        places = torch.as_tensor(starts, device=device)[:, None] + torch.arange(block + 1, device=device)
        places %= len(ids)
        windows = ids[places].long()
    else:
        windows = torch.stack([torch.from_numpy(window_at(ids, int(start), block + 1)) for start in starts])
        windows = windows.to(device)  # (batch, block + 1)
    targets = windows[:, 1:]
    return windows[:, :-1], targets if skips is None else skips.hide(targets, starts)


def next_token_loss(
    model: Learner,
    inputs: Tensor,
    targets: Tensor,
    reduction: str = "mean",
    skip: int = 0,
    *,
    compiled: bool = False,
) -> Tensor:
    """Cross-entropy in nats of `targets` (batch, block) given `inputs` (batch, block), in fp32.

    The first `skip` targets of each window are read, and not counted; nor are those that are SKIPPED.

    The logits of all tokens are never there at once: see `LinearCrossEntropy`, a part of which may be `compiled`.
    """
    head, answers = model.head, targets[:, skip:].flatten()
    if head is None:  # more than a product with a matrix
        logits = model(inputs)[:, skip:]  # (batch, block - skip, vocabulary)
        return F.cross_entropy(
            logits.float().flatten(0, 1), answers, ignore_index=SKIPPED, reduction=reduction
        )
    hidden = model.hidden(inputs)[:, skip:].flatten(0, 1)
    loss: Tensor = LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden, head, answers, model.vocabulary, torch.is_grad_enabled(), compiled
    )
    return loss / (answers != SKIPPED).sum() if reduction == "mean" else loss


class Objective(nn.Module):
    """A model and its loss as one module: what DDP and FSDP wrap. `compiled`: on a GPU, where it learns."""

    def __init__(self, model: Any, *, compiled: bool = False) -> None:
        super().__init__()
        self.model, self._compiled = model, compiled

    def forward(self, inputs: Tensor, targets: Tensor, reduction: str = "mean", skip: int = 0) -> Tensor:
        """(batch, block), (batch, block) -> the loss in nats of all targets but each window's first `skip`."""
        return next_token_loss(self.model, inputs, targets, reduction, skip, compiled=self._compiled)


class LinearCrossEntropy(torch.autograd.Function):
    """The sum of cross-entropies of `hidden @ head.T`, a few rows at a time.

    A vocabulary of 50,257 words makes 206 MB of logits of 1,024 tokens, and as much again for each step of
    their softmax. Here a part of the rows goes all the way to its gradient before the next begins, as Liger
    (Hsu et al. 2024) and others do it: the same sums, and no more arithmetic.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        head: Tensor,
        targets: Tensor,
        vocabulary: int,
        learns: bool,
        compiled: bool = False,
    ) -> Tensor:
        """(rows, width), (vocabulary and padding, width), (rows,) -> the sum of the losses in nats, fp32.

        A row whose target is SKIPPED adds nothing to it.
        """
        device = hidden.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
        wanted = (learns and ctx.needs_input_grad[0], learns and ctx.needs_input_grad[1])
        with torch.autocast(device, enabled=False), torch.no_grad():
            loss, hidden_grad, head_grad = _in_parts(
                hidden.to(dtype), head.to(dtype), targets, vocabulary, wanted, compiled
            )
        ctx.save_for_backward(hidden_grad, head_grad)
        ctx.dtypes = hidden.dtype, head.dtype
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor | None, ...]:
        """What forward found, times the gradient of what was made of its sum."""
        grads = [
            None if grad is None else grad.mul_(scale.to(grad.dtype)).to(dtype)
            for grad, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        ]
        return grads[0], grads[1], None, None, None, None


def _in_parts(
    hidden: Tensor,
    head: Tensor,
    targets: Tensor,
    vocabulary: int,
    wanted: tuple[bool, bool],
    compiled: bool = False,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The sum of the losses, and its gradients (where wanted) in `hidden` and in `head`.

    In fp16 most probabilities would be too small to be told from none: they are multiplied on the way.
    """
    rows, words = len(hidden), len(head)
    compiled = compiled and any(wanted)  # for training's windows, not for an evaluation's of other sizes
    surprised = _compiled_sweep() if compiled else _surprise
    room = (_LOGITS_GPU if hidden.is_cuda else LOGITS) // (_LOGIT_COMPILED if compiled else LOGIT)
    at_once = _evenly(rows, max(64, room // words))
    width = words if hidden.is_cuda else _WORDS
    slices = [slice(start, start + width) for start in range(0, words, width)]
    loss = torch.zeros((), device=hidden.device)
    narrow = hidden.dtype == torch.float16
    louder = _LOUDER if narrow else 1.0
    skips = (
        bool((targets == SKIPPED).any()) if not hidden.is_cuda else True
    )  # a GPU would have to be waited for
    hidden_grad = torch.empty_like(hidden, dtype=torch.float32 if narrow else None) if wanted[0] else None
    head_grad = torch.empty(head.shape, device=head.device) if wanted[1] else None
    for start in range(0, rows, at_once):
        some, answers = hidden[start : start + at_once], targets[start : start + at_once, None]
        counts = (answers != SKIPPED).to(hidden.dtype) if skips else None  # (rows, 1)
        if counts is not None:
            answers = answers.clamp(min=0)
        if len(slices) == 1:  # at once where it goes: a copy of so much costs as much as a softmax
            logits = some @ head.T
        else:
            logits = hidden.new_empty((len(some), words))
            for part in slices:
                logits[:, part] = some @ head[part].T
        if not any(wanted):
            nats = _nats(logits, answers, vocabulary)[0]
            loss += nats.sum() if counts is None else (nats * counts.float()).sum()
            continue
        nats, surprise = surprised(logits, answers, vocabulary, louder)
        loss += nats.sum() if counts is None else (nats * counts.float()).sum()
        del logits  # or it would still be there beside the next part's
        if hidden_grad is not None:
            hidden_grad[start : start + at_once] = surprise @ head
            if counts is not None:
                hidden_grad[start : start + at_once] *= counts
        if counts is not None:
            some = some * counts
        for part in slices if head_grad is not None else []:
            assert head_grad is not None
            if start == 0:
                head_grad[part] = surprise[:, part].T @ some
            else:
                head_grad[part] += surprise[:, part].T @ some
        del surprise
    if narrow:
        for grad in (hidden_grad, head_grad):
            if grad is not None:
                grad.div_(louder)
    return loss, hidden_grad, head_grad


def _evenly(rows: int, most: int) -> int:
    """Rows of a part, at most so many: all parts of one size, where a few more parts make it so."""
    parts = math.ceil(rows / most)
    even = next((count for count in range(parts, 2 * parts) if rows % count == 0), parts)
    return math.ceil(rows / even)


def _nats(logits: Tensor, answers: Tensor, vocabulary: int) -> tuple[Tensor, Tensor]:
    """(rows, words), (rows, 1) -> (rows, 1) losses, and the logarithm of each word's probability, in fp32."""
    logits[:, vocabulary:] = -torch.inf  # padding is no word
    likely = F.log_softmax(logits, 1, dtype=torch.float32)
    return -likely.gather(1, answers), likely


def _surprise(logits: Tensor, answers: Tensor, vocabulary: int, louder: float) -> tuple[Tensor, Tensor]:
    """(rows, words), (rows, 1) -> (rows, 1) losses, and the gradient of their sum in the logits times `louder`.

    That is each word's probability, less 1 at the right answer. It overwrites what it was given.
    """
    loss, likely = _nats(logits, answers, vocabulary)
    surprise = likely.exp_()
    surprise.scatter_add_(1, answers, torch.full_like(answers, -1, dtype=torch.float32))
    return loss, (surprise if louder == 1 else surprise.mul_(louder)).to(logits.dtype)


def _sweep(logits: Tensor, answers: Tensor, vocabulary: int, louder: float) -> tuple[Tensor, Tensor]:
    """`_surprise`, written so that a compiler keeps nothing in 32 bits: it reads the logits twice, and writes once."""
    words = torch.arange(logits.shape[1], device=logits.device)
    scores = logits.float().masked_fill(words >= vocabulary, -torch.inf)
    whole = scores.logsumexp(1, keepdim=True)
    surprise = (scores - whole).exp() - (words == answers).float()
    return whole - logits.gather(1, answers).float(), (surprise * louder).to(logits.dtype)


@functools.cache
def _compiled_sweep() -> Callable[[Tensor, Tensor, int, float], tuple[Tensor, Tensor]]:
    """Made when it is first wanted: the compiler takes seconds to load."""
    return torch.compile(_sweep, dynamic=False)
