"""Matrices made ready for telling: a private copy of their weights, in the form that this machine multiplies fastest.

One token at a time, a model is as fast as its weights come out of memory, so what counts is how many bytes they
are and whether a product reads them in one straight sweep. Measured on GPT-2's shapes, two cores with AVX-512:
what oneDNN packs takes 0.5 (bf16) to 0.8 (fp32) of the time of `F.linear`, because that leaves half of the cores
idle for a single row; int8 by FBGEMM takes 0.65 of packed bf16's and is the fastest for many rows too;
`_weight_int8pack_mm` equals bf16 in speed and needs no such arithmetic, so it is where FBGEMM is not;
oneDNN's own int8 took a hundred times as long as any of these, and `_int_mm` ten times.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Precision = Literal["fp32", "bf16", "int8"]
Product = Callable[[Tensor], Tensor]  # (rows, in) -> (rows, out), in the type that came in
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

_PACKED_FOR = 1  # rows that a packed matrix is laid out for; others are right too


def prepare_linear(weight: Tensor, bias: Tensor | None, precision: str) -> Product:
    """`x @ weight.T + bias` with a private copy of both; weight is (out, in).

    On a CPU x is float32, whatever the weights are; elsewhere x has the weights' type, and there is no int8.
    Raises ValueError for a precision that this machine has not: see `kinds_of_int8`.
    """
    weight = weight.detach()
    bias = None if bias is None else bias.detach()
    if precision == "int8":
        makers: dict[str, Callable[[Tensor, Tensor | None], Product]]
        makers = {"fbgemm": _fbgemm, "aten": _aten_int8}
        kinds = kinds_of_int8() if weight.device.type == "cpu" else ()
        if not kinds:
            raise ValueError(f"There is no int8 arithmetic on {weight.device}: take bf16 or fp32.")
        return makers[kinds[0]](weight.float(), None if bias is None else bias.float())
    if precision not in DTYPES:
        raise ValueError(f"There is no precision {precision!r}: there is {', '.join(DTYPES)} and int8.")
    if weight.device.type == "cpu" and _packs():
        return _packed(weight, bias, DTYPES[precision])
    return _plain(weight, bias, DTYPES[precision])


def kinds_of_int8() -> tuple[str, ...]:
    """The ways to multiply by int8 weights that work here, the fastest first; none is an empty tuple.

    Both are tried once: they are not part of what torch promises to keep.
    """
    global _kinds
    if _kinds is None:
        _kinds = tuple(name for name, make in (("fbgemm", _fbgemm), ("aten", _aten_int8)) if _works(make))
    return _kinds


def arithmetic_of_int8() -> str:
    """What rounds here when int8 weights are multiplied: equal names round alike. "" where there is no int8."""
    kinds = kinds_of_int8()
    seven_bits = bool(kinds) and kinds[0] == "fbgemm" and not _has_vnni()
    return (kinds[0] if kinds else "") + (" of seven bits" if seven_bits else "")


_kinds: tuple[str, ...] | None = None
_packing: bool | None = None


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """(out, in) float32 -> int8 of the same shape and (out,) scales: the largest of each row becomes 127."""
    scales = weight.abs().amax(1).div_(127).clamp_(min=1e-12)
    return (weight / scales[:, None]).round_().clamp_(-127, 127).to(torch.int8), scales


def _fbgemm(weight: Tensor, bias: Tensor | None) -> Product:
    """Int8 weights and, for each row of x by itself, int8 numbers: products of whole numbers, summed exactly."""
    if torch.backends.quantized.engine not in ("x86", "fbgemm"):
        raise ValueError("This torch multiplies by int8 with another engine than FBGEMM.")
    integers, scales = quantise(weight)
    with _without_warnings():
        zeros = torch.zeros(len(scales), dtype=torch.long)
        quantised = torch._make_per_channel_quantized_tensor(integers, scales.double(), zeros, 0)
        packed = torch.ops.quantized.linear_prepack(quantised, bias)
    product: Any = torch.ops.quantized.linear_dynamic
    seven_bits = (
        not _has_vnni()
    )  # without VNNI two products of eight bits are summed in sixteen, and overflow
    own = None if bias is None else bias.clone()

    def multiply(x: Tensor) -> Tensor:
        try:
            found = by_rows(x)
        except RuntimeError:
            if x.isfinite().all():
                raise
            # of what is not a number it makes an error; a model gone astray should be told of by the sampler
            return x.new_full((len(x), len(scales)), torch.nan)
        return found  # type: ignore[no-any-return]

    def by_rows(x: Tensor) -> Any:
        if len(x) == 1:  # has one scale anyway
            return product(x, packed, seven_bits)
        # The operator takes one scale for all rows, and GPT-2's first token is many times larger than the
        # others: it would leave them no digits, and what a token means would depend on its neighbours.
        largest = x.abs().amax(1, keepdim=True).clamp_(min=1e-12)
        found = product(x / largest, packed, seven_bits).mul_(largest)
        return found if own is None else found.addcmul_(own, 1 - largest)  # the bias was made larger, too

    return multiply


def _aten_int8(weight: Tensor, bias: Tensor | None) -> Product:
    """Int8 weights, x as it is."""
    integers, scales = quantise(weight)
    product: Any = torch.ops.aten._weight_int8pack_mm
    own = None if bias is None else bias.clone()

    def multiply(x: Tensor) -> Tensor:
        found = product(x, integers, scales)
        return found if own is None else found.add_(own)  # type: ignore[no-any-return]

    return multiply


def _packed(weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> Product:
    """The form that oneDNN likes; x is rounded to the weights' type, and what comes back is float32."""
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype, copy=True), _PACKED_FOR)
    own = None if bias is None else bias.to(dtype, copy=True)
    product: Any = torch.ops.mkldnn._linear_pointwise

    def multiply(x: Tensor) -> Tensor:
        return product(x.to(dtype), packed, own, "none", [], "").to(x.dtype)  # type: ignore[no-any-return]

    return multiply


def _plain(weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> Product:
    own_weight = weight.to(dtype, copy=True)
    own_bias = None if bias is None else bias.to(dtype, copy=True)

    def multiply(x: Tensor) -> Tensor:
        return F.linear(x.to(dtype), own_weight, own_bias).to(x.dtype)

    return multiply


def _works(make: Callable[[Tensor, Tensor | None], Product]) -> bool:
    """Whether a product comes out nearly right, for one row and for several."""
    weight = torch.linspace(-1, 1, 64 * 32).reshape(64, 32).sin()
    bias = torch.linspace(-1, 1, 64)
    with contextlib.suppress(Exception), torch.inference_mode():
        multiply = make(weight, bias)
        wide = torch.linspace(-2, 3, 3 * 32).reshape(3, 32)
        return all(
            torch.allclose(multiply(x), F.linear(x, weight, bias), rtol=0.05, atol=0.2)
            for x in (wide[:1], wide)
        )
    return False


def _packs() -> bool:
    """Whether this torch lets oneDNN pack a matrix."""
    global _packing
    if _packing is None:
        _packing = all(
            _works(lambda w, b, dtype=dtype: _packed(w, b, dtype))  # type: ignore[misc]
            for dtype in (torch.float32, torch.bfloat16)
        )
    return _packing


def _has_vnni() -> bool:
    known = getattr(torch.cpu, "_is_vnni_supported", None)
    return bool(known is not None and known())


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Torch announces that its quantised tensors will go one day; on a screen the line would tear the picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
