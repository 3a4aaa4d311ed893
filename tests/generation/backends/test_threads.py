"""Telling takes a core, or several, without a word to the thread that trains."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.backends import threads
from storytime_tui.generation.backends.prepare import make_backend, precisions_of
from storytime_tui.generation.backends.threads import OtherPrograms, threads_for, using_threads
from storytime_tui.models import llama
from storytime_tui.models.causal_model import CausalModel
from storytime_tui.models.gpt2 import Shape
from storytime_tui.models.gpt2_files import empty_gpt2
from storytime_tui.models.own_files import empty_model

found = pytest.mark.skipif(threads._openmp() is None, reason="torch computes without OpenMP here")


@given(st.integers(1, 64), st.floats(0, 70), st.booleans())
def test_there_is_always_one_and_never_more_than_are_left(cores: int, busy: float, training: bool) -> None:
    chosen = threads_for(cores, busy, training)
    assert 1 <= chosen <= cores
    assert chosen == 1 or not training
    assert chosen <= max(1, round(cores - busy) + 1)


def test_beside_a_training_run_it_is_one() -> None:
    assert threads_for(2, 0.1) == 2
    assert threads_for(2, 1.9) == 1
    assert threads_for(8, 2.1) == 6
    assert threads_for(8, 0.0, training_here=True) == 1


@found
def test_a_block_has_its_own_number_and_leaves_none() -> None:
    before = torch.get_num_threads()
    with using_threads(3):
        assert torch.get_num_threads() == 3
        with pytest.raises(RuntimeError), using_threads(1):
            assert torch.get_num_threads() == 1
            raise RuntimeError
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before


@found
def test_no_other_thread_notices() -> None:
    """Neither one that computed before, nor one that begins while the block lasts: its sums keep their order."""
    said: list[object] = []
    began, changed = threading.Event(), threading.Event()

    def teach() -> None:
        before = torch.get_num_threads(), _digest()
        began.set()
        changed.wait(60)
        said.append((before, (torch.get_num_threads(), _digest())))

    old = threading.Thread(target=teach)
    old.start()
    began.wait(60)
    with using_threads(torch.get_num_threads() + 2):
        young = threading.Thread(target=teach)
        young.start()
        changed.set()
        old.join()
        young.join()
    usual = torch.get_num_threads(), _digest()
    assert said == [(usual, usual)] * 2


def _digest() -> str:
    """Of sums whose last bits depend on how they are split."""
    numbers = torch.linspace(-1, 1, 300_000).sin()
    wide = numbers[:98_304].view(96, 1024)
    found = [numbers.sum()[None], (wide @ wide.T).flatten(), wide.sum(0)]
    return hashlib.sha256(torch.cat(found).numpy().tobytes()).hexdigest()


def test_a_busy_neighbour_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    at = iter([(100.0, 50.0, 10.0), (100.01, 50.0, 10.0), (102.0, 54.0, 11.0)])
    monkeypatch.setattr(threads, "_cpu_seconds", lambda: next(at))
    others = OtherPrograms()
    assert others.busy() == 0.0  # too soon to say
    assert others.busy() == 1.5


def test_work_of_another_process_is_not_ones_own() -> None:
    """The clocks are read as they are meant: a child that only computes adds to what others use, not to ours."""
    _, all_before, own_before = threads._cpu_seconds()
    subprocess.run([sys.executable, "-c", "sum(range(6_000_000))"], check=True)
    _, all_after, own_after = threads._cpu_seconds()
    assert all_after - all_before > own_after - own_before


def gpt2() -> CausalModel:
    model = empty_gpt2(Shape(5000, 256, 192, 2, 6, 768), torch.device("cpu"), torch.float32, padded=False)
    model.fill(0)
    return model


def small_llama() -> CausalModel:
    shape = llama.Shape(5000, 256, 192, 2, 6, 2, 32, 512)
    model = empty_model(llama.Llama, shape, torch.device("cpu"), torch.float32, padded=False)
    model.fill(0)
    return model


@pytest.mark.parametrize("make", [gpt2, small_llama])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_what_is_read_does_not_depend_on_the_number_of_threads(
    precision: str, make: Callable[[], CausalModel]
) -> None:
    """The same seed tells the same story while a run learns, too: telling then has one thread."""
    model = make()
    if precision not in precisions_of(model):
        pytest.skip(f"this processor has no {precision}")
    backend = make_backend(model.eval(), precision)
    found = []
    for number in (1, 2, 3):
        with using_threads(number):
            cache = backend.new_cache()
            logits = [backend.read([i * 37 % 5000 for i in range(128)], cache)]
            logits += [backend.read([i * 7 % 5000], cache) for i in range(30)]
            logits.append(backend.read_rows([1, 2, 3], backend.share(cache, 3)))
            found.append(logits)
    for others in found[1:]:
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(found[0], others, strict=True))
