"""What the benchmarks of the program measure: the shapes of bases, with random weights, without a download."""

import json

import pytest

from storytime_tui.cli import main
from storytime_tui.jobs.bench.shapes import bases
from storytime_tui.models import catalogue, llama_files, own_files
from storytime_tui.models.llama import Llama
from storytime_tui.models.shapes import LLAMA_CONFIGS
from tests.models.small_llamas import CONFIGS

SMALL = "somebody/small-llama"


@pytest.fixture(params=["scratch-tiny", SMALL])
def base(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    small = {**CONFIGS["smollm2"].to_dict(), "vocab_size": 70_000, "max_position_embeddings": 3000}
    monkeypatch.setitem(LLAMA_CONFIGS, SMALL, small)
    return str(request.param)


def test_telling_is_measured_in_each_precision(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "tell", "--base", base, "--tokens", "4", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["base"] == base
    assert figures["fp32_tokens_per_second"] > 0 and figures["eight_at_once"] > 0
    assert figures["long_prompt_tokens"] == {"scratch-tiny": 256 * 9 // 10, SMALL: 2048}[base]


def test_training_is_measured(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "train", "--base", base, "--steps", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["base"] == base and figures["tokens_per_second"] > 0


def test_the_bases_of_the_llama_family_can_be_chosen_and_have_their_size() -> None:
    known = {each.name: each.parameters for each in catalogue.bases()}
    assert set(LLAMA_CONFIGS) <= set(bases())
    for name, config in LLAMA_CONFIGS.items():
        model = own_files.on_meta(Llama, llama_files.shape_of(config, None))
        assert sum(parameter.numel() for parameter in model.parameters()) == known[name]
