"""Decoding one token as a replayed CUDA graph: forward pass and sampling of GPT-2 on static buffers.

A GPU does a step of GPT-2 in less time than Python takes to ask for its hundred and fifty kernels, so they are
recorded once (CUDA graphs) and then asked for all together. What is recorded may not depend on Python's numbers:
the place in the text, the settings and the random numbers all lie in tensors, and attention looks at a fixed part
of the window under a mask: there is a recording for each quarter or so of it. The same step runs unrecorded on any
device, which is how it is tested.

A step is two recordings, reading a token and choosing the next. What was told bears on the choice (penalties, what
is forbidden), and only the processor knows how; it finds out while the GPU reads the newest token, so that neither
waits for the other.

The memory is an ordinary cache with room for a whole window, so that the backend it came from reads the prompt into
it, cuts it, and goes on with it afterwards.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from storytime_tui.generation.backends.backend import check_ids, check_one_row, check_reading, logits_out
from storytime_tui.generation.backends.gpt2 import GPT2Backend, GPT2Cache
from storytime_tui.generation.sampling.sampler import COLDEST, Changes, uniform
from storytime_tui.generation.sampling.settings import Knobs

# of a step; a number is to read, and to look at so many of the window's places
GraphPart = int | Literal["choose", "order and choose"]
_STEP = 256  # places by which a longer text is looked at


class ChosenTokens(NamedTuple):
    """One token a row, and its log-probability (nats) under the model itself, before any knob."""

    tokens: list[int]
    logprob: list[float]


def choose_tokens(
    logits: Tensor, changes: Tensor, knobs: Tensor, uniforms: Tensor, ordered: bool
) -> tuple[Tensor, Tensor]:
    """(rows, vocabulary) logits and (rows,) numbers in [0, 1) -> (rows,) tokens and their log p (nats).

    `changes` is (2, vocabulary): what log-probabilities are multiplied by, and what is then added to them;
    `knobs` as `set_knobs` makes them. The order is that of `sampling`, and so is the draw: the tokens are laid in
    a row, each as long as it is likely, and the one that lies at its number of the whole is taken. `ordered`:
    whether top-k or top-p has a say, for which all tokens have to be sorted.
    """
    own = logits.float().log_softmax(1)
    factors, amounts = changes.unbind()
    scores = torch.addcmul(amounts, own, factors)
    scores = scores - scores.amax(1, keepdim=True)
    temperature, top_k, top_p, log_min_p = knobs.unbind()
    # measured in logarithms, where the likeliest of all is never mistaken for another that is nearly as likely
    kept = scores >= log_min_p
    if ordered:
        kept &= _likeliest(scores.exp(), top_k, top_p)
    reached = torch.where(kept, scores / temperature, -torch.inf).exp().cumsum(1, dtype=torch.double)
    whole = reached[:, -1:]
    # never beyond the last that is kept, whatever rounding does to the sum
    at = torch.minimum((reached <= uniforms[:, None] * whole).sum(1), (reached < whole).sum(1))
    return at, own.gather(1, at[:, None])[:, 0]


def _likeliest(shares: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Flags of the k likeliest and their equals, and of these what holds `top_p` of their whole together.

    `shares` is (rows, vocabulary), of any sum.
    """
    ordered, tokens = shares.sort(dim=1, descending=True, stable=True)  # as `sampling` orders equals
    held = torch.where(ordered >= ordered.index_select(1, top_k.long().view(1) - 1), ordered, 0.0)
    sums = held.cumsum(1, dtype=torch.double)
    kept = (held > 0) & (sums - held < top_p * sums[:, -1:])
    return torch.zeros_like(kept).scatter(1, tokens, kept)


def set_knobs(knobs: Knobs, vocabulary: int) -> Tensor:
    """(4,) float64 for `choose_tokens`: temperature, top-k, top-p and the logarithm of min-p.

    Keeping only the likeliest is what a temperature of 0 means.
    """
    if knobs.temperature == 0:
        return torch.tensor([1.0, vocabulary, 2.0, 0.0], dtype=torch.double)
    top_k = min(knobs.top_k or vocabulary, vocabulary)
    top_p = knobs.top_p if knobs.top_p < 1 else 2.0  # rounding is not to cut off the last
    min_p = torch.tensor(knobs.min_p, dtype=torch.double).log()
    return torch.tensor([max(knobs.temperature, COLDEST), top_k, top_p, min_p], dtype=torch.double)


def takes_order(knobs: Knobs, vocabulary: int) -> bool:
    """Whether the tokens have to be sorted for a choice by these knobs."""
    return knobs.temperature > 0 and (0 < knobs.top_k < vocabulary or knobs.top_p < 1)


class GraphedSteps:
    """Tells into `cache`, token after token. Used from one thread at a time.

    Made under the backend's own device; `record` is for CUDA, once, before or after the cache was read into.
    """

    def __init__(self, backend: GPT2Backend, rows: int = 1) -> None:
        self._reader, self._rows = backend, rows
        extents = (*range(_STEP, backend.window, _STEP), backend.window)
        self._parts: tuple[GraphPart, ...] = (*extents, "choose", "order and choose")
        self._recorded: dict[GraphPart, torch.cuda.CUDAGraph] = {}
        device = backend.device
        with torch.inference_mode():
            # zeros, for what lies behind the mask is still multiplied: by nothing, which must give nothing
            self._own = backend.room(rows, backend.window).zero_()
            self._place = torch.zeros(1, dtype=torch.long, device=device)
            self._tokens = torch.zeros(rows, dtype=torch.long, device=device)
            self._logits = torch.zeros(rows, backend.vocabulary, device=device)
            self._knobs = set_knobs(Knobs(), backend.vocabulary).to(device)
            self._places = torch.arange(backend.window, device=device)
            self._told = torch.zeros(2, rows, dtype=torch.double, device=device)  # tokens and their log p
            self._told_here = _here(self._told)
            self._uniforms = torch.zeros(rows, dtype=torch.double, device=device)
            self._uniforms_here = _here(self._uniforms)
        self._changes = Changed(backend.vocabulary, device)
        self.cache = GPT2Cache([[] for _ in range(rows)], self._own)

    def record(self) -> None:
        """Record the step for a GPU. Nothing that was read is touched but the place behind the last token.

        Other threads may use the GPU meanwhile, as long as they take no random numbers from it: only what this
        one does is recorded, but the source of random numbers is everybody's.
        """
        with torch.inference_mode(), torch.cuda.device(self._reader.device):
            place = min(self.cache.length, self._reader.window - 1)
            self._place.fill_(place)
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):  # libraries set themselves up in their first calls
                for part in self._parts * 3:
                    self._do(part)
                    self._place.fill_(place)
            torch.cuda.current_stream().wait_stream(aside)
            recorded: dict[GraphPart, torch.cuda.CUDAGraph] = {}
            for part in self._parts:
                recorded[part] = torch.cuda.CUDAGraph()
                with torch.cuda.graph(recorded[part], capture_error_mode="thread_local"):
                    self._do(part)
            self._recorded = recorded

    def read(self, token: int) -> Tensor:
        """Put a token behind the only row -> (vocabulary,) float32 logits, on the CPU: for choices made there.

        Raises ValueError where it would pass the window, or the model has no such token.
        """
        check_one_row(self._rows)
        check_reading(self.cache.length, 1, self._reader.window)
        check_ids([token], self._reader.vocabulary)
        with torch.inference_mode():
            self._place.fill_(self.cache.length)
            self._tokens.fill_(token)
            self._do(self._reading(self.cache.length))
            logits = logits_out(self._logits[0])
            if self._logits.device.type == "cpu":
                logits = logits.clone()  # the next step writes over them
        self.cache.rows[0].append(token)
        return logits

    def tell(
        self,
        last: Sequence[int],
        knobs: Knobs,
        generator: torch.Generator,
        changes: Callable[[], Changes] | None = None,
    ) -> Iterator[ChosenTokens]:
        """Go on until the window is full, or the caller has enough.

        `last` is the newest token of each row, which the cache does not hold yet; what is given out is in the
        cache except for the newest tokens, as in any other reading. Each choice takes its random numbers from
        `generator`, on the CPU, as `sampling` does: one a row, none at a temperature of 0. `changes`, for a single
        row, is asked before each choice, when the caller has dealt with the token before. By then the GPU has
        begun to read that token; what it wrote is behind the cache's length, so it is as if it had not been.
        """
        backend, cache = self._reader, self.cache
        if len(last) != self._rows or cache.own is not self._own:  # what was dropped or shared lies elsewhere
            raise ValueError(f"These steps are for {self._rows} rows of their own cache.")
        if cache.length >= backend.window:
            raise ValueError(f"The window of {backend.window} is full: cut the text first.")
        if changes is not None:
            check_one_row(self._rows)
        choosing: GraphPart = "order and choose" if takes_order(knobs, backend.vocabulary) else "choose"
        with torch.inference_mode():
            self._place.fill_(cache.length)
            self._tokens.copy_(torch.tensor(list(last)))
            self._knobs.copy_(set_knobs(knobs, backend.vocabulary))
            self._uniforms.zero_()
            self._do(self._reading(cache.length))
        newest = list(last)
        for place in range(cache.length, backend.window):
            with torch.inference_mode():
                self._changes.set(changes() if changes is not None else None)
                if knobs.temperature > 0:
                    for row in range(self._rows):
                        self._uniforms_here[row] = uniform(generator)
                    self._uniforms.copy_(self._uniforms_here, non_blocking=True)
                self._do(choosing)
                arrived = _send(self._told, self._told_here)
                if place + 1 < backend.window:
                    self._do(self._reading(place + 1))
                if arrived is not None:
                    arrived.synchronize()
                tokens, logprob = self._told_here.tolist()
            chosen = ChosenTokens([int(token) for token in tokens], logprob)
            for ids, token in zip(cache.rows, newest, strict=True):
                ids.append(token)
            newest = chosen.tokens
            yield chosen

    def _reading(self, place: int) -> GraphPart:
        """What reads a token at a place: the recording that looks least far beyond it."""
        return min(place // _STEP * _STEP + _STEP, self._reader.window)

    def _do(self, part: GraphPart) -> None:
        """As it was recorded, if it was."""
        if part in self._recorded:
            self._recorded[part].replay()
        elif isinstance(part, int):
            self._read(part)
        else:
            self._choose(part == "order and choose")

    def _choose(self, ordered: bool) -> None:
        """Choose the next tokens, and go on one place: all of it in tensors."""
        tokens, logprob = choose_tokens(
            self._logits, self._changes.there, self._knobs, self._uniforms, ordered
        )
        self._tokens.copy_(tokens)
        self._told[0].copy_(tokens)
        self._told[1].copy_(logprob)
        self._place.add_(1)

    def _read(self, extent: int) -> None:
        """Read the tokens at `place`, which lies among the first `extent`."""
        backend = self._reader
        x = backend.embed(self._tokens[:, None], self._place)  # (rows, 1, width)
        # what is added to the scores, once for all layers: attention would turn flags into it in each of them
        mask = torch.zeros(1, 1, 1, extent, dtype=x.dtype, device=x.device)
        mask.masked_fill_(self._places[:extent] > self._place, -torch.inf)
        for layer, block in enumerate(backend.blocks):
            x = backend.block(block, x, partial(self._attend, layer, mask))
        self._logits.copy_(backend.logits(x[:, 0]))

    def _attend(self, layer: int, mask: Tensor, asked: Tensor) -> Tensor:
        """(rows, 1, 3 x width) -> (rows, width), over the window's beginning under a mask, (1, 1, 1, extent)."""
        heads = self._reader.shape.heads
        asked = asked.view(self._rows, 1, 3, heads, -1).permute(2, 0, 3, 1, 4)
        own = self._own[layer].index_copy_(3, self._place, asked[1:])
        keys, values = own[:, :, :, : mask.shape[3]].unbind()  # each (rows, heads, extent, head width)
        mixed = F.scaled_dot_product_attention(asked[0], keys, values, attn_mask=mask)
        return mixed.transpose(1, 2).reshape(self._rows, -1)


class Changed:
    """`Changes` as `choose_tokens` takes them: `there` is (2, vocabulary) float32 on the device."""

    def __init__(self, vocabulary: int, device: torch.device) -> None:
        with torch.inference_mode():
            self.there = torch.zeros(2, vocabulary, device=device)
            self.there[0] = 1
            self._here = _here(self.there)
            self._factors, self._amounts = self._here.numpy()
        self._touched = np.zeros(0, np.int64)

    def set(self, changes: Changes | None) -> None:
        """What holds for the next choice, the last one having been made; None for nothing."""
        before = self._touched
        self._factors[before], self._amounts[before] = 1, 0
        parts = []
        if changes is not None:
            self._factors[changes.repeated] = changes.factor
            for ids, amounts in changes.added:
                np.add.at(self._amounts, ids, amounts)
            self._amounts[changes.gone] = -np.inf
            parts = [changes.repeated, *(ids for ids, _ in changes.added), changes.gone]
        self._touched = np.concatenate(parts) if parts else before[:0]
        # a whole copy of 400 KB takes some 15 µs of the GPU's time: less than to send ids and lay them out there
        if len(before) or len(self._touched):
            with torch.inference_mode():
                self.there.copy_(self._here, non_blocking=True)


def _here(there: Tensor) -> Tensor:
    """Where the processor writes or reads what a tensor on the device is to hold or holds: itself, if it can."""
    if there.device.type == "cpu":
        return there
    return there.to("cpu").pin_memory()


def _send(there: Tensor, here: Tensor) -> torch.cuda.Event | None:
    """Begin to copy from the device -> what says when it has arrived; None if it has already."""
    if there.device.type == "cpu":
        return None
    here.copy_(there, non_blocking=True)
    arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record()
    return arrived
