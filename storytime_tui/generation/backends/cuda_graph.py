"""Decoding one token as a replayed CUDA graph: forward pass and sampling of our models on static buffers.

A GPU computes one step of a small model faster than Python can launch its 150 kernels, so the kernels are recorded
once and replayed together. A graph must not depend on Python's numbers: the position, the settings and the random
numbers are tensors, and attention covers a fixed part of the window under a mask. There is one graph for each 256
positions, and beyond 2,048 one for each doubling. The same step also runs without a graph, on any device, which is
how it is tested.

A step is two graphs: reading a token, and choosing the next. The choice depends on penalties and exclusions,
which are computed on the CPU while the GPU reads the newest token, so neither waits for the other.

The key-value cache is an ordinary one with room for a whole window. The backend can prefill it, cut it and
continue with it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from storytime_tui.generation.backends.backend import check_ids, check_one_row, check_reading, logits_out
from storytime_tui.generation.backends.own_model import OwnBackend, OwnCache
from storytime_tui.generation.sampling.sampler import MIN_TEMPERATURE, Changes, uniform
from storytime_tui.generation.sampling.settings import Knobs

# parts of a step: an int reads a token, attending to that many positions
GraphPart = int | Literal["choose", "order and choose"]
_STEP = 256  # positions by which the attended part grows


def has_room(backend: OwnBackend, free: int) -> bool:
    """Whether a cache of the whole window takes at most half of the free memory (bytes); some windows are long."""
    return 2 * backend.bytes_of(backend.window) <= free


class ChosenTokens(NamedTuple):
    """One token per row, and its logprob (nats) by the model itself, before penalties and knobs."""

    tokens: list[int]
    logprob: list[float]


def choose_tokens(
    logits: Tensor, changes: Tensor, knobs: Tensor, uniforms: Tensor, ordered: bool
) -> tuple[Tensor, Tensor]:
    """(rows, vocabulary) logits and (rows,) numbers in [0, 1) -> (rows,) tokens and their logprobs (nats).

    `changes` is (2, vocabulary): factors for the logprobs, and offsets that are then added; `knobs` is made by
    `knob_tensor`. The samplers' order and the draw are those of `sampling`: the draw inverts the cumulative
    distribution. `ordered`: whether top-k or top-p is on, which needs all tokens sorted.
    """
    logprobs = logits.float().log_softmax(1)
    factors, offsets = changes.unbind()
    scores = torch.addcmul(offsets, logprobs, factors)
    scores = scores - scores.amax(1, keepdim=True)
    temperature, top_k, top_p, log_min_p = knobs.unbind()
    # compared in log space, where rounding cannot make two tokens equal
    kept = scores >= log_min_p
    if ordered:
        kept &= _keep_top_k_and_p(scores.exp(), top_k, top_p)
    cumulative = torch.where(kept, scores / temperature, -torch.inf).exp().cumsum(1, dtype=torch.double)
    total = cumulative[:, -1:]
    # clamp to the last kept token, in case of rounding
    tokens = torch.minimum((cumulative <= uniforms[:, None] * total).sum(1), (cumulative < total).sum(1))
    return tokens, logprobs.gather(1, tokens[:, None])[:, 0]


def _keep_top_k_and_p(shares: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Flags of the k most likely tokens with ties, cut to the smallest set that holds `top_p` of their mass.

    `shares` is (rows, vocabulary) and need not sum to 1.
    """
    ordered, tokens = shares.sort(dim=1, descending=True, stable=True)  # the order of ties in `sampling`
    top_k_shares = torch.where(ordered >= ordered.index_select(1, top_k.long().view(1) - 1), ordered, 0.0)
    sums = top_k_shares.cumsum(1, dtype=torch.double)
    kept = (top_k_shares > 0) & (sums - top_k_shares < top_p * sums[:, -1:])
    return torch.zeros_like(kept).scatter(1, tokens, kept)


def knob_tensor(knobs: Knobs, vocabulary: int) -> Tensor:
    """(4,) float64 for `choose_tokens`: temperature, top-k, top-p and log min-p.

    A temperature of 0 keeps only the most likely token.
    """
    if knobs.temperature == 0:
        return torch.tensor([1.0, vocabulary, 2.0, 0.0], dtype=torch.double)
    top_k = min(knobs.top_k or vocabulary, vocabulary)
    top_p = knobs.top_p if knobs.top_p < 1 else 2.0  # so that rounding cannot cut off the last token
    min_p = torch.tensor(knobs.min_p, dtype=torch.double).log()
    return torch.tensor([max(knobs.temperature, MIN_TEMPERATURE), top_k, top_p, min_p], dtype=torch.double)


def needs_sorting(knobs: Knobs, vocabulary: int) -> bool:
    """Whether a choice with these knobs needs the tokens sorted."""
    return knobs.temperature > 0 and (0 < knobs.top_k < vocabulary or knobs.top_p < 1)


class GraphedSteps:
    """Generates into `cache`, token by token. Used from one thread at a time.

    Created on the backend's device. `record` is for CUDA, once, before or after the cache was prefilled.
    """

    def __init__(self, backend: OwnBackend, rows: int = 1) -> None:
        self._backend, self._rows = backend, rows
        self._extents = _extents(backend.window)
        self._parts: tuple[GraphPart, ...] = (*self._extents, "choose", "order and choose")
        self._recorded: dict[GraphPart, torch.cuda.CUDAGraph] = {}
        device = backend.device
        with torch.inference_mode():
            # zeros, because masked positions are still multiplied, and must not be NaN
            self._keys_values = backend.empty_keys_values(rows, backend.window).zero_()
            self._position = torch.zeros(1, dtype=torch.long, device=device)
            self._tokens = torch.zeros(rows, dtype=torch.long, device=device)
            self._logits = torch.zeros(rows, backend.vocabulary, device=device)
            self._knobs = knob_tensor(Knobs(), backend.vocabulary).to(device)
            self._positions = torch.arange(backend.window, device=device)
            # tokens and their logprobs
            self._chosen = torch.zeros(2, rows, dtype=torch.double, device=device)
            self._chosen_host = _host_tensor(self._chosen)
            self._uniforms = torch.zeros(rows, dtype=torch.double, device=device)
            self._uniforms_host = _host_tensor(self._uniforms)
        self._changes = ChangesBuffer(backend.vocabulary, device)
        self.cache = OwnCache([[] for _ in range(rows)], self._keys_values)

    def record(self) -> None:
        """Record the step's graphs. Of the cache, only the position after the last token is overwritten.

        Other threads may use the GPU meanwhile, but must not draw random numbers on it: only this thread's
        kernels are recorded, but the random generator is shared.
        """
        with torch.inference_mode(), torch.cuda.device(self._backend.device):
            position = min(self.cache.length, self._backend.window - 1)
            self._position.fill_(position)
            side_stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side_stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side_stream):  # libraries initialise in their first calls
                for part in self._parts * 3:
                    self._run(part)
                    self._position.fill_(position)
            torch.cuda.current_stream().wait_stream(side_stream)
            recorded: dict[GraphPart, torch.cuda.CUDAGraph] = {}
            for part in self._parts:
                recorded[part] = torch.cuda.CUDAGraph()
                with torch.cuda.graph(recorded[part], capture_error_mode="thread_local"):
                    self._run(part)
            self._recorded = recorded

    def read(self, token: int) -> Tensor:
        """Append a token to the only row -> (vocabulary,) float32 logits on the CPU, for choosing there.

        Raises ValueError beyond the window and for an unknown token.
        """
        check_one_row(self._rows)
        check_reading(self.cache.length, 1, self._backend.window)
        check_ids([token], self._backend.vocabulary)
        with torch.inference_mode():
            self._position.fill_(self.cache.length)
            self._tokens.fill_(token)
            self._run(self._read_part(self.cache.length))
            logits = logits_out(self._logits[0])
            if self._logits.device.type == "cpu":
                logits = logits.clone()  # the next step overwrites the buffer
        self.cache.rows[0].append(token)
        return logits

    def tell(
        self,
        last: Sequence[int],
        knobs: Knobs,
        generator: torch.Generator,
        changes: Callable[[], Changes] | None = None,
    ) -> Iterator[ChosenTokens]:
        """Generate until the window is full or the caller closes the iterator.

        `last` is the newest token of each row, not yet in the cache; as always, the newest chosen tokens are not
        in the cache either. Each choice takes one random number per row from `generator`, on the CPU, as
        `sampling` does; none at a temperature of 0. `changes` is for a single row; it is called before each
        choice, after the caller has processed the token before. By then the GPU has started to read that token,
        which leaves only data beyond the cache's length.
        """
        backend, cache = self._backend, self.cache
        # a dropped or shared cache has other buffers
        if len(last) != self._rows or cache.own is not self._keys_values:
            raise ValueError(f"These steps need {self._rows} rows of their own cache.")
        if cache.length >= backend.window:
            raise ValueError(f"The window of {backend.window} is full: cut the text first.")
        if changes is not None:
            check_one_row(self._rows)
        choice_part: GraphPart = "order and choose" if needs_sorting(knobs, backend.vocabulary) else "choose"
        with torch.inference_mode():
            self._position.fill_(cache.length)
            self._tokens.copy_(torch.tensor(list(last)))
            self._knobs.copy_(knob_tensor(knobs, backend.vocabulary))
            self._uniforms.zero_()
            self._run(self._read_part(cache.length))
        newest = list(last)
        for position in range(cache.length, backend.window):
            with torch.inference_mode():
                self._changes.set(changes() if changes is not None else None)
                if knobs.temperature > 0:
                    for row in range(self._rows):
                        self._uniforms_host[row] = uniform(generator)
                    self._uniforms.copy_(self._uniforms_host, non_blocking=True)
                self._run(choice_part)
                copied = _copy_to_host(self._chosen, self._chosen_host)
                if position + 1 < backend.window:
                    self._run(self._read_part(position + 1))
                if copied is not None:
                    copied.synchronize()
                tokens, logprob = self._chosen_host.tolist()
            chosen = ChosenTokens([int(token) for token in tokens], logprob)
            for ids, token in zip(cache.rows, newest, strict=True):
                ids.append(token)
            newest = chosen.tokens
            yield chosen

    def _read_part(self, position: int) -> GraphPart:
        """The graph that reads a token at `position` with the least masked positions."""
        return next(extent for extent in self._extents if extent > position)

    def _run(self, part: GraphPart) -> None:
        """Replay a part, or run it without a graph if it is not recorded."""
        if part in self._recorded:
            self._recorded[part].replay()
        elif isinstance(part, int):
            self._read(part)
        else:
            self._choose(part == "order and choose")

    def _choose(self, ordered: bool) -> None:
        """Choose the next tokens and advance the position, in tensors only."""
        tokens, logprob = choose_tokens(
            self._logits, self._changes.device_tensor, self._knobs, self._uniforms, ordered
        )
        self._tokens.copy_(tokens)
        self._chosen[0].copy_(tokens)
        self._chosen[1].copy_(logprob)
        self._position.add_(1)

    def _read(self, extent: int) -> None:
        """Read the tokens at the current position, attending to the first `extent` positions."""
        backend = self._backend
        x, place = backend.embed(self._tokens[:, None], self._position)  # (rows, 1, width)
        # an additive mask, built once: attention would convert a boolean mask in every layer
        mask = torch.zeros(1, 1, 1, extent, dtype=x.dtype, device=x.device)
        positions = self._positions[:extent]
        mask.masked_fill_(positions > self._position, -torch.inf)
        if backend.sliding_window is not None:
            mask.masked_fill_(positions <= self._position - backend.sliding_window, -torch.inf)
        for layer, block in enumerate(backend.blocks):
            x = backend.block(block, x, place, partial(self._attend, layer, mask))
        self._logits.copy_(backend.logits(x[:, 0]))

    def _attend(self, layer: int, mask: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """See `own_model.Attend`: attention over the first positions under a mask (1, 1, 1, extent)."""
        keys, values = self._keys_values[layer].unbind()  # each (rows, key heads, window, head width)
        keys.index_copy_(2, self._position, key.transpose(1, 2))
        values.index_copy_(2, self._position, value.transpose(1, 2))
        extent = mask.shape[3]
        attended = F.scaled_dot_product_attention(
            self._backend.fold(query), keys[:, :, :extent], values[:, :, :extent], attn_mask=mask
        )
        return self._backend.unfold(attended)


def _extents(window: int) -> tuple[int, ...]:
    """How many of the first positions each graph attends to."""
    extents = list(range(_STEP, min(window, 8 * _STEP), _STEP))
    while extents and 2 * extents[-1] < window:
        extents.append(2 * extents[-1] if extents[-1] >= 8 * _STEP else 8 * _STEP)
    return (*(extent for extent in extents if extent < window), window)


class ChangesBuffer:
    """`Changes` in the form that `choose_tokens` takes: `device_tensor` is (2, vocabulary) float32 on the device."""

    def __init__(self, vocabulary: int, device: torch.device) -> None:
        with torch.inference_mode():
            self.device_tensor = torch.zeros(2, vocabulary, device=device)
            self.device_tensor[0] = 1
            self._host = _host_tensor(self.device_tensor)
            self._factors, self._offsets = self._host.numpy()
        self._touched = np.zeros(0, np.int64)

    def set(self, changes: Changes | None) -> None:
        """Set the changes for the next choice, replacing the previous ones; None for none."""
        previous = self._touched
        self._factors[previous], self._offsets[previous] = 1, 0
        touched = []
        if changes is not None:
            self._factors[changes.repeated] = changes.factor
            for ids, offsets in changes.added:
                np.add.at(self._offsets, ids, offsets)
            self._offsets[changes.gone] = -np.inf
            touched = [changes.repeated, *(ids for ids, _ in changes.added), changes.gone]
        self._touched = np.concatenate(touched) if touched else previous[:0]
        # copying all 400 KB takes about 15 µs of GPU time, less than scattering single ids there
        if len(previous) or len(self._touched):
            with torch.inference_mode():
                self.device_tensor.copy_(self._host, non_blocking=True)


def _host_tensor(device_tensor: Tensor) -> Tensor:
    """The host side of a device tensor: pinned memory, or the tensor itself on a CPU."""
    if device_tensor.device.type == "cpu":
        return device_tensor
    return device_tensor.to("cpu").pin_memory()


def _copy_to_host(device_tensor: Tensor, host_tensor: Tensor) -> torch.cuda.Event | None:
    """Start a copy from the device -> the event that marks its end; None if no copy is needed."""
    if device_tensor.device.type == "cpu":
        return None
    host_tensor.copy_(device_tensor, non_blocking=True)
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record()
    return copied
