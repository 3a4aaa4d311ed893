"""Plans of earlier runs and of files, for a new run; a plan saved to a file."""

from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.errors import PlanError
from storytime_tui.jobs.past_plans import past_plan, save_plan
from storytime_tui.training.plan import TrainingPlan, write_plan


def test_the_plan_of_a_run_comes_without_what_is_that_runs_own() -> None:
    plan = TrainingPlan(
        collections=("hedgerow-tales", "gone"), epochs=2.0, voices=("Hedgerow Tales",), extended_at=(9,)
    )
    write_plan(plan, paths.runs_folder() / "mine" / "plan.toml")
    for source in (
        "mine",
        str(paths.runs_folder() / "mine"),
        str(paths.runs_folder() / "mine" / "plan.toml"),
    ):
        found = past_plan(source)
        assert (found.plan.voices, found.plan.extended_at, found.plan.epochs) == ((), (), 2.0)
        assert found.missing == ("gone",)


def test_collections_named_by_title_or_path_are_not_missing(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    write_plan(TrainingPlan(collections=("Hedgerow Tales", str(tmp_path), "/nowhere/at/all")), file)
    assert past_plan(str(file)).missing == ("/nowhere/at/all",)


@pytest.mark.parametrize(
    ("source", "says"), [("nobody", "neither a file nor a run"), ("~nosuchuser/x", "nosuchuser")]
)
def test_what_is_not_there_is_one_sentence(source: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        past_plan(source)


def test_a_saved_plan_reads_back_the_same_and_replaces_no_file(tmp_path: Path) -> None:
    plan = TrainingPlan(collections=("hedgerow-tales",), learning_rate=3e-4)
    saved = save_plan(plan, str(tmp_path / "mine"))
    assert saved == tmp_path / "mine.toml"
    assert past_plan(str(saved)).plan == plan
    with pytest.raises(PlanError, match="exists"):
        save_plan(plan, str(saved))
    (tmp_path / "file").write_text("")
    with pytest.raises(PlanError, match="did not finish"):
        save_plan(plan, str(tmp_path / "file" / "mine"))
