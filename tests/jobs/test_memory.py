"""What learning would take of memory is told before anything is loaded, and what would fit where it is too much."""

import dataclasses
import re
from pathlib import Path

import psutil
import pytest
import torch

from storytime_tui.corpus.collection import Story
from storytime_tui.errors import PlanError
from storytime_tui.jobs import memory, train
from storytime_tui.models.catalogue import bases
from storytime_tui.models.footprint import size_of_gpt_neo, size_of_llama
from storytime_tui.models.shapes import LLAMA_CONFIGS, TINY_STORIES, TINY_STORIES_SHAPE
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan
from tests.tiny import write_collection


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "likely_gpu", lambda: False)


def stories(words: int = 40_000) -> list[Story]:
    return [Story("A long walk", "And on they went. " * (words // 4))]


def free(monkeypatch: pytest.MonkeyPatch, gigabytes: float) -> None:
    class Free:
        available = int(gigabytes * 1e9)

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Free)


def test_a_larger_base_takes_more(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 1000)
    bases = ("scratch-tiny", "scratch-small", "distilgpt2", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")
    rooms = [memory.room_for(stories(), base) for base in bases]
    assert all(room is not None and room.advice == "" for room in rooms)
    needed = [room.needed for room in rooms if room]
    assert needed == sorted(needed)
    # weights, gradients and both of Adam's moments in 32 bits, and no ten times of that
    assert 16 * 124e6 < needed[3] < 160 * 124e6


def test_the_bases_of_the_llama_family_are_as_large_as_the_catalogue_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free(monkeypatch, 1000)
    for name, config in LLAMA_CONFIGS.items():
        known = next(base for base in bases() if base.name == name)
        assert size_of_llama(config).parameters == known.parameters
        assert known.parameters * 2 < known.download < known.parameters * 2 + 50_000  # bf16, and a header
        room = memory.room_for(stories(), name)
        assert room is not None and room.needed > 16 * known.parameters


def test_the_page_on_models_says_what_each_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters, download and licence as in the catalogue; memory as estimated for windows of 256 tokens in bf16."""
    free(monkeypatch, 1000)
    page = Path(__file__).parents[2].joinpath(".github", "docs", "models.md").read_text(encoding="utf-8")
    row = r"^\| `(.+?)` \| ([\d,]+) M \| ([\d.]+) GB \| (.+?) \| ([\d.]+) GB \| ([\d.]+) GB \| .+ \|$"
    rows = {name: figures for name, *figures in re.findall(row, page, re.M)}
    fetched = [base for base in bases() if base.download]
    assert set(rows) == {base.name for base in fetched}
    for base in fetched:
        parameters, download, licence, *memories = rows[base.name]
        assert parameters == f"{base.parameters / 1e6:,.0f}"
        assert download == f"{base.download / 1e9:.1f}"
        assert licence == base.licence
        for said, rank in zip(memories, (0, 16), strict=True):
            plan = TrainingPlan(base=base.name, block_size=256, precision="bf16", lora_rank=rank)
            room = memory.room_for(stories(), base.name, plan)
            assert room is not None and float(said) == pytest.approx(room.needed / 1e9, abs=0.051), base.name


def test_tinystories_is_as_large_as_transformers_makes_it() -> None:
    from transformers import GPTNeoConfig, GPTNeoForCausalLM

    shape = TINY_STORIES_SHAPE
    config = GPTNeoConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.width, num_heads=shape.heads, num_layers=shape.layers,
        max_position_embeddings=shape.window, attention_types=[[["global", "local"], 2]],
    )  # fmt: skip
    with torch.device("meta"):
        built = sum(each.numel() for each in GPTNeoForCausalLM(config).parameters())
    known = next(base for base in bases() if base.name == TINY_STORIES)
    assert built == size_of_gpt_neo(shape).parameters == known.parameters


def test_a_shape_named_by_its_size_takes_as_much_as_the_one_of_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free(monkeypatch, 1000)
    named, listed = (memory.room_for(stories(), base) for base in ("scratch-6x384", "scratch-small"))
    assert named is not None
    assert named == listed


@pytest.mark.parametrize(
    ("gigabytes", "advice"),
    [
        (200, ""),
        (11, "it will read one window at a time"),
        (6, "set lora_rank=16"),
        (0.7, "choose a smaller base"),
    ],
)
def test_what_fits_is_said(monkeypatch: pytest.MonkeyPatch, gigabytes: float, advice: str) -> None:
    free(monkeypatch, gigabytes)
    room = memory.room_for(stories(), "gpt2-medium", TrainingPlan(base="gpt2-medium", precision="fp32"))
    assert room is not None
    assert room.advice.startswith(advice) if advice else room.advice == ""
    assert (room.needed <= room.available) == (advice == "")


def test_where_nothing_is_known_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 16)
    assert memory.room_for([], "gpt2") is None
    assert memory.room_for(stories(), "somebody/some-model") is None
    monkeypatch.setattr(memory, "likely_gpu", lambda: True)
    assert memory.room_for(stories(), "gpt2") is None


def test_a_batch_that_does_not_fit_names_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 16)
    plan = TrainingPlan(base="gpt2", precision="fp32", batch_size=1_000_000)
    room = memory.room_for(stories(), "gpt2", plan)
    assert room is not None and room.needed > 1e12
    number = re.fullmatch(r"set batch_size=(\d+)", room.advice)
    assert number is not None
    batch = int(number[1])
    assert 1 < batch < 1000
    rooms = [
        memory.room_for(stories(), "gpt2", dataclasses.replace(plan, batch_size=size))
        for size in (batch, batch + 1)
    ]
    assert [room is not None and room.needed <= room.available for room in rooms] == [True, False]


@pytest.mark.parametrize("checkpointing", ["auto", "off"])
def test_a_run_with_such_a_batch_is_refused_before_torch_is_loaded(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpointing: str
) -> None:
    tales = write_collection(tmp_path / "tales")
    monkeypatch.setattr(train, "_build", lambda *_: pytest.fail("the model was built"))
    free(monkeypatch, 4)
    plan = TrainingPlan(
        base="scratch-tiny",
        collections=(str(tales),),
        batch_size=1_000_000,
        block_size=16,
        checkpointing=checkpointing,
    )
    with pytest.raises(PlanError, match=r"batch_size=1000000 needs .* GB .* set batch_size=\d+ or less"):
        list(train.learn(plan, Control()))
    assert not (home / "runs").exists()
