"""The starter as a base and as a teller, by a small stand-in: found by its name wherever a model is named."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from storytime_tui import cli, paths
from storytime_tui.errors import ModelError, RunError
from storytime_tui.generation.backends import precision
from storytime_tui.generation.backends.quantized_linear import kinds_of_int8
from storytime_tui.generation.pieces import Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs import estimates, generate, memory
from storytime_tui.jobs.bench.shapes import random_model
from storytime_tui.jobs.evaluate import evaluate_model
from storytime_tui.jobs.find_model import find_origin
from storytime_tui.jobs.judge_precision import judge_precision
from storytime_tui.jobs.train import learn, resume
from storytime_tui.models.catalogue import STARTER, STARTER_FOLDER, has_starter
from storytime_tui.models.voices import Voices, write_voices
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.defaults import SMALL_RATES
from storytime_tui.training.plan import TrainingPlan, read_plan
from tests.tiny import write_collection

REAL = STARTER_FOLDER  # before a test puts another in its place


def nothing(*_: Any) -> None:
    return None


def taught(tales: Path, run: str | None = None, **values: Any) -> str:
    """A short run from the starter; its name."""
    plan = TrainingPlan(
        base=STARTER, collections=(str(tales),), max_steps=2, evaluate_every=2, sample_every=0, **values
    )
    said = list(learn(plan, Control(), run))
    assert isinstance(said[-1], ev.Finished)
    return said[-1].run


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "tales")


def test_it_tells_and_is_measured_by_its_name(starter: Path, tales: Path) -> None:
    assert find_origin(STARTER, nothing).folder == starter
    said = list(generate.open_teller(STARTER).tell("The mouse", SamplerSettings(max_tokens=3)))
    assert isinstance(said[-1], Told)
    assert evaluate_model(STARTER, [str(tales)], nothing).validation_loss > 0
    assert generate.choices()[0].name == STARTER
    assert random_model(STARTER, torch.device("cpu")).shape.width == 64
    story = estimates.estimate([], STARTER)
    assert story.tokens == 0


def test_its_voices_stand_beside_its_weights(starter: Path) -> None:
    wished = SamplerSettings(max_tokens=3)
    assert find_origin(STARTER, nothing).voices == Voices()
    titles = ("Short stories", "Fairy tales", "Picture books", "Old novels")
    write_voices(starter, Voices(titles))
    assert find_origin(STARTER, nothing).voices == Voices(titles)
    teller = generate.open_teller(STARTER)
    assert teller.voices == titles
    lines = {title: teller.see("", voice=((title, 1.0),)).voice for title in titles}
    for voice, tokens in (
        (None, lines["Short stories"]),
        ((), 0),
        (((titles[1], 1.0),), lines["Fairy tales"]),
    ):
        told = list(teller.tell("The mouse", wished, voice=voice))[-1]
        assert isinstance(told, Told) and told.seen is not None and told.seen.voice == tokens
        assert teller.see("The mouse", voice=voice).voice == tokens
    assert min(lines.values()) > 3


def test_it_learns_a_small_shelf_with_the_rate_of_a_small_model(starter: Path, tales: Path) -> None:
    run = taught(tales)
    plan = read_plan(paths.runs_folder() / run / "plan.toml")
    assert (plan.base, plan.learning_rate, plan.dropout) == (STARTER, SMALL_RATES[0][1], 0.1)
    card = (paths.runs_folder() / run / "checkpoints" / "last" / "README.md").read_text()
    assert "starter, fine-tuned" in card and "base_model" not in card
    assert generate.choices()[0].name == run  # what was learned comes before the starter
    assert isinstance(list(resume(run, Control(), 1.0))[-1], ev.Finished)


def test_what_lora_learned_beside_it_finds_it_by_its_name(starter: Path, tales: Path) -> None:
    pytest.importorskip("peft")
    run = taught(tales, lora_rank=2)
    adapter = find_origin(run, nothing).adapter
    assert adapter is not None
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == STARTER
    assert find_origin(run, nothing).folder == starter


def test_no_run_takes_its_name_and_one_of_an_earlier_day_is_still_found(starter: Path, tales: Path) -> None:
    with pytest.raises(RunError, match="'starter', which is the name of a base"):
        taught(tales, STARTER)
    run = taught(tales)
    (paths.runs_folder() / run).rename(paths.runs_folder() / STARTER)
    assert find_origin(STARTER, nothing).folder == starter
    names = [choice.name for choice in generate.choices()]
    assert names[0] == "starter/best" and STARTER in names
    found = find_origin("starter/best", nothing).folder
    assert found is not None and found.name == "step-2"


def test_room_and_time_are_told_of_it(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from storytime_tui.corpus.collection import Story

    monkeypatch.setattr(memory, "likely_gpu", lambda: False)
    monkeypatch.setattr(estimates, "likely_gpu", lambda: False)
    stories = [Story("A tale", "And on they went. " * 4_000)]
    room = memory.room_for(stories, STARTER)
    assert room is not None and room.needed > 0
    seconds = estimates.estimate(stories, STARTER).seconds
    assert seconds is not None and seconds > 0
    assert 0.24 < estimates.estimate_tokens(1000, STARTER) / 1000 < 0.27


def test_tell_without_a_model_uses_it_where_nothing_is_trained(
    starter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["tell", "--prompt", "The mouse", "--max-tokens", "9", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["tokens"] >= 9  # an untrained model may be within a character then, which is ended


def test_without_it_the_sentence_says_what_to_begin_with(tales: Path) -> None:
    with pytest.raises(ModelError, match="use the base scratch-small"):
        taught(tales)
    with pytest.raises(ModelError, match="starter model is missing or incomplete"):
        generate.open_teller(STARTER)


@pytest.mark.skipif(not kinds_of_int8(), reason="this machine has no int8 arithmetic")
def test_it_brings_its_verdict_on_int8(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change = judge_precision(starter)
    assert precision.verdict_in(starter) == pytest.approx(change, abs=1e-6)
    monkeypatch.setattr(precision, "int8_change", lambda *_: pytest.fail("asked again"))
    teller = generate.open_teller(STARTER)
    assert (teller.precision == "int8") == (change < precision.MAX_CHANGE) or teller.device != "cpu"


def test_its_sums_are_checked_where_it_brings_them(starter: Path) -> None:
    from storytime_tui.training.sums import write_sums

    write_sums(starter)
    generate.open_teller(STARTER)
    shard = next(starter.glob("model-*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"\7")
    with pytest.raises(ModelError, match="damaged"):
        generate.open_teller(STARTER)


@pytest.mark.skipif(not (REAL / "config.json").is_file(), reason="the weights are not in this checkout")
def test_the_packages_own_starter_is_whole_small_and_tells(
    starter_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storytime_tui.models import catalogue

    monkeypatch.setattr(catalogue, "STARTER_FOLDER", REAL)
    assert has_starter()
    shards = [path.stat().st_size for path in REAL.glob("*.safetensors")]
    assert max(shards) < 16 * 2**20 and sum(shards) <= 30.5e6
    assert (REAL / "README.md").is_file() and len(list(REAL.glob("plan-*.toml"))) == 8
    monkeypatch.setattr(precision, "int8_change", lambda *_: 0.0)
    asked = SamplerSettings(max_tokens=60, seed=1)
    pieces = list(generate.open_teller(STARTER).tell("Once upon a time", asked))
    words = "".join(piece.text for piece in pieces[:-1] if not isinstance(piece, Told)).split()
    assert len(words) > 20 and len(set(words)) > 12
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(REAL)
    assert type(model).__name__ == "GPT2LMHeadModel"
    assert AutoTokenizer.from_pretrained(REAL)("Once upon a time")["input_ids"]
