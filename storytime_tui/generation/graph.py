"""The next token without the processor in the way: one step of GPT-2, choice of the token included, on fixed memory.

A GPU does a step of GPT-2 in less time than Python takes to ask for its hundred and fifty kernels, so they are
recorded once (a CUDA graph) and then asked for all together. What is recorded may not depend on Python's numbers:
the place in the text, the settings and the random numbers all lie in tensors, and attention looks at the whole
window under a mask. The same step runs unrecorded on any device, which is how it is tested.

The memory is an ordinary cache with room for a whole window, so that the reader it came from reads the prompt into
it, cuts it, and goes on with it afterwards.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from storytime_tui.generation.gpt2_reader import Cache, GPT2Reader
from storytime_tui.generation.reader import check_ids, check_one_row, check_reading, logits_out
from storytime_tui.generation.settings import Knobs


class Chosen(NamedTuple):
    """One token a row, and its log-probability (nats) under the model itself, before any knob."""

    tokens: list[int]
    log_p: list[float]


def choose(logits: Tensor, knobs: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, vocabulary) logits and (rows,) numbers in [0, 1) -> (rows,) tokens and their log p (nats).

    `knobs` is (4,) float32: temperature, top-k, top-p, min-p, as `set_knobs` makes them. The order is that of
    `sampling`: each measures what the one before has left. Then the tokens are laid in a row from the likeliest
    on, each as long as it is likely, and the one that lies at `uniform` of the whole is taken.
    """
    logits = logits.float()
    temperature, top_k, top_p, min_p = knobs.unbind()
    ordered, tokens = logits.sort(1, descending=True)
    rank = torch.arange(ordered.shape[1], device=logits.device)
    p = ordered.softmax(1)
    p = torch.where(rank < top_k, p, 0.0)
    p = p / p.sum(1, keepdim=True)
    before = p.cumsum(1) - p
    kept = (before < top_p) & (p >= min_p * p[:, :1]) | (rank == 0)
    reached = torch.where(kept, ordered / temperature, -torch.inf).softmax(1).cumsum(1)
    # never beyond the last that is kept, whatever rounding does to the sum
    at = torch.minimum((reached <= uniform[:, None] * reached[:, -1:]).sum(1), kept.sum(1) - 1)
    token = tokens.gather(1, at[:, None])
    return token[:, 0], logits.log_softmax(1).gather(1, token)[:, 0]


def set_knobs(knobs: Knobs, vocabulary: int) -> Tensor:
    """(4,) float32 for `choose`. Keeping only the likeliest is what a temperature of 0 means."""
    if knobs.temperature == 0:
        return torch.tensor([1.0, 1.0, 1.0, 0.0])
    top_k = min(knobs.top_k or vocabulary, vocabulary)
    return torch.tensor([max(knobs.temperature, 1e-6), top_k, knobs.top_p, knobs.min_p])


class Steps:
    """Tells into `cache`, token after token. Used from one thread at a time.

    Made under the reader's own device; `record` is for CUDA, once, before or after the cache was read into.
    """

    def __init__(self, reader: GPT2Reader, rows: int = 1) -> None:
        self._reader, self._rows = reader, rows
        self._graph: torch.cuda.CUDAGraph | None = None  # of a whole step
        self._reading: torch.cuda.CUDAGraph | None = None  # of one without the choice
        device = reader.device
        with torch.inference_mode():
            # zeros, for what lies behind the mask is still multiplied: by nothing, which must give nothing
            self._own = reader.room(rows, reader.window).zero_()
            self._place = torch.zeros(1, dtype=torch.long, device=device)
            self._tokens = torch.zeros(rows, dtype=torch.long, device=device)
            self._log_p = torch.zeros(rows, device=device)
            self._logits = torch.zeros(rows, reader.vocabulary, device=device)
            self._uniforms = torch.zeros(reader.window, rows, device=device)
            self._knobs = set_knobs(Knobs(), reader.vocabulary).to(device)
            self._places = torch.arange(reader.window, device=device)
        self.cache = Cache([[] for _ in range(rows)], self._own)

    def record(self) -> None:
        """Record the step for a GPU. Nothing that was read is touched but the place behind the last token.

        Other threads may use the GPU meanwhile: only what this one does is recorded.
        """
        with torch.inference_mode(), torch.cuda.device(self._reader.device):
            self._place.fill_(min(self.cache.length, self._reader.window - 1))
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):  # libraries set themselves up in their first calls
                for _ in range(3):
                    self._step()
                    self._place.sub_(1)
            torch.cuda.current_stream().wait_stream(aside)
            graph, reading = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._step()
            with torch.cuda.graph(reading, capture_error_mode="thread_local"):
                self._read()
            self._graph, self._reading = graph, reading

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
            if self._reading is None:
                self._read()
            else:
                self._reading.replay()
            logits = logits_out(self._logits[0])
        self.cache.rows[0].append(token)
        return logits.clone()  # the next step writes over them

    def tell(self, last: Sequence[int], knobs: Knobs, generator: torch.Generator) -> Iterator[Chosen]:
        """Go on until the window is full, or the caller has enough.

        `last` is the newest token of each row, which the cache does not hold yet; what is given out is in the
        cache except for the newest tokens, as in any other reading. All randomness is drawn from `generator`, on
        the CPU, before the first step. On a GPU the next step is begun before a token is given out; what it
        wrote is behind the cache's length, so it is as if it had not been.
        """
        reader, cache = self._reader, self.cache
        if len(last) != self._rows or cache.own is not self._own:  # what was dropped or shared lies elsewhere
            raise ValueError(f"These steps are for {self._rows} rows of their own cache.")
        room = reader.window - cache.length
        if room < 1:
            raise ValueError(f"The window of {reader.window} is full: cut the text first.")
        with torch.inference_mode():
            self._place.fill_(cache.length)
            self._tokens.copy_(torch.tensor(list(last)))
            self._knobs.copy_(set_knobs(knobs, reader.vocabulary))
            self._uniforms.copy_(torch.rand(self._uniforms.shape, generator=generator))
        ahead = 1 if reader.device.type == "cuda" else 0
        begun = [self._begin() for _ in range(min(ahead, room))]
        newest = list(last)
        for number in range(room):
            if number + ahead < room:
                begun.append(self._begin())
            chosen = begun.pop(0).wait()
            for row, token in zip(cache.rows, newest, strict=True):
                row.append(token)
            newest = chosen.tokens
            yield chosen

    def _begin(self) -> "_Underway":
        with torch.inference_mode():
            if self._graph is None:
                self._step()
            else:
                self._graph.replay()
            return _Underway(self._tokens, self._log_p)

    def _step(self) -> None:
        """Read the tokens at `place`, choose the next ones, and go on one place: all of it in tensors."""
        self._read()
        tokens, log_p = choose(self._logits, self._knobs, self._uniforms.index_select(0, self._place)[0])
        self._tokens.copy_(tokens)
        self._log_p.copy_(log_p)
        self._place.add_(1)

    def _read(self) -> None:
        """Read the tokens at `place`."""
        reader = self._reader
        x = reader.embed(self._tokens[:, None], self._place)  # (rows, 1, width)
        mask = (self._places <= self._place)[None, None, None]  # (1, 1, 1, window)
        for layer, block in enumerate(reader.blocks):
            x = reader.block(block, x, partial(self._attend, layer, mask))
        self._logits.copy_(reader.logits(x[:, 0]))

    def _attend(self, layer: int, mask: Tensor, asked: Tensor) -> Tensor:
        """(rows, 1, 3 x width) -> (rows, width), over the whole window under a mask."""
        heads = self._reader.shape.heads
        query, key, value = asked.view(self._rows, 1, 3, heads, -1).permute(2, 0, 3, 1, 4)
        keys, values = self._own[layer].unbind()  # each (rows, heads, window, head width)
        keys.index_copy_(2, self._place, key)
        values.index_copy_(2, self._place, value)
        mixed = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
        return mixed.transpose(1, 2).reshape(self._rows, -1)


class _Underway:
    """A step's tokens on their way to the processor."""

    def __init__(self, tokens: Tensor, log_p: Tensor) -> None:
        self._done: torch.cuda.Event | None = None
        if tokens.device.type == "cuda":
            self._tokens, self._log_p = (
                torch.empty(each.shape, dtype=each.dtype, pin_memory=True).copy_(each, non_blocking=True)
                for each in (tokens, log_p)
            )
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._done.record()
        else:
            self._tokens, self._log_p = tokens.clone(), log_p.clone()

    def wait(self) -> Chosen:
        """When they are there."""
        if self._done is not None:
            self._done.synchronize()
        return Chosen(self._tokens.tolist(), self._log_p.tolist())
