"""int8 where it says nearly the same, asked once for each model's weights."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from storytime_tui.generation.backends import precision
from storytime_tui.generation.backends.precision import (
    choose_telling_precision,
    identity_of,
    mean_loss,
    verdict_in,
    write_verdict,
)
from storytime_tui.generation.backends.prepare import make_backend
from storytime_tui.generation.backends.quantized_linear import kinds_of_int8, prepare_linear, quantise
from storytime_tui.paths import cache_folder
from tests.generation.small_models import VOCABULARY, ours_of, theirs
from tests.tiny import tiny_gpt2

IDS = [i * 7 % VOCABULARY for i in range(300)]
int8 = pytest.mark.skipif(not kinds_of_int8(), reason="this machine has no int8 arithmetic")


@pytest.fixture(scope="module")
def model() -> Any:
    """Small weights: its opinions are mild, and int8 has them too."""
    from tests.tiny import ours

    return ours(tiny_gpt2(vocabulary=VOCABULARY, window=64), dropout=0.0)


class Asked:
    """Gives a text, and counts how often it had to."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids, self.times = ids, 0

    def __call__(self) -> Sequence[int]:
        self.times += 1
        return self.ids


def test_surprise_is_the_mean_loss_of_the_windows() -> None:
    kind = "gpt2"
    reference = theirs(kind)
    losses, counts = 0.0, 0
    for start in range(0, 300, 128):
        part = torch.tensor([IDS[start : start + 128]])
        with torch.no_grad():
            losses += float(reference(part, labels=part).loss) * (part.shape[1] - 1)
        counts += part.shape[1] - 1
    backend = make_backend(ours_of(reference, kind), "fp32")
    assert mean_loss(backend, IDS, window=128) == pytest.approx(losses / counts, rel=1e-4)
    with pytest.raises(ValueError, match="at least two tokens"):
        mean_loss(backend, IDS[:1])


@int8
def test_a_verdict_is_asked_for_once_and_kept(model: Any) -> None:
    asked = Asked(IDS)
    chosen, change = choose_telling_precision(model, "weights", asked)
    assert chosen == "int8" and change is not None and abs(change) < precision.MAX_CHANGE
    assert choose_telling_precision(model, "weights", asked) == (chosen, change)
    assert asked.times == 1
    choose_telling_precision(model, "other weights", asked)
    assert asked.times == 2
    assert len(json.loads((cache_folder() / "precision.json").read_bytes())) == 2


@int8
@pytest.mark.parametrize("change", [0.006, float("inf")])
def test_where_int8_says_something_else_it_is_not_taken(
    model: Any, change: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "int8_change", lambda model, ids: change)
    chosen = choose_telling_precision(model, "weights", Asked(IDS))
    assert chosen == (precision.choose_precision("auto", torch.device("cpu")), change)
    assert choose_telling_precision(model, "weights", Asked([])) == chosen


@int8
def test_a_model_that_is_no_number_is_not_told_in_int8() -> None:
    from tests.tiny import ours

    broken = ours(tiny_gpt2(vocabulary=VOCABULARY), dropout=0.0)
    with torch.no_grad():
        broken.transformer.ln_f.weight.fill_(float("nan"))
    assert choose_telling_precision(broken, "broken", Asked(IDS))[0] != "int8"
    backend = make_backend(broken, "int8")  # it says so, as in any other precision
    assert all(backend.read(ids, backend.new_cache()).isnan().all() for ids in ([1], [1, 2]))


@int8
@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": "b"}', b"{", b"\xff"])
def test_a_damaged_memory_is_none(model: Any, content: bytes) -> None:
    cache_folder().mkdir(parents=True)
    (cache_folder() / "precision.json").write_bytes(content)
    asked = Asked(IDS)
    for _ in range(2):
        assert choose_telling_precision(model, "weights", asked)[0] == "int8"
    assert asked.times == 1


def test_a_foreign_model_is_not_asked() -> None:
    asked = Asked(IDS)
    chosen, change = choose_telling_precision(ours_of(theirs("neox"), "neox"), "neox", asked)
    assert (chosen, change, asked.times) == (
        precision.choose_precision("auto", torch.device("cpu")),
        None,
        0,
    )


def test_other_weights_have_another_identity(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"one")
    first = identity_of(tmp_path)
    assert identity_of(tmp_path) == first
    os.utime(file, ns=(1, 1))
    second = identity_of(tmp_path)
    file.write_bytes(b"longer")
    third = identity_of(tmp_path)
    (tmp_path / "SHA256SUMS").write_text("abc  model.safetensors\n")
    fourth = identity_of(tmp_path)
    os.utime(file, ns=(1, 1))
    assert len({first, second, third, fourth}) == 4
    assert identity_of(tmp_path) == fourth  # what was summed may be copied and is the same


@int8
def test_a_folder_may_bring_its_verdict(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"one")
    assert verdict_in(tmp_path) is None
    write_verdict(tmp_path, 0.00123)
    assert verdict_in(tmp_path) == 0.00123
    text = Asked(IDS)
    assert choose_telling_precision(model, "weights", text, lambda: verdict_in(tmp_path)) == ("int8", 0.00123)
    assert text.times == 0

    with monkeypatch.context() as patched:
        patched.setattr(precision, "arithmetic_of_int8", lambda: "another")
        assert verdict_in(tmp_path) is None
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"two")
    assert verdict_in(tmp_path) is None
    choose_telling_precision(model, "changed weights", text, lambda: verdict_in(tmp_path))
    assert text.times == 1


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"int8": 3}', b'{"weights": 1, "int8": {}}', b"\xff"]
)
def test_a_damaged_verdict_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / precision.VERDICT).write_bytes(content)
    assert verdict_in(tmp_path) is None


@pytest.mark.parametrize("kind", ["fp32", "bf16", *(kinds_of_int8())])
@pytest.mark.parametrize("rows", [1, 2, 9, 130])
def test_a_row_is_multiplied_by_itself(kind: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly as exactly beside a row a thousand times larger, as GPT-2's first token is."""
    if kind in kinds_of_int8():
        from storytime_tui.generation.backends import quantized_linear

        monkeypatch.setattr(quantized_linear, "_kinds", (kind,))
    weight = torch.linspace(-3, 3, 48 * 64).view(48, 64).cos()
    bias = torch.linspace(-1, 1, 48)
    multiply = prepare_linear(weight, bias, "int8" if kind in kinds_of_int8() else kind)
    x = torch.linspace(-5, 7, rows * 64).view(rows, 64).sin()
    x[0] *= 1000
    with torch.inference_mode():
        found = multiply(x)
    right = torch.nn.functional.linear(x, weight, bias)
    exact = 1e-5 if kind == "fp32" else 0.03
    assert ((found - right).norm(dim=1) <= exact * right.norm(dim=1)).all()
    assert found.dtype == torch.float32


def test_a_row_of_nothing_stays_nothing() -> None:
    integers, scales = quantise(torch.tensor([[0.0, 0.0], [2.0, -1.0]]))
    assert integers.tolist() == [[0, 0], [127, -64]] or integers.tolist() == [[0, 0], [127, -63]]
    assert torch.isfinite(scales).all()
    for kind in ("fp32", *(["int8"] if kinds_of_int8() else [])):
        multiply = prepare_linear(torch.ones(3, 2), None, kind)
        assert torch.equal(multiply(torch.zeros(2, 2)), torch.zeros(2, 3))


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="no precision 'fp8'"):
        prepare_linear(torch.ones(3, 2), None, "fp8")
