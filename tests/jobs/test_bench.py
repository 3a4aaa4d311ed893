"""What the benchmarks of the program measure: the shapes of bases, with random weights, without a download."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from storytime_tui.cli import main
from storytime_tui.generation.backends.own_model import OwnBackend
from storytime_tui.jobs.bench import tell
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


def test_the_rows_have_units_and_the_help_explains_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "tell", "--base", "scratch-tiny", "--tokens", "4"]) == 0
    labels = [line[:-16].rstrip() for line in capsys.readouterr().out.splitlines()]
    assert labels[:3] == ["base", "device", "fp32, tokens/s"]
    assert labels[-6:] == [
        "long prompt, tokens",
        "reading the long prompt, s",
        "10 more tokens behind 220, s",
        "8 stories at once, times one story's tokens/s",
        "threads",
        "torch",
    ]
    with pytest.raises(SystemExit) as ended:
        main(["bench", "tell", "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(
        f"\n  {row}  " in told for row in ("long prompt", "reading", "10 more tokens", "8 stories at once")
    )


def test_a_short_pass_is_measured_three_times_and_a_long_one_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = iter([(2.4, 1.0), (0.3, 3.0), (0.4, 2.0)])
    assert tell.median_of_passes(lambda: next(passes)) == (0.4, 2.0)
    monkeypatch.setattr(time, "perf_counter", iter((0.0, 10.5)).__next__)
    passes = iter([(10.5,)])
    assert tell.median_of_passes(lambda: next(passes)) == (10.5,)


def test_each_measurement_is_warmed_up_with_a_few_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    median, read, rows = tell.median_of_passes, OwnBackend.read, OwnBackend.read_rows

    def measured(measure: Callable[[], tuple[float, ...]]) -> tuple[float, ...]:
        events.append("measured")
        return median(measure)

    def read_noted(self: Any, ids: Sequence[int], cache: Any) -> Any:
        events.append(f"{len(ids)}")
        return read(self, ids, cache)

    def rows_noted(self: Any, ids: Sequence[int], cache: Any) -> Any:
        events.append(f"{len(ids)} rows")
        return rows(self, ids, cache)

    monkeypatch.setattr(tell, "median_of_passes", measured)
    monkeypatch.setattr(OwnBackend, "read", read_noted)
    monkeypatch.setattr(OwnBackend, "read_rows", rows_noted)
    tell.measure_telling("scratch-tiny", 20, lambda words: None)
    places = [place for place, event in enumerate(events) if event == "measured"]
    assert events[: places[0]] == ["64", *8 * ["1"]]  # a prompt, and eight tokens
    assert events[places[-2] - 2 : places[-2]] == ["8", "10"]
    assert events[places[-1] - 16 : places[-1]] == [*8 * ["1 rows"], *8 * ["8 rows"]]


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
