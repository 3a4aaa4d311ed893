"""Linear layers for generation: a private copy of the weights, in the form that this machine multiplies fastest.

Decoding one token at a time is limited by memory bandwidth, so what counts is the weights' size in bytes and
whether a product reads them sequentially. Measured on GPT-2's shapes with two AVX-512 cores: matrices packed by
oneDNN take 0.5 (bf16) to 0.8 (fp32) of the time of `F.linear`, which leaves half of the cores idle for a single
row. FBGEMM's int8 takes 0.65 of packed bf16's time and is the fastest for many rows too. `_weight_int8pack_mm` is
as fast as bf16 and needs no special hardware, so it is used if FBGEMM is missing. oneDNN's own int8 took a
hundred times as long as any of these, and `_int_mm` ten times.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Precision = Literal["fp32", "bf16", "int8"]
Linear = Callable[[Tensor], Tensor]  # (rows, in) -> (rows, out), in the input's dtype
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

# Rows that a packed matrix is laid out for; others work too. In fp32, laid out for one row, three rows take up to 1.8
# times as long as one; laid out for four, 1.2 times, and one row as long as before.
_PACKED_FOR = {torch.float32: 4}


def prepare_linear(weight: Tensor, bias: Tensor | None, precision: str) -> Linear:
    """`x @ weight.T + bias` with a private copy of both; weight is (out, in).

    On a CPU x is float32, whatever the weights' dtype; elsewhere x has the weights' dtype, and int8 is not
    supported. Raises ValueError for a precision that this machine does not support: see `kinds_of_int8`.
    """
    weight = weight.detach()
    bias = None if bias is None else bias.detach()
    if precision == "int8":
        makers: dict[str, Callable[[Tensor, Tensor | None], Linear]]
        makers = {"fbgemm": _fbgemm, "aten": _aten_int8}
        kinds = kinds_of_int8() if weight.device.type == "cpu" else ()
        if not kinds:
            raise ValueError(f"There is no int8 arithmetic on {weight.device}: use bf16 or fp32.")
        return makers[kinds[0]](weight.float(), None if bias is None else bias.float())
    if precision not in DTYPES:
        raise ValueError(f"There is no precision {precision!r}: use one of {', '.join(DTYPES)} and int8.")
    if weight.device.type == "cpu" and _packs(DTYPES[precision]):
        return _packed(weight, bias, DTYPES[precision])
    return _plain(weight, bias, DTYPES[precision])


def kinds_of_int8() -> tuple[str, ...]:
    """The int8 kernels that work on this machine, the fastest first; may be empty.

    Both are tested once, because torch gives no stability guarantee for them.
    """
    global _kinds
    if _kinds is None:
        _kinds = tuple(name for name, make in (("fbgemm", _fbgemm), ("aten", _aten_int8)) if _works(make))
    return _kinds


def arithmetic_of_int8() -> str:
    """The name of this machine's int8 rounding; equal names round alike. "" if there is no int8."""
    kinds = kinds_of_int8()
    seven_bits = bool(kinds) and kinds[0] == "fbgemm" and not _has_vnni()
    return (kinds[0] if kinds else "") + (" of seven bits" if seven_bits else "")


_kinds: tuple[str, ...] | None = None
_packing: dict[torch.dtype, bool] = {}


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """(out, in) float32 -> int8 of the same shape and (out,) scales: each row's largest absolute value becomes 127."""
    scales = weight.abs().amax(1).div_(127).clamp_(min=1e-12)
    return (weight / scales[:, None]).round_().clamp_(-127, 127).to(torch.int8), scales


def _fbgemm(weight: Tensor, bias: Tensor | None) -> Linear:
    """Dynamic int8: int8 weights, and inputs quantised to int8 row by row, with exact integer sums."""
    if torch.backends.quantized.engine not in ("x86", "fbgemm"):
        raise ValueError("This torch multiplies by int8 with another engine than FBGEMM.")
    integers, scales = quantise(weight)
    with _without_warnings():
        zeros = torch.zeros(len(scales), dtype=torch.long)
        quantised = torch._make_per_channel_quantized_tensor(integers, scales.double(), zeros, 0)
        packed = torch.ops.quantized.linear_prepack(quantised, bias)
    product: Any = torch.ops.quantized.linear_dynamic
    seven_bits = not _has_vnni()  # without VNNI, the 16-bit sum of two 8-bit products overflows
    own_bias = None if bias is None else bias.clone()

    def multiply(x: Tensor) -> Tensor:
        try:
            out = by_rows(x)
        except RuntimeError:
            if x.isfinite().all():
                raise
            # The operator raises for NaN; the sampler reports a diverged model instead.
            return x.new_full((len(x), len(scales)), torch.nan)
        return out  # type: ignore[no-any-return]

    def by_rows(x: Tensor) -> Any:
        if len(x) == 1:  # one scale is enough for one row
            return product(x, packed, seven_bits)
        # The operator uses one scale for all rows. GPT-2's first token is many times larger than the others,
        # which would lose their digits and depend on their neighbours.
        largest = (
            x.abs().amax(1, keepdim=True).clamp_(min=1e-12)
        )  # ten times as fast as torch's infinity norm
        out = product(x / largest, packed, seven_bits)
        # between the bias and the result: undoes the division, but not for the bias
        return out.mul_(largest) if own_bias is None else torch.lerp(own_bias, out, largest)

    return multiply


def _aten_int8(weight: Tensor, bias: Tensor | None) -> Linear:
    """Int8 weights with float inputs."""
    integers, scales = quantise(weight)
    product: Any = torch.ops.aten._weight_int8pack_mm
    own_bias = None if bias is None else bias.clone()

    def multiply(x: Tensor) -> Tensor:
        out = product(x, integers, scales)
        return out if own_bias is None else out.add_(own_bias)  # type: ignore[no-any-return]

    return multiply


def _packed(weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> Linear:
    """A matrix packed by oneDNN; x is rounded to the weights' dtype, and the result is float32."""
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype, copy=True), _PACKED_FOR.get(dtype, 1))
    own_bias = None if bias is None else bias.to(dtype, copy=True)
    product: Any = torch.ops.mkldnn._linear_pointwise

    def multiply(x: Tensor) -> Tensor:
        return product(x.to(dtype), packed, own_bias, "none", [], "").to(x.dtype)  # type: ignore[no-any-return]

    return multiply


def _plain(weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> Linear:
    own_weight = weight.to(dtype, copy=True)
    own_bias = None if bias is None else bias.to(dtype, copy=True)

    def multiply(x: Tensor) -> Tensor:
        return F.linear(x.to(dtype), own_weight, own_bias).to(x.dtype)

    return multiply


def _works(make: Callable[[Tensor, Tensor | None], Linear]) -> bool:
    """Whether a kernel's result is nearly right, for one row and for several."""
    weight = torch.linspace(-1, 1, 64 * 32).reshape(64, 32).sin()
    bias = torch.linspace(-1, 1, 64)
    with contextlib.suppress(Exception), torch.inference_mode():
        multiply = make(weight, bias)
        inputs = torch.linspace(-2, 3, 3 * 32).reshape(3, 32)
        return all(
            torch.allclose(multiply(x), F.linear(x, weight, bias), rtol=0.05, atol=0.2)
            for x in (inputs[:1], inputs)
        )
    return False


def _packs(dtype: torch.dtype) -> bool:
    """Whether this torch lets oneDNN pack a matrix of this dtype; not every processor has bf16 for it."""
    if dtype not in _packing:
        _packing[dtype] = _works(lambda weight, bias: _packed(weight, bias, dtype))
    return _packing[dtype]


def _has_vnni() -> bool:
    supported = getattr(torch.cpu, "_is_vnni_supported", None)
    return bool(supported is not None and supported())


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress torch's deprecation notice for quantised tensors, which would disturb the screen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
