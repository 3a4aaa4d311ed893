"""Where a model comes from."""

import re
from pathlib import Path
from typing import Any

import pytest

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.errors import ModelError, RunError
from storytime_tui.jobs.find_model import find_origin, lasting_name
from storytime_tui.models import hub
from storytime_tui.settings import change_settings, load_settings
from storytime_tui.training.plan import TrainingPlan, write_plan
from storytime_tui.training.removed import remove_runs
from tests.tiny import write_collection


def a_run(name: str) -> None:
    folder = paths.runs_folder() / name
    folder.mkdir(parents=True)
    write_plan(TrainingPlan(base="scratch-tiny"), folder / "plan.toml")


@pytest.fixture
def asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the Hub is asked for. It cannot be reached."""
    asked: list[str] = []

    def unreachable(name: str, *_: Any) -> Path:
        asked.append(name)
        raise ModelError("The Hub cannot be reached.")

    monkeypatch.setattr(hub, "fetch", unreachable)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    return asked


def find(name: str) -> None:
    find_origin(name, lambda words, done, total: None)


@pytest.mark.parametrize("name", ["hedgerow-tale-2", "hedgerow-tale-2/best", "hedgerow-tale-2/step-20"])
def test_a_slip_in_a_runs_name_is_said_before_the_hub_is_asked(asked: list[str], name: str) -> None:
    a_run("hedgerow-tales-2")
    meant = re.escape(name.replace("tale-2", "tales-2"))
    with pytest.raises(ModelError, match=rf"no run or base .*Did you mean {meant}\?"):
        find(name)
    assert asked == []


def test_a_removed_run_is_said_before_the_hub_is_asked(asked: list[str]) -> None:
    a_run("winter")
    remove_runs(["winter"])
    with pytest.raises(RunError, match="`storytime-tui runs restore winter` brings it back"):
        find("winter")
    assert asked == []


@pytest.mark.parametrize(
    ("name", "hint"), [("distilgtp2", r"Did you mean distilgpt2\?"), ("zzzz", "`storytime-tui runs list`")]
)
def test_one_word_that_is_no_model_is_said_before_the_hub_is_asked(
    asked: list[str], name: str, hint: str
) -> None:
    a_run("hedgerow-tales-2")
    with pytest.raises(ModelError, match=f"There is no run, base or folder '{name}'. {hint}.* owner/model"):
        find(name)
    assert asked == []


@pytest.mark.parametrize(
    "name", ["gpt2", "distilgpt2", "gpt2-xl", "openai-gpt", "openai/something-else", "hedgerow/tales"]
)
def test_what_may_be_on_the_hub_is_asked_for(asked: list[str], name: str) -> None:
    a_run("gpt2-x")
    a_run("openai-gp")
    with pytest.raises(ModelError):
        find(name)
    assert asked == [name]


def test_a_base_is_also_known_by_its_name_in_the_lists(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, whole = "SmolLM2-135M", "HuggingFaceTB/SmolLM2-135M"
    write_collection(tmp_path / "tales")
    for words in (
        ["tell", "--model", short, "--prompt", "An owl"],
        ["evaluate", "--model", short, "--corpus", str(tmp_path / "tales")],
        ["explain", "--model", short, "--text", "An owl"],
        ["runs", "export", short, "--to", str(tmp_path / "out")],
        ["train", "--base", short, "--corpus", str(tmp_path / "tales")],
        ["train", "--find-rate", "--base", short, "--corpus", str(tmp_path / "tales")],
    ):
        asked.clear()
        assert main(words) == 1
        assert asked == [whole], words
    asked.clear()
    assert lasting_name(short) == whole
    change_settings({"base": short})
    assert load_settings().settings.base == whole
    monkeypatch.chdir(tmp_path)
    (tmp_path / short).mkdir()  # as one called gpt2 does not hide the Hub's
    assert lasting_name(short) == whole
    (tmp_path / short / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=rf"^{short} has no tokenizer"):
        find(short)
    (tmp_path / short / "config.json").unlink()
    a_run(short)
    with pytest.raises(ModelError, match=f"The run '{short}' has no checkpoint yet"):
        find(short)
    assert asked == [] and lasting_name(short) == short


def test_a_mirror_may_have_models_of_one_word(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    with pytest.raises(ModelError, match=r"cannot be reached\.$"):
        find("zzzz")
    assert asked == ["zzzz"]


def test_a_slip_in_the_part_before_a_slash_is_not_only_the_hubs_to_explain(asked: list[str]) -> None:
    a_run("hedgerow-tales-2")
    with pytest.raises(ModelError, match=r"cannot be reached\. Or did you mean the run hedgerow-tales-2\?"):
        find("hedgerow-tale-2/tale")
    with pytest.raises(ModelError, match=r"cannot be reached\.$"):
        find("openai/something-else")
